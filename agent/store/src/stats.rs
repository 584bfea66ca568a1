//! What the store saw: counters and the last requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::StatusCode;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::faults::Action;
use crate::passage::{Edge, Passage};
use crate::request::{Operation, Target};

/// How many of the last requests are remembered.
const REMEMBERED: usize = 10_000;

/// A snapshot of the counters since the store was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that began.
    pub requests: u64,
    /// Answers by operation and HTTP status. Status 0: the connection was closed instead, or the client left.
    pub answers: BTreeMap<(Operation, u16), u64>,
    /// Bytes of request bodies that arrived, with their chunk framing.
    pub bytes_in: u64,
    /// Bytes of answers' bodies that were announced.
    pub bytes_out: u64,
    /// PutObject and UploadPart requests running now.
    pub puts_now: usize,
    /// The most that ran at one moment.
    pub puts_peak: usize,
    /// Most PutObject and UploadPart requests running at one moment, by bucket.
    pub puts_peak_by_bucket: BTreeMap<String, usize>,
    /// The most buckets that had such a request running at one moment.
    pub buckets_peak: usize,
}

impl Stats {
    /// Answers to `operation` with any status.
    pub fn count(&self, operation: Operation) -> u64 {
        self.answers
            .iter()
            .filter(|((of, _), _)| *of == operation)
            .map(|(_, count)| count)
            .sum()
    }

    /// Answers to `operation` with `status`.
    pub fn answered(&self, operation: Operation, status: u16) -> u64 {
        self.answers.get(&(operation, status)).copied().unwrap_or(0)
    }
}

/// One finished request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Counts from 1 in the order of arrival.
    pub number: u64,
    /// What it asked for.
    pub operation: Operation,
    /// Bucket, if it named one.
    pub bucket: Option<String>,
    /// Key, if it named one.
    pub key: Option<String>,
    /// HTTP status; `None` when no answer was sent.
    pub status: Option<u16>,
    /// The fault that was played on it.
    pub fault: Option<Action>,
    /// When it began, by the store's clock.
    pub began: SystemTime,
}

/// The shared counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    stats: Stats,
    puts_by_bucket: BTreeMap<String, usize>,
    last: VecDeque<RequestRecord>,
    watchers: Vec<UnboundedSender<Passage>>,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Stats {
        self.book().stats.clone()
    }

    pub(crate) fn last_requests(&self) -> Vec<RequestRecord> {
        self.book().last.iter().cloned().collect()
    }

    pub(crate) fn watch(&self) -> UnboundedReceiver<Passage> {
        let (watcher, passages) = unbounded_channel();
        self.book().watchers.push(watcher);
        passages
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.book().stats.bytes_in += bytes;
    }

    /// Opens an entry, which closes when it is dropped: also when the client leaves half-way.
    pub(crate) fn begin(&self, target: &Target, fault: Option<Action>, began: SystemTime) -> Entry {
        let mut book = self.book();
        book.stats.requests += 1;
        let record = RequestRecord {
            number: book.stats.requests,
            operation: target.operation,
            bucket: target.bucket.clone(),
            key: target.key.clone(),
            status: None,
            fault,
            began,
        };
        if let Some(bucket) = put_into(&record) {
            book.put_began(bucket);
        }
        book.tell(&record, Edge::Began);
        drop(book);
        Entry {
            ledger: self.clone(),
            record,
            done: false,
            bytes_out: 0,
        }
    }
}

impl Book {
    fn put_began(&mut self, bucket: &str) {
        let running = self.puts_by_bucket.entry(bucket.to_owned()).or_default();
        *running += 1;
        let peak = self
            .stats
            .puts_peak_by_bucket
            .entry(bucket.to_owned())
            .or_default();
        *peak = (*peak).max(*running);
        self.stats.buckets_peak = self.stats.buckets_peak.max(self.puts_by_bucket.len());
        self.stats.puts_now += 1;
        self.stats.puts_peak = self.stats.puts_peak.max(self.stats.puts_now);
    }

