//! What the queue knows of an image, as values.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::State;
use weir_journey::upload::Scope;
use weir_journey::verify::Proof;

use super::error::QueueError;
use super::infer::{Infer, InferWish, LookHold, Urgency};
use super::row::SELECT_IMAGE;

/// The number of an image's row. Never used again for another image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(pub i64);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The number of a site in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub i64);

/// What `stat(2)` tells of a file. While all of it is equal, so is the content: writing moves `mtime` and
/// `ctime`, setting `mtime` moves `ctime`, replacing the file changes the inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Bytes.
    pub size: u64,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Last change of content or attributes, nanoseconds since 1970.
    pub ctime_ns: i64,
}

/// Where a file lies, and what it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Absolute path.
    pub path: PathBuf,
    /// As it was when it was read.
    pub identity: FileIdentity,
}

/// An image that is whole, hashed and durable on disk: ready to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    /// Whose it is.
    pub site: SiteId,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Where they lie.
    pub place: Place,
    /// The code of the file format.
    pub format: u8,
    /// Capture time, milliseconds since 1970 UTC.
    pub captured_ms: i64,
    /// Offset of the camera's clock from UTC, seconds east.
    pub offset_s: i32,
    /// How the capture time was found, as JSON.
    pub capture: String,
    /// Now, milliseconds since 1970.
    pub accepted_ms: i64,
    /// The device's clocks now.
    pub clock: DeviceClock,
    /// Whether its key may state its capture time: not when the site files doubtful ones apart.
    pub dated: bool,
    /// A person has to judge it before it is sent.
    pub held: Option<Held>,
    /// Whether it is to be looked at. Of an image that comes back (its bytes were gone) only the wish counts: it goes
    /// up when it can.
    pub infer: InferWish,
}

/// Why an image waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What is doubtful, in one line.
    pub failure: String,
    /// What the person can do, as a sentence.
    pub fix: String,
}

/// The device's clocks at the acceptance of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DeviceClock {
    /// The kernel's id of the boot.
    pub boot: Option<[u8; 16]>,
    /// Milliseconds since that boot, suspended time included.
    pub uptime_ms: Option<i64>,
    /// Whether the wall clock could be trusted.
    pub synchronised: Synchronised,
}

/// Whether the device's wall clock was synchronised. The integer values are what the database holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Synchronised {
    /// Nobody could say.
    #[default]
    Unknown = 0,
    /// It was.
    Yes = 1,
    /// It was not.
    No = 2,
}

impl Synchronised {
    const ALL: [Self; 3] = [Self::Unknown, Self::Yes, Self::No];

    /// The integer that stands for it in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What an integer of the database stands for.
    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its number.
    pub id: ImageId,
    /// Its site's number.
    pub site: SiteId,
    /// Its site's name.
    pub site_name: SiteName,
    /// The digest of its bytes; with the site, its identity.
    pub sha256: Sha256,
    /// Where its bytes lie, or lay last.
    pub place: Place,
    /// The code of the file format.
    pub format: u8,
    /// Capture time, milliseconds since 1970 UTC.
    pub captured_ms: i64,
    /// Offset of the camera's clock from UTC, seconds east.
    pub offset_s: i32,
    /// How the capture time was found, as JSON.
    pub capture: String,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_ms: i64,
    /// The device's clocks then.
    pub clock: DeviceClock,
    /// Whether its key may state its capture time.
    pub dated: bool,
    /// Parked until a person has judged it.
    pub held: bool,
    /// It was imported from a card or folder that is away: the reason why it is held.
    pub unplugged: bool,
    /// Retention leaves its file alone.
    pub flagged: bool,
    /// Where it stands.
    pub state: State,
    /// Whether the store may hold it already: look before sending.
    pub unsure: bool,
    /// Failed tries that count.
    pub attempts: u32,
    /// Waiting or parked: when it is due, milliseconds since 1970.
    pub next_at_ms: Option<i64>,
    /// Bucket and key, once they are decided.
    pub target: Option<(String, String)>,
    /// The multipart upload under way.
    pub multipart: Option<Multipart>,
    /// The store's entity tag, once verified.
    pub etag: Option<String>,
    /// When it was verified, milliseconds since 1970.
    pub verified_ms: Option<i64>,
    /// What the verification rests on.
    pub proof: Option<Proof>,
    /// When a receipt said that it is stored, milliseconds since 1970; `None` where we proved it ourselves.
    pub receipt_ms: Option<i64>,
    /// That its local files were deleted.
    pub removed: Option<Removed>,
    /// How far the refusal reaches under which it is parked, or is probing.
    pub refusal: Option<Scope>,
    /// The last failure, in one line.
    pub failure: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// The image that it was made of, if it is a product; its row may be gone.
    pub parent: Option<ImageId>,
    /// The site of whose products its own site consists, if it does.
    pub products_of: Option<SiteId>,
    /// How far the look at it has come.
    pub infer: Infer,
    /// What was found in it and decided, as JSON.
    pub findings: Option<String>,
    /// When it goes up among those of its site.
    pub urgency: Urgency,
    /// Whether the look at it is why it stands where it does.
    pub look_hold: LookHold,
}

