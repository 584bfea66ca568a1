//! The embedded store behind a TCP port that stays the same while the store goes down and comes back.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use weir_store::{Builder, Server, Store};

use super::wait;

pub(crate) const ACCESS_KEY: &str = "AKIAWEIRTEST";
/// Searched for in everything that the agent writes.
pub(crate) const SECRET_KEY: &str = "this/secret+must-never-be-shown";

/// A store that listens.
pub(crate) struct S3 {
    store: Store,
    runtime: Runtime,
    address: SocketAddr,
    server: Mutex<Option<Server>>,
}

impl S3 {
    /// A store in memory, up.
    pub(crate) fn start() -> Self {
        Self::with(Store::memory())
    }

    /// Such a store.
    pub(crate) fn with(builder: Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let store = builder.credentials(ACCESS_KEY, SECRET_KEY).open().unwrap();
        let (address, server) = runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let server = store.serve(listener).unwrap();
            (server.address(), server)
        });
        Self {
            store,
            runtime,
            address,
            server: Mutex::new(Some(server)),
        }
    }

    /// The URL to reach it at.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a bucket.
    pub(crate) fn make(&self, bucket: &str) {
        self.runtime
            .block_on(self.store.create_bucket(bucket))
            .unwrap();
    }

    /// Goes down at once, in the middle of whatever it does: connections are refused from now on.
    pub(crate) fn down(&self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            self.runtime.block_on(server.abort());
        }
    }

    /// Comes back at the same address, with all that it held, where it is away.
    pub(crate) fn up(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_some() {
            return;
        }
        let listener = wait::find("the store's port is free again", || {
            self.runtime.block_on(TcpListener::bind(self.address)).ok()
        });
        *server = Some(
            self.runtime
                .block_on(async { self.store.serve(listener) })
                .unwrap(),
        );
    }
}

impl Deref for S3 {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
