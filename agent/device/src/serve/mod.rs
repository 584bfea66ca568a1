//! What the device tells whoever asks on loopback: `GET /health`, `/status` (JSON) and `/metrics`
//! (Prometheus text). Nothing can be changed through it.

mod looks;
mod metrics;
mod status;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use metrics::Vitals;
pub use status::{
    ClockStatus, ClockStepStatus, DirectoryStatus, DiskStatus, InferStatus, LinkStatus, OffStatus,
    PipelineStatus, SiteStatus, Status, WaitingStatus, WatchStatus,
};

/// More than this many connections at once wait: a scraper and a person need two.
const CONNECTIONS: usize = 16;

/// Whoever can tell how the agent stands.
#[async_trait::async_trait]
pub trait Standing: Send + Sync + 'static {
    /// The whole status, now.
    async fn status(&self) -> Status;
    /// The counters.
    fn vitals(&self) -> &Vitals;
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not this machine's own.
    #[error("daemon.listen = {0}: only loopback addresses (127.0.0.1, [::1]) are served")]
    NotLoopback(SocketAddr),
    /// The port is taken, or not ours to take.
    #[error("cannot listen on {address}: {source} (set daemon.listen to a free port, or to \"\")")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// Opens the listening socket.
///
/// # Errors
/// When the address is not loopback or cannot be bound.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

/// Answers until `stop` is cancelled.
pub async fn serve(listener: TcpListener, standing: Arc<dyn Standing>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        let stream = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors: the next try would fail at once, so let some close.
                    tracing::warn!("cannot take a connection: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let standing = Arc::clone(&standing);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&standing)));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("a client went away: {error}");
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    standing: Arc<dyn Standing>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(reply(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "only GET\n".into(),
        ));
    }
    Ok(match request.uri().path() {
        "/health" => {
            let status = standing.status().await;
            let code = if status.healthy() {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            let health =
                serde_json::json!({ "healthy": status.healthy(), "troubles": status.troubles });
            reply(code, "application/json", format!("{health}\n"))
        }
        "/status" => match serde_json::to_string_pretty(&standing.status().await) {
            Ok(text) => reply(StatusCode::OK, "application/json", text + "\n"),
            Err(error) => reply(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                error.to_string(),
            ),
        },
        "/metrics" => {
            let text = standing.vitals().text(&standing.status().await);
            reply(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                text,
            )
        }
        _ => reply(
            StatusCode::NOT_FOUND,
            "text/plain",
            "try /health, /status or /metrics\n".into(),
        ),
    })
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
