//! `weir queue list` and `weir queue export`: rows of the queue for people, and all their fields for programs.

use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use serde_json::{Value, json};
use weir_journey::queue::State;

use super::args::{self, Form};
use super::output::{Failed, bytes, print};
use super::paint::{Paint, Tone};
use super::retained::{drop_json, drop_line};
use super::row::{COLUMNS, Record, harmless, image_json, shown};
use crate::queue::{Filter, Image, Quarantined, View};
use crate::upload::captured;
use crate::whole_file::WholeFile;

/// Prints the images of a filter, or the files that were refused.
pub(super) async fn list(
    state: PathBuf,
    wanted: &args::List,
    json: bool,
    paint: Paint,
) -> Result<ExitCode, Failed> {
    let view = View::open(state).await?;
    let mut left = wanted.limit.unwrap_or(u64::MAX);
    let mut lines = Lines::default();
    let mut emit = |text: &dyn Fn() -> String, value: &dyn Fn() -> Value| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        let line = if json {
            format!("{}\n", value())
        } else {
            text()
        };
        lines.push(&line)
    };
    let sites = || match wanted.filter.site.as_slice() {
        [] => vec![None],
        some => some.iter().cloned().map(Some).collect(),
    };
    if wanted.quarantined {
        for site in sites() {
            view.quarantined(site, |file| {
                emit(&|| refused_line(&file, paint), &|| refused_json(&file))
            })
            .await?;
        }
    } else if wanted.dropped {
        for site in sites() {
            view.dropped(site, |drop| {
                emit(&|| drop_line(&drop), &|| drop_json(&drop))
            })
            .await?;
        }
    } else {
        let filter = condition(&wanted.filter);
        let table = Table::new(&view, &filter, paint).await?;
        view.list(filter, |image| {
            emit(&|| table.line(&image), &|| image_json(&image))
        })
        .await?;
    }
    lines.end()?;
    Ok(ExitCode::SUCCESS)
}

/// Lines on their way to standard output, many in one write: a list may have a million.
#[derive(Default)]
struct Lines {
    waiting: String,
    failed: Option<Failed>,
}

impl Lines {
    /// Enough for one write.
    const MANY: usize = 1 << 16;

