//! How the disks stand: written by retention and the register, read by the status page.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use weir_journey::retain::{Needs, Policy};

use super::disk::Disk;

/// A file system that the agent uses, and what retention can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskStanding {
    /// The agent's folders on it.
    pub folders: Vec<PathBuf>,
    /// What it said last.
    pub disk: Disk,
    /// What is the matter, as a sentence; `None` when nothing is.
    pub trouble: Option<String>,
}

/// The disks, and whether images can be accepted.
#[derive(Debug, Default)]
pub struct Standing {
    disks: Mutex<Vec<DiskStanding>>,
    trouble: Mutex<Option<String>>,
    refusal: Mutex<Option<String>>,
    /// The queue lacks room to write, as far as anybody told.
    full: AtomicBool,
    /// Copies of our own lie in a spool.
    copies: AtomicBool,
    /// Files are kept for so short a time that every image is followed until its file is gone.
    briefly: AtomicBool,
    /// Such images are under way.
    followed: AtomicBool,
    /// Bytes that may still come before the disks are measured again.
    headroom: AtomicU64,
    /// Files that may, likewise.
    headroom_files: AtomicU64,
    alarm: Notify,
}

impl Standing {
    /// The disks as they were measured last.
    pub fn disks(&self) -> Vec<DiskStanding> {
        lock(&self.disks).clone()
    }

    /// Whether images can be accepted, as far as is known.
    pub fn accepting(&self) -> bool {
        lock(&self.refusal).is_none()
    }

    /// What somebody should look at beside single disks, and why no image can be accepted: sentences.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles: Vec<_> = lock(&self.disks)
            .iter()
            .filter_map(|disk| disk.trouble.clone())
            .collect();
        troubles.extend(lock(&self.trouble).clone());
        if let Some(why) = &*lock(&self.refusal) {
            troubles.push(format!("images cannot be accepted now: {why}"));
        }
        troubles
    }

    /// An image of so many bytes was accepted: images can be.
    pub fn accepted(&self, bytes: u64) {
        lock(&self.refusal).take();
        self.full.store(false, Ordering::Relaxed);
        if self.briefly.load(Ordering::Relaxed) && !self.followed.swap(true, Ordering::Relaxed) {
            self.alarm.notify_one();
        }
        if [(&self.headroom, bytes), (&self.headroom_files, 1)]
            .iter()
            .any(|(headroom, taken)| !take(headroom, *taken))
        {
            self.alarm.notify_one();
        }
    }

    /// A copy of our own was accepted: it is to be freed once it is verified.
    pub fn copied(&self) {
        if !self.copies.swap(true, Ordering::Relaxed) {
            self.alarm.notify_one();
        }
    }

    pub(super) fn copies_left(&self, any: bool) {
        self.copies.store(any, Ordering::Relaxed);
    }

    /// From now on an image that is accepted is followed until its file is gone.
    pub(super) fn keep_briefly(&self) {
        self.briefly.store(true, Ordering::Relaxed);
    }

    pub(super) fn followed_left(&self, any: bool) {
        self.followed.store(any, Ordering::Relaxed);
    }

    pub(super) fn follows(&self) -> bool {
        self.followed.load(Ordering::Relaxed)
    }

    pub(super) fn copies_wait(&self) -> bool {
        self.copies.load(Ordering::Relaxed)
    }

    /// Images cannot be accepted, and why; `full` when it is for want of room.
    pub fn refused(&self, why: &str, full: bool) {
        self.full.store(full, Ordering::Relaxed);
        *lock(&self.refusal) = Some(why.to_owned());
        self.alarm.notify_one();
    }

    /// Whether the queue could not write for want of room when it was last asked to.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Returns when somebody found the disk full or nearly so.
    pub(super) async fn alarmed(&self) {
        self.alarm.notified().await;
    }

    pub(super) fn measured(&self, disks: Vec<DiskStanding>, used: Option<u64>, policy: &Policy) {
        let headroom = disks.iter().map(|one| headroom(&one.disk, policy));
        let quota = used
            .zip(policy.max_bytes)
            .map(|(used, most)| most.saturating_sub(used));
        let headroom = headroom.chain(quota).min().unwrap_or(u64::MAX);
        self.headroom.store(headroom, Ordering::Relaxed);
        let files = disks.iter().map(|one| headroom_files(&one.disk, policy));
        let files = files.min().unwrap_or(u64::MAX);
        self.headroom_files.store(files, Ordering::Relaxed);
        *lock(&self.disks) = disks;
    }

    pub(super) fn troubled(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }
}

/// Bytes that may come before it is time to look again: half of what is left above the limit.
fn headroom(disk: &Disk, policy: &Policy) -> u64 {
    if disk.read_only || !Needs::of_room(&disk.room, policy).met() {
        // Looked at soon anyway.
        return u64::MAX;
    }
    (disk.room.free_bytes - policy.min_free.of(disk.room.bytes)) / 2
}

/// The same in files.
fn headroom_files(disk: &Disk, policy: &Policy) -> u64 {
    if disk.read_only || disk.room.inodes == 0 || !Needs::of_room(&disk.room, policy).met() {
        return u64::MAX;
    }
    (disk.room.free_inodes - policy.min_free_inodes.of(disk.room.inodes)) / 2
}

/// Takes so much of what is left; whether there was that much.
fn take(left: &AtomicU64, much: u64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(much)
    })
    .is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
