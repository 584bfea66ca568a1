//! Ctrl-C and SIGTERM: the first asks a run to end, the second ends the process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Both signals that ask for an end.
pub(super) struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    /// Takes the signals over; call it within a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The way out of a run, which a second signal closes.
pub(super) struct WayOut(Arc<Mutex<()>>);

impl WayOut {
    /// Goes on, unless the process is about to end: then it waits for that.
    pub(super) fn pass(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Has the first signal cancel `stop`, and the second remove `work` and end the process with exit code 1.
///
/// It listens in a thread of its own: a run in virtual time has no moment in which it waits for the world.
pub(super) fn stop_on_signals(
    stop: CancellationToken,
    work: Option<PathBuf>,
) -> io::Result<WayOut> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (ready, begun) = mpsc::sync_channel(1);
    let way_out = Arc::new(Mutex::new(()));
    let closed = Arc::clone(&way_out);
    let listen = move || {
        let listened = runtime.block_on(async {
            let ends = Ends::listen();
            let told = ends.as_ref().map(|_| ()).map_err(|error| error.kind());
            let _ = ready.send(told);
            let mut ends = ends.ok()?;
            ends.next().await;
            stop.cancel();
            ends.next().await;
            Some(())
        });
        if listened.is_none() {
            return;
        }
        let _closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!("weir-fleet: ended at once, without a report");
        work.as_deref().map(remove);
        std::process::exit(1);
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen)?;
    let begun = begun.recv().unwrap_or(Err(io::ErrorKind::Other));
    begun.map_err(io::Error::from)?;
    Ok(WayOut(way_out))
}

/// Removes a folder in which somebody is still at work.
fn remove(folder: &Path) {
    for _ in 0..50 {
        let _ = std::fs::remove_dir_all(folder);
        std::thread::sleep(Duration::from_millis(10));
        if !folder.exists() {
            return;
        }
    }
}
