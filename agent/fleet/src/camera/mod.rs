//! The simulated camera of one site: when it takes pictures, what it writes, and what it does wrong.
//!
//! Pure: bytes and plans of writing come out, the engine does the writing. Promises:
//! - The same settings, seed and site give the same shots and the same bytes, in whatever order the sites are asked.
//! - Every picture that is [due](Take::due) is a whole JPEG whose EXIF block and name say what the camera's clock
//!   showed. No two pictures of a run are equal but where the camera repeats one ([`Take::same_as`]).
//! - Names are those of HydroCam, `image_capture_YYYY-MM-DD_HH-MM-SS.jpg`. A camera that has used a name already goes
//!   on in a new folder, as cameras do that count folders; it overwrites only where [`Manner::Overwriting`] says so.

mod fault;
mod manner;
mod picture;
mod rendered;
pub mod scene;
mod schedule;
mod seed;
mod settings;

use std::collections::HashMap;
use std::iter::Peekable;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

pub use fault::{Fault, Faults, NotAShare, Share};
pub use manner::Manner;
pub use schedule::{
    Daylight, NotASchedule, NotATrace, REFERENCE_STEPS, Rate, Schedule, Span, Trace,
};
pub use settings::{Kind, Settings};

use fault::{ClockFault, Lasting};
use picture::{Identity, Shown};
use rendered::Truth;
use seed::{Purpose, stream};

type Moments = Box<dyn Iterator<Item = Duration> + Send>;

/// The camera of one site.
pub struct Camera {
    settings: Settings,
    site: u32,
    seed: u64,
    start: DateTime<Utc>,
    length: Duration,
    moments: Peekable<Moments>,
    /// Moments of the schedule so far, those of a silent camera too.
    marks: u64,
    lasting: Lasting,
    shots: u64,
    /// The second picture of a second, which is still to come.
    twin: Option<Shot>,
    /// How often each second was used for a name.
    names: HashMap<i64, u32>,
    /// The last picture that is due.
    last: Option<Shot>,
}

/// A picture that the camera takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shot {
    /// When, since the start of the run.
    pub at: Duration,
    /// Its number at this site, from 1.
    pub number: u64,
    /// What the camera does wrong.
    pub fault: Option<Fault>,
    clock: ClockFault,
    twin: Twin,
}

