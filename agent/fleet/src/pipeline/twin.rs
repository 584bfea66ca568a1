//! The pipeline at work: objects come in, time passes, results go out. On tokio's clock, real or paused.
//!
//! [`Twin::run`] reads the store's events, has each image of a site's bucket go through the [`Cloud`], and tells
//! everything that happens, at the moment it happens. With `results = true` the result object is written when an
//! execution has succeeded; that takes its own time and holds up nothing else. A write that fails is tried again, with
//! pauses, as long as the twin runs: a pipeline that worked must not look as if it had not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use weir_store::ObjectCreated;

use super::cloud::{Cloud, Event, Gauges, Happening, SiteGauges, Totals, What};
use super::names::result_key;
use crate::site::home::{result_bucket, site_of_bucket};

/// An 8x8 grey PNG: a result is there or not, nobody looks at it.
const RESULT: &[u8] = include_bytes!("result.png");
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Writes a result object.
#[async_trait::async_trait]
pub trait Results: Send + Sync + 'static {
    /// Puts `body` under `key` into `bucket`.
    ///
    /// # Errors
    /// The object was not stored; it is tried again.
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &'static [u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// What the twin tells of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// When, since the start of the run.
    pub at: Duration,
    /// Number of the site.
    pub site: u32,
    /// Key of the image in the bucket of its site.
    pub key: Arc<str>,
    /// What.
    pub what: Act,
}

/// What was done with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its event came.
    Received,
    /// Something of the cloud's.
    Cloud(What),
    /// Its result was written.
    Result,
}

/// The pipeline behind the buckets; clones are one pipeline.
#[derive(Debug, Clone)]
pub struct Twin {
    cloud: Arc<Mutex<Cloud>>,
    start: Instant,
}

impl Twin {
    /// A twin for which the run starts now.
    pub fn new(cloud: Cloud) -> Self {
        Self {
            cloud: Arc::new(Mutex::new(cloud)),
            start: Instant::now(),
        }
    }

    /// The state now.
    pub fn gauges(&self) -> Gauges {
        self.cloud().gauges(self.start.elapsed())
    }

    /// One site's share of the state now.
    pub fn site(&self, site: u32) -> SiteGauges {
        self.cloud().site(site)
    }

    /// What happened so far.
    pub fn totals(&self) -> Totals {
        self.cloud().totals()
    }

    /// Whether no event waits or runs. Results may still be on their way.
    pub fn is_idle(&self) -> bool {
        self.cloud().next().is_none()
    }

    /// Works until `stop`, or until the store is gone and nothing is left to do. `results` is where results go, if they
    /// are wanted; `tell` hears everything in the order in which it happens.
    pub async fn run(
        &self,
        mut objects: UnboundedReceiver<ObjectCreated>,
        results: Option<Arc<dyn Results>>,
        mut tell: impl FnMut(News),
        stop: CancellationToken,
    ) {
        let mut writes = JoinSet::new();
        let (mut images, mut open) = (Images::default(), true);
        loop {
            let next = self.cloud().next();
            if !open && next.is_none() && writes.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(Ok((site, key))) = writes.join_next() => {
                    tell(News { at: self.start.elapsed(), site, key, what: Act::Result });
                }
                object = objects.recv(), if open => match object {
                    Some(object) => self.receive(object, &mut images).into_iter().for_each(&mut tell),
                    None => open = false,
                },
                () = until(self.start, next) => {
                    let happened = self.cloud().advance(self.start.elapsed());
                    for news in happened.into_iter().filter_map(|what| images.news(what)) {
                        if let (Act::Cloud(What::Ended { ok: true, .. }), Some(results)) = (news.what, &results) {
                            writes.spawn(write(Arc::clone(results), news.site, Arc::clone(&news.key)));
                        }
                        tell(news);
                    }
                }
            }
        }
    }

    /// Takes an object, if it is an image of a site.
    fn receive(&self, object: ObjectCreated, images: &mut Images) -> Option<News> {
        let site = site_of_bucket(&object.bucket)?;
        let (at, key) = (self.start.elapsed(), Arc::<str>::from(object.key));
        let id = images.add(Arc::clone(&key));
        self.cloud().event(at, Event { id, site });
        Some(News {
            at,
            site,
            key,
            what: Act::Received,
        })
    }

    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The images whose events are not over.
#[derive(Debug, Default)]
struct Images {
    keys: BTreeMap<u64, Arc<str>>,
    last: u64,
}

impl Images {
    /// Gives an image the number of its event.
    fn add(&mut self, key: Arc<str>) -> u64 {
        self.last += 1;
        self.keys.insert(self.last, key);
        self.last
    }

    /// What happened, with the image's name; forgets an image with the last that happens to it.
    fn news(&mut self, happening: Happening) -> Option<News> {
        let key = match happening.what {
            What::Ended { ok: true, .. } | What::Dropped(_) => self.keys.remove(&happening.id),
            _ => self.keys.get(&happening.id).cloned(),
        };
        Some(News {
            at: happening.at,
            site: happening.site,
            key: key?,
            what: Act::Cloud(happening.what),
        })
    }
}

async fn until(start: Instant, next: Option<Duration>) {
    match next.and_then(|next| start.checked_add(next)) {
        Some(next) => sleep_until(next).await,
        None => std::future::pending().await,
    }
}

