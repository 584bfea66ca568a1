//! `weir run`: the daemon, through changes of its configuration.
//!
//! SIGHUP reads the configuration again. One that has a fault is refused with all of its faults, and the agent goes on;
//! one that says the same changes nothing; any other is taken up by draining the agent and beginning it anew within the
//! same process. Should the new one turn out not to work (an address in use, say), the one before is taken up again.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::output::Failed;
use crate::agent::RunError;
use crate::config::{Config, LogFormat};
use crate::world::World;
use crate::{logging, systemd};

/// Threads for files and the database: enough that a slow disk does not hold up the rest, few enough that what
/// each keeps of the heap does not add up (docs/figures.md).
const BLOCKING_THREADS: usize = 8;

/// The time an agent may take to begin, in which nothing else tells the supervisor that the process lives.
const BEGINNING: Duration = Duration::from_secs(60);

pub(super) fn run(file: Option<PathBuf>, config: Config) -> Result<ExitCode, Failed> {
    logging::begin(match config.daemon.log_format {
        LogFormat::Auto => logging::Format::Auto,
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    });
    wide(watched(file, config))
}

/// A token that SIGTERM and Ctrl-C cancel.
pub(super) fn stop_on_signals() -> Result<CancellationToken, Failed> {
    let stop = CancellationToken::new();
    let terminate = hear(SignalKind::terminate())?;
    let interrupt = hear(SignalKind::interrupt())?;
    tokio::spawn(obey(terminate, interrupt, stop.clone()));
    Ok(stop)
}

fn hear(kind: SignalKind) -> Result<Signal, Failed> {
    signal(kind).map_err(|error| Failed::Work(format!("cannot hear signals: {error}")))
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

async fn watched(file: Option<PathBuf>, mut config: Config) -> Result<ExitCode, Failed> {
    let stop = stop_on_signals()?;
    let mut hangup = hear(SignalKind::hangup())?;
    let mut before = None;
    loop {
        match turn(file.as_deref(), &config, &mut hangup, &stop).await {
            Ok(None) => return Ok(ExitCode::SUCCESS),
            Ok(Some(next)) => before = Some(std::mem::replace(&mut config, *next)),
            Err((failed, by_configuration)) => match before.take() {
                Some(good) if by_configuration => {
                    tracing::error!(
                        "the new configuration does not work, the one before is taken up again: {failed}"
                    );
                    config = good;
                }
                _ => return Err(failed),
            },
        }
    }
}

/// Runs an agent until it is over (`None`), or another configuration is to be taken up. An error says whether another
/// configuration may be the remedy.
async fn turn(
    file: Option<&Path>,
    config: &Config,
    hangup: &mut Signal,
    stop: &CancellationToken,
) -> Result<Option<Box<Config>>, (Failed, bool)> {
    let world =
        World::real(config).map_err(|error| (Failed::Configuration(error.to_string()), true))?;
    let halt = stop.child_token();
    let mut agent = pin!(crate::run(config.clone(), world, halt.clone()));
    let next = loop {
        tokio::select! {
            biased;
            ended = &mut agent => return ended.map(|()| None).map_err(failed),
            _ = hangup.recv() => {}
        }
        if let Some(next) = read_again(file, config).await {
            break next;
        }
    };
    tracing::info!("the configuration has changed: it is taken up");
    systemd::reloading();
    tokio::spawn(live_on(config.daemon.drain + BEGINNING));
    halt.cancel();
    agent.await.map_err(failed)?;
    Ok((!stop.is_cancelled()).then_some(next))
}

/// The configuration as it is now, where it has no fault and says something else than `config`.
async fn read_again(file: Option<&Path>, config: &Config) -> Option<Box<Config>> {
    systemd::reloading();
    let file = file.map(Path::to_owned);
    let read = crate::blocking::spawn(move || Config::load(file.as_deref(), std::env::vars_os()));
    match read.await {
        Ok(Ok(next)) if next != *config => return Some(Box::new(next)),
        Ok(Ok(_)) => {
            tracing::info!("the configuration says what it did");
            systemd::ready("the configuration is as it was");
        }
        Ok(Err(faults)) => {
            tracing::error!(
                "the configuration is refused, the agent goes on with the one before: {faults}"
            );
            systemd::ready("a faulty configuration was refused");
        }
        Err(ended) => {
            tracing::error!("the configuration could not be read: {ended}");
            systemd::ready("the configuration could not be read");
        }
    }
    None
}

/// Tells the supervisor that the process lives, for as long as one agent may drain and the next begin.
async fn live_on(time: Duration) {
    let Some(every) = systemd::watchdog() else {
        return;
    };
    let end = Instant::now() + time;
    while Instant::now() < end {
        systemd::alive("taking up the configuration");
        sleep(every).await;
    }
}

/// An error of the agent in the words of the command line, and whether it is of the configuration's making.
fn failed(error: RunError) -> (Failed, bool) {
    let words = error.to_string();
    match error {
        RunError::NoSite | RunError::Gate(_) => (Failed::Configuration(words), true),
        RunError::State { .. } | RunError::Lock(_) | RunError::Serve(_) => {
            (Failed::Work(words), true)
        }
        RunError::Queue(_) | RunError::Ended { .. } => (Failed::Work(words), false),
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
        systemd::stopping();
        stop.cancel();
    }
}
