//! `weir run`: the daemon.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output::Failed;
use crate::agent::RunError;
use crate::config::{Config, LogFormat};
use crate::logging;
use crate::world::World;

/// Threads for files and the database: enough that a slow disk does not hold up the rest, few enough that what
/// each keeps of the heap does not add up (docs/figures.md).
const BLOCKING_THREADS: usize = 8;

pub(super) fn run(config: Config) -> Result<ExitCode, Failed> {
    logging::begin(match config.daemon.log_format {
        LogFormat::Auto => logging::Format::Auto,
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    });
    wide(watched(config))
}

/// A token that SIGTERM and Ctrl-C cancel.
pub(super) fn stop_on_signals() -> Result<CancellationToken, Failed> {
    let stop = CancellationToken::new();
    let cannot = |error: std::io::Error| Failed::Work(format!("cannot hear signals: {error}"));
    let terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    tokio::spawn(obey(terminate, interrupt, stop.clone()));
    Ok(stop)
}

/// A runtime for work on many images.
pub(super) fn wide<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failed::Work(format!("cannot start: {error}")))?
        .block_on(work)
}

async fn watched(config: Config) -> Result<ExitCode, Failed> {
    let stop = stop_on_signals()?;
    let world = World::real(&config).map_err(|error| Failed::Configuration(error.to_string()))?;
    match crate::run(config, world, stop).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ (RunError::NoSite | RunError::Gate(_))) => {
            Err(Failed::Configuration(error.to_string()))
        }
        Err(error) => Err(Failed::Work(error.to_string())),
    }
}

/// The first signal drains; the second one ends the process where it stands, which costs at most one repeated
/// upload of each image under way.
async fn obey(mut terminate: Signal, mut interrupt: Signal, stop: CancellationToken) {
    for asked in 0_u8.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if asked > 0 {
            tracing::warn!("stopped at once; what was on its way is looked for at the next start");
            std::process::exit(1);
        }
        stop.cancel();
    }
}
