//! Ctrl-C and SIGTERM: the first asks a run to end, the second ends the process.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;

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

/// Has the first signal cancel `stop`, and the second remove `work` and end the process with exit code 1.
///
/// It listens in a thread of its own: a run in virtual time has no moment in which it waits for the world.
pub(super) fn stop_on_signals(stop: CancellationToken, work: Option<PathBuf>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (ready, begun) = mpsc::sync_channel(1);
    let listen = move || {
        runtime.block_on(async {
            let ends = Ends::listen();
            let told = ends.as_ref().map(|_| ()).map_err(|error| error.kind());
            let _ = ready.send(told);
            let Ok(mut ends) = ends else { return };
            ends.next().await;
            stop.cancel();
            ends.next().await;
            eprintln!("weir-fleet: ended at once, without a report");
            if let Some(work) = work {
                let _ = std::fs::remove_dir_all(work);
            }
            std::process::exit(1);
        });
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen)?;
    let begun = begun.recv().unwrap_or(Err(io::ErrorKind::Other));
    begun.map_err(io::Error::from)
}
