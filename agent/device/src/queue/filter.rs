//! Which images to list, as conditions that SQLite judges: only rows that are asked for are read into memory.

use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use weir_journey::identity::SiteName;
use weir_journey::queue::State;
use weir_journey::stamp::{Confidence, Source};

use super::error::QueueError;
use super::image::{Image, ImageId};
use super::row::SELECT_IMAGE;

/// Which images to list; what is `None`, empty or `false` is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one of these sites.
    pub sites: Vec<SiteName>,
    /// In one of these states.
    pub states: Vec<State>,
    /// Captured at or after.
    pub since: Option<Bound>,
    /// Captured before.
    pub until: Option<Bound>,
    /// Whose capture time was read from this.
    pub source: Option<Source>,
    /// Whose capture time can be trusted so far.
    pub confidence: Option<Confidence>,
    /// Whose capture time is doubtful: of low confidence, filed without a date, or held for review.
    pub doubtful: bool,
    /// With a warning of this code about the capture time.
    pub warning: Option<String>,
    /// Whose path matches this glob (SQLite's GLOB: `*` also matches `/`).
    pub path: Option<String>,
    /// Whose key begins so.
    pub key: Option<String>,
    /// Whose last try failed.
    pub failed: bool,
    /// With a larger number than this one.
    pub after: Option<ImageId>,
    /// In which order.
    pub order: Sorted,
}

/// An end of a span of capture times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A moment, milliseconds since 1970 UTC.
    Moment(i64),
    /// What the camera's own clock showed, as if it were UTC: midnight of a date, wherever the camera is.
    Shown(i64),
}

/// In which order images are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sorted {
    /// As they were accepted.
    #[default]
    Accepted,
    /// The last captured first.
    Newest,
    /// The first captured first.
    Oldest,
}

/// How the capture time was found. A text that is no JSON costs its own row, not the list.
const CAPTURE: &str = "(CASE WHEN json_valid(i.capture) THEN i.capture ELSE '{}' END)";

/// The code of a warning; the first agents called it `warning`.
const CODE: &str = "coalesce(w.value ->> '$.code', w.value ->> '$.warning')";

/// A `WHERE` with its values.
struct Condition {
    text: String,
    values: Vec<Value>,
}

impl Condition {
    fn and(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(" AND ");
        self.text.push_str(text);
        self.values.extend(values);
    }
}

impl Filter {
    /// Whether the numbers are gathered first: for another order than theirs, or because few rows are open while
    /// the table may hold a million that are not.
    pub(super) fn wants_numbers(&self) -> bool {
        self.order != Sorted::Accepted || self.all_open()
    }

    fn all_open(&self) -> bool {
        !self.states.is_empty() && self.states.iter().all(|state| state.is_open())
    }

    /// All conditions but `after` and the states.
    fn condition(&self) -> Condition {
        let mut all = Condition {
            text: "1".to_owned(),
            values: Vec::new(),
        };
        if !self.sites.is_empty() {
            let some = vec!["?"; self.sites.len()].join(", ");
            let names = self.sites.iter().map(|site| site.to_string().into());
            all.and(&format!("s.name IN ({some})"), names);
        }
        for (bound, sign) in [(self.since, ">="), (self.until, "<")] {
            match bound {
                Some(Bound::Moment(ms)) => {
                    all.and(&format!("i.captured_ms {sign} ?"), [ms.into()]);
                }
                Some(Bound::Shown(ms)) => {
                    let shown = format!("i.captured_ms + 1000 * i.offset_s {sign} ?");
                    all.and(&shown, [ms.into()]);
                }
                None => {}
            }
        }
        self.of_capture(&mut all);
        if let Some(glob) = &self.path {
            all.and("CAST(i.path AS TEXT) GLOB ?", [glob.clone().into()]);
        }
        if let Some(prefix) = &self.key {
            let prefix = Value::from(prefix.clone());
            all.and("substr(i.key, 1, length(?)) = ?", [prefix.clone(), prefix]);
        }
        if self.failed {
            all.and("i.failure IS NOT NULL", []);
        }
        all
    }

