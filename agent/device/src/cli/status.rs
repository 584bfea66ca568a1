//! `weir status`: asks the running agent, or reads the queue when none runs.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::output::{Failed, bytes, print};
use super::paint::{Paint, Tone};
use super::short;
use crate::agent::resting;
use crate::config::Config;
use crate::serve::{ClockStatus, Status};

/// A status of a thousand sites fits in.
const LONGEST: usize = 4 << 20;

pub(super) fn status(config: &Config, json: bool, paint: Paint) -> Result<ExitCode, Failed> {
    let status = short(async {
        match config.daemon.listen {
            Some(address) => match ask(address).await {
                Ok(status) => Ok(status),
                Err(why) => resting(config, &why).await.map_err(Failed::from),
            },
            None => resting(config, "daemon.listen is \"\", so nobody can be asked")
                .await
                .map_err(Failed::from),
        }
    })?;
    if json {
        let text =
            serde_json::to_string(&status).map_err(|error| Failed::Work(error.to_string()))?;
        print(&(text + "\n"))?;
    } else {
        print(&page(&status, paint))?;
    }
    Ok(ExitCode::from(u8::from(!status.healthy())))
}

async fn ask(address: SocketAddr) -> Result<Status, String> {
    tokio::time::timeout(Duration::from_secs(10), get(address))
        .await
        .map_err(|_| format!("no answer from {address}"))?
}

async fn get(address: SocketAddr) -> Result<Status, String> {
    let no_daemon = |error: std::io::Error| format!("no agent answers at {address}: {error}");
    let stream = TcpStream::connect(address).await.map_err(no_daemon)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no agent answers at {address}: {error}"))?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get("/status")
        .header(http::header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    driver.abort();
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| format!("what answers at {address} is no weir"))
}

fn page(status: &Status, paint: Paint) -> String {
    let mut text = String::new();
    if status.running {
        let since = status.started_at.map_or(String::new(), |at| {
            format!(", for {} s", (status.now - at).num_seconds().max(0))
        });
        text.push_str(&format!("weir {} is running{since}\n", status.version));
    } else {
        text.push_str(&format!("weir {} is not running\n", status.version));
    }
    for site in &status.sites {
        text.push_str(&format!("\n{}\n", site.name));
        for directory in &site.directories {
            let there = if directory.present {
                ""
            } else {
                "  (not there)"
            };
            text.push_str(&format!("  folder     {}{there}\n", directory.path));
        }
        for (state, count) in &site.images {
            text.push_str(&format!("  {:10} {count}\n", state.to_string()));
        }
        if site.open_bytes > 0 {
            let oldest = site
                .oldest_open
                .map_or(String::new(), |at| format!(", oldest {}", at.to_rfc3339()));
            text.push_str(&format!(
                "  owed       {}{oldest}\n",
                bytes(site.open_bytes)
            ));
        }
        if let Some(held) = &site.held {
            text.push_str(&format!("  held       {held}\n"));
        }
    }
    let pipeline = &status.pipeline;
    if pipeline.max_sites > 0 {
        text.push_str(&format!(
            "\npipeline\n  sites      {} of {}, {} images held after their upload, {} sites wait\n",
            pipeline.sites,
            pipeline.max_sites,
            pipeline.held,
            pipeline.waiting.len()
        ));
    }
    for disk in &status.disks {
        let percent = u128::from(disk.free_bytes) * 100 / u128::from(disk.bytes.max(1));
        let folders = disk.folders.join(", ");
        let (free, size) = (bytes(disk.free_bytes), bytes(disk.bytes));
        text.push_str(&format!(
            "\ndisk of {folders}\n  free       {free} of {size} ({percent} %)\n"
        ));
    }
    for (reason, count) in &status.quarantined {
        text.push_str(&format!(
            "\nquarantined {count} ({reason}): see `weir queue list --quarantined`\n"
        ));
    }
    if let Some(ahead) = status
        .clock
        .store_ahead_s
        .filter(|ahead| ahead.abs() >= 2.0)
    {
        text.push_str(&format!(
            "\nthe store's clock is {ahead:.0} s ahead of this board's\n"
        ));
    }
    text.push_str(&clock(&status.clock));
    text.push('\n');
    if status.healthy() {
        text.push_str(&paint.paint(Tone::Good, "all is well"));
        text.push('\n');
    }
    let look = paint.paint(Tone::Doubtful, "look:");
    for trouble in &status.troubles {
        text.push_str(&format!("{look} {trouble}\n"));
    }
    text
}

/// What is to be said of the board's clock beside the store's.
fn clock(clock: &ClockStatus) -> String {
    let mut text = String::new();
    if clock.synchronised == Some(false) {
        text.push_str(
            "\nthis board's clock is not known to be right: times that come from it are put right when it is set\n",
        );
    }
    if let Some(step) = &clock.last_step {
        text.push_str(&format!(
            "\nthis board's clock was set by {:.0} s to {}; {} capture times were put right\n",
            step.by_s,
            step.at.to_rfc3339(),
            step.images
        ));
    }
    text
}
