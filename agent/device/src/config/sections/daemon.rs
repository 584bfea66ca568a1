//! `[daemon]`: the process.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::seconds;
use crate::config::form::{duration, text, word};
use crate::config::reader::Reader;

/// The process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Loopback address of the status pages; `None` for none.
    pub listen: Option<SocketAddr>,
    /// How long uploads under way may finish after SIGTERM.
    pub drain: Duration,
    /// Form of the log.
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text, with colours on a terminal.
    Auto,
    /// Text.
    Text,
    /// A JSON object a line.
    Json,
}

/// An address that only this machine can reach.
struct Loopback(SocketAddr);

impl FromStr for Loopback {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address: SocketAddr = text.parse().map_err(|_| "is not an address with a port")?;
        let loopback = address.ip().is_loopback();
        loopback
            .then_some(Self(address))
            .ok_or("can be reached from other machines, and the pages ask for no password")
    }
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Daemon {
    let listen = text::<Loopback>("a loopback address such as \"127.0.0.1:9185\"").or("");
    let log_format = word(&[
        ("auto", LogFormat::Auto),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
    ]);
    Daemon {
        listen: reader
            .get("daemon.listen", listen)
            .map(|Loopback(address)| address),
        drain: reader.get("daemon.drain", duration(seconds(1)..=seconds(3600))),
        log_format: reader.get("daemon.log_format", log_format),
    }
}
