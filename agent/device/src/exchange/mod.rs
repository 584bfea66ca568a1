//! The files by which two weirs exchange what they know: the receipt that a laptop gives for a device, and the manifest
//! of a stick that a device filled.
//!
//! Both are JSON lines: a header `{"weir": KIND, "version": 1, ...}`, a line a fact, and in a receipt a last line
//! `{"end": LINES}`. A file of another kind or version is refused; a line that is damaged costs itself, and is told.

mod lines;
mod manifest;
mod receipt;

pub use lines::{ExchangeError, Line, Lines};
pub use manifest::{Entry, MANIFEST, Manifest, ManifestWriter};
pub use receipt::{ReceiptLine, ReceiptReader, ReceiptWriter};
