//! The way from one site to the store: an HTTP client around another, whose state can be changed while it is used.
//!
//! It works on a paused clock, is repeatable for a seed, and counts what passes. Left alone it does nothing else, so
//! that it can be put around a client of real sockets too.
//!
//! | state | what a request meets |
//! |---|---|
//! | up | nothing |
//! | down, refused | fails at once; so does one that is under way |
//! | down, silent | nothing moves; it goes on when the link is back, if the client still waits. One that begins now fails after the client's connect timeout |
//! | shaped | latency each way, a rate for the bodies that all requests of the site share, and losses |

mod paced;
mod pipe;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::watch;
use tokio::time::Instant;

use paced::Paced;
use pipe::Pipe;

/// How a link that is down behaves. Both occur in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Down {
    /// Nothing answers and nothing refuses: packets vanish.
    Silent,
    /// Connections fail at once: no route.
    Refused,
}

/// How fast a link is and how much it loses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Time from site to store, and again from store to site.
    pub latency: Duration,
    /// At most this much more, each way, drawn anew each time.
    pub latency_jitter: Duration,
    /// Bytes a second of the bodies, each way, all requests together; `None` for no bound.
    pub bytes_per_second: Option<u64>,
    /// Chance from 0 to 1 that a request dies: half of them before they reach the store, half of them after, so that
    /// the store did what was asked and nobody hears of it.
    pub loss: f64,
}

impl Shape {
    /// Nothing slows it and nothing is lost.
    pub const CLEAR: Self = Self {
        latency: Duration::ZERO,
        latency_jitter: Duration::ZERO,
        bytes_per_second: None,
        loss: 0.0,
    };

    /// Two shapes at once: the slower of each, and both losses.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rate = self.bytes_per_second.into_iter();
        Self {
            latency: self.latency.max(other.latency),
            latency_jitter: self.latency_jitter.max(other.latency_jitter),
            bytes_per_second: rate.chain(other.bytes_per_second).min(),
            loss: 1.0 - (1.0 - self.loss) * (1.0 - other.loss),
        }
    }
}

/// What passed over a link since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that the site began.
    pub requests: u64,
    /// Requests of which it had no answer: broken off, lost, or given up by the client.
    pub unanswered: u64,
    /// Bytes of the bodies of requests that set out.
    pub bytes_up: u64,
    /// Bytes of the bodies of answers that arrived.
    pub bytes_down: u64,
    /// Time without a link.
    pub offline: Duration,
}

/// Why a request had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("the simulated link is down")]
    Down,
    #[error("the simulated link does not answer")]
    Silent,
    #[error("the simulated link lost the request")]
    LostRequest,
    #[error("the simulated link lost the answer")]
    LostAnswer,
}

impl From<Broken> for ConnectorError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Silent => Self::timeout(broken.into()),
            _ => Self::io(broken.into()),
        }
    }
}

/// A link; clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Link(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    way: watch::Sender<Way>,
    books: Mutex<Books>,
}

/// What a request under way has to hear of.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    down: Option<Down>,
    /// How often connections were broken.
    breaks: u64,
}

#[derive(Debug)]
struct Books {
    shape: Shape,
    rng: fastrand::Rng,
    traffic: Traffic,
    down_since: Option<Instant>,
    up_pipe: Pipe,
    down_pipe: Pipe,
}

