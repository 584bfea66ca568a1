//! A store that is not ours: buckets made and read as any client does it, with the keys of the environment.
//!
//! Nobody tells what it stores, so its buckets are listed again and again, and every new object is read once, to the
//! last byte: its digest is worked out here and not believed. Who enters and leaves cannot be seen there.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use weir_store::ObjectCreated;

use super::RunError;
use super::station::hex;
use crate::oracle::Object;
use crate::site::home::bucket;

/// Between two listings of all buckets.
const PAUSE: Duration = Duration::from_millis(500);

/// Somebody else's store.
#[derive(Clone)]
pub(super) struct Outside {
    client: Client,
    region: String,
    listeners: Arc<Mutex<Vec<UnboundedSender<ObjectCreated>>>>,
    found: Arc<Mutex<Vec<(String, Object)>>>,
}

impl Outside {
    /// The store at `endpoint`; nothing is asked of it yet.
    ///
    /// # Errors
    /// The environment has no keys.
    pub(super) fn at(endpoint: &str, http: SharedHttpClient) -> Result<Self, RunError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let keys = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let Some((id, secret)) = keys else {
            let what =
                "--endpoint needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment";
            return Err(RunError::NoKeys(what));
        };
        let token = variable("AWS_SESSION_TOKEN");
        let region = variable("AWS_REGION").unwrap_or_else(|| "us-west-1".to_owned());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(id, secret, token, None, "environment"))
            .region(Region::new(region.clone()))
            .force_path_style(true)
            .endpoint_url(endpoint)
            .http_client(http);
        Ok(Self {
            client: Client::from_conf(config.build()),
            region,
            listeners: Arc::default(),
            found: Arc::default(),
        })
    }

    /// Makes a bucket, unless it is there.
    ///
    /// # Errors
    /// It cannot be made, or is not empty: what is in it would be taken for this run's.
    pub(super) async fn make_bucket(&self, name: &str) -> Result<(), RunError> {
        let place = (self.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.region.as_str()))
                .build()
        });
        let call = self.client.create_bucket().bucket(name);
        let made = call.set_create_bucket_configuration(place).send().await;
        if let Err(error) = made {
            let ours = matches!(
                error.code(),
                Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
            );
            if !ours {
                let why = words(&error);
                return Err(RunError::Store(format!(
                    "cannot make the bucket {name}: {why}"
                )));
            }
        }
        let first = self
            .client
            .list_objects_v2()
            .bucket(name)
            .max_keys(1)
            .send()
            .await;
        match first {
            Err(error) => {
                let why = words(&error);
                Err(RunError::Store(format!(
                    "cannot list the bucket {name}: {why}"
                )))
            }
            Ok(first) if !first.contents().is_empty() => Err(RunError::Store(format!(
                "the bucket {name} is not empty: a run needs buckets of its own"
            ))),
            Ok(_) => Ok(()),
        }
    }

    /// What is stored from now on, as it is found.
    pub(super) fn events(&self) -> UnboundedReceiver<ObjectCreated> {
        let (sender, receiver) = unbounded_channel();
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.push(sender);
        receiver
    }

    /// Looks at the buckets of these sites, for ever.
    pub(super) async fn watch(self, sites: RangeInclusive<u32>) {
        let mut seen = BTreeSet::new();
        loop {
            for site in sites.clone() {
                let name = bucket(site);
                if let Err(error) = self.look(&name, &mut seen).await {
                    tracing::warn!("cannot look into the bucket {name}: {error}");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(
        &self,
        bucket: &str,
        seen: &mut BTreeSet<(String, String)>,
    ) -> Result<(), String> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| words(&error))?;
            for listed in page.contents() {
                let Some(key) = listed.key() else { continue };
                let place = (bucket.to_owned(), key.to_owned());
                if seen.contains(&place) {
                    continue;
                }
                let at = listed
                    .last_modified()
                    .and_then(|at| SystemTime::try_from(*at).ok());
                self.read(bucket, key, at.unwrap_or_else(SystemTime::now))
                    .await?;
                seen.insert(place);
            }
        }
        Ok(())
    }

    async fn read(&self, bucket: &str, key: &str, at: SystemTime) -> Result<(), String> {
        let got = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await;
        let got = got.map_err(|error| words(&error))?;
        let etag = got.e_tag().unwrap_or_default().trim_matches('"').to_owned();
        let body = got
            .body
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        let body = body.into_bytes();
        let object = Object {
            key: key.to_owned(),
            size: body.len() as u64,
            sha256: hex(&body),
            stored_at: DateTime::<Utc>::from(at),
        };
        let event = ObjectCreated {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size: object.size,
            etag,
            sha256: object.sha256.clone(),
            sequencer: String::new(),
            at,
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push((bucket.to_owned(), object));
        drop(found);
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.send(event.clone()).is_ok());
        Ok(())
    }

    /// What was found in a bucket.
    pub(super) fn objects_in(&self, bucket: &str) -> Vec<Object> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let of_bucket = found.iter().filter(|(name, _)| name == bucket);
        of_bucket.map(|(_, object)| object.clone()).collect()
    }
}

/// An error of the SDK with its causes, in one line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some say what is inside of them themselves.
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
