//! The books of a run: every file that a camera wrote, and when the store had its bytes.
//!
//! The cameras write into it and the store's own events do; the agents never do, for it is what they are judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// A file that a camera wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Number of the site.
    pub site: u32,
    /// Number of the shot at its site.
    pub shot: u64,
    /// Path below the camera's folder.
    pub file: String,
    /// When it was taken.
    pub captured_at: DateTime<Utc>,
    /// What the camera's clock showed, in the site's zone.
    pub said: NaiveDateTime,
    /// Bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
    /// What the camera did wrong.
    pub fault: Option<String>,
    /// Whether the agent must take it.
    pub due: bool,
    /// Whether the board's clock was wrong while the file was written. Simulated file systems stamp files' changes
    /// with the machine's time, so that the agent cannot see whose time a modification time is.
    pub board_off: bool,
    /// When the file was finished, since the start of the run.
    pub finished: Duration,
}

/// The books; clones are handles to the same ones.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    written: Vec<Written>,
    /// Bytes that must come to the store and have not yet: when they were taken, by site and digest.
    owed: BTreeMap<(u32, String), DateTime<Utc>>,
    /// The same by age.
    oldest: BTreeSet<(DateTime<Utc>, u32, String)>,
    stored: u64,
    /// Pictures that a camera could not write: no power, or no room.
    missed: u64,
}

/// The state of the books at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Files that were written.
    pub captured: u64,
    /// Of those owed, how many distinct images the store has.
    pub stored: u64,
    /// Of those owed, how many it has not.
    pub waiting: u64,
    /// When the oldest of them was taken.
    pub oldest: Option<DateTime<Utc>>,
    /// Pictures that a camera could not write.
    pub missed: u64,
}

impl Ledger {
    /// A camera begins to write a file.
    pub fn write(&self, file: Written) {
        let mut books = self.books();
        if file.due {
            books.owe(&file);
        }
        books.written.push(file);
    }

    /// A camera could not write a picture.
    pub fn miss(&self) {
        self.books().missed += 1;
    }

    /// A power cut left less of a file than was written, or the camera wrote another over it.
    pub fn spoil(&self, site: u32, shot: u64, why: &str) {
        let mut books = self.books();
        let found = books
            .written
            .iter_mut()
            .rev()
            .find(|file| file.site == site && file.shot == shot);
        if let Some(file) = found {
            file.due = false;
            file.fault.get_or_insert_with(|| why.to_owned());
            let debt = (site, file.sha256.clone());
            books.settle(&debt);
        }
    }

    /// The store has these bytes of a site. Says whether they were owed.
    pub fn stored(&self, site: u32, sha256: &str) -> bool {
        let mut books = self.books();
        let was_owed = books.settle(&(site, sha256.to_owned()));
        books.stored += u64::from(was_owed);
        was_owed
    }

    /// Files of a site that were finished since `since`, the last first.
    pub fn finished_since(&self, site: u32, since: Duration) -> Vec<Written> {
        let books = self.books();
        let recent = books.written.iter().rev();
        // Cameras write in the order of time, give or take the slowest file.
        recent
            .take_while(|file| file.finished + SLOWEST >= since)
            .filter(|file| file.site == site && file.finished >= since)
            .cloned()
            .collect()
    }

    /// How things stand.
    pub fn balance(&self) -> Balance {
        let books = self.books();
        Balance {
            captured: books.written.len() as u64,
            stored: books.stored,
            waiting: books.owed.len() as u64,
            oldest: books.oldest.first().map(|(taken, ..)| *taken),
            missed: books.missed,
        }
    }

    /// Everything that was written, in the order of its beginning; the books are closed by this.
    pub fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut self.books().written)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No camera takes longer to write a file.
const SLOWEST: Duration = Duration::from_secs(600);

impl Books {
    fn owe(&mut self, file: &Written) {
        let debt = (file.site, file.sha256.clone());
        // The same bytes again are one image.
        if let std::collections::btree_map::Entry::Vacant(place) = self.owed.entry(debt) {
            place.insert(file.captured_at);
            self.oldest
                .insert((file.captured_at, file.site, file.sha256.clone()));
        }
    }

    fn settle(&mut self, debt: &(u32, String)) -> bool {
        let Some(taken) = self.owed.remove(debt) else {
            return false;
        };
        self.oldest.remove(&(taken, debt.0, debt.1.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shot: u64, sha256: &str) -> Written {
        let captured_at = DateTime::from_timestamp(1_000 + shot as i64, 0).unwrap();
        Written {
            site: 1,
            shot,
            file: format!("{shot}.jpg"),
            captured_at,
            said: captured_at.naive_utc(),
            bytes: 5,
            sha256: sha256.to_owned(),
            fault: None,
            due: true,
            board_off: false,
            finished: Duration::from_secs(shot),
        }
    }

    #[test]
    fn what_is_owed_is_settled_once_and_a_spoiled_file_is_not_owed() {
        let ledger = Ledger::default();
        for (shot, sha256) in [(1, "a"), (2, "b"), (3, "c"), (4, "c")] {
            ledger.write(file(shot, sha256));
        }
        assert_eq!(ledger.balance().waiting, 3, "the same bytes are one image");
        assert!(ledger.stored(1, "a"));
        assert!(!ledger.stored(1, "a") && !ledger.stored(2, "b"));
        assert_eq!(ledger.balance().oldest, Some(file(2, "b").captured_at));
        ledger.spoil(1, 2, "power-cut");
        let balance = ledger.balance();
        assert_eq!(
            (balance.captured, balance.stored, balance.waiting),
            (4, 1, 1)
        );
        assert_eq!(ledger.finished_since(1, Duration::from_secs(3)).len(), 2);
        let spoiled = &ledger.take_written()[1];
        assert!(!spoiled.due && spoiled.fault.as_deref() == Some("power-cut"));
    }
}