impl Link {
    /// A link that is up and clear. What it draws depends on `seed` and the order of requests only.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner {
            way: watch::Sender::new(Way::default()),
            books: Mutex::new(Books {
                shape: Shape::CLEAR,
                rng: fastrand::Rng::with_seed(seed),
                traffic: Traffic::default(),
                down_since: None,
                up_pipe: Pipe::default(),
                down_pipe: Pipe::default(),
            }),
        }))
    }

    /// A client whose requests take this link, and then `inner`.
    pub fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Client {
            link: self.clone(),
            inner,
        })
    }

    /// Takes the link down. If refused, requests under way fail.
    pub fn down(&self, how: Down) {
        self.books().down_since.get_or_insert_with(Instant::now);
        self.0.way.send_modify(|way| {
            way.down = Some(how);
            way.breaks += u64::from(how == Down::Refused);
        });
    }

    /// The link is up again.
    pub fn up(&self) {
        let mut books = self.books();
        let offline = books
            .down_since
            .take()
            .map_or(Duration::ZERO, |since| since.elapsed());
        books.traffic.offline += offline;
        drop(books);
        self.0.way.send_modify(|way| way.down = None);
    }

    /// Changes how fast the link is, for requests and pieces of bodies from now on.
    pub fn shape(&self, shape: Shape) {
        self.books().shape = shape;
    }

    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.0.way.borrow().down.is_none()
    }

    /// What passed so far.
    pub fn traffic(&self) -> Traffic {
        let books = self.books();
        let now = books
            .down_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        Traffic {
            offline: books.traffic.offline + now,
            ..books.traffic
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a body of `bytes` keeps the way up, or down, busy; what others send comes first.
    fn reserve(&self, upwards: bool, bytes: u64) -> Instant {
        let books = &mut *self.books();
        let pipe = if upwards {
            &mut books.up_pipe
        } else {
            &mut books.down_pipe
        };
        pipe.reserve(Instant::now(), bytes, books.shape.bytes_per_second)
    }
}

/// What is drawn for one request.
#[derive(Debug, Clone, Copy)]
struct Luck {
    there: Duration,
    back: Duration,
    loss: Option<Broken>,
}

impl Books {
    /// Draws the same number of times whatever the shape is.
    fn luck(&mut self) -> Luck {
        let [there, back] = [self.rng.f64(), self.rng.f64()]
            .map(|part| self.shape.latency + self.shape.latency_jitter.mul_f64(part));
        let lost = self.rng.f64() < self.shape.loss;
        let how = if self.rng.bool() {
            Broken::LostRequest
        } else {
            Broken::LostAnswer
        };
        Luck {
            there,
            back,
            loss: lost.then_some(how),
        }
    }
}

#[derive(Debug)]
struct Client {
    link: Link,
    inner: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            link: self.link.clone(),
            inner: self.inner.http_connector(settings, components),
            connect_timeout: settings.connect_timeout(),
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug, Clone)]
struct Connector {
    link: Link,
    inner: SharedHttpConnector,
    connect_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { Box::pin(connector.carry(request)).await })
    }
}

/// A request that is under way; unanswered unless told otherwise, also when the client leaves.
struct Open {
    link: Link,
    answered: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.link.books().traffic.unanswered += u64::from(!self.answered);
    }
}

impl Connector {
    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.link.books().traffic.requests += 1;
        let mut open = Open {
            link: self.link.clone(),
            answered: false,
        };
        let way = self.link.0.way.subscribe();
        let breaks = way.borrow().breaks;
        self.connect(way.clone()).await?;
        let answer = tokio::select! {
            biased;
            () = broken(way.clone(), breaks) => Err(Broken::Down.into()),
            answer = while_heard(way.clone(), self.pass(request)) => answer,
        };
        open.answered = answer.is_ok();
        answer
    }

    /// Waits until something answers, for as long as the client would wait for a connection.
    async fn connect(&self, mut way: watch::Receiver<Way>) -> Result<(), Broken> {
        let answers = way.wait_for(|way| way.down != Some(Down::Silent));
        let heard = match self.connect_timeout {
            None => answers.await.map(|_| ()).ok(),
            Some(limit) => tokio::time::timeout(limit, answers).await.ok().map(|_| ()),
        };
        heard.ok_or(Broken::Silent)
    }

    /// Takes a request to the store and its answer back, on a link that works.
    async fn pass(&self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let luck = self.link.books().luck();
        rest(luck.there).await;
        if luck.loss == Some(Broken::LostRequest) {
            return Err(Broken::LostRequest.into());
        }
        self.link.books().traffic.bytes_up += request.body().content_length().unwrap_or(0);
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        *request.body_mut() = Paced::wrap(body, &self.link, true);
        let mut answer = self.inner.call(request).await?;
        if luck.loss == Some(Broken::LostAnswer) {
            return Err(Broken::LostAnswer.into());
        }
        rest(luck.back).await;
        self.link.books().traffic.bytes_down += answer.body().content_length().unwrap_or(0);
        let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
        *answer.body_mut() = Paced::wrap(body, &self.link, false);
        Ok(answer)
    }
}

/// Takes no turn of the scheduler where there is nothing to wait for.
async fn rest(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Ends when connections are broken, now or since `breaks` were counted.
async fn broken(mut way: watch::Receiver<Way>, breaks: u64) {
    let cut = way.wait_for(|way| way.down == Some(Down::Refused) || way.breaks != breaks);
    if cut.await.is_err() {
        // The link is gone, so nobody can break it.
        std::future::pending::<()>().await;
    }
}

/// Runs `work` but while the link is silent.
async fn while_heard<T>(mut way: watch::Receiver<Way>, work: impl Future<Output = T>) -> T {
    let silent = |way: &Way| way.down == Some(Down::Silent);
    let mut work = pin!(work);
    loop {
        // Both fail only when nobody can change the link any more.
        let _ = way.wait_for(|way| !silent(way)).await;
        tokio::select! {
            biased;
            Ok(_) = way.wait_for(silent) => {}
            done = &mut work => return done,
        }
    }
}

#[cfg(test)]
mod tests;
