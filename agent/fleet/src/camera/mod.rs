//! The simulated camera of one site: when it takes pictures, what it writes, and what it does wrong.
//!
//! Pure: bytes and plans of writing come out, the engine does the writing. Promises:
//! - The same settings, seed and site give the same shots and the same bytes, in whatever order the sites are asked.
//! - Every picture that is [due](Take::due) is a whole JPEG whose EXIF block and name say what the camera's clock
//!   showed. No two pictures of a run are equal but where the camera repeats one ([`Take::same_as`]).
//! - Names are those of HydroCam, `image_capture_YYYY-MM-DD_HH-MM-SS.jpg`. A camera that has used a name already goes
//!   on in a new folder, as cameras do that count folders.

mod picture;
mod schedule;
mod seed;
mod settings;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

pub use schedule::{
    Daylight, NotASchedule, NotATrace, REFERENCE_STEPS, Rate, Schedule, Span, Trace,
};
pub use settings::{Kind, Settings};

use picture::{Identity, Shown};

/// The camera of one site.
pub struct Camera {
    settings: Settings,
    site: u32,
    seed: u64,
    start: DateTime<Utc>,
    moments: Box<dyn Iterator<Item = Duration> + Send>,
    shots: u64,
    /// How often each second was used for a name.
    names: HashMap<i64, u32>,
}

/// A picture that the camera takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shot {
    /// When, since the start of the run.
    pub at: Duration,
    /// Its number at this site, from 1.
    pub number: u64,
}

/// What a shot writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Path below the camera's folder; it may lie in a folder there.
    pub file: String,
    /// The bytes of the file in the end.
    pub bytes: Vec<u8>,
    /// How they get there.
    pub how: Manner,
    /// When the picture was taken.
    pub captured_at: DateTime<Utc>,
    /// What the camera's clock showed then.
    pub said: NaiveDateTime,
    /// Whether the agent must take the file: it is whole, stays, and no other has its bytes.
    pub due: bool,
    /// The number of the shot whose bytes these are, where the camera repeats one.
    pub same_as: Option<u64>,
    /// Files for a folder that nobody watches: what is true of the picture.
    pub beside: Vec<(String, Vec<u8>)>,
}

/// How a file gets to where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// Created, written and closed at the moment of the shot.
    AtOnce,
}

impl Camera {
    /// The camera of a site, numbered from 1, of a fleet of `sites`, in the run that starts at `start` and is `length`
    /// long.
    ///
    /// # Panics
    /// The schedule is a trace whose file was not read ([`Trace::read`]).
    pub fn new(
        settings: &Settings,
        site: u32,
        sites: u32,
        seed: u64,
        start: DateTime<Utc>,
        length: Duration,
    ) -> Self {
        let span = Span {
            site,
            sites,
            seed,
            start,
            length,
            zone: settings.zone,
        };
        Self {
            moments: settings.schedule.of_site(span),
            settings: settings.clone(),
            site,
            seed,
            start,
            shots: 0,
            names: HashMap::new(),
        }
    }

    /// The next shot, in order of time; `None` when there are no more in this run.
    #[expect(
        clippy::should_implement_trait,
        reason = "shots are asked for one at a time, between takes"
    )]
    pub fn next(&mut self) -> Option<Shot> {
        let at = self.moments.next()?;
        self.shots += 1;
        Some(Shot {
            at,
            number: self.shots,
        })
    }

    /// What a shot writes. To be asked once for each, in their order: a name that is used again is seen.
    pub fn take(&mut self, shot: &Shot) -> Take {
        let captured_at = self.start + shot.at;
        let local = self.settings.zone.at(captured_at);
        let said = local.naive_local();
        let shown = Shown {
            local: said,
            offset: self
                .settings
                .exif_offset
                .then(|| local.offset().to_string()),
        };
        Take {
            file: self.name(said),
            bytes: self.bytes(shot.number, &shown),
            how: Manner::AtOnce,
            captured_at,
            said,
            due: true,
            same_as: None,
            beside: Vec::new(),
        }
    }

    fn bytes(&self, shot: u64, shown: &Shown) -> Vec<u8> {
        let identity = Identity {
            seed: self.seed,
            site: self.site,
            shot,
        };
        let size = self.settings.size(self.seed, self.site, shot);
        picture::noise(identity, shown, size)
    }

    /// The path of a picture: in a folder of its own where the name is used already.
    fn name(&mut self, said: NaiveDateTime) -> String {
        let used = self.names.entry(said.and_utc().timestamp()).or_default();
        *used += 1;
        let name = said.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg");
        match *used {
            1 => name.to_string(),
            times => format!("folder{times}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
