//! Clients for the tests, over both entrances.

#![allow(dead_code, unreachable_pub, missing_docs)]

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use weir_store::{Server, Store};

pub const BUCKET: &str = "site1-image";

/// A client's configuration without retries: a test sees every answer.
pub fn config(store: &Store) -> aws_sdk_s3::config::Builder {
    let (access, secret) = store.credentials();
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new(access, secret, None, None, "test"))
        .region(Region::new("us-west-1"))
        .force_path_style(true)
        .endpoint_url("http://store.invalid")
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// A client in process.
pub fn client(store: &Store) -> Client {
    Client::from_conf(config(store).http_client(store.http_client()).build())
}

/// A client over TCP.
pub fn tcp_client(store: &Store, server: &Server) -> Client {
    Client::from_conf(
        config(store)
            .endpoint_url(server.endpoint())
            .http_client(sockets())
            .build(),
    )
}

/// The SDK's HTTP client over plain sockets.
pub fn sockets() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// A store in memory with [`BUCKET`].
pub async fn store() -> Store {
    let store = Store::memory().open().unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    store
}

/// `store` on a free port of the loopback interface.
pub async fn serve(store: &Store) -> Server {
    store
        .serve(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap())
        .unwrap()
}

pub fn body(bytes: impl AsRef<[u8]>) -> ByteStream {
    ByteStream::from(bytes.as_ref().to_vec())
}

/// Status and code of an error that the store answered.
pub fn refusal<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> (u16, String) {
    let status = error
        .raw_response()
        .map_or(0, |answer| answer.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(|error| error.code())
        .unwrap_or("");
    (status, code.to_owned())
}

/// Runs the same test in process and over TCP, each with a fresh store.
#[macro_export]
macro_rules! over_both_entrances {
    ($($name:ident;)*) => {
        mod in_process {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                let store = $crate::support::store().await;
                super::$name(store.clone(), $crate::support::client(&store)).await;
            })*
        }
        mod over_tcp {
            $(#[tokio::test]
            async fn $name() {
                let store = $crate::support::store().await;
                let server = $crate::support::serve(&store).await;
                super::$name(store.clone(), $crate::support::tcp_client(&store, &server)).await;
            })*
        }
    };
}
