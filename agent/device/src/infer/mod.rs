//! **infer**: what images show is found out on the device, and what follows from it.
//!
//! Whoever looks at pictures is another process ([`Worker`]): a picture that crashes a decoder, a model that takes all
//! memory, a look that never ends cost a result and nothing else. Promises:
//! - an accepted image is never lost, changed or kept back by this step, but for as long as its site's rules may decide
//!   on its order (`infer.wait`), and for a condition of `skip` that the operator wrote;
//! - what is found, what follows from it and the products are written down in one transaction: a kill at any moment
//!   leaves the image due, to be looked at again;
//! - a result is told of the bytes that were accepted, not of others that lie at their path since;
//! - a model that fails again and again is switched off for a while, and so is the whole step on a hot board; the
//!   images go on meanwhile;
//! - without work nothing wakes up, and the memory of the process goes back.
//!
//! The freshest image is looked at first; the backlog follows.

mod bounds;
mod findings;
mod follow;
mod means;
mod plan;
mod prepare;
mod products;
#[cfg(feature = "infer")]
mod server;
mod standing;
mod step;
mod temperature;
#[cfg(test)]
mod tests;
mod wish;
mod worker;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use weir_journey::infer::{Answer, Job};

use crate::config::Config;
pub(crate) use bounds::Bounds;
pub(crate) use means::{Means, Settings};
pub(crate) use plan::Plan;
#[cfg(feature = "infer")]
pub(crate) use server::serve;
pub(crate) use standing::{Standing, Troubled};
pub(crate) use step::Looker;
pub(crate) use temperature::Sensors;
pub(crate) use wish::Wish;
pub use worker::Worker;

/// Whoever looks at images as a configuration says: this program as another process; `None` where no site wants that.
pub(crate) fn seer(config: &Config) -> Option<Arc<dyn Seer>> {
    let infer = &config.infer;
    let wanted = config.sites.iter().any(|site| site.look.is_some());
    let bounds = Bounds::of(infer);
    // The running program itself, also while another version of it is being installed.
    let worker = || Worker::new("/proc/self/exe", bounds.arguments(), infer.deadline);
    wanted.then(|| Arc::new(worker()) as _)
}

/// Who looks at images.
#[async_trait::async_trait]
pub trait Seer: fmt::Debug + Send + Sync {
    /// Looks at one image. A look whose future is dropped is given up.
    ///
    /// # Errors
    /// When nobody answers any more; the next look begins anew.
    async fn look(&self, job: &Job) -> Result<Answer, Died>;

    /// There is nothing to look at for a while: what is kept in memory for the next look may go.
    async fn rest(&self);
}

/// Why a look ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum Died {
    /// There is no process to look.
    #[error("the process that looks at images cannot be started: {0}")]
    NotStarted(io::Error),
    /// It took too long, and was ended.
    #[error("the look took longer than infer.deadline, {} s", .0.as_secs())]
    Deadline(Duration),
    /// It ended by itself, or was ended by somebody.
    #[error("the process that looks at images ended ({how}){}", told(.last))]
    Ended {
        /// Its exit code or signal.
        how: String,
        /// The last of what it wrote about itself, in one line; may be empty.
        last: String,
    },
    /// What it said is no answer.
    #[error("the process that looks at images gave no answer but {0:?}")]
    Garbled(String),
}

fn told(last: &str) -> String {
    match last {
        "" => String::new(),
        last => format!(": {last}"),
    }
}
