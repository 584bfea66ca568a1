//! The promises, held against one site. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use super::queue::Row;
use crate::record::{ImageRecord, SiteRecord};
use crate::run::ledger::Written;
use crate::site::home;

/// An object of a site's bucket, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal SHA-256 of what the store holds.
    pub sha256: String,
    /// When it was stored.
    pub stored_at: DateTime<Utc>,
}

/// What was found against the promises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Images that stayed whole where the camera wrote them and that the agent did not accept.
    pub not_accepted: u64,
    /// Accepted images that are neither in the store nor waiting in the queue.
    pub lost: u64,
    /// Accepted images that still wait.
    pub waiting: u64,
    /// Objects beyond one an image.
    pub duplicates: u64,
    /// Objects under a key that does not state their capture time.
    pub wrong_key: u64,
    /// Images whose capture time is not the camera's.
    pub wrong_capture_time: u64,
    /// Objects that no camera wrote, or no queue accepted.
    pub untraced: u64,
    /// Images that the queue holds to be proven and the store does not have.
    pub false_proof: u64,
    /// The first of them, in words.
    pub words: Vec<String>,
}

/// Sentences that are kept.
const WORDS: usize = 20;

impl Findings {
    fn say(&mut self, words: String) {
        if self.words.len() < WORDS {
            self.words.push(words);
        }
    }

    /// Whether nothing speaks against a site; `complete` when all should have been uploaded.
    pub fn is_clean(&self, complete: bool) -> bool {
        let counts = [
            self.not_accepted,
            self.lost,
            self.duplicates,
            self.wrong_key,
            self.wrong_capture_time,
            self.untraced,
            self.false_proof,
            if complete { self.waiting } else { 0 },
        ];
        counts.iter().all(|count| *count == 0)
    }

    /// Adds another site's.
    pub fn add(&mut self, other: &Self) {
        self.not_accepted += other.not_accepted;
        self.lost += other.lost;
        self.waiting += other.waiting;
        self.duplicates += other.duplicates;
        self.wrong_key += other.wrong_key;
        self.wrong_capture_time += other.wrong_capture_time;
        self.untraced += other.untraced;
        self.false_proof += other.false_proof;
        other.words.iter().for_each(|words| self.say(words.clone()));
    }
}

/// A site, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// One record for each file that the camera wrote.
    pub images: Vec<ImageRecord>,
    /// The site's record, but for what the judge does not see.
    pub site: SiteRecord,
    /// What speaks against it.
    pub findings: Findings,
}

/// Judges site `number`: what its camera wrote, what its queue has, what its bucket holds. `accepted_at` gives the
/// true moment of a row's acceptance.
pub fn judge(
    number: u32,
    written: &[Written],
    rows: &[Row],
    objects: &[Object],
    accepted_at: impl Fn(&Row) -> DateTime<Utc>,
) -> Judged {
    let mut findings = Findings::default();
    let rows_by: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.sha256.as_str(), row)).collect();
    let mut objects_by: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for object in objects {
        objects_by.entry(&object.sha256).or_default().push(object);
    }
    let keys: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    trace(number, written, &rows_by, &objects_by, &mut findings);
    let taken_back: BTreeSet<&str> = written
        .iter()
        .filter(|file| !file.due && file.fault.as_deref() == Some("duplicate_name"))
        .map(|file| file.sha256.as_str())
        .collect();
    let mut site = SiteRecord {
        site: number,
        name: home::name(number),
        captured: written.len() as u64,
        accepted: rows.len() as u64,
        ..SiteRecord::default()
    };
    for row in rows {
        let found = objects_by.get(row.sha256.as_str());
        let count = found.map_or(0, Vec::len) as u64;
        site.stored += count.min(1);
        site.duplicates += count.saturating_sub(1);
        if count > 1 {
            findings.say(format!("site{number}: {count} objects of {}", row.sha256));
        }
        // What the camera itself overwrote after it was accepted is not there to be sent.
        if count == 0 && !taken_back.contains(row.sha256.as_str()) {
            missing(number, row, &mut findings);
        }
        if found.is_some_and(|found| found.iter().any(|object| !key_is_right(row, object, &keys))) {
            findings.wrong_key += 1;
            let key = found
                .and_then(|found| found.first())
                .map(|object| &object.key);
            findings.say(format!("site{number}: {} is stored as {key:?}", row.sha256));
        }
    }
    site.lost = findings.lost;
    findings.duplicates = site.duplicates;
    let mut images = Vec::with_capacity(written.len());
    let mut first = BTreeSet::new();
    for file in written {
        let row = rows_by.get(file.sha256.as_str()).copied();
        if file.due && row.is_none() {
            findings.not_accepted += 1;
            findings.say(format!("site{number}: {} was not accepted", file.file));
        }
        // A copy of the same bytes has the capture time of the first.
        if first.insert(&file.sha256) && row.is_some_and(|row| !time_is_right(file, row)) {
            findings.wrong_capture_time += 1;
            let found = row.map_or("", |row| row.capture.as_str());
            findings.say(format!(
                "site{number}: the capture time of {} (taken at {}) is {found}",
                file.file, file.captured_at
            ));
        }
        let object = objects_by
            .get(file.sha256.as_str())
            .and_then(|found| found.iter().min_by_key(|object| object.stored_at));
        images.push(ImageRecord {
            site: number,
            shot: file.shot,
            file: file.file.clone(),
            captured_at: file.captured_at,
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            fault: file.fault.clone(),
            due: file.due,
            accepted_at: row.map(&accepted_at),
            stored_at: object.map(|object| object.stored_at),
            bucket: object.map(|_| home::bucket(number)),
            key: object.map(|object| object.key.clone()),
            cold: None,
            started_at: None,
            done_at: None,
            attempts: 0,
            dropped: false,
        });
    }
    Judged {
        images,
        site,
        findings,
    }
}

