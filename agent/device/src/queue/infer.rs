//! Images that are to be looked at, and what was found in them.
//!
//! The wish comes with the image's row, so that it survives whatever happens to whoever looks; it keeps the image
//! from nothing but, for a while that its acceptance sets, from going up. What is found is written down in one
//! transaction with everything that follows from it: the image's urgency, whether a person has to judge it, and the
//! products as rows of their own.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};
use weir_journey::queue::{Move, State};
use weir_journey::upload::Scope;

use super::error::QueueError;
use super::image::{Held, Image, ImageId, SiteId};
use super::import::load;
use super::product::{self, NewProduct};
use super::step::{as_indexed, step};
use super::{Queue, View};

/// Whether an image that is accepted is to be looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InferWish {
    /// It is not.
    #[default]
    None,
    /// It is.
    Due {
        /// Until when (milliseconds since 1970) it does not go up before that; `None` when it need not wait. An
        /// image that a person has to judge waits for him alone.
        hold_until_ms: Option<i64>,
    },
}

impl InferWish {
    pub(super) const fn state(self) -> Infer {
        match self {
            Self::None => Infer::Unwanted,
            Self::Due { .. } => Infer::Due,
        }
    }

    pub(super) const fn hold_until_ms(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Due { hold_until_ms } => hold_until_ms,
        }
    }
}

/// How far the look at an image has come. The integer values are what the database holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Infer {
    /// Nobody wants one.
    #[default]
    Unwanted = 0,
    /// It is to be looked at.
    Due = 1,
    /// It was, and what was found is written down.
    Done = 2,
    /// It was, and that failed.
    Failed = 3,
    /// It is nothing that can be looked at.
    Impossible = 4,
}

impl Infer {
    const ALL: [Self; 5] = [
        Self::Unwanted,
        Self::Due,
        Self::Done,
        Self::Failed,
        Self::Impossible,
    ];

    /// The integer that stands for it in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What an integer of the database stands for.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Its name in listings; `None` where nobody wants a look.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Unwanted => None,
            Self::Due => Some("due"),
            Self::Done => Some("done"),
            Self::Failed => Some("failed"),
            Self::Impossible => Some("impossible"),
        }
    }
}

/// When an image goes up among those of its site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum Urgency {
    /// After all others.
    Later = -1,
    /// By its capture time.
    #[default]
    Usual = 0,
    /// Before all others.
    First = 1,
}

impl Urgency {
    /// All of them, in the order in which they go up.
    pub const ALL: [Self; 3] = [Self::First, Self::Usual, Self::Later];

    /// The integer that stands for it in the database.
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// What an integer of the database stands for.
    pub(super) fn from_code(code: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| i64::from(one.code()) == code)
    }
}

/// What the look at an image has to do with where it stands. The integer values are what the database holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LookHold {
    /// Nothing.
    #[default]
    None = 0,
    /// It waits for nothing but to be looked at, until a moment that the row holds.
    Awaits = 1,
    /// It is parked for what was found in it, until a person says otherwise.
    Withheld = 2,
}

impl LookHold {
    const ALL: [Self; 3] = [Self::None, Self::Awaits, Self::Withheld];

    /// The integer that stands for it in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What an integer of the database stands for.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// How a look at an image ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookOutcome {
    /// Something was found out.
    Done,
    /// It failed, and trying again would not help.
    Failed,
    /// It is nothing that can be looked at (a video, a format that nobody decodes).
    Impossible,
}

impl LookOutcome {
    const fn state(self) -> Infer {
        match self {
            Self::Done => Infer::Done,
            Self::Failed => Infer::Failed,
            Self::Impossible => Infer::Impossible,
        }
    }
}

/// What came of a look at an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// How it ended.
    pub outcome: LookOutcome,
    /// What was found and decided, as JSON.
    pub findings: String,
    /// When the image and its products go up among those of their sites.
    pub urgency: Urgency,
    /// The image is not to go up unless a person says so, and why. One that is being sent, was stored or is parked
    /// for another reason is left where it is.
    pub hold: Option<Held>,
    /// Files that were made, durable on disk.
    pub products: Vec<NewProduct>,
    /// Now, milliseconds since 1970.
    pub at_ms: i64,
}

/// What became of an [`Inferred`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It was written down.
    Written {
        /// The image waits for a person now.
        withheld: bool,
        /// Positions of the products whose bytes are known already and lie elsewhere: these files are not needed.
        known: Vec<usize>,
    },
    /// Nothing was: meanwhile the image's capture time was put right (it is due again), it was given up, or somebody
    /// else looked at it. None of the products' files is needed.
    Stale,
}

/// What is due and can be looked at: the condition of the index `images_look`, word for word, so that it serves.
pub(super) const LOOK: &str = "images INDEXED BY images_look \
    WHERE infer = 1 AND state <> 5 AND state <> 6 AND removed_ms IS NULL AND unplugged = 0";