/// Writes a result, however often it takes.
async fn write(results: Arc<dyn Results>, site: u32, image: Arc<str>) -> (u32, Arc<str>) {
    let (bucket, key) = (result_bucket(site), result_key(&image));
    let mut pause = FIRST_PAUSE;
    while let Err(error) = results.put(&bucket, &key, RESULT).await {
        tracing::warn!(%bucket, %key, %error, "result not written, trying again");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    (site, image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::cloud::Why;
    use crate::pipeline::{Settings, Spread};
    use std::path::Path;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    fn object(bucket: &str, key: &str) -> ObjectCreated {
        ObjectCreated {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size: 1,
            sha256: String::new(),
            etag: String::new(),
            sequencer: String::new(),
            at: SystemTime::UNIX_EPOCH,
        }
    }

    fn twin(settings: &Settings) -> Twin {
        Twin::new(Cloud::new(settings.resolve(Path::new(".")).unwrap(), 1))
    }

    fn plain(service: u64) -> Settings {
        Settings {
            delivery: Spread::Constant(Duration::from_secs(1)),
            service: Spread::Constant(Duration::from_secs(service)),
            ..Settings::default()
        }
    }

    /// Runs a twin in the background; what it tells comes through the channel.
    fn start(
        twin: &Twin,
        results: Option<Arc<dyn Results>>,
        stop: &CancellationToken,
    ) -> (
        UnboundedSender<ObjectCreated>,
        UnboundedReceiver<News>,
        tokio::task::JoinHandle<()>,
    ) {
        let ((objects, inbox), (heard, news)) = (unbounded_channel(), unbounded_channel());
        let (twin, stop) = (twin.clone(), stop.clone());
        let run = tokio::spawn(async move {
            let tell = move |news| {
                let _ = heard.send(news);
            };
            twin.run(inbox, results, tell, stop).await;
        });
        (objects, news, run)
    }

    /// Fails as often as it is told to.
    struct Shaky {
        failures: AtomicU32,
        written: Mutex<Vec<(String, String)>>,
    }

    #[async_trait::async_trait]
    impl Results for Shaky {
        async fn put(
            &self,
            bucket: &str,
            key: &str,
            body: &'static [u8],
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            assert_eq!(&body[1..4], b"PNG");
            let left = self.failures.load(Ordering::Relaxed);
            if left > 0 {
                self.failures.store(left - 1, Ordering::Relaxed);
                return Err("away".into());
            }
            let mut written = self.written.lock().unwrap();
            written.push((bucket.to_owned(), key.to_owned()));
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_image_is_received_begun_ended_and_its_result_written_each_at_its_moment() {
        let results = Arc::new(Shaky {
            failures: AtomicU32::new(2),
            written: Mutex::default(),
        });
        let (twin, stop) = (twin(&plain(20)), CancellationToken::new());
        let (objects, mut news, run) = start(&twin, Some(Arc::clone(&results) as _), &stop);
        sleep(Duration::from_secs(100)).await;
        objects
            .send(object("site7-segmentedoutput", "not/an/image.png"))
            .unwrap();
        objects
            .send(object("site7-simulatedbucket", "2024/August/a.jpg"))
            .unwrap();
        sleep(Duration::from_secs(5)).await;
        assert_eq!(twin.gauges().executions, 1);
        assert!(!twin.is_idle());
        drop(objects);
        run.await.unwrap();
        let mut told = Vec::new();
        while let Some(news) = news.recv().await {
            assert_eq!((news.site, &*news.key), (7, "2024/August/a.jpg"));
            told.push((news.at.as_secs(), news.what));
        }
        let began = What::Began {
            cold: true,
            attempt: 1,
        };
        let ended = What::Ended {
            ok: true,
            took: Duration::from_secs(20),
        };
        assert_eq!(
            told,
            [
                (100, Act::Received),
                (101, Act::Cloud(began)),
                (121, Act::Cloud(ended)),
                // Two failures: pauses of 1 s and 2 s.
                (124, Act::Result)
            ]
        );
        let written = results.written.lock().unwrap().clone();
        let place = (
            "site7-segmentedoutput".to_owned(),
            "2024/August/a_segmented.png".to_owned(),
        );
        assert_eq!(written, [place]);
        assert!(twin.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn without_results_nothing_is_written_and_a_stop_stops() {
        let (twin, stop) = (twin(&plain(20)), CancellationToken::new());
        let (objects, mut news, run) = start(&twin, None, &stop);
        objects.send(object("site1-simulatedbucket", "k")).unwrap();
        sleep(Duration::from_secs(30)).await;
        stop.cancel();
        run.await.unwrap();
        let mut told = 0;
        while let Some(news) = news.recv().await {
            assert_ne!(news.what, Act::Result);
            told += 1;
        }
        assert_eq!(told, 3);
        assert_eq!(twin.totals().done, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_is_given_up_writes_no_result() {
        let results = Arc::new(Shaky {
            failures: AtomicU32::new(0),
            written: Mutex::default(),
        });
        let settings = Settings {
            error_rate: 1.0,
            retries: 0,
            ..plain(20)
        };
        let (twin, stop) = (twin(&settings), CancellationToken::new());
        let (objects, mut news, run) = start(&twin, Some(Arc::clone(&results) as _), &stop);
        objects.send(object("site1-simulatedbucket", "k")).unwrap();
        drop(objects);
        run.await.unwrap();
        let mut last = None;
        while let Some(news) = news.recv().await {
            last = Some(news.what);
        }
        assert_eq!(last, Some(Act::Cloud(What::Dropped(Why::Failures))));
        assert!(results.written.lock().unwrap().is_empty());
    }
}
