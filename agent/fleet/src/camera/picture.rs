//! A picture of noise: a valid JPEG of any size, at the price of its random numbers.
//!
//! A run writes up to a million pictures, so most cameras do not draw. The JPEG holds an EXIF block as cameras write
//! it, the noise as comments, and 64x64 grey pixels. The EXIF block is put into rendered pictures too. Its bytes depend on the seed of the run, the site, the shot and
//! what the camera's clock showed; pictures of different shots differ, for the number of the shot is in them.

use chrono::{NaiveDateTime, Timelike as _};

use super::seed::{Purpose, stream};

/// Make and model in the EXIF block.
const MAKE: &str = "Weir";
const MODEL: &str = "Simulated camera";

/// Bytes that fit a JPEG segment beside its length field.
const SEGMENT: usize = 0xFFFF - 2;

/// What tells one picture of a run from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) seed: u64,
    pub(super) site: u32,
    pub(super) shot: u64,
}

/// What the camera's clock showed.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) local: NaiveDateTime,
    /// The offset from UTC that the camera writes, as `-07:00`.
    pub(super) offset: Option<String>,
}

/// A JPEG of about this many bytes, and never fewer than some hundreds.
pub(super) fn noise(identity: Identity, shown: &Shown, bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 2048);
    out.extend([0xFF, 0xD8]);
    segment(
        &mut out,
        0xE1,
        &[b"Exif\0\0", exif(identity, shown).as_slice()].concat(),
    );
    let coded = coded();
    let mut rest = bytes.saturating_sub(out.len() + coded.len());
    let mut rng = stream(Purpose::Noise, identity.seed, identity.site, identity.shot);
    while rest > 4 {
        let len = (rest - 4).min(SEGMENT);
        out.extend([0xFF, 0xFE]);
        out.extend((len as u16 + 2).to_be_bytes());
        let from = out.len();
        out.resize(from + len, 0);
        rng.fill(&mut out[from..]);
        rest -= len + 4;
    }
    out.extend(coded);
    out
}

/// The JPEG `jpeg` with an EXIF block behind its first marker.
pub(super) fn with_exif(jpeg: &[u8], identity: Identity, shown: &Shown) -> Vec<u8> {
    let block = exif(identity, shown);
    let mut out = Vec::with_capacity(jpeg.len() + block.len() + 16);
    out.extend(&jpeg[..2]);
    segment(&mut out, 0xE1, &[b"Exif\0\0", block.as_slice()].concat());
    out.extend(&jpeg[2..]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
}

/// Tables, frame and scan of 64x64 grey pixels, and the end of the image.
fn coded() -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    segment(&mut out, 0xDB, &[[0].as_slice(), &[1; 64]].concat());
    segment(&mut out, 0xC0, &[8, 0, 64, 0, 64, 1, 1, 0x11, 0]);
    // One code of one bit in each table: a DC difference of 0, and the end of the block.
    for table in [0x00, 0x10] {
        let mut body = vec![table, 1];
        body.extend([0; 15 + 1]);
        segment(&mut out, 0xC4, &body);
    }
    segment(&mut out, 0xDA, &[1, 1, 0, 0, 63, 0]);
    // Two bits of 0 for each of the 64 blocks.
    out.extend([0; 16]);
    out.extend([0xFF, 0xD9]);
    out
}

const ASCII: u16 = 2;
const LONG: u16 = 4;

/// A TIFF structure in little-endian order: one directory with make, model and description, one with the times.
fn exif(identity: Identity, shown: &Shown) -> Vec<u8> {
    let Identity { seed, site, shot } = identity;
    let taken = shown.local.format("%Y:%m:%d %H:%M:%S").to_string();
    let millis = shown.local.nanosecond() / 1_000_000;
    let subsec = (millis > 0).then(|| format!("{millis:03}"));
    let main = [
        (
            0x010E,
            Some(format!("site {site} shot {shot} of run {seed}")),
        ),
        (0x010F, Some(MAKE.to_owned())),
        (0x0110, Some(MODEL.to_owned())),
    ];
    let times = [
        (0x9003, Some(taken)),
        (0x9011, shown.offset.clone()),
        (0x9291, subsec),
    ];
    let times_at = 8 + 2 + 12 * (main.len() + 1) + 4;
    let data_at = times_at + 2 + 12 * times.iter().flat_map(|(_, text)| text).count() + 4;
    let mut data = Vec::new();
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    directory(&mut out, &main, Some(times_at), &mut data, data_at);
    directory(&mut out, &times, None, &mut data, data_at);
    out.append(&mut data);
    out
}

/// One directory; what is longer than four bytes goes to `data`, which will stand at `data_at`.
fn directory(
    out: &mut Vec<u8>,
    texts: &[(u16, Option<String>)],
    times_at: Option<usize>,
    data: &mut Vec<u8>,
    data_at: usize,
) {
    let texts: Vec<_> = texts
        .iter()
        .filter_map(|(tag, text)| Some((*tag, text.as_deref()?)))
        .collect();
    let entries = texts.len() + usize::from(times_at.is_some());
    out.extend((entries as u16).to_le_bytes());
    for (tag, text) in texts {
        let mut value = text.as_bytes().to_vec();
        value.push(0);
        let count = value.len() as u32;
        if value.len() <= 4 {
            value.resize(4, 0);
        } else {
            let at = (data_at + data.len()) as u32;
            data.append(&mut value);
            value = at.to_le_bytes().to_vec();
        }
        entry(out, tag, ASCII, count, &value);
    }
    if let Some(at) = times_at {
        entry(out, 0x8769, LONG, 1, &(at as u32).to_le_bytes());
    }
    out.extend([0; 4]);
}

fn entry(out: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: &[u8]) {
    out.extend(tag.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(value);
}
