//! Logs fit for journald: one line an event on stderr, with the priority prefix of sd-daemon(3) and without
//! time stamps when the journal reads them, for people in a terminal otherwise, or as JSON.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
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

/// Begins to log to stderr; `RUST_LOG` chooses what, as `level` or `target=level`, with commas between (default:
/// `info` of this program and warnings of libraries).
///
/// A second call in one process changes nothing.
pub fn begin(format: Format) {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let (chosen, fault) = match asked.parse() {
        _ if asked.is_empty() => (None, None),
        Ok(chosen) => (Some(chosen), None),
        Err(fault) => (None, Some(fault)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = match format {
        Format::Json => lines.json().boxed(),
        Format::Auto if journal => lines.with_ansi(false).event_format(Journal).boxed(),
        Format::Auto | Format::Text => lines.with_target(false).with_ansi(colours).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(what(chosen)));
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    // A bad RUST_LOG must not keep the daemon of an unattended board from running.
    if let Some(fault) = fault {
        tracing::warn!("RUST_LOG is not understood and left aside: {fault}");
    }
}

/// What is logged, when `chosen` was asked for.
fn what(chosen: Option<Targets>) -> Targets {
    let ours = || {
        Targets::new()
            .with_default(Level::WARN)
            .with_target("weir", Level::INFO)
    };
    let chosen = chosen.unwrap_or_else(ours);
    // The SDK's finer logs quote what it signs and runs: they are kept out whatever was asked for.
    [
        "aws_config",
        "aws_sigv4",
        "aws_runtime",
        "aws_smithy_runtime",
    ]
    .into_iter()
    .fold(chosen, |targets, sdk| targets.with_target(sdk, Level::INFO))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_means_our_own_sentences_and_the_warnings_of_libraries() {
        let targets = what(None);
        assert!(targets.would_enable("weir::upload", &Level::INFO));
        assert!(!targets.would_enable("weir::upload", &Level::DEBUG));
        assert!(targets.would_enable("hyper", &Level::WARN));
        assert!(!targets.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn what_the_sdk_signs_is_never_logged() {
        let targets = what("trace,aws_sigv4=trace".parse().ok());
        assert!(targets.would_enable("weir::queue", &Level::TRACE));
        for sdk in [
            "aws_sigv4::http_request::sign",
            "aws_config::credential_process",
        ] {
            assert!(!targets.would_enable(sdk, &Level::DEBUG), "{sdk}");
        }
    }
}
