//! **export**: fills a stick with the images that are still owed, so that another machine can upload them.
//!
//! Promises:
//! - A file is under its name on the stick only when it is whole and durable, and only after its bytes were read back
//!   and are those that were accepted.
//! - Nothing of the device is changed: an image is owed until it is stored, or a receipt says so.
//! - A full stick ends it cleanly, and a second export goes on with what is not on the stick yet.

mod backlog;
mod copy;
mod name;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;
use tokio_util::sync::CancellationToken;
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::stamp::CaptureTime;

use crate::exchange::{Entry, ExchangeError, Line, Lines, MANIFEST, ManifestWriter};
use crate::queue::{Dossier, Order, QueueError, View};

use backlog::Backlog;
use copy::{Copied, copy};

/// Lines that are written to the manifest at once; after a kill so many files are copied again.
const BATCH: usize = 16;
/// Space that is left free on the stick, in bytes: for the manifest, and so that its file system works on.
const HEADROOM: u64 = 8 << 20;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The folder on the stick.
    pub folder: PathBuf,
    /// Only of this site.
    pub site: Option<SiteName>,
    /// Which images go first.
    pub order: Order,
    /// At most so many bytes.
    pub limit: Option<u64>,
}

/// Why nothing more is copied.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The manifest.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The stick cannot be written.
    #[error("cannot write to {}: {source}", path.display())]
    Stick {
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// No such site in the queue.
    #[error("the queue has no site {0}")]
    NoSite(SiteName),
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// Images that are owed.
    pub owed: u64,
    /// Images copied.
    pub copied: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Images that were on the stick already.
    pub there: u64,
    /// Images that could not be copied, each with the reason; the first few.
    pub failed: Vec<(PathBuf, String)>,
    /// How many could not be copied.
    pub failures: u64,
    /// The stick is full.
    pub full: bool,
    /// The limit is reached.
    pub limited: bool,
    /// It was interrupted.
    pub interrupted: bool,
}

impl Filled {
    /// Images that are owed and not on the stick.
    pub const fn left(&self) -> u64 {
        self.owed.saturating_sub(self.copied + self.there)
    }
}

/// Copies what is owed in the queue of `state`, until the stick is full or `stop`. `tell` is called as it goes on.
///
/// # Errors
/// [`ExportError`]: what is on the stick by then is whole and in its manifest, but for the last few.
pub async fn export(
    state: PathBuf,
    wish: Wish,
    mut tell: impl FnMut(&Filled),
    stop: CancellationToken,
) -> Result<Filled, ExportError> {
    let view = View::open(state).await?;
    let mut backlog = Backlog::new(view, wish.site.as_ref(), wish.order).await?;
    let mut stick = blocking(wish.folder.clone(), |folder| Stick::open(&folder)).await?;
    let mut filled = Filled {
        owed: backlog.images(),
        ..Filled::default()
    };
    while let Some(dossier) = backlog.next().await? {
        if stop.is_cancelled() {
            filled.interrupted = true;
            break;
        }
        if stick.has(&dossier) {
            filled.there += 1;
            continue;
        }
        let size = dossier.image.place.identity.size;
        if wish
            .limit
            .is_some_and(|limit| filled.bytes.saturating_add(size) > limit)
        {
            filled.limited = true;
            break;
        }
        let (back, put) = blocking((stick, dossier), |(mut stick, dossier)| {
            let put = stick.put(&dossier);
            Ok((stick, put))
        })
        .await?;
        stick = back;
        match put? {
            Put::Copied => {
                filled.copied += 1;
                filled.bytes += size;
            }
            Put::Full => {
                filled.full = true;
                break;
            }
            Put::Failed(path, why) => {
                filled.failures += 1;
                if filled.failed.len() < 20 {
                    filled.failed.push((path, why));
                }
            }
        }
        tell(&filled);
    }
    blocking(stick, |mut stick| stick.flush()).await?;
    Ok(filled)
}

