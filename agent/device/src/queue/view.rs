//! Reading the queue, beside whoever writes it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::State;
use weir_journey::stamp::Neighbour;

use super::accept::{Known, Quarantined, known, seen_under};
use super::aside::Files;
use super::backlog;
use super::check::{Finding, check};
use super::commit::{lock, words_of};
use super::connect::Access;
use super::due;
use super::error::QueueError;
use super::filter::{Filter, named, numbers, page};
use super::hold::{Hold, holds, spent};
use super::image::{Dossier, Image, ImageId, Place, SiteId};
use super::import::{image_of, images};
use super::look::{Selector, Stats, quarantined_page, show, stats};
use super::open;
use super::pace;
use super::retain::{self, Behind, Drop, Local};
use super::retime::{ClockStep, last_clock_step, neighbour};
use super::upload::{self, Order, Ready, ready};

/// Rows read at a time: the memory that a list of a million takes.
const PAGE: u32 = 500;

/// A way to read the queue. Cheap to clone; every call sees all that was committed before it.
///
/// The work is done on the runtime's blocking threads. Damage that is found leaves a marker, so that the
/// next start of the daemon checks the database.
#[derive(Clone)]
pub struct View {
    conn: Arc<Mutex<Connection>>,
    files: Files,
}

impl View {
    pub(super) fn new(conn: Connection, dir: &Path) -> Self {
        Self {
            conn: Arc::new(Mutex::new(conn)),
            files: Files::of(dir),
        }
    }

    /// Opens the queue in a state directory for reading, beside a daemon or without one.
    ///
    /// # Errors
    /// [`QueueError::Io`] when there is none, [`QueueError::Older`] and [`QueueError::Newer`] when it is not
    /// of this binary's version, [`QueueError::Damaged`].
    pub async fn open(dir: PathBuf) -> Result<Self, QueueError> {
        blocking(move || {
            let opened = open::beside(&dir, Access::Read)?;
            Ok(Self::new(opened.reader, &dir))
        })
        .await
    }

    /// Opens the queue for a look that changes nothing in the directory, where [`View::open`] leaves files of SQLite's
    /// behind; `None` when there is no queue. What another process writes meanwhile may make it fail.
    ///
    /// # Errors
    /// As [`View::open`].
    pub async fn glance(dir: PathBuf) -> Result<Option<Self>, QueueError> {
        blocking(move || Ok(open::glance(&dir)?.map(|conn| Self::new(conn, &dir)))).await
    }

