//! The process that looks at images, from its own side: it makes itself small and harmless, then serves.

use std::fs;
use std::io;

use rustix::process::{
    Resource, Rlimit, Signal, set_parent_process_death_signal, setpriority_process, setrlimit,
};

use super::Bounds;

/// Why there is no process to look at images.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotServed {
    /// The kernel refused a bound.
    #[error("the bounds of the process that looks at images cannot be set: {0}")]
    Bounds(#[from] rustix::io::Errno),
    /// The agent's pipe failed.
    #[error("the agent cannot be heard or told: {0}")]
    Pipe(#[from] io::Error),
}

/// Answers the jobs on standard input, a line each, until its end.
///
/// # Errors
/// [`NotServed`]: nothing is looked at without the bounds.
pub(crate) fn serve(bounds: &Bounds) -> Result<(), NotServed> {
    confine(bounds)?;
    let settings = weir_infer::Settings {
        limits: weir_infer::picture::Limits {
            file_bytes: bounds.max_file,
            pixels: bounds.max_pixels,
        },
        threads: usize::try_from(bounds.threads).unwrap_or(1),
    };
    weir_infer::serve(io::stdin().lock(), io::stdout().lock(), settings)?;
    Ok(())
}

/// Binds this process to what it may take.
fn confine(bounds: &Bounds) -> Result<(), NotServed> {
    // An agent that was killed takes it along; one that ended closes the pipe, which ends it too.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    setpriority_process(None, i32::try_from(bounds.nice).unwrap_or(19))?;
    // Memory that it writes to: what it maps of its own program counts for nothing.
    let most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Data, most(bounds.memory))?;
    setrlimit(Resource::Core, most(0))?;
    // Where the board runs out of memory all the same, the kernel takes this process before the agent. Not every
    // kernel lets it say so, and then it is one of many.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}
