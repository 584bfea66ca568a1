//! Steps of the wall clock, told by the kernel: nobody polls for them.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

/// Steps of the wall clock.
#[derive(Debug)]
pub struct Steps(Teller);

#[derive(Debug)]
enum Teller {
    /// A timer that is never due, and is cancelled when the clock is set.
    System(AsyncFd<OwnedFd>),
    Simulated(watch::Receiver<()>),
}

/// When the timer would be due, seconds since 1970: 2243.
const NEVER: i64 = i64::MAX >> 30;

impl Steps {
    /// Those of the system's clock (`TFD_TIMER_CANCEL_ON_SET` of `timerfd_create(2)`).
    pub(super) fn of_system() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        arm(&timer)?;
        Ok(Self(Teller::System(registered(timer)?)))
    }

    pub(super) const fn simulated(steps: watch::Receiver<()>) -> Self {
        Self(Teller::Simulated(steps))
    }

    /// Waits for the next step. It may wake where there was none, after the device slept; for ever where nobody can
    /// set the clock any more.
    pub async fn next(&mut self) {
        let ended = match &mut self.0 {
            Teller::System(timer) => cancelled(timer).await.is_err(),
            Teller::Simulated(steps) => steps.changed().await.is_err(),
        };
        if ended {
            std::future::pending::<()>().await;
        }
    }
}

/// What makes `AsyncFd::new` unsound is a descriptor that somebody else may close: an `OwnedFd` is nobody else's. (Its
/// successor is an unsafe function, which this program has none of.)
#[expect(deprecated)]
fn registered(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(timer)
}

async fn cancelled(timer: &AsyncFd<OwnedFd>) -> io::Result<()> {
    loop {
        let mut guard = timer.readable().await?;
        let mut expirations = [0; 8];
        match rustix::io::read(timer.get_ref(), &mut expirations) {
            Err(Errno::AGAIN) => guard.clear_ready(),
            Err(Errno::INTR) => {}
            Err(Errno::CANCELED) | Ok(_) => {
                arm(timer.get_ref())?;
                guard.clear_ready();
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn arm(timer: &OwnedFd) -> io::Result<()> {
    let never = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: NEVER,
            tv_nsec: 0,
        },
    };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(timer, flags, &never)?;
    Ok(())
}