async fn blocking<A: Send + 'static, T: Send + 'static>(
    argument: A,
    work: impl FnOnce(A) -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    let done = crate::blocking::spawn(move || work(argument)).await;
    done.unwrap_or_else(|error| {
        Err(ExportError::Stick {
            path: PathBuf::new(),
            source: io::Error::other(error),
        })
    })
}

/// The folder that is filled.
struct Stick {
    folder: PathBuf,
    manifest: ManifestWriter,
    /// What the manifest names and is there.
    has: HashSet<[u8; 16]>,
    /// Copied and not in the manifest yet.
    pending: Vec<Entry>,
}

/// What became of one image.
enum Put {
    Copied,
    Full,
    Failed(PathBuf, String),
}

impl Stick {
    /// Blocks, as all of it.
    fn open(folder: &Path) -> Result<Self, ExportError> {
        let cannot = |source| ExportError::Stick {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let folder = std::fs::canonicalize(folder).map_err(cannot)?;
        let has = named_and_there(&folder)?;
        let manifest = ManifestWriter::open(&folder, Utc::now())?;
        Ok(Self {
            folder,
            manifest,
            has,
            pending: Vec::new(),
        })
    }

    fn has(&self, dossier: &Dossier) -> bool {
        let image = &dossier.image;
        self.has
            .contains(&key_of(image.site_name.as_str(), &image.sha256))
    }

    /// Copies an image to its name on the stick.
    fn put(&mut self, dossier: &Dossier) -> Result<Put, ExportError> {
        let image = &dossier.image;
        let from = image.place.path.clone();
        let Ok(capture) = serde_json::from_str::<CaptureTime>(&image.capture) else {
            return Ok(Put::Failed(
                from,
                "its capture time cannot be read from the queue".to_owned(),
            ));
        };
        if free_space(&self.folder)? < image.place.identity.size.saturating_add(HEADROOM) {
            return Ok(Put::Full);
        }
        let name = name::on_stick(
            image.site_name.as_str(),
            &image.place.path,
            &image.sha256,
            &self.folder,
        );
        match copy(dossier, &self.folder.join(&name)) {
            Copied::Whole => {}
            Copied::Full => return Ok(Put::Full),
            Copied::NotThere(why) => return Ok(Put::Failed(from, why)),
            Copied::Failed(source) => {
                let path = self.folder.join(name);
                return Err(ExportError::Stick { path, source });
            }
        }
        self.has
            .insert(key_of(image.site_name.as_str(), &image.sha256));
        self.pending.push(Entry {
            site: image.site_name.to_string(),
            sha256: image.sha256.to_string(),
            size: image.place.identity.size,
            path: name,
            original: image.place.path.to_string_lossy().into_owned(),
            capture,
        });
        if self.pending.len() >= BATCH {
            self.flush()?;
        }
        Ok(Put::Copied)
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        self.manifest.add(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

fn key_of(site: &str, sha256: &Sha256) -> [u8; 16] {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest([site.as_bytes(), b"/", &sha256.0].concat()).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

/// What the manifest of a folder names and is there with its size.
fn named_and_there(folder: &Path) -> Result<HashSet<[u8; 16]>, ExportError> {
    let mut has = HashSet::new();
    let path = folder.join(MANIFEST);
    if !path.exists() {
        return Ok(has);
    }
    let mut lines = Lines::open(&path, "manifest")?;
    while let Some(line) = lines.read::<Entry>()? {
        if let Line::Good(entry, _) = line
            && let Ok(sha256) = entry.sha256.parse()
            && folder
                .join(&entry.path)
                .metadata()
                .is_ok_and(|stat| stat.len() == entry.size)
        {
            has.insert(key_of(&entry.site, &sha256));
        }
    }
    Ok(has)
}

/// Bytes that may still be written below `folder`.
fn free_space(folder: &Path) -> Result<u64, ExportError> {
    let stat = rustix::fs::statvfs(folder).map_err(|errno| ExportError::Stick {
        path: folder.to_owned(),
        source: errno.into(),
    })?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