    pub(super) async fn read<T, F>(&self, op: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    {
        let this = self.clone();
        blocking(move || this.note(op(&lock(&this.conn)))).await
    }

    /// Leaves the marker when a result tells of damage.
    pub(super) fn note<T>(&self, result: Result<T, QueueError>) -> Result<T, QueueError> {
        if let Err(QueueError::Damaged(error)) = &result
            && let Err(failure) = self.files.suspect_it(&error.to_string())
        {
            tracing::error!(%failure, "the damage of the queue could not be noted for the next start");
        }
        result
    }

    /// What is known of files, in their order.
    pub async fn known(&self, files: Vec<Place>) -> Result<Vec<Known>, QueueError> {
        self.read(move |conn| {
            let _reading = Reading::begin(conn)?;
            files.iter().map(|file| known(conn, file)).collect()
        })
        .await
    }

    /// The images of these numbers that there are, in their order.
    pub async fn images(&self, ids: Vec<ImageId>) -> Result<Vec<Image>, QueueError> {
        self.read(move |conn| images(conn, &ids)).await
    }

    /// Images of a site that were verified after `since_ms` (milliseconds since 1970), the last first, at most `limit`;
    /// without those that are flagged.
    pub async fn verified_since(
        &self,
        site: SiteId,
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<Image>, QueueError> {
        self.read(move |conn| {
            let ids = upload::verified_since(conn, site, since_ms, limit)?;
            images(conn, &ids)
        })
        .await
    }

    /// The image of a site with these bytes, if there is one.
    pub async fn image_of(
        &self,
        site: SiteName,
        sha256: Sha256,
    ) -> Result<Option<Image>, QueueError> {
        self.read(move |conn| image_of(conn, &site, &sha256)).await
    }

    /// Every site of images that the queue knows, in order of their names; not those of products.
    pub async fn sites(&self) -> Result<Vec<(SiteId, String)>, QueueError> {
        self.read(backlog::sites).await
    }

    /// Images of a site that are owed and in this state, in order of capture, behind the one given as capture time
    /// and number; at most `limit`.
    pub async fn backlog(
        &self,
        site: SiteId,
        state: State,
        order: Order,
        after: Option<(i64, ImageId)>,
        limit: u32,
    ) -> Result<Vec<Dossier>, QueueError> {
        self.read(move |conn| backlog::page(conn, site, state, order, after, limit))
            .await
    }

    /// How many images were sent and not worked off by the pipeline when it was noted last, and when that was,
    /// milliseconds since 1970.
    pub async fn pipeline(&self) -> Result<Option<(f64, i64)>, QueueError> {
        self.read(pace::level).await
    }

    /// Judged files under `dir` behind `after` in order of path, at most `limit`.
    pub async fn seen_under(
        &self,
        dir: PathBuf,
        after: Option<PathBuf>,
        limit: u32,
    ) -> Result<Vec<PathBuf>, QueueError> {
        self.read(move |conn| seen_under(conn, &dir, after.as_deref(), limit))
            .await
    }

    /// The sites that have something queued, in order of their numbers.
    pub async fn ready(&self) -> Result<Vec<Ready>, QueueError> {
        self.read(ready).await
    }

    /// Whether anything waits or is parked.
    pub(super) async fn any_due(&self) -> Result<bool, QueueError> {
        self.read(due::any).await
    }

    /// Every hold; that of everything first.
    pub async fn holds(&self) -> Result<Vec<Hold>, QueueError> {
        self.read(holds).await
    }

    /// Bytes sent on a day, by one site or by all.
    pub async fn spent(&self, site: Option<SiteId>, day: i64) -> Result<u64, QueueError> {
        self.read(move |conn| spent(conn, site, day)).await
    }

    /// The last step of the device's clock.
    pub async fn last_clock_step(&self) -> Result<Option<ClockStep>, QueueError> {
        self.read(last_clock_step).await
    }

    /// The picture of a site, among those accepted last, whose file was modified last.
    pub async fn neighbour(&self, site: SiteId) -> Result<Option<Neighbour>, QueueError> {
        self.read(move |conn| neighbour(conn, site)).await
    }

    /// Counts by site and state, and of quarantined files by reason. Counts nothing row by row but those.
    pub async fn stats(&self) -> Result<Stats, QueueError> {
        self.read(|conn| {
            let _reading = Reading::begin(conn)?;
            stats(conn)
        })
        .await
    }

    /// Calls `each` with the images of a filter in its order, until it breaks. Rows that change meanwhile are seen
    /// as they are when their turn comes. Memory: a page of rows; and where the order or the condition asks for
    /// it, 16 bytes for every image of the filter.
    pub async fn list(
        &self,
        filter: Filter,
        mut each: impl FnMut(Image) -> ControlFlow<()>,
    ) -> Result<(), QueueError> {
        if !filter.wants_numbers() {
            return self.list_all(filter, each).await;
        }
        let asked = filter.clone();
        let numbers = self.read(move |conn| numbers(conn, &asked)).await?;
        for some in numbers.chunks(PAGE as usize) {
            let (asked, some) = (filter.clone(), some.to_vec());
            let images = self.read(move |conn| named(conn, &asked, &some)).await?;
            for image in images {
                if each(image).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// One pass through the table, in order of the numbers.
    async fn list_all(
        &self,
        mut filter: Filter,
        mut each: impl FnMut(Image) -> ControlFlow<()>,
    ) -> Result<(), QueueError> {
        loop {
            let asked = filter.clone();
            let images = self.read(move |conn| page(conn, &asked, PAGE)).await?;
            let Some(last) = images.last() else {
                return Ok(());
            };
            filter.after = Some(last.id);
            for image in images {
                if each(image).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Calls `each` with the quarantined files of a site or of all, in order of their paths.
    pub async fn quarantined(
        &self,
        site: Option<SiteName>,
        mut each: impl FnMut(Quarantined) -> ControlFlow<()>,
    ) -> Result<(), QueueError> {
        let mut after = PathBuf::new();
        loop {
            let (asked, behind) = (site.clone(), after.clone());
            let files = self
                .read(move |conn| quarantined_page(conn, asked.as_ref(), &behind, PAGE))
                .await?;
            let Some(last) = files.last() else {
                return Ok(());
            };
            after.clone_from(&last.place.path);
            for file in files {
                if each(file).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Verified images of a site whose files are there, behind a place in the list, the oldest capture first.
    pub async fn verified_local(
        &self,
        site: SiteId,
        behind: Behind,
        limit: u32,
    ) -> Result<Vec<Local>, QueueError> {
        self.read(move |conn| retain::verified_page(conn, site, behind, limit))
            .await
    }

    /// Verified images, none flagged, whose files are there and were verified at `until_ms` or before; in that
    /// order.
    pub async fn kept_local(
        &self,
        until_ms: i64,
        behind: Behind,
        limit: u32,
    ) -> Result<Vec<Local>, QueueError> {
        self.read(move |conn| retain::kept_page(conn, until_ms, behind, limit))
            .await
    }

    /// Images of a site that are still to be sent, behind a place in the list, the oldest capture first.
    pub async fn unverified_local(
        &self,
        site: SiteId,
        behind: Behind,
        limit: u32,
    ) -> Result<Vec<Local>, QueueError> {
        self.read(move |conn| retain::unverified_page(conn, site, behind, limit))
            .await
    }

    /// Verified images that lie below a folder of our own.
    pub async fn verified_below(&self, dir: PathBuf, limit: u32) -> Result<Vec<Local>, QueueError> {
        self.read(move |conn| retain::verified_below(conn, &dir, limit))
            .await
    }

    /// Bytes that images take on the disk, as far as is known.
    pub async fn local_bytes(&self) -> Result<u64, QueueError> {
        self.read(retain::local_bytes).await
    }

    /// Deletions that were begun and not finished, and why they were.
    pub async fn leaving(&self, limit: u32) -> Result<Vec<(ImageId, String)>, QueueError> {
        self.read(move |conn| retain::leaving(conn, limit)).await
    }

    /// Calls `each` with what was given up, of a site or of all, the first first.
    pub async fn dropped(
        &self,
        site: Option<SiteName>,
        mut each: impl FnMut(Drop) -> ControlFlow<()>,
    ) -> Result<(), QueueError> {
        let mut after = i64::MIN;
        loop {
            let asked = site.clone();
            let drops = self
                .read(move |conn| retain::drops_page(conn, asked.as_ref(), after, PAGE))
                .await?;
            let Some(last) = drops.last() else {
                return Ok(());
            };
            after = last.id;
            for drop in drops {
                if each(drop).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Everything known of the images that a selector names: none, one, or a few (at most 100).
    pub async fn show(&self, selector: Selector) -> Result<Vec<Dossier>, QueueError> {
        self.read(move |conn| {
            let _reading = Reading::begin(conn)?;
            show(conn, &selector)
        })
        .await
    }

    /// Reads everything and gives what is wrong; seconds for a million rows.
    pub async fn check(&self) -> Result<Vec<Finding>, QueueError> {
        self.read(check).await
    }
}

/// A transaction of statements that only read: they see the same rows, and SQLite takes its locks once.
struct Reading<'a>(&'a Connection);

impl<'a> Reading<'a> {
    fn begin(conn: &'a Connection) -> Result<Self, QueueError> {
        conn.prepare_cached("BEGIN")?.execute(())?;
        Ok(Self(conn))
    }
}

impl std::ops::Drop for Reading<'_> {
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("ROLLBACK");
        // Nothing was written, so nothing is lost; had it not ended, the next one would say so.
        let _ = ended.and_then(|mut end| end.execute(()));
    }
}

/// Runs `work` on a blocking thread of the runtime; a panic is an error.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, QueueError> + Send + 'static,
) -> Result<T, QueueError> {
    match crate::blocking::spawn(work).await {
        Ok(result) => result,
        Err(ended) if ended.is_panic() => {
            Err(QueueError::Panicked(words_of(ended.into_panic().as_ref())))
        }
        Err(_) => Err(QueueError::Closed),
    }
}
