//! A site with all that acts on it: its camera writes into its folder, the weather comes over it.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use weir::watch::Cause;

use super::ledger::{Ledger, Written};
use crate::camera::{Camera, Manner, Shot, Take};
use crate::course::Course;
use crate::site::Site;
use crate::weather::power::{Left, left_of};
use crate::weather::{BootClock, Link, Shape, SimulatedDisk, Step, What};

/// A site and the things around it; clones are handles to the same one.
#[derive(Debug, Clone)]
pub(super) struct Station {
    site: Arc<Mutex<Site>>,
    /// Its number, from 1.
    pub(super) number: u32,
    /// Its way to the store.
    pub(super) link: Link,
    /// The link in fair weather.
    fair: Shape,
    disk: SimulatedDisk,
    ledger: Ledger,
    announces: bool,
    course: Course,
    /// What its power cuts leave.
    dice: Arc<std::sync::Mutex<fastrand::Rng>>,
}

/// What is around a site.
#[derive(Debug)]
pub(super) struct Around {
    /// Its way to the store.
    pub(super) link: Link,
    /// How that is in fair weather.
    pub(super) fair: Shape,
    /// Its disk.
    pub(super) disk: SimulatedDisk,
    /// The books of the run.
    pub(super) ledger: Ledger,
    /// Whether its camera says what it wrote: the kernel does in real time.
    pub(super) announces: bool,
}

impl Station {
    /// Puts a site among its surroundings.
    pub(super) fn new(site: Site, around: Around, course: Course, seed: u64) -> Self {
        let number = site.number;
        let dice = fastrand::Rng::with_seed(seed ^ (u64::from(number) << 20));
        Self {
            site: Arc::new(Mutex::new(site)),
            number,
            link: around.link,
            fair: around.fair,
            disk: around.disk,
            ledger: around.ledger,
            announces: around.announces,
            course,
            dice: Arc::new(std::sync::Mutex::new(dice)),
        }
    }

