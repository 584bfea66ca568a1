//! The real `weir` in a world of its own: camera folders, a state directory, a configuration file, and an
//! embedded store that listens on loopback and is judged from its own side.
//!
//! Nothing here waits for a fixed time: [`wait`] polls a condition and fails after a bound, with the agent's log.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

pub(crate) mod agent;
pub(crate) mod disk;
pub(crate) mod foreign;
pub(crate) mod http;
pub(crate) mod oracle;
pub(crate) mod s3;
pub(crate) mod seaweed;
pub(crate) mod station;
pub(crate) mod visit;
pub(crate) mod wait;

pub(crate) use disk::Disk;
pub(crate) use s3::S3;
pub(crate) use station::Station;
pub(crate) use weir_journey::fixtures::Picture;

/// A picture's bytes as a camera would write them; another seed gives other bytes.
pub(crate) fn jpeg(seed: u64) -> Vec<u8> {
    Picture::new(seed).jpeg()
}

/// The name of a HydroCam picture taken on 9 August 2024, `second` seconds after midnight of its zone.
pub(crate) fn hydrocam(second: u32) -> String {
    let (hours, minutes, seconds) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!("image_capture_2024-08-09_{hours:02}-{minutes:02}-{seconds:02}.jpg")
}
