//! The outside world, as an argument of [`run`](crate::run): the device, the simulator and the tests call the
//! same function with another one.

use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;

use crate::clock::Clock;
use crate::gate::{self, Gate};
use crate::infer::{self, Seer};
use crate::retain::Meter;
use crate::watch::{Eyes, Inbox};
use crate::{config, s3};

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
    /// Who looks at images; `None` where nobody does, whatever the configuration says.
    pub seer: Option<Arc<dyn Seer>>,
}

impl World {
    /// The real one, for a configuration.
    ///
    /// # Errors
    /// When `store.tls_ca_file` cannot be used.
    pub fn real(config: &config::Config) -> Result<Self, s3::StoreError> {
        let http = s3::https_client(config.store.tls_ca_file.as_ref())?;
        let clock = Clock::system();
        Ok(Self {
            gate: gate::open(config, http.clone(), clock.clone()),
            http,
            clock,
            eyes: Eyes::Inotify,
            inbox: Inbox::new(),
            disks: Meter::system(),
            seer: infer::seer(config),
        })
    }
}
