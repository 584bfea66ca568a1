//! The outside world, as an argument of [`run`](crate::run): the device, the simulator and the tests call the
//! same function with another one.

use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;

use crate::clock::Clock;
use crate::gate::{Gate, Limits, LocalGate};
use crate::retain::Meter;
use crate::watch::{Eyes, Inbox};
use crate::{config, s3};

/// Why the real world cannot be reached as configured.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The way to the store.
    #[error(transparent)]
    Store(#[from] s3::StoreError),
    /// Devices cannot share places with this version.
    #[error("pipeline.gate = \"s3\": this version counts sites within a process only")]
    NoSuchGate,
}

/// Everything that the agent reaches outside of itself.
#[derive(Debug, Clone)]
pub struct World {
    /// The way to the store.
    pub http: SharedHttpClient,
    /// The time.
    pub clock: Clock,
    /// Who announces files.
    pub eyes: Eyes,
    /// Where files are announced.
    pub inbox: Inbox,
    /// Who may go up.
    pub gate: Arc<dyn Gate>,
    /// How full the disks are.
    pub disks: Meter,
}

impl World {
    /// The real one, for a configuration.
    ///
    /// # Errors
    /// When `store.tls_ca_file` cannot be used, or the gate is one that this version does not have.
    pub fn real(config: &config::Config) -> Result<Self, WorldError> {
        if config.pipeline.gate == config::Gatekeeper::S3 {
            return Err(WorldError::NoSuchGate);
        }
        Ok(Self {
            http: s3::https_client(config.store.tls_ca_file.as_ref())?,
            clock: Clock::system(),
            eyes: Eyes::Inotify,
            inbox: Inbox::new(),
            gate: Arc::new(LocalGate::new(Limits::of(config)).of_agent()),
            disks: Meter::system(),
        })
    }
}
