//! `[upload]`: one upload, and what follows its failure.

use std::time::Duration;

use super::{DAY, Ramp, seconds};
use crate::config::form::{duration, size};
use crate::config::reader::Reader;

/// Smallest part but the last, and largest part or single PUT, of S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const PART: std::ops::RangeInclusive<u64> = 5 << 20..=5 << 30;

/// One upload, and what follows its failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// How long no byte may move before an upload is broken off.
    pub timeout: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Size in bytes above which a file goes up in parts.
    pub multipart_above: u64,
    /// Size of a part in bytes.
    pub part_size: u64,
    /// Waits between tries that failed in passing.
    pub backoff: Ramp,
    /// Waits between tries that the store refused for good.
    pub park_probe: Ramp,
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Upload {
    Upload {
        timeout: reader.get("upload.timeout", duration(seconds(1)..=seconds(3600))),
        connect_timeout: reader.get(
            "upload.connect_timeout",
            duration(seconds(1)..=seconds(600)),
        ),
        multipart_above: reader.get("upload.multipart_above", size(PART)),
        part_size: reader.get("upload.part_size", size(PART)),
        backoff: reader.ramp("upload.backoff_first", "upload.backoff_max", DAY),
        park_probe: reader.ramp("upload.park_probe_first", "upload.park_probe_max", 30 * DAY),
    }
}
