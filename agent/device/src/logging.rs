//! Logs fit for journald: one line an event on stderr, with the priority prefix of sd-daemon(3) and without
//! time stamps when the journal reads them, for people in a terminal otherwise, or as JSON.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For the journal when it reads stderr (`JOURNAL_STREAM` is set), text otherwise.
    Auto,
    /// Time, level and sentence.
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to log to stderr; `RUST_LOG` chooses what (default: `info`, and warnings of libraries).
///
/// A second call in one process changes nothing.
pub fn begin(format: Format) {
    // A bad RUST_LOG must not keep the daemon of an unattended board from running.
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,weir=info"));
    // The SDK's own finest logs quote what it signs and runs: they are kept out whatever RUST_LOG says.
    let filter = [
        "aws_config=info",
        "aws_sigv4=info",
        "aws_runtime=info",
        "aws_smithy_runtime=info",
    ]
    .iter()
    .filter_map(|directive| directive.parse().ok())
    .fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    // An error means that logging was begun before: keep that.
    let _ = match format {
        Format::Json => builder.json().try_init().is_ok(),
        Format::Auto if journal => builder
            .with_ansi(false)
            .event_format(Journal)
            .try_init()
            .is_ok(),
        Format::Auto | Format::Text => builder
            .with_target(false)
            .with_ansi(colours)
            .try_init()
            .is_ok(),
    };
}

/// `<4>sentence`: the journal adds time, unit and process itself.
struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