/// The deletion of a verified image's local files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Why, as a short, stable code.
    pub why: String,
}

/// A multipart upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    /// The store's name for it.
    pub upload_id: String,
    /// Bytes of each of its parts, but for the last.
    pub part_size: u64,
}

/// A part of a multipart upload that the store has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u16,
    /// Bytes.
    pub size: u64,
    /// The digest of the part's bytes.
    pub sha256: Sha256,
    /// The store's entity tag of the part.
    pub etag: String,
}

/// Everything the queue knows of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The row.
    pub image: Image,
    /// Other places where the same bytes lie: copies and hard links.
    pub elsewhere: Vec<Place>,
    /// The parts of the upload under way, by number.
    pub parts: Vec<Part>,
}

impl Image {
    /// Whether the store may know it by its key already: it keeps that, and its capture time with it. A key that
    /// was decided for an attempt in which nothing was sent can still be taken back.
    pub fn is_named(&self) -> bool {
        let under_way = matches!(self.state, State::Uploading | State::Verified);
        self.target.is_some() && (under_way || self.unsure || self.multipart.is_some())
    }
}

impl Dossier {
    /// Reads everything of an image.
    pub(super) fn load(conn: &Connection, id: ImageId) -> Result<Self, QueueError> {
        let image = conn
            .prepare_cached(&format!("{SELECT_IMAGE} WHERE i.id = ?1"))?
            .query_row([id], Image::read)
            .optional()?
            .ok_or(QueueError::NoSuchImage(id))?;
        let elsewhere = conn
            .prepare_cached(
                "SELECT path, size, device, inode, mtime_ns, ctime_ns FROM seen \
                 WHERE image = ?1 AND path <> ?2",
            )?
            .query_map((id, bytes_of(&image.place.path)), Place::read)?
            .collect::<Result<_, _>>()?;
        let parts = conn
            .prepare_cached(
                "SELECT number, size, sha256, etag FROM parts WHERE image = ?1 ORDER BY number",
            )?
            .query_map([id], |row| {
                Ok(Part {
                    number: row.get(0)?,
                    size: row.get::<_, i64>(1)?.cast_unsigned(),
                    sha256: row.get::<_, Db<Sha256>>(2)?.0,
                    etag: row.get(3)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            image,
            elsewhere,
            parts,
        })
    }
}

/// A path as the database holds it: the kernel's bytes, UTF-8 or not.
pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// A value of ours that is read from a column.
pub(super) struct Db<T>(pub(super) T);

impl FromSql for Db<Sha256> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(|bytes| Self(Sha256(bytes)))
    }
}

impl FromSql for Db<PathBuf> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(OsString::from_vec(value.as_blob()?.to_vec()).into()))
    }
}

impl FromSql for Db<SiteName> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?.parse();
        name.map(Self).map_err(FromSqlError::other)
    }
}

macro_rules! by_code {
    ($($kind:ty),*) => {$(
        impl FromSql for Db<$kind> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let code = value.as_i64()?;
                u8::try_from(code)
                    .ok()
                    .and_then(<$kind>::from_code)
                    .map(Self)
                    .ok_or(FromSqlError::OutOfRange(code))
            }
        }
    )*};
}
by_code!(State, Scope, Proof, Synchronised, Infer, LookHold);

impl FromSql for Db<Urgency> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let code = value.as_i64()?;
        Urgency::from_code(code)
            .map(Self)
            .ok_or(FromSqlError::OutOfRange(code))
    }
}

macro_rules! row_number {
    ($($kind:ty),*) => {$(
        impl FromSql for $kind {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
        impl ToSql for $kind {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }
    )*};
}
row_number!(ImageId, SiteId);