/// Whether a picture shares its name with another of the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twin {
    No,
    /// The second one overwrites it.
    Overwritten,
    /// Overwrites the first one, which has this number.
    Overwrites(u64),
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
    /// When the picture was taken; of a repeated one, when it was first.
    pub captured_at: DateTime<Utc>,
    /// What the camera's clock showed at the shot.
    pub said: NaiveDateTime,
    /// What the camera did wrong.
    pub fault: Option<Fault>,
    /// Whether the agent must take the file: it is whole, stays, and no other has its bytes. A file that is not due
    /// but whole may be taken.
    pub due: bool,
    /// The number of the shot whose bytes these are, where the camera repeats one.
    pub same_as: Option<u64>,
    /// Files for a folder that nobody watches: what is true of the picture.
    pub beside: Vec<(String, Vec<u8>)>,
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
            moments: settings.schedule.of_site(span).peekable(),
            settings: settings.clone(),
            site,
            seed,
            start,
            length,
            marks: 0,
            lasting: Lasting::default(),
            shots: 0,
            twin: None,
            names: HashMap::new(),
            last: None,
        }
    }

    /// The next shot, in order of time; `None` when there are no more in this run.
    #[expect(
        clippy::should_implement_trait,
        reason = "shots are asked for one at a time, between takes"
    )]
    pub fn next(&mut self) -> Option<Shot> {
        if let Some(twin) = self.twin.take() {
            return Some(twin);
        }
        let faults = &self.settings.faults;
        let (at, clock) = loop {
            let at = self.moments.next()?;
            self.marks += 1;
            let of = (self.seed, self.site, self.marks);
            if let Some(clock) = self.lasting.at(at, faults, of) {
                break (at, clock);
            }
        };
        self.shots += 1;
        let fault = faults.of_shot(self.seed, self.site, self.shots);
        let shot = Shot {
            at,
            number: self.shots,
            fault: fault.or(clock.fault()),
            clock,
            twin: Twin::No,
        };
        Some(match fault {
            Some(Fault::DuplicateName) => self.twins(shot),
            // There is nothing to repeat yet.
            Some(Fault::DuplicateBytes) if shot.number == 1 => Shot {
                fault: clock.fault(),
                ..shot
            },
            _ => shot,
        })
    }

    /// The first of two pictures of one second, if there is room for a second one; it is kept for the next call.
    fn twins(&mut self, mut first: Shot) -> Shot {
        let mut rng = stream(Purpose::Twin, self.seed, self.site, first.number);
        let left = 999 - first.at.subsec_millis();
        let at = first.at + Duration::from_millis(u64::from(left.min(400)));
        let next = self.moments.peek().copied().unwrap_or(self.length);
        if at == first.at || at >= self.length.min(next) {
            first.fault = first.clock.fault();
            return first;
        }
        self.shots += 1;
        let mut second = Shot {
            at,
            number: self.shots,
            ..first.clone()
        };
        if rng.bool() {
            first.twin = Twin::Overwritten;
            second.twin = Twin::Overwrites(first.number);
        } else {
            first.fault = first.clock.fault();
        }
        self.twin = Some(second);
        first
    }

    /// A shot beside the schedule at `at`, with nothing wrong about it.
    pub fn extra(&mut self, at: Duration) -> Shot {
        self.shots += 1;
        Shot {
            at,
            number: self.shots,
            fault: None,
            clock: ClockFault::default(),
            twin: Twin::No,
        }
    }

    /// What a shot writes. To be asked once for each, in their order: a name that is used again is seen.
    pub fn take(&mut self, shot: &Shot) -> Take {
        let repeated = self
            .last
            .clone()
            .filter(|_| shot.fault == Some(Fault::DuplicateBytes));
        let fault = match shot.fault {
            Some(Fault::DuplicateBytes) if repeated.is_none() => shot.clock.fault(),
            other => other,
        };
        let pictured = repeated.as_ref().unwrap_or(shot);
        let (mut bytes, beside) = self.bytes(pictured);
        let captured_at = self.start + pictured.at;
        self.spoil(&mut bytes, fault, shot.number);
        let said = self.said(shot);
        let file = self.name(said, shot.twin);
        let how = self.manner(&file, bytes.len(), fault, shot);
        let due = repeated.is_none()
            && shot.twin != Twin::Overwritten
            && !matches!(fault, Some(Fault::Truncated | Fault::Empty));
        if due {
            self.last = Some(shot.clone());
        }
        Take {
            bytes,
            how,
            captured_at,
            said,
            fault,
            due,
            same_as: repeated.map(|shot| shot.number),
            beside: beside
                .into_iter()
                .map(|truth| truth.beside(&file))
                .collect(),
            file,
        }
    }

    fn said(&self, shot: &Shot) -> NaiveDateTime {
        let right = self.settings.zone.at(self.start + shot.at).naive_local();
        shot.clock.shows(right)
    }

    /// The picture, and what is true of it: files without the part of their names that is the picture's.
    fn bytes(&self, shot: &Shot) -> (Vec<u8>, Vec<Truth>) {
        let identity = Identity {
            seed: self.seed,
            site: self.site,
            shot: shot.number,
        };
        let at = self.start + shot.at;
        let zone = self.settings.zone.at(at);
        let shown = Shown {
            local: self.said(shot),
            offset: self.settings.exif_offset.then(|| zone.offset().to_string()),
        };
        match self.settings.picture {
            Kind::Noise => {
                let size = self.settings.bytes(self.seed, self.site, shot.number);
                (picture::noise(identity, &shown, size), Vec::new())
            }
            Kind::Scene => rendered::picture(identity, &shown, zone, self.settings.size),
        }
    }

    /// Cuts what the camera does not write.
    fn spoil(&self, bytes: &mut Vec<u8>, fault: Option<Fault>, shot: u64) {
        match fault {
            Some(Fault::Empty) => bytes.clear(),
            Some(Fault::Truncated) => {
                let mut rng = stream(Purpose::Cut, self.seed, self.site, shot);
                bytes.truncate(rng.usize(1..bytes.len()));
            }
            _ => {}
        }
    }

    fn manner(&self, file: &str, bytes: usize, fault: Option<Fault>, shot: &Shot) -> Manner {
        match (fault, shot.twin) {
            (_, Twin::Overwrites(shot)) => Manner::Overwriting { shot },
            (Some(Fault::RenameIn), _) => Manner::RenamedIn {
                under: format!("{file}.tmp"),
            },
            (Some(Fault::SlowWrite), _) => {
                let of = (self.seed, self.site, shot.number);
                Manner::in_pieces(bytes, self.settings.faults.slow_write_for, of)
            }
            _ => Manner::AtOnce,
        }
    }

    /// The path of a picture: in a folder of its own where the name is used already.
    fn name(&mut self, said: NaiveDateTime, twin: Twin) -> String {
        let used = self.names.entry(said.and_utc().timestamp()).or_default();
        if !matches!(twin, Twin::Overwrites(_)) {
            *used += 1;
        }
        let name = said.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg");
        match *used {
            1 => name.to_string(),
            times => format!("folder{times}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
