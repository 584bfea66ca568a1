//! The receipt: what a weir has stored and proved, for the device that the images came from.

use std::io::Write as _;
use std::path::Path;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::verify::Proof;

use super::lines::{ExchangeError, Line, Lines, header};
use crate::queue::{Receipt, Stored};
use crate::whole_file::WholeFile;

const KIND: &str = "receipt";

/// A line of a receipt: one stored image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// Whose image.
    pub site: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Their number.
    pub size: u64,
    /// Where it lay, below the path that was given; what is not UTF-8 is replaced.
    pub path: String,
    /// The bucket that has it.
    pub bucket: String,
    /// Its key there.
    pub key: String,
    /// When it was taken.
    pub captured_at: DateTime<FixedOffset>,
    /// When the store had proved that it holds it.
    pub verified_at: DateTime<Utc>,
    /// What that rests on.
    pub proof: Proof,
    /// The store's entity tag, where it gave one.
    pub etag: Option<String>,
}

impl ReceiptLine {
    /// What the queue is told of it, at a moment.
    ///
    /// # Errors
    /// What of it makes no sense.
    pub fn receipt(&self, now: DateTime<Utc>) -> Result<Receipt, String> {
        let site = self.site.parse::<SiteName>();
        let sha256 = self.sha256.parse::<Sha256>();
        if self.bucket.is_empty() || self.key.is_empty() {
            return Err("it names no object".to_owned());
        }
        Ok(Receipt {
            site: site.map_err(|error| format!("{:?}: {error}", self.site))?,
            sha256: sha256.map_err(|error| format!("{:?}: {error}", self.sha256))?,
            size: self.size,
            target: (self.bucket.clone(), self.key.clone()),
            stored: Stored {
                proof: self.proof,
                etag: self.etag.clone(),
                at_ms: self.verified_at.timestamp_millis(),
            },
            at_ms: now.timestamp_millis(),
        })
    }
}

/// The last line: how many there are, so that a receipt that was cut off between two lines is noticed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: u64,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Any {
    End(End),
    Image(Box<ReceiptLine>),
}

/// Writes a receipt, whole or not at all.
#[derive(Debug)]
pub struct ReceiptWriter {
    file: WholeFile,
    lines: u64,
}

impl ReceiptWriter {
    /// Begins the receipt at `path`.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn begin(path: &Path, now: DateTime<Utc>) -> Result<Self, ExchangeError> {
        let begun = WholeFile::begin(path).and_then(|mut file| {
            file.write_all(header(KIND, now).as_bytes())?;
            Ok(Self { file, lines: 0 })
        });
        begun.map_err(ExchangeError::io(path))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Those of the system.
    pub fn add(&mut self, line: &ReceiptLine) -> std::io::Result<()> {
        self.lines += 1;
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }

    /// Ends it; gives how many images it names.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(mut self) -> std::io::Result<u64> {
        writeln!(self.file, "{}", json!({ "end": self.lines }))?;
        self.file.finish(|_| Ok(()))?;
        Ok(self.lines)
    }
}

/// Reads a receipt line by line.
#[derive(Debug)]
pub struct ReceiptReader {
    lines: Lines,
    read: u64,
    ended: Option<u64>,
}

impl ReceiptReader {
    /// Opens the receipt at `path`.
    ///
    /// # Errors
    /// [`ExchangeError`]: it is refused as a whole.
    pub fn open(path: &Path) -> Result<Self, ExchangeError> {
        Ok(Self {
            lines: Lines::open(path, KIND)?,
            read: 0,
            ended: None,
        })
    }

    /// The next image, or what is wrong with a line as a sentence; `None` at the end.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn read(&mut self) -> Result<Option<Result<ReceiptLine, String>>, ExchangeError> {
        loop {
            match self.lines.read::<Any>()? {
                None if self.ended == Some(self.read) => return Ok(None),
                None => {
                    let why = match self.ended.replace(self.read) {
                        None => {
                            "the receipt has no last line: it was cut off, and names fewer images than were stored"
                        }
                        Some(_) => "the receipt names another number of images than it has lines",
                    };
                    return Ok(Some(Err(why.to_owned())));
                }
                Some(Line::Good(Any::End(End { end }), _)) => self.ended = Some(end),
                Some(Line::Good(Any::Image(line), _)) => {
                    self.read += 1;
                    return Ok(Some(Ok(*line)));
                }
                Some(Line::Damaged(number, why)) => {
                    self.read += 1;
                    return Ok(Some(Err(format!(
                        "line {number} is damaged and was skipped: {why}"
                    ))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64) -> ReceiptLine {
        ReceiptLine {
            site: "first-dam".into(),
            sha256: format!("{number:064x}"),
            size: number,
            path: format!("DCIM/{number}.jpg"),
            bucket: "first-dam-image".into(),
            key: format!("2024/August/{number}.jpg"),
            captured_at: "2024-08-09T14:30:00-07:00".parse().unwrap(),
            verified_at: "2026-11-21T05:10:00Z".parse().unwrap(),
            proof: Proof::Checksum,
            etag: (number.is_multiple_of(2)).then(|| "\"x\"".into()),
        }
    }

    fn written(count: u64) -> (tempfile::TempDir, std::path::PathBuf, String) {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("receipt.jsonl");
        let mut writer = ReceiptWriter::begin(&path, Utc::now()).unwrap();
        (0..count).for_each(|number| writer.add(&line(number)).unwrap());
        assert_eq!(writer.finish().unwrap(), count);
        let text = std::fs::read_to_string(&path).unwrap();
        (room, path, text)
    }

    /// The images that are read, and the complaints.
    fn read(path: &Path) -> (Vec<ReceiptLine>, Vec<String>) {
        let mut reader = ReceiptReader::open(path).unwrap();
        let (mut images, mut complaints) = (Vec::new(), Vec::new());
        while let Some(next) = reader.read().unwrap() {
            match next {
                Ok(line) => images.push(line),
                Err(why) => complaints.push(why),
            }
        }
        (images, complaints)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (_room, path, _) = written(5);
        assert_eq!(read(&path), ((0..5).map(line).collect(), vec![]));
    }

    #[test]
    fn a_receipt_cut_off_anywhere_is_told_and_its_whole_lines_count() {
        let (_room, path, text) = written(3);
        let header = text.find('\n').unwrap() + 1;
        for cut in header..text.len() {
            std::fs::write(&path, &text[..cut]).unwrap();
            let (images, complaints) = read(&path);
            let whole = text[header..cut].matches("\n").count().min(3);
            assert_eq!(images, (0..whole as u64).map(line).collect::<Vec<_>>());
            assert!(!complaints.is_empty(), "cut at {cut}: nothing was told");
        }
    }

    #[test]
    fn a_flipped_byte_never_makes_a_line_name_another_image_and_size() {
        let (_room, path, text) = written(1);
        let header = text.find('\n').unwrap() + 1;
        let good = line(0).receipt(Utc::now()).unwrap();
        for at in header..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            for line in read(&path).0 {
                // Where the digest is another one, it is nobody's: the chance of meeting an image is 2^-255.
                if let Ok(receipt) = line.receipt(Utc::now()) {
                    assert!(
                        receipt.sha256 != good.sha256
                            || receipt.size == 0
                            || receipt.size != good.size
                    );
                }
            }
        }
    }
}
