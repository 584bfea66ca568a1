//! The SDK, set up so that nothing but this crate decides when to try again and how long to wait.

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    AppName, BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::credentials;
use super::server_time::{LearnTime, StoreTime};
use super::{StoreConfig, StoreError};

/// How long a `credential_process` may take: it often asks a server itself.
pub(super) const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle connections are kept this long: shorter than the minute or so after which NATs and stores drop them.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// An HTTP client with TLS: the system's certificate authorities, and those of `extra_authorities` (PEM).
///
/// # Errors
/// [`StoreError::Authorities`] when that file cannot be read or holds no certificate.
pub fn https_client(extra_authorities: Option<&PathBuf>) -> Result<SharedHttpClient, StoreError> {
    let mut trust = TrustStore::default();
    if let Some(path) = extra_authorities {
        let unusable = |why: String| StoreError::Authorities {
            path: path.clone(),
            why,
        };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        if memmem(&pem, b"-----BEGIN CERTIFICATE-----") {
            trust = trust.with_pem_certificate(pem);
        } else {
            return Err(unusable("no PEM certificate in it".into()));
        }
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| StoreError::Tls(error.to_string()))?;
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .pool_idle_timeout(IDLE_CONNECTION)
        .build_https())
}

fn memmem(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// The SDK's client over `http`, signing by `time`.
pub(super) fn sdk(config: &StoreConfig, http: SharedHttpClient, time: &StoreTime) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .build();
    let mut sdk = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials::provider(config, &http, time))
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(CREDENTIALS_TIMEOUT)
                .build(),
        )
        .http_client(http)
        .time_source(time.clone())
        .interceptor(LearnTime(time.clone()))
        // `LearnTime` does it, for the expiry of credentials as well; twice would be wrong.
        .disable_clock_skew_correction(true)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(config.path_style);
    if let Some(endpoint) = &config.endpoint {
        sdk = sdk.endpoint_url(endpoint);
    }
    if let Ok(name) = AppName::new("weir") {
        sdk = sdk.app_name(name);
    }
    Client::from_conf(sdk.build())
}
