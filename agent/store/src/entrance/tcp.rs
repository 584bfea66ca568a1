//! Over TCP: HTTP/1.1 with keep-alive and `Expect: 100-continue`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::front::Front;

/// Accepting fails when the process is out of file descriptors; others may free some meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running TCP entrance. Dropping it closes every connection at once, as a crash would.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Turns true to ask for a graceful end.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, for a client's endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more connections, lets running requests finish, and closes what is still open after `grace`.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(true);
        // The time may run out, which is what `grace` is for; dropping `self` then closes the rest.
        let _ = tokio::time::timeout(grace, &mut self.task).await;
    }

    /// Closes the listener and every connection at once, in the middle of whatever they do, and returns when they are
    /// closed.
    pub async fn abort(mut self) {
        self.task.abort();
        // An aborted task ends with an error that says so.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `front` on `listener` until the handle is stopped or dropped.
///
/// # Errors
/// When the address of the listener cannot be read.
pub(crate) fn serve(front: Front, listener: TcpListener) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept(front, listener, stopped));
    Ok(Server {
        address,
        stop,
        task,
    })
}

/// Owns every connection: when this future is dropped, so are they.
async fn accept(front: Front, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(front.clone(), stream, stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = told(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(front: Front, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's delay");
    }
    let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let front = front.clone();
        // An error makes hyper close the connection without an answer.
        async move { front.call(request.map(Body::from)).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = told(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Returns when a graceful end is wanted, or when there is no one left to want it.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