/// Every object and every row must come from a camera, and every object from a row.
fn trace(
    number: u32,
    written: &[Written],
    rows: &BTreeMap<&str, &Row>,
    objects: &BTreeMap<&str, Vec<&Object>>,
    findings: &mut Findings,
) {
    let sizes: BTreeMap<&str, u64> = written
        .iter()
        .map(|file| (file.sha256.as_str(), file.bytes))
        .collect();
    for (sha256, found) in objects {
        let whole = found
            .iter()
            .all(|object| sizes.get(sha256) == Some(&object.size));
        if !whole || !rows.contains_key(sha256) {
            findings.untraced += 1;
            findings.say(format!("site{number}: nobody wrote or accepted {sha256}"));
        }
    }
    for sha256 in rows.keys().filter(|sha256| !sizes.contains_key(*sha256)) {
        findings.untraced += 1;
        findings.say(format!(
            "site{number}: the queue has {sha256}, which no camera wrote"
        ));
    }
}

fn missing(number: u32, row: &Row, findings: &mut Findings) {
    if row.verified {
        findings.false_proof += 1;
    }
    if row.open && !row.verified {
        findings.waiting += 1;
    } else {
        findings.lost += 1;
        findings.say(format!("site{number}: {} is not in the store", row.sha256));
    }
}

/// `{year}/{English month}/image_capture_{date}_{time}.jpg` in the camera's time, or that with eight digits of the
/// digest where another image has it.
fn key_is_right(row: &Row, object: &Object, keys: &BTreeSet<&str>) -> bool {
    if !row.dated {
        return true;
    }
    let Some(at) = shown(row) else { return false };
    let stem = at
        .format("%Y/%B/image_capture_%Y-%m-%d_%H-%M-%S")
        .to_string();
    let plain = format!("{stem}.jpg");
    let beside = format!("{stem}_{}.jpg", &row.sha256[..8]);
    object.key == plain || (object.key == beside && keys.contains(plain.as_str()))
}

fn shown(row: &Row) -> Option<DateTime<FixedOffset>> {
    let zone = FixedOffset::east_opt(row.offset_s)?;
    Some(DateTime::from_timestamp_millis(row.captured_ms)?.with_timezone(&zone))
}

/// A camera's time is believed to the second. Where its clock was wrong, the row has what it showed, or the time
/// within [`NEAR`], which the file tells. Where the board's clock was wrong as well, nothing is left to judge by.
fn time_is_right(file: &Written, row: &Row) -> bool {
    let Some(at) = shown(row) else { return false };
    let told = at.naive_local() - file.said;
    let off = at.to_utc() - file.captured_at;
    // A copy under another name says when it was copied, where its own picture never came to the disk.
    if file.board_off || file.fault.as_deref() == Some("duplicate_bytes") {
        return true;
    }
    told.abs() < TimeDelta::seconds(1) || (file.fault.is_some() && off.abs() < NEAR)
}

