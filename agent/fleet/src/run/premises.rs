//! The store of a run and where its sites live.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use weir_store::faults::Faults;
use weir_store::{ObjectCreated, Passage, Server, Stats, Store};

use super::RunError;
use super::outside::Outside;
use super::plan::{Plan, Target};
use crate::oracle::Object;
use crate::pipeline::twin::Results;
use crate::report::ClockKind;
use crate::site::home::{CONTROL_BUCKET, Premises, bucket, result_bucket};
use crate::weather::scenario::Gate;

/// The store of a run.
pub(super) struct Depot {
    embedded: Option<Store>,
    outside: Option<Outside>,
    client: SharedHttpClient,
    endpoint: String,
    _server: Option<Server>,
}

impl Depot {
    /// Opens the store and makes the buckets.
    pub(super) async fn open(plan: &Plan, start: SystemTime) -> Result<Self, RunError> {
        let depot = match &plan.target {
            Target::Embedded => Self::embedded(plan.time(), start).await?,
            Target::Endpoint(endpoint) => {
                let client = real_client()?;
                Self {
                    embedded: None,
                    outside: Some(Outside::at(endpoint, client.clone())?),
                    client,
                    endpoint: endpoint.clone(),
                    _server: None,
                }
            }
        };
        if plan.scenario.run.gate == Gate::S3 {
            depot.make_bucket(CONTROL_BUCKET).await?;
        }
        for number in plan.numbers() {
            for name in [bucket(number), result_bucket(number)] {
                depot.make_bucket(&name).await?;
            }
        }
        Ok(depot)
    }

    async fn embedded(time: ClockKind, start: SystemTime) -> Result<Self, RunError> {
        let clock = match time {
            ClockKind::Virtual => weir_store::Clock::tokio(start),
            ClockKind::Real => weir_store::Clock::system(),
        };
        let store = Store::memory()
            .discard_bodies(true)
            .clock(clock)
            .open()
            .map_err(|error| RunError::Store(error.to_string()))?;
        if time == ClockKind::Virtual {
            return Ok(Self {
                client: store.http_client(),
                embedded: Some(store),
                outside: None,
                endpoint: "http://127.0.0.1:1".into(),
                _server: None,
            });
        }
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(RunError::machine("cannot listen on loopback"))?;
        let server = store
            .serve(listener)
            .map_err(RunError::machine("cannot serve the store"))?;
        Ok(Self {
            client: real_client()?,
            endpoint: server.endpoint(),
            embedded: Some(store),
            outside: None,
            _server: Some(server),
        })
    }

    async fn make_bucket(&self, name: &str) -> Result<(), RunError> {
        if let Some(outside) = &self.outside {
            return outside.make_bucket(name).await;
        }
        let Some(store) = &self.embedded else {
            return Ok(());
        };
        store
            .create_bucket(name)
            .await
            .map_err(RunError::machine("cannot make a bucket"))
    }

    /// The way to it, before any weather.
    pub(super) fn client(&self) -> SharedHttpClient {
        self.client.clone()
    }

    /// Its script of faults, where it has one.
    pub(super) fn faults(&self) -> Option<Faults> {
        self.embedded.as_ref().map(|store| store.faults().clone())
    }

    /// What it stores from now on, where it tells.
    pub(super) fn events(&self) -> Option<UnboundedReceiver<ObjectCreated>> {
        let outside = self.outside.as_ref().map(Outside::events);
        outside.or_else(|| self.embedded.as_ref().map(Store::subscribe))
    }

    /// Who enters and leaves with an image, where it tells.
    pub(super) fn passages(&self) -> Option<UnboundedReceiver<Passage>> {
        self.embedded.as_ref().map(Store::watch)
    }

    /// Where it does not tell what it stores: looks, for ever.
    pub(super) fn watching(&self, plan: &Plan) -> Option<impl Future<Output = ()> + use<>> {
        let outside = self.outside.clone()?;
        Some(outside.watch(plan.numbers()))
    }

    /// Whether it tells who enters and leaves.
    pub(super) const fn is_watched(&self) -> bool {
        self.embedded.is_some()
    }

    /// Where the pipeline puts its results; no weather is on that side.
    pub(super) fn results(&self) -> Option<Arc<dyn Results>> {
        let (id, secret) = self.embedded.as_ref()?.credentials();
        let keys = Credentials::new(id, secret, None, None, "weir-fleet");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(keys)
            .region(Region::new("us-west-1"))
            .force_path_style(true)
            .endpoint_url(&self.endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(self.client.clone());
        Some(Arc::new(Writer(Client::from_conf(config.build()))))
    }

    /// Its counters.
    pub(super) fn stats(&self) -> Stats {
        self.gauge()()
    }

    /// What reads its counters.
    pub(super) fn gauge(&self) -> Arc<dyn Fn() -> Stats + Send + Sync> {
        let store = self.embedded.clone();
        Arc::new(move || store.as_ref().map(Store::stats).unwrap_or_default())
    }

    /// Every image of a site that it holds.
    pub(super) fn images_of(&self, site: u32) -> Vec<Object> {
        if let Some(outside) = &self.outside {
            return outside.objects_in(&bucket(site));
        }
        let Some(store) = &self.embedded else {
            return Vec::new();
        };
        let objects = store.objects_in(&bucket(site)).into_iter();
        objects
            .map(|object| Object {
                key: object.key,
                size: object.size,
                sha256: object.sha256,
                stored_at: DateTime::<Utc>::from(object.modified),
            })
            .collect()
    }
}

/// Puts results into the store.
struct Writer(Client);

#[async_trait::async_trait]
impl Results for Writer {
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &'static [u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let put = self.0.put_object().bucket(bucket).key(key);
        put.body(body.to_vec().into()).send().await?;
        Ok(())
    }
}

fn real_client() -> Result<SharedHttpClient, RunError> {
    weir::s3::https_client(None).map_err(|error| RunError::Store(error.to_string()))
}

/// Where the sites of a run live.
pub(super) fn of(plan: &Plan, depot: &Depot) -> Premises {
    let keys = depot.embedded.as_ref().map(|store| {
        let (id, secret) = store.credentials();
        (id.to_owned(), secret.to_owned())
    });
    Premises {
        folder: plan.work.clone(),
        endpoint: depot.endpoint.clone(),
        keys,
        device: plan.scenario.agents(),
    }
}
