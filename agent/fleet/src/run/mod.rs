//! A run: sites, weather, store and pipeline set up, driven through their time, and judged.

mod backlog;
mod behind;
mod closing;
mod eyes;
mod fleet;
pub mod ledger;
mod outside;
pub mod plan;
mod premises;
mod sampler;
mod station;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use fleet::Fleet;
pub use plan::{Plan, Target};
pub use sampler::Progress;

use crate::report::{ClockKind, Run};
use crate::site::home::SetUpError;

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The sites could not be set up.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// The machine has not what is needed.
    #[error("{what}: {source}")]
    Machine {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The pipeline's settings.
    #[error(transparent)]
    Pipeline(#[from] crate::pipeline::SettingsError),
    /// The environment has no keys for a store that is not the embedded one.
    #[error("{0}")]
    NoKeys(&'static str),
    /// The store cannot be used.
    #[error("{0}")]
    Store(String),
}

impl RunError {
    pub(crate) fn machine(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Machine { what, source }
    }
}

/// Who hears how a run goes.
pub type Audience = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Makes a run. `stop` ends it early, with a report of what was done.
///
/// # Errors
/// [`RunError`]: nothing was run. What goes wrong in a run is in its verdict.
pub fn run(plan: &Plan, audience: Audience, stop: CancellationToken) -> Result<Run, RunError> {
    let mut runtime = match plan.time() {
        ClockKind::Virtual => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.start_paused(true);
            runtime
        }
        ClockKind::Real => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime
        .enable_all()
        .build()
        .map_err(RunError::machine("cannot start a runtime"))?;
    let _in_turn = (plan.time() == ClockKind::Virtual).then(weir::blocking::in_turn);
    fastrand::seed(plan.scenario.run.seed);
    runtime.block_on(async {
        let fleet = Fleet::set_up(plan).await?;
        fleet.run(audience, stop).await
    })
}