    fn put_ended(&mut self, bucket: &str) {
        self.stats.puts_now -= 1;
        if let Some(running) = self.puts_by_bucket.get_mut(bucket) {
            *running -= 1;
            if *running == 0 {
                self.puts_by_bucket.remove(bucket);
            }
        }
    }
}

impl Book {
    /// Tells those who watch, in the order of the book. Who has gone is forgotten.
    fn tell(&mut self, record: &RequestRecord, edge: Edge) {
        if self.watchers.is_empty() || !brings(record.operation) {
            return;
        }
        let (Some(bucket), Some(key)) = (&record.bucket, &record.key) else {
            return;
        };
        let passage = Passage {
            number: record.number,
            at: Instant::now(),
            operation: record.operation,
            bucket: bucket.clone(),
            key: key.clone(),
            edge,
        };
        self.watchers
            .retain(|watcher| watcher.send(passage.clone()).is_ok());
    }
}

/// Whether requests of this kind bring an object.
const fn brings(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutObject | Operation::UploadPart | Operation::CompleteMultipartUpload
    )
}

fn put_into(record: &RequestRecord) -> Option<&str> {
    let put = matches!(
        record.operation,
        Operation::PutObject | Operation::UploadPart
    );
    record.bucket.as_deref().filter(|_| put)
}

/// A request that is running.
#[derive(Debug)]
pub(crate) struct Entry {
    ledger: Ledger,
    record: RequestRecord,
    /// Whether the store did what was asked.
    done: bool,
    bytes_out: u64,
}

impl Entry {
    /// The number of the request, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.record.number
    }

    /// The store's own answer, whether or not it reaches the client.
    pub(crate) fn served(&mut self, status: StatusCode) {
        self.done = status.is_success();
    }

    pub(crate) fn answered(&mut self, status: StatusCode, bytes_out: u64) {
        self.record.status = Some(status.as_u16());
        self.bytes_out = bytes_out;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut book = self.ledger.book();
        if let Some(bucket) = put_into(&self.record) {
            book.put_ended(bucket);
        }
        let ended = Edge::Ended {
            status: self.record.status,
            done: self.done,
        };
        book.tell(&self.record, ended);
        *book
            .stats
            .answers
            .entry((self.record.operation, self.record.status.unwrap_or(0)))
            .or_default() += 1;
        book.stats.bytes_out += self.bytes_out;
        if book.last.len() == REMEMBERED {
            book.last.pop_front();
        }
        book.last.push_back(self.record.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_kept_and_an_entry_that_is_dropped_counts_as_unanswered() {
        let ledger = Ledger::default();
        let target = |bucket: &str| Target {
            operation: Operation::PutObject,
            bucket: Some(bucket.to_owned()),
            key: Some("k".to_owned()),
        };
        let mut a1 = ledger.begin(&target("a"), None, SystemTime::UNIX_EPOCH);
        let a2 = ledger.begin(&target("a"), None, SystemTime::UNIX_EPOCH);
        let b = ledger.begin(&target("b"), None, SystemTime::UNIX_EPOCH);
        a1.answered(StatusCode::OK, 7);
        drop((a1, a2, b));
        drop(ledger.begin(&target("c"), None, SystemTime::UNIX_EPOCH));
        let stats = ledger.snapshot();
        assert_eq!(
            (
                stats.requests,
                stats.puts_now,
                stats.puts_peak,
                stats.buckets_peak
            ),
            (4, 0, 3, 2)
        );
        assert_eq!(
            stats.puts_peak_by_bucket,
            [("a", 2), ("b", 1), ("c", 1)]
                .map(|(k, v)| (k.to_owned(), v))
                .into()
        );
        assert_eq!(stats.answered(Operation::PutObject, 200), 1);
        assert_eq!(stats.answered(Operation::PutObject, 0), 3);
        assert_eq!(stats.count(Operation::PutObject), 4);
        assert_eq!(stats.bytes_out, 7);
        assert_eq!(
            ledger
                .last_requests()
                .iter()
                .map(|r| r.number)
                .collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
    }
}
