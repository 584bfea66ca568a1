//! `[verify]`: what proves that an object arrived.

use crate::config::form::word;
use crate::config::reader::Reader;

/// What proves that an object arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Size and checksum as the store gives them when asked after the upload.
    Head,
    /// The answer of the upload, where it carries the checksum; else as [`Proof::Head`].
    Answer,
}

/// What proves that an object arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// What is compared.
    pub with: Proof,
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Verify {
    Verify {
        with: reader.get(
            "verify.with",
            word(&[("head", Proof::Head), ("answer", Proof::Answer)]),
        ),
    }
}