    /// The site, when nobody else has it.
    pub(super) async fn site(&self) -> tokio::sync::MutexGuard<'_, Site> {
        self.site.lock().await
    }

    /// Takes pictures until the camera's schedule ends. At each of `extra` (since the start, in order) it takes
    /// one more.
    ///
    /// # Errors
    /// When a picture cannot be written for a reason that is not simulated.
    pub(super) async fn photograph(
        &self,
        mut camera: Camera,
        extra: Vec<Duration>,
    ) -> std::io::Result<()> {
        let mut extra = extra.into_iter().peekable();
        let mut scheduled = camera.next();
        loop {
            let at = match (&scheduled, extra.peek()) {
                (Some(shot), Some(at)) => shot.at.min(*at),
                (Some(shot), None) => shot.at,
                (None, Some(at)) => *at,
                (None, None) => return Ok(()),
            };
            self.course.reach(at).await;
            let shot = match scheduled.take() {
                Some(shot) if shot.at <= at => {
                    scheduled = camera.next();
                    shot
                }
                other => {
                    scheduled = other;
                    extra.next();
                    camera.extra(at)
                }
            };
            self.shoot(&mut camera, &shot).await?;
        }
    }

    async fn shoot(&self, camera: &mut Camera, shot: &Shot) -> std::io::Result<()> {
        let take = camera.take(shot);
        let site = self.site.lock().await;
        if !site.is_on() || !self.disk.takes(take.bytes.len() as u64) {
            drop(site);
            self.ledger.miss();
            return Ok(());
        }
        let folder = site.home.camera();
        let truth = site.home.truth();
        let board_off = !site.board.is_right();
        drop(site);
        let lasts = take.how.done();
        self.enter(&take, shot.number, shot.at + lasts, board_off);
        for (name, bytes) in &take.beside {
            let path = truth.join(name);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, bytes)?;
        }
        if let Manner::Overwriting { shot } = take.how {
            self.ledger.spoil(self.number, shot, "duplicate_name");
        }
        let path = folder.join(&take.file);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        if lasts.is_zero() {
            return self.write(&path, &take).await;
        }
        // Slow files overlap the next picture.
        let this = self.clone();
        let number = shot.number;
        tokio::spawn(async move {
            if let Err(error) = this.write(&path, &take).await {
                this.ledger.spoil(this.number, number, &error.to_string());
            }
        });
        Ok(())
    }

    /// Notes what a shot writes.
    fn enter(&self, take: &Take, shot: u64, finished: Duration, board_off: bool) {
        self.ledger.write(Written {
            site: self.number,
            shot,
            file: take.file.clone(),
            captured_at: take.captured_at,
            said: take.said,
            bytes: take.bytes.len() as u64,
            sha256: hex(&take.bytes),
            fault: take.fault.as_ref().map(ToString::to_string),
            due: take.due,
            board_off,
            finished,
        });
    }

    /// A file that was written at `done`, before the run.
    pub(super) async fn lay(
        &self,
        take: Take,
        shot: u64,
        done: chrono::DateTime<chrono::Utc>,
    ) -> std::io::Result<()> {
        let folder = self.site.lock().await.home.camera();
        if let Manner::Overwriting { shot } = take.how {
            self.ledger
                .spoil(self.number, u64::MAX - shot, "duplicate_name");
        }
        self.enter(&take, shot, Duration::ZERO, false);
        let path = folder.join(&take.file);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(&path, &take.bytes)?;
        let file = std::fs::File::options().write(true).open(&path)?;
        file.set_modified(done.into())
    }

    async fn write(&self, path: &Path, take: &Take) -> std::io::Result<()> {
        match &take.how {
            Manner::AtOnce | Manner::Overwriting { .. } => std::fs::write(path, &take.bytes)?,
            Manner::RenamedIn { under } => {
                let hidden = self.site.lock().await.home.camera().join(under);
                std::fs::write(&hidden, &take.bytes)?;
                std::fs::rename(hidden, path)?;
            }
            Manner::InPieces { pieces } => self.write_pieces(path, &take.bytes, pieces).await?,
        }
        self.stamp(path).await?;
        if self.announces {
            self.announce(path, Cause::Closed).await;
        }
        Ok(())
    }

    async fn write_pieces(
        &self,
        path: &Path,
        bytes: &[u8],
        pieces: &[(Duration, usize)],
    ) -> std::io::Result<()> {
        let began = self.course.now();
        let mut file = std::fs::File::create(path)?;
        let mut rest = bytes;
        for (after, count) in pieces {
            self.course.reach(began + *after).await;
            if !self.site.lock().await.is_on() {
                return Err(std::io::Error::other("power-cut"));
            }
            let (now, later) = rest.split_at((*count).min(rest.len()));
            file.write_all(now)?;
            rest = later;
            self.stamp(path).await?;
        }
        Ok(())
    }

    /// The agent hears of a file.
    pub(super) async fn announce(&self, path: &Path, cause: Cause) {
        self.site.lock().await.announce(path, cause);
    }

    /// The file system stamps files with the board's time.
    async fn stamp(&self, path: &Path) -> std::io::Result<()> {
        let now = self.site.lock().await.board.clock().now();
        let file = std::fs::File::options().write(true).open(path)?;
        file.set_modified(now.into())
    }

    /// Something befalls the site.
    pub(super) async fn befall(&self, what: &What) {
        tracing::debug!(site = self.number, at = %self.course.wall(), ?what, "weather");
        match what {
            What::LinkUp => self.link.up(),
            What::LinkDown(how) => self.link.down(*how),
            What::LinkShape(shape) => self.link.shape(self.fair.and(*shape)),
            What::DiskFull { free_bytes } => self.disk.fill(*free_bytes),
            What::DiskRoom => self.disk.clear(),
            What::ClockRight => {
                let site = self.site.lock().await;
                site.board.set(self.course.wall());
                site.board.synchronise(true);
            }
            What::ClockStep(step) => self.step_clock(*step).await,
            What::PowerCut { off_for, wakes } => self.cut_power(*off_for, *wakes).await,
            // The store is everybody's.
            What::StoreFine | What::StoreFaults(_) => {}
        }
    }

    async fn step_clock(&self, step: Step) {
        let site = self.site.lock().await;
        site.board.synchronise(false);
        site.board.set(step.after(site.board.clock().now()));
    }

    /// The board goes off, and comes back in its time.
    async fn cut_power(&self, off_for: Duration, wakes: BootClock) {
        let last_ran = self.course.wall();
        let mut site = self.site.lock().await;
        site.cut_power().await;
        drop(site);
        // What the agent had begun on the disk is done or undone before anybody looks at it.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.forget_unsynced().await;
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(off_for.saturating_sub(Duration::from_millis(1))).await;
            let now = this.course.wall();
            let shown = wakes.shows(last_ran, now);
            let mut site = this.site.lock().await;
            site.restore_power(shown);
            if wakes != BootClock::Kept {
                site.board.synchronise(false);
            }
        });
    }

    /// Files that the camera wrote in the last seconds and the agent had not accepted may be gone, or in pieces.
    async fn forget_unsynced(&self) {
        let now = self.course.now();
        let since = now.saturating_sub(Duration::from_secs(30));
        let recent = self.ledger.finished_since(self.number, since);
        if recent.is_empty() {
            return;
        }
        let site = self.site.lock().await;
        let accepted = crate::oracle::accepted(&site.state()).await;
        for file in recent.iter().rev() {
            let mut dice = self
                .dice
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let ago = now.saturating_sub(file.finished);
            let left = left_of(file.bytes, ago, &mut dice);
            drop(dice);
            if accepted.contains(&file.sha256) {
                continue;
            }
            let path = site.home.camera().join(&file.file);
            let bytes = match left {
                Left::Whole => continue,
                Left::CutShort { bytes } => bytes,
                Left::Empty => 0,
            };
            let cut = std::fs::File::options().write(true).open(&path);
            if cut.and_then(|file| file.set_len(bytes)).is_ok() {
                self.ledger.spoil(self.number, file.shot, "power-cut");
            }
        }
    }
}

/// Lower-case hexadecimal SHA-256.
pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
            text
        })
}