    /// Conditions on how the capture time was found.
    fn of_capture(&self, all: &mut Condition) {
        if let Some(source) = self.source {
            all.and(
                &format!("{CAPTURE} ->> '$.source' = ?"),
                [source.to_string().into()],
            );
        }
        if let Some(confidence) = self.confidence {
            let word = confidence.to_string().into();
            all.and(&format!("{CAPTURE} ->> '$.confidence' = ?"), [word]);
        }
        if self.doubtful {
            let low = Confidence::Low.to_string().into();
            let doubtful =
                format!("(i.dated = 0 OR i.held = 1 OR {CAPTURE} ->> '$.confidence' = ?)");
            all.and(&doubtful, [low]);
        }
        if let Some(code) = &self.warning {
            let warned = format!(
                "EXISTS (SELECT 1 FROM json_each({CAPTURE}, '$.warnings') w WHERE {CODE} = ?)"
            );
            all.and(&warned, [code.clone().into()]);
        }
    }

    /// The conditions on a row that is met in the table.
    fn of_a_row(&self) -> Condition {
        let mut all = self.condition();
        if !self.states.is_empty() {
            let some = vec!["?"; self.states.len()].join(", ");
            let codes = self
                .states
                .iter()
                .map(|state| i64::from(state.code()).into());
            all.and(&format!("i.state IN ({some})"), codes);
        }
        all
    }
}

/// The images of a filter in order of their numbers, at most `limit`.
pub(super) fn page(
    conn: &Connection,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<Image>, QueueError> {
    let mut rows = filter.of_a_row();
    let after = filter.after.map_or(i64::MIN, |id| id.0);
    rows.and(
        "i.id > ? ORDER BY i.id LIMIT ?",
        [after.into(), i64::from(limit).into()],
    );
    let sql = format!("{SELECT_IMAGE} WHERE {}", rows.text);
    let images = conn
        .prepare_cached(&sql)?
        .query_map(params_from_iter(rows.values), Image::read)?
        .collect::<Result<_, _>>()?;
    Ok(images)
}

/// The numbers of the images of a filter, in its order. Of open states the index of what is open is asked, in
/// which a million rows that are done do not lie.
pub(super) fn numbers(conn: &Connection, filter: &Filter) -> Result<Vec<ImageId>, QueueError> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    if filter.all_open() {
        let mut states = filter.states.clone();
        states.sort_unstable_by_key(|state| state.code());
        states.dedup();
        for state in states {
            // The number stands in the text so that the partial index serves.
            let mut rows = filter.condition();
            rows.and(&format!("i.state = {}", state.code()), []);
            gather(conn, "images i INDEXED BY images_open", rows, &mut found)?;
        }
    } else {
        gather(conn, "images i", filter.of_a_row(), &mut found)?;
    }
    match filter.order {
        Sorted::Accepted => found.sort_unstable_by_key(|&(_, id)| id),
        Sorted::Oldest => found.sort_unstable(),
        Sorted::Newest => found.sort_unstable_by(|one, other| other.cmp(one)),
    }
    let after = filter.after.map_or(i64::MIN, |id| id.0);
    let behind = found.into_iter().filter(|&(_, id)| id > after);
    Ok(behind.map(|(_, id)| ImageId(id)).collect())
}

fn gather(
    conn: &Connection,
    table: &str,
    rows: Condition,
    found: &mut Vec<(i64, i64)>,
) -> Result<(), QueueError> {
    let sql = format!(
        "SELECT i.captured_ms, i.id FROM {table} JOIN sites s ON s.id = i.site WHERE {}",
        rows.text
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut met = statement.query(params_from_iter(rows.values))?;
    while let Some(row) = met.next()? {
        found.push((row.get(0)?, row.get(1)?));
    }
    Ok(())
}

/// Those of these images that are (still) of the filter, in the order given.
pub(super) fn named(
    conn: &Connection,
    filter: &Filter,
    numbers: &[ImageId],
) -> Result<Vec<Image>, QueueError> {
    let rows = filter.of_a_row();
    let sql = format!("{SELECT_IMAGE} WHERE {} AND i.id = ?", rows.text);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut images = Vec::with_capacity(numbers.len());
    for id in numbers {
        let values = rows.values.iter().map(|value| value as &dyn ToSql);
        let with_number = values.chain([id as &dyn ToSql]);
        images.extend(
            statement
                .query_row(params_from_iter(with_number), Image::read)
                .optional()?,
        );
    }
    Ok(images)
}