    /// Adds a line; breaks when nobody reads any more.
    fn push(&mut self, line: &str) -> ControlFlow<()> {
        self.waiting.push_str(line);
        if self.waiting.len() < Self::MANY {
            return ControlFlow::Continue(());
        }
        let printed = print(&self.waiting);
        self.waiting.clear();
        match printed {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn end(self) -> Result<(), Failed> {
        match self.failed {
            Some(error) => Err(error),
            None => print(&self.waiting).map(drop),
        }
    }
}

/// Writes every field of the images of a filter to a file or to standard output.
pub(super) async fn export(
    state: PathBuf,
    wanted: &args::Export,
    json: bool,
) -> Result<ExitCode, Failed> {
    let view = View::open(state).await?;
    let form = if json { Form::Json } else { wanted.format };
    let filter = condition(&wanted.filter);
    match &wanted.output {
        Some(path) => {
            let cannot = |error: io::Error| cannot_write(path, &error);
            let mut file = WholeFile::begin_private(path).map_err(cannot)?;
            write_rows(&view, filter, form, &mut file, path).await?;
            file.finish(|_| Ok(())).map_err(cannot)?;
        }
        None => {
            let out = io::BufWriter::new(io::stdout());
            write_rows(&view, filter, form, out, Path::new("standard output")).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot_write(path: &Path, error: &io::Error) -> Failed {
    Failed::Work(format!("cannot write {}: {error}", path.display()))
}

/// Rows as they come from the queue: nothing is gathered.
async fn write_rows(
    view: &View,
    filter: Filter,
    form: Form,
    out: impl Write,
    path: &Path,
) -> Result<(), Failed> {
    let mut writer = RowWriter::new(form, out);
    let mut written = writer.begin();
    view.list(filter, |image| {
        if written.is_ok() {
            written = writer.row(&Record::of(&image));
        }
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .await?;
    match written.and_then(|()| writer.end()) {
        // A reader that went away (`| head`) has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended.map_err(|error| cannot_write(path, &error)),
    }
}

/// CSV as RFC 4180 has it (a line of names, CRLF, quotes where they are needed), or JSON, one object a line.
enum RowWriter<W: Write> {
    // Boxed: the writer holds its own buffers.
    Csv(Box<csv::Writer<W>>),
    Json(W),
}

impl<W: Write> RowWriter<W> {
    fn new(form: Form, out: W) -> Self {
        match form {
            Form::Csv => Self::Csv(Box::new(
                csv::WriterBuilder::new()
                    .terminator(csv::Terminator::CRLF)
                    .has_headers(false)
                    .from_writer(out),
            )),
            Form::Json => Self::Json(out),
        }
    }

    /// The line of names, which CSV wants before any row.
    fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.write_record(COLUMNS).map_err(io_error),
            Self::Json(_) => Ok(()),
        }
    }

    fn row(&mut self, record: &Record<'_>) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.serialize(record).map_err(io_error),
            Self::Json(out) => {
                serde_json::to_writer(&mut *out, &record.json()?)?;
                out.write_all(b"\n")
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush(),
            Self::Json(mut out) => out.flush(),
        }
    }
}

/// The I/O error that stopped the writer, whose kind says whether a reader went away.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The filter that the command line describes.
pub(super) fn condition(filter: &args::Filter) -> Filter {
    let now = Utc::now();
    Filter {
        sites: filter.site.clone(),
        states: filter.state.clone(),
        since: filter.since.map(|since| since.bound(now)),
        until: filter.until.map(|until| until.bound(now)),
        source: filter.source,
        confidence: filter.confidence,
        doubtful: filter.doubtful,
        warning: filter.warning.clone(),
        path: filter.path.clone(),
        key: filter.key.clone(),
        failed: filter.failed,
        after: None,
        order: filter.order.sorted(),
    }
}

/// Lines that stand below each other. On a terminal the path gives way, so that a line stays one.
struct Table {
    paint: Paint,
    /// Columns of the longest site's name.
    site: usize,
    /// Columns of the terminal, when it is one.
    width: Option<usize>,
}

impl Table {
    async fn new(view: &View, filter: &Filter, paint: Paint) -> Result<Self, Failed> {
        let site = if filter.sites.is_empty() {
            let stats = view.stats().await?;
            stats.sites.keys().map(|name| name.as_str().len()).max()
        } else {
            filter.sites.iter().map(|name| name.as_str().len()).max()
        };
        Ok(Self {
            paint,
            site: site.unwrap_or(0),
            width: terminal_width(),
        })
    }

    fn line(&self, image: &Image) -> String {
        let tone = match image.state {
            State::Verified => Tone::Good,
            State::Parked | State::Missing => Tone::Bad,
            State::Waiting => Tone::Doubtful,
            State::Dropped => Tone::Quiet,
            State::Queued | State::Uploading => {
                return self.with_state(image, image.state.to_string());
            }
        };
        self.with_state(image, self.paint.paint(tone, &image.state.to_string()))
    }

    fn with_state(&self, image: &Image, state: String) -> String {
        let pad = " ".repeat(9_usize.saturating_sub(image.state.to_string().len()));
        let site = image.site_name.as_str();
        let facts = format!(
            " {site:width$} {} {:>10} ",
            captured(image).format("%Y-%m-%dT%H:%M:%S%:z"),
            bytes(image.place.identity.size),
            width = self.site,
        );
        let number = format!("{:>8} ", image.id.0);
        let path = shown(&image.place.path);
        let Some(width) = self.width else {
            let why = image.failure.as_deref();
            let why = why.map_or(String::new(), |why| format!("  {}", harmless(why)));
            return format!("{number}{state}{pad}{facts}{path}{why}\n");
        };
        let before = number.len() + 9 + facts.len();
        let room = width.saturating_sub(before).max(20);
        let mut line = format!("{number}{state}{pad}{facts}{}\n", end_of(&path, room));
        if let Some(why) = &image.failure {
            let why = format!("{:18}{}", "", harmless(why));
            line.push_str(&self.paint.paint(Tone::Quiet, &why));
            line.push('\n');
        }
        line
    }
}

/// The last `room` characters of a text, which of a path are the ones that tell.
fn end_of(text: &str, room: usize) -> String {
    let count = text.chars().count();
    if count <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(count - room.saturating_sub(1)).collect();
    format!("…{kept}")
}

fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    let size = out
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(&out));
    match size {
        Some(Ok(size)) if size.ws_col > 0 => Some(usize::from(size.ws_col)),
        Some(_) => Some(80),
        None => None,
    }
}

fn refused_line(file: &Quarantined, paint: Paint) -> String {
    let reason = paint.paint(Tone::Doubtful, &format!("{:18}", file.reason));
    format!("{reason} {}  {}\n", shown(&file.place.path), file.detail)
}

fn refused_json(file: &Quarantined) -> Value {
    json!({
        "path": file.place.path.to_string_lossy(),
        "reason": file.reason,
        "detail": file.detail,
        "bytes": file.place.identity.size,
        "at": chrono::DateTime::from_timestamp_millis(file.at_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_keeps_its_end() {
        assert_eq!(end_of("/srv/a.jpg", 20), "/srv/a.jpg");
        assert_eq!(end_of("/srv/camera/é.jpg", 6), "…é.jpg");
        assert_eq!(end_of("/srv/camera/é.jpg", 6).chars().count(), 6);
    }
}
