//! Who may go up now.
//!
//! The uploader asks a [`Gate`] before it claims an image, so that what goes up is the freshest image at the
//! moment of admission and not at the moment of asking. [`LocalGate`] keeps the limits of one process, for one
//! agent or for many; a gate that many devices share stands behind the same trait.
//!
//! A site is *in the pipeline* from its first permit until the last of its permits is given back: a permit
//! outlives its upload for as long as `pipeline.hold` says.

mod line;
mod local;
mod open;
pub mod s3;
#[cfg(test)]
mod tests;
mod validity;

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;
use weir_journey::identity::SiteName;

pub use local::{AgentGate, Limits, LocalGate};
pub use open::{connect, open, settings};
pub use s3::{ProbeError, S3Gate};
pub use validity::Validity;

/// Lets images of a site into the pipeline.
#[async_trait::async_trait]
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// A permit for one image of a site, or `None` when there is none now: then it is remembered as a wish, in
    /// order. Asking again while the wish stands neither loses nor improves its place.
    fn try_admit(&self, site: &SiteName) -> Option<Permit>;

    /// A permit for an image that was let in before the agent was started anew, and that the pipeline may still
    /// be at: granted even above a limit, because the image is where it is. It takes over what an agent that died
    /// left behind. A gate that keeps nothing of a dead agent gives one that stands for nothing.
    fn readmit(&self, _site: &SiteName) -> Permit {
        Permit::new(())
    }

    /// The site has nothing to send now: its wish is forgotten, so that it keeps nobody waiting.
    fn withdraw(&self, site: &SiteName);

    /// Returns when a wish of this gate's own agent may be granted; wakes nobody else's. A grant that came while
    /// nobody listened is told at once.
    async fn freed(&self);

    /// How things stand, as this gate's agent sees it.
    fn standing(&self) -> GateStanding {
        GateStanding::default()
    }

    /// Returns when the gate turns out to be one that cannot be: what it rests on is not there. Most gates never do.
    async fn refused(&self) -> ProbeError {
        std::future::pending().await
    }

    /// The agent ends, and all of its permits were dropped: what it holds elsewhere is given back.
    async fn close(&self) {}
}

/// How things stand at a gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateStanding {
    /// Sites in the pipeline, as far as this gate knows.
    pub sites: usize,
    /// How many may be.
    pub most_sites: usize,
    /// Permits kept after their upload.
    pub held: usize,
    /// The agent's sites that wait, the longest wait first.
    pub waiting: Vec<Waiting>,
}

/// A site that waits at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub site: SiteName,
    /// How long it has waited.
    pub since: Duration,
    /// It waits for an image of its own, rather than for others.
    pub for_its_own: bool,
}

/// Stands for one image on its way; dropping it frees the place, at once or when it was told to.
pub struct Permit(Box<dyn Held>);

/// What a permit stands for; its drop gives it back.
pub trait Held: Send + 'static {
    /// The upload is over and the image is in the pipeline: it no longer counts as an upload under way.
    fn stored(&mut self) {}

    /// Should it be dropped from now on (the agent may die), the place is kept so long.
    fn linger(&mut self, _linger: Linger) {}

    /// Until when it may be used.
    fn validity(&self) -> Validity {
        Validity::FOR_EVER
    }
}

/// How long a place is kept after its permit was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// Not at all.
    No,
    /// For a time from the drop on: nobody knows when the pipeline began, or whether it did.
    For(Duration),
    /// Until a moment.
    Until(Instant),
}

/// Something that knows nothing of holding.
struct Plain<T>(T);

impl<T: Send + 'static> Held for Plain<T> {}

impl Permit {
    /// A permit that gives back `held` when it is dropped, and at once.
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(Plain(held)))
    }

    /// A permit of a gate that tells uploads from images that are held after them.
    pub fn of(held: impl Held) -> Self {
        Self(Box::new(held))
    }

    /// The upload is over and the image is in the pipeline.
    pub fn stored(&mut self) {
        self.0.stored();
    }

    /// Until when it may be used: what is sent under it is broken off then.
    pub fn validity(&self) -> Validity {
        self.0.validity()
    }

    /// How long the place is kept should the permit be dropped from now on.
    pub fn linger(&mut self, linger: Linger) {
        self.0.linger(linger);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
