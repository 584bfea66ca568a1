//! Where the keys come from.
//!
//! Never asked: the instance metadata service. On a board in the field its address leads nowhere, and waiting
//! for it would delay every start. Keys that expire are fetched again by the SDK's cache in time; keys that do
//! not are read again every quarter of an hour, so that a corrected file or command is found.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_config::credential_process::CredentialProcessProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_s3::config::{Credentials, Region, SharedHttpClient};

use super::StoreConfig;
use super::server_time::StoreTime;
use crate::clock::Clock;
use crate::config::{self, key_file};

/// The provider that `config` names.
pub(super) fn provider(
    config: &StoreConfig,
    http: &SharedHttpClient,
    time: &StoreTime,
) -> SharedCredentialsProvider {
    let profile = || {
        let surroundings = ProviderConfig::default()
            .with_region(Some(Region::new(config.region.clone())))
            .with_http_client(http.clone())
            .with_time_source(time.clone());
        ProfileFileCredentialsProvider::builder().configure(&surroundings)
    };
    match &config.credentials {
        config::Credentials::File(path) => SharedCredentialsProvider::new(KeyFile(path.clone())),
        config::Credentials::Process(command) => {
            SharedCredentialsProvider::new(CredentialProcessProvider::new(command.clone()))
        }
        config::Credentials::Profile(name) => {
            SharedCredentialsProvider::new(profile().profile_name(name).build())
        }
        config::Credentials::Ambient => SharedCredentialsProvider::new(
            CredentialsProviderChain::first_try(
                "Environment",
                EnvironmentVariableCredentialsProvider::new(),
            )
            .or_else("Profile", profile().build()),
        ),
    }
}

/// What may be told of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFacts {
    /// When they stop to be valid; `None` where nobody said.
    pub expiry: Option<SystemTime>,
}

/// Why there are no keys, in one line without a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoKeys(String);

/// Has the source of keys that `config` names asked, once: for a check before anything is sent.
///
/// # Errors
/// [`NoKeys`], with the words of the source.
pub async fn find_keys(
    config: &StoreConfig,
    http: &SharedHttpClient,
    clock: Clock,
) -> Result<KeyFacts, NoKeys> {
    let provider = provider(config, http, &StoreTime::new(clock));
    match tokio::time::timeout(
        super::client::CREDENTIALS_TIMEOUT,
        provider.provide_credentials(),
    )
    .await
    {
        Ok(Ok(keys)) => Ok(KeyFacts {
            expiry: keys.expiry(),
        }),
        Ok(Err(error)) => Err(NoKeys(super::failure::chain(&error))),
        Err(_) => Err(NoKeys(format!(
            "nothing came within {} s",
            super::client::CREDENTIALS_TIMEOUT.as_secs()
        ))),
    }
}

/// Keys in a file of mode 0600, read whenever the cache wants them.
#[derive(Debug)]
struct KeyFile(PathBuf);

impl ProvideCredentials for KeyFile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let path = self.0.clone();
        future::ProvideCredentials::new(async move {
            crate::blocking::spawn(move || read(&path))
                .await
                .unwrap_or_else(|ended| Err(CredentialsError::unhandled(ended)))
        })
    }
}

fn read(path: &Path) -> provider::Result {
    let keys = key_file::read(path).map_err(|fault| match fault.remedy() {
        Some(remedy) => CredentialsError::invalid_configuration(format!("{fault}; {remedy}")),
        None => CredentialsError::invalid_configuration(fault),
    })?;
    Ok(Credentials::new(
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token,
        None,
        "KeyFile",
    ))
}
