//! One simulated site: a folder, a board, a camera's directory, and the real agent in a simulated world.

mod board;
pub mod home;

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;
use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::config::Config;
use weir::gate::{self, Gate, LocalGate};
use weir::retain::Meter;
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World};

pub use board::Board;
use home::{Home, Premises, SetUpError};

use crate::course::Course;

/// What a site's agent reaches, for as long as the run lasts.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The way to the store.
    pub http: SharedHttpClient,
    /// Who may go up.
    pub gate: Admission,
    /// How full the disk is.
    pub disks: Meter,
}

/// Who lets a site into the pipeline.
#[derive(Debug, Clone)]
pub enum Admission {
    /// The gate of the process, which all sites share.
    Shared(LocalGate),
    /// Slots in a bucket: every start of an agent has a gate of its own, whose chances come from this seed.
    Slots {
        /// The run's.
        seed: u64,
    },
}

/// A site.
#[derive(Debug)]
pub struct Site {
    /// Its number, from 1.
    pub number: u32,
    /// Its folder.
    pub home: Home,
    /// Its board.
    pub board: Board,
    config: Config,
    surroundings: Surroundings,
    agent: Option<Agent>,
    starts: u64,
}

/// An agent that runs.
#[derive(Debug)]
struct Agent {
    inbox: Inbox,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), RunError>>,
}

impl Site {
    /// Sets site `number` up, switched off.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn set_up(
        number: u32,
        premises: &Premises,
        course: Course,
        surroundings: impl FnOnce(&Home, &Config) -> Surroundings,
    ) -> Result<Self, SetUpError> {
        let (home, config) = premises.settle(number)?;
        Ok(Self {
            number,
            board: Board::on(number, course),
            surroundings: surroundings(&home, &config),
            home,
            config,
            agent: None,
            starts: 0,
        })
    }

    /// Starts the agent.
    pub fn start(&mut self) {
        let inbox = Inbox::new();
        let world = World {
            http: self.surroundings.http.clone(),
            clock: self.board.clock(),
            eyes: Eyes::Announced,
            inbox: inbox.clone(),
            gate: self.gate(),
            disks: self.surroundings.disks.clone(),
            seer: None,
        };
        let stop = CancellationToken::new();
        let ended = tokio::spawn(weir::run(self.config.clone(), world, stop.clone()));
        self.starts += 1;
        self.agent = Some(Agent { inbox, stop, ended });
    }

    /// The gate of this start of the agent.
    fn gate(&self) -> Arc<dyn Gate> {
        match &self.surroundings.gate {
            Admission::Shared(gate) => Arc::new(gate.of_agent()),
            Admission::Slots { seed } => {
                let start = fastrand::Rng::with_seed(seed ^ u64::from(self.number) << 32)
                    .u64(..)
                    .wrapping_add(self.starts);
                let settings = gate::settings(&self.config, home::CONTROL_BUCKET, start);
                let http = self.surroundings.http.clone();
                Arc::new(gate::connect(
                    &self.config,
                    settings,
                    http,
                    self.board.clock(),
                ))
            }
        }
    }

    /// Whether its board has power.
    pub const fn is_on(&self) -> bool {
        self.agent.is_some()
    }

    /// Starts of its agent beyond the first.
    pub const fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }

    /// A power cut: the agent ends where it stands. What it had on disk stays.
    pub async fn cut_power(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.ended.abort();
            let _ = agent.ended.await;
        }
    }

    /// Power comes back, to a clock that shows `wall`.
    pub fn restore_power(&mut self, wall: DateTime<Utc>) {
        if self.agent.is_none() {
            self.board.boot(wall);
            self.start();
        }
    }

    /// The camera wrote `path`, and the kernel says so.
    pub fn announce(&self, path: &std::path::Path, cause: Cause) {
        if let Some(agent) = &self.agent {
            agent.inbox.announce(RootId(0), path, cause);
        }
    }

    /// Whether the agent has ended by itself, which it must not.
    pub fn has_failed(&self) -> bool {
        self.agent
            .as_ref()
            .is_some_and(|agent| agent.ended.is_finished())
    }

    /// Stops the agent, which drains first.
    ///
    /// # Errors
    /// What it ended with, in words.
    pub async fn stop(&mut self) -> Result<(), String> {
        let Some(agent) = self.agent.take() else {
            return Ok(());
        };
        agent.stop.cancel();
        match agent.ended.await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The state directory of its agent.
    pub fn state(&self) -> PathBuf {
        self.home.state()
    }
}
