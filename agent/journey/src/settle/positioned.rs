//! Small reads at a position, for the formats whose parts point anywhere in the file.

use std::io::{self, Read, Seek, SeekFrom};

/// Fills `into` from byte `at` on, or says `false` when the file ends before.
///
/// # Errors
/// Those of the source, its end excepted.
pub(super) fn fill_at<R: Read + Seek>(
    source: &mut R,
    at: u64,
    into: &mut [u8],
) -> io::Result<bool> {
    source.seek(SeekFrom::Start(at))?;
    match source.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