/// How long a camera may take to write a file.
const NEAR: TimeDelta = TimeDelta::seconds(120);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A: &str = "aaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbb";
    const KEY: &str = "2026/March/image_capture_2026-03-01_05-00-00.jpg";

    fn at() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn written(sha256: &str) -> Written {
        Written {
            site: 4,
            shot: 1,
            file: "x.jpg".into(),
            captured_at: at(),
            said: at().naive_utc() - TimeDelta::hours(7),
            bytes: 9,
            sha256: sha256.into(),
            fault: None,
            due: true,
            board_off: false,
            finished: Duration::ZERO,
        }
    }

    fn row(sha256: &str) -> Row {
        Row {
            sha256: sha256.into(),
            captured_ms: at().timestamp_millis(),
            offset_s: -7 * 3600,
            accepted: None,
            accepted_ms: at().timestamp_millis(),
            open: false,
            verified: true,
            target: None,
            attempts: 0,
            dated: true,
            capture: String::new(),
        }
    }

    fn object(sha256: &str, key: &str) -> Object {
        Object {
            key: key.into(),
            size: 9,
            sha256: sha256.into(),
            stored_at: at(),
        }
    }

    fn found(written: &[Written], rows: &[Row], objects: &[Object]) -> Findings {
        let accepted = |row: &Row| DateTime::from_timestamp_millis(row.accepted_ms).unwrap();
        let mut findings = judge(4, written, rows, objects, accepted).findings;
        findings.words.clear();
        findings
    }

    #[test]
    fn a_site_that_kept_its_promises_is_clean() {
        let beside = KEY.replace(".jpg", "_bbbbbbbb.jpg");
        let all = found(
            &[written(A), written(B)],
            &[row(A), row(B)],
            &[object(A, KEY), object(B, &beside)],
        );
        assert!(all.is_clean(true), "{all:?}");
        let mut spoiled = written(B);
        spoiled.due = false;
        assert!(found(&[written(A), spoiled], &[row(A)], &[object(A, KEY)]).is_clean(true));
    }

    #[test]
    fn each_promise_that_is_broken_is_found() {
        let (one, accepted, stored) = ([written(A)], [row(A)], [object(A, KEY)]);
        let none = Findings::default();
        let lost = Findings {
            lost: 1,
            false_proof: 1,
            ..none.clone()
        };
        assert_eq!(found(&one, &accepted, &[]), lost);
        let mut waits = row(A);
        (waits.open, waits.verified) = (true, false);
        let waiting = found(&one, &[waits], &[]);
        assert_eq!(
            waiting,
            Findings {
                waiting: 1,
                ..none.clone()
            }
        );
        assert!(waiting.is_clean(false) && !waiting.is_clean(true));
        let not_accepted = Findings {
            not_accepted: 1,
            ..none.clone()
        };
        assert_eq!(found(&one, &[], &[]), not_accepted);
        let twice = [
            object(A, KEY),
            object(A, &KEY.replace(".jpg", "_aaaaaaaa.jpg")),
        ];
        let duplicates = Findings {
            duplicates: 1,
            ..none.clone()
        };
        assert_eq!(found(&one, &accepted, &twice), duplicates);
        let wrong_key = Findings {
            wrong_key: 1,
            ..none.clone()
        };
        let elsewhere = KEY.replace("05-00", "06-00");
        assert_eq!(found(&one, &accepted, &[object(A, &elsewhere)]), wrong_key);
        let needless = KEY.replace(".jpg", "_aaaaaaaa.jpg");
        assert_eq!(found(&one, &accepted, &[object(A, &needless)]), wrong_key);
        let untraced = Findings {
            untraced: 1,
            ..none.clone()
        };
        let stray = [stored[0].clone(), object(B, "stray.jpg")];
        assert_eq!(found(&one, &accepted, &stray), untraced);
        let mut short = stored[0].clone();
        short.size = 8;
        assert_eq!(found(&one, &accepted, &[short]), untraced);
        let mut late = written(A);
        late.said += TimeDelta::seconds(2);
        late.captured_at += TimeDelta::seconds(2);
        let wrong_time = Findings {
            wrong_capture_time: 1,
            ..none
        };
        assert_eq!(found(&[late], &accepted, &stored), wrong_time);
    }
}