/// The image of these sites that was captured last among those that are to be looked at.
pub(super) fn next(conn: &Connection, sites: &[SiteId]) -> Result<Option<Image>, QueueError> {
    let mut freshest: Option<(i64, ImageId)> = None;
    let mut select = conn.prepare_cached(&format!(
        "SELECT captured_ms, id FROM {LOOK} AND site = ?1 ORDER BY captured_ms DESC, id DESC LIMIT 1"
    ))?;
    for site in sites {
        let of_site = select
            .query_map([site], |row| Ok((row.get(0)?, row.get(1)?)))?
            .next()
            .transpose()?;
        freshest = freshest.max(of_site);
    }
    match freshest {
        None => Ok(None),
        Some((_, id)) => as_indexed(load(conn, id)).map(Some),
    }
}

/// How many images are to be looked at, by site. Reads an entry of the index for each.
pub(super) fn waiting(conn: &Connection) -> Result<BTreeMap<SiteId, u64>, QueueError> {
    let counts = conn
        .prepare_cached(&format!("SELECT site, count(*) FROM {LOOK} GROUP BY site"))?
        .query_map((), |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })?
        .collect::<Result<_, _>>()?;
    Ok(counts)
}

/// Writes down what came of the look at an image, and what follows from it.
pub(super) fn record(
    conn: &Connection,
    looked_at: &Image,
    inferred: &Inferred,
) -> Result<Recorded, QueueError> {
    let image = load(conn, looked_at.id)?;
    let told = |image: &Image| (image.captured_ms, image.offset_s, image.dated);
    if image.infer != Infer::Due || image.state == State::Dropped || told(&image) != told(looked_at)
    {
        return Ok(Recorded::Stale);
    }
    conn.prepare_cached(
        "UPDATE images SET infer = :infer, findings = :findings, urgency = :urgency WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": image.id,
        ":infer": inferred.outcome.state().code(),
        ":findings": inferred.findings,
        ":urgency": inferred.urgency.code(),
    })?;
    let can_wait = matches!(image.state, State::Queued | State::Waiting);
    let hold = inferred.hold.as_ref().filter(|_| can_wait);
    match hold {
        Some(held) => withhold(conn, image.id, held)?,
        None if image.look_hold == LookHold::Awaits => {
            step(conn, image.id, Move::Due, "next_at_ms = NULL", &[])?;
        }
        None => {}
    }
    Ok(Recorded::Written {
        withheld: hold.is_some(),
        known: product::insert_all(conn, &image, inferred)?,
    })
}

/// Parks an image until a person has judged it.
fn withhold(conn: &Connection, id: ImageId, held: &Held) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Withhold,
        "held = 1, next_at_ms = :never, refusal_scope = :scope, failure = :failure, fix = :fix",
        named_params! {
            // It is in no index of what is due, and the table wants a moment of everything that is parked.
            ":never": i64::MAX,
            ":scope": Scope::Image.code(),
            ":failure": held.failure,
            ":fix": held.fix,
        },
    )?;
    mark(conn, id, LookHold::Withheld)
}

/// Says what an image's state has to do with a look; every move takes that back.
pub(super) fn mark(conn: &Connection, id: ImageId, hold: LookHold) -> Result<(), QueueError> {
    conn.prepare_cached("UPDATE images SET look_hold = ?2 WHERE id = ?1")?
        .execute((id, hold.code()))?;
    Ok(())
}

/// The capture time of an image was put right: what was found in it says the wrong one. Has it looked at again, and
/// takes back the products that no store can have.
pub(super) fn look_again(conn: &Connection, image: &Image, at_ms: i64) -> Result<(), QueueError> {
    if image.infer == Infer::Unwanted {
        return Ok(());
    }
    conn.prepare_cached("UPDATE images SET infer = ?2 WHERE id = ?1")?
        .execute((image.id, Infer::Due.code()))?;
    product::take_back(conn, image.id, at_ms)
}

/// What the image's row and those of its products say of an image that was copied out of a damaged database.
pub(super) fn salvaged(conn: &Connection, id: ImageId, old: &Image) -> Result<(), QueueError> {
    conn.prepare_cached(
        "UPDATE images SET infer = :infer, findings = :findings, urgency = :urgency WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":infer": old.infer.code(),
        ":findings": old.findings,
        ":urgency": old.urgency.code(),
    })?;
    Ok(())
}

impl View {
    /// Of the images of these sites that are to be looked at, and whose bytes should be there, the one captured last.
    pub async fn infer_next(&self, sites: Vec<SiteId>) -> Result<Option<Image>, QueueError> {
        self.read(move |conn| next(conn, &sites)).await
    }

    /// How many images are to be looked at, by site; sites without any are left out.
    pub async fn infer_waiting(&self) -> Result<BTreeMap<SiteId, u64>, QueueError> {
        self.read(waiting).await
    }
}

impl Queue {
    /// Writes down what came of the look at an image, which is given as it was then: its findings, its urgency, and
    /// its products as queued images of the site's products. An image that only waited for this goes on at once.
    ///
    /// # Errors
    /// [`QueueError::NoSuchImage`] when its row was compacted meanwhile, [`QueueError::NoProducts`] when its site
    /// can have none.
    pub async fn inferred(&self, image: Image, inferred: Inferred) -> Result<Recorded, QueueError> {
        self.write(move |conn| record(conn, &image, &inferred))
            .await
    }
}
