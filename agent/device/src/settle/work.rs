//! The work on one file whose time has come: read it, and take it, set it aside, or wait on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use weir_journey::settle::{Format, Observation, Outcome, Patience, Settling};

use super::durable::Durable;
use super::in_hand::InHand;
use super::judge::Failure;
use super::reading::{Fault, Reading, look, read};
use super::rewritten::read_copy;
use super::{Clock, Copied, Register, Report, Seen, Settled};
use crate::snapshot::{Snapshot, Spool};
use crate::watch::RootId;

/// What the workers share.
pub(super) struct Bench<R> {
    pub(super) register: Arc<R>,
    pub(super) clock: Clock,
    pub(super) patience: Patience,
    pub(super) readers: Semaphore,
    pub(super) in_hand: InHand,
    pub(super) durable: Durable,
    pub(super) stop: CancellationToken,
    /// By the number of the root.
    pub(super) spools: Vec<Spool>,
    pub(super) state: PathBuf,
}

/// One file to work on.
pub(super) struct Job {
    pub(super) root: RootId,
    /// The camera directory.
    pub(super) directory: PathBuf,
    pub(super) path: PathBuf,
    pub(super) settling: Settling,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Next {
    /// Taken, quarantined, gone, or nothing to take.
    Done,
    /// Nothing was begun: the agent is stopping.
    Untouched,
    /// Look again after so long.
    Wait(Duration),
    /// Tried again later, with this to say.
    Failed(Report),
}

/// Works on one file and returns what its case has become.
pub(super) async fn work<R: Register>(bench: Arc<Bench<R>>, job: Job) -> (PathBuf, Settling, Next) {
    let Job {
        root,
        directory,
        path,
        mut settling,
    } = job;
    let next = match reading(&bench, root, &path).await {
        None => Next::Untouched,
        Some(Ok((mut reading, copy))) => {
            if copy.is_some() {
                reading.after = after_lingering(&path, reading.after).await;
            }
            let now = (bench.clock)();
            let (before, after) = (reading.before, reading.after);
            let outcome =
                settling.inspected(before, &reading.inspection, after, now, &bench.patience);
            let seen = Seen {
                root,
                path: path.clone(),
                observation: reading.after,
            };
            match outcome {
                Outcome::Take(format) => match copy {
                    None => take(&bench, seen, &directory, format, reading).await,
                    Some(copy) => take_copy(&bench, seen, copy, format, reading).await,
                },
                other => settle_untaken(&bench, &seen, other).await,
            }
        }
        Some(Err(fault)) => failed(&bench, root, &path, &mut settling, fault).await,
    };
    (path, settling, next)
}

/// How long a file that its camera overwrites must stand still after it was copied. A camera that pauses in the
/// middle of a picture, in place, leaves something that looks whole.
const LINGER: Duration = Duration::from_millis(250);

/// What is at `path` a moment later; `before` when that cannot be told.
async fn after_lingering(path: &Path, before: Observation) -> Observation {
    tokio::time::sleep(LINGER).await;
    let path = path.to_owned();
    let looked = crate::blocking::spawn(move || look(&path)).await;
    // Gone or another file: the copy is of what was there.
    looked.map_or(before, |looked| looked.unwrap_or(before))
}

/// Reads under a permit, noted as in hand; `None` when the agent is stopping.
async fn reading<R: Register>(
    bench: &Arc<Bench<R>>,
    root: RootId,
    path: &Path,
) -> Option<Result<(Reading, Option<Snapshot>), Fault>> {
    let permit = bench.readers.acquire().await.ok()?;
    if bench.stop.is_cancelled() {
        return None;
    }
    let (shared, path) = (Arc::clone(bench), path.to_owned());
    let reading = crate::blocking::spawn(move || {
        let _note = shared.in_hand.note(&path);
        match shared.spools.get(root.0).filter(|spool| spool.wants(&path)) {
            None => read(&path).map(|reading| (reading, None)),
            Some(spool) => read_copy(&path, spool).map(|(reading, copy)| (reading, Some(copy))),
        }
    })
    .await;
    drop(permit);
    // Panics are caught where content is parsed; the other way to an error is the runtime going down.
    reading.ok()
}

async fn take<R: Register>(
    bench: &Bench<R>,
    seen: Seen,
    directory: &Path,
    format: Format,
    reading: Reading,
) -> Next {
    let path = seen.path.clone();
    match bench.durable.keep(reading.file, &path, directory).await {
        Ok(()) => {}
        // It left between the reading and the fsync of its directory.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Next::Done,
        Err(error) => {
            let error = error.to_string();
            return Next::Failed(Report::NotDurable { path, error });
        }
    }
    let settled = Settled {
        seen,
        format,
        inspection: reading.inspection,
        sha256: reading.sha256,
        copy: None,
    };
    match bench.register.take(settled).await {
        Ok(_) => Next::Done,
        Err(error) => Next::Failed(unregistered(path, &error)),
    }
}

/// Takes a copy in the place of the file; it stays only when the register needs it.
async fn take_copy<R: Register>(
    bench: &Bench<R>,
    seen: Seen,
    copy: Snapshot,
    format: Format,
    reading: Reading,
) -> Next {
    let (path, place) = (seen.path.clone(), copy.path().to_owned());
    let durable = bench.durable.keep(reading.file, &place, &bench.state).await;
    let looked = crate::blocking::spawn(move || look(&place)).await;
    let observation = match (durable, looked) {
        (Ok(()), Ok(Ok(observation))) => observation,
        (Err(error), _) => {
            let error = error.to_string();
            return Next::Failed(Report::NotCopied { path, error });
        }
        // Somebody cleared the spool: the file is copied again.
        (Ok(()), _) => return Next::Wait(bench.patience.quiet),
    };
    let settled = Settled {
        seen,
        format,
        inspection: reading.inspection,
        sha256: reading.sha256,
        copy: Some(Copied {
            path: copy.path().to_owned(),
            observation,
        }),
    };
    match bench.register.take(settled).await {
        Ok(needed) => {
            if needed {
                copy.keep();
            }
            Next::Done
        }
        // Whether it was accepted is not certain, so the copy stays; if not, the next start settles it.
        Err(error) => {
            copy.keep();
            Next::Failed(unregistered(path, &error))
        }
    }
}

async fn settle_untaken<R: Register>(bench: &Bench<R>, seen: &Seen, outcome: Outcome) -> Next {
    match outcome {
        Outcome::Wait(pause) => Next::Wait(pause),
        Outcome::Quarantine(reason) => match bench.register.quarantine(seen, &reason).await {
            Ok(()) => Next::Done,
            Err(error) => Next::Failed(unregistered(seen.path.clone(), &error)),
        },
        // Not reached from `work`; nothing but another look would be right.
        Outcome::Take(_) => Next::Wait(bench.patience.quiet),
    }
}

async fn failed<R: Register>(
    bench: &Bench<R>,
    root: RootId,
    path: &Path,
    settling: &mut Settling,
    fault: Fault,
) -> Next {
    let error = match fault {
        Fault::Gone | Fault::NotAFile => return Next::Done,
        Fault::Passing(error) => {
            return Next::Failed(unreadable(path, error.to_string()));
        }
        Fault::NotCopied(error) => {
            let (path, error) = (path.to_owned(), error.to_string());
            return Next::Failed(Report::NotCopied { path, error });
        }
        Fault::Lasting(error) => error,
    };
    let looked = {
        let path = path.to_owned();
        crate::blocking::spawn(move || super::reading::look(&path)).await
    };
    let observation = match looked {
        Ok(Ok(observation)) => observation,
        Ok(Err(Fault::Gone | Fault::NotAFile)) => return Next::Done,
        Ok(Err(_)) | Err(_) => return Next::Failed(unreadable(path, error)),
    };
    let now = (bench.clock)();
    let outcome = settling.unreadable(observation, error, now, &bench.patience);
    let path = path.to_owned();
    let seen = Seen {
        root,
        path,
        observation,
    };
    settle_untaken(bench, &seen, outcome).await
}

fn unreadable(path: &Path, error: String) -> Report {
    Report::Unreadable {
        path: path.to_owned(),
        error,
    }
}

fn unregistered(path: PathBuf, error: &impl std::fmt::Display) -> Report {
    Report::Unregistered {
        path,
        error: error.to_string(),
    }
}

impl Failure {
    /// The report of a look at `path` that failed.
    pub(super) fn report(self, path: &Path) -> Report {
        match self {
            Self::System(error) => unreadable(path, error),
            Self::Register(error) => unregistered(path.to_owned(), &error),
        }
    }
}
