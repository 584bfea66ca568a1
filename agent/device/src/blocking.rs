//! Work that blocks (files, SQLite), kept out of the way of what waits.
//!
//! On a device it runs on the runtime's blocking threads. A simulation of many devices on one thread and a paused
//! clock has it done [in turn](in_turn) with everything else: nothing is gained by another thread when time stands
//! still meanwhile, and one thread always does the same things in the same order.

use std::cell::Cell;
use std::marker::PhantomData;

use tokio::task::JoinHandle;

thread_local! {
    static IN_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` where it holds up nobody. It is done even when the handle is dropped.
pub(crate) fn spawn<T, F>(work: F) -> JoinHandle<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if IN_TURN.get() {
        tokio::spawn(async move { work() })
    } else {
        tokio::task::spawn_blocking(work)
    }
}

/// Until this is dropped, blocking work that begins on this thread is done on it, in the order of its beginning.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct InTurn(PhantomData<*const ()>);

/// Has blocking work of agents on this thread done in turn; for a current-thread runtime.
pub fn in_turn() -> InTurn {
    IN_TURN.set(true);
    InTurn(PhantomData)
}

impl Drop for InTurn {
    fn drop(&mut self) {
        IN_TURN.set(false);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn in_turn_means_on_this_thread_in_the_order_of_asking() {
        let here = std::thread::current().id();
        let elsewhere = super::spawn(|| std::thread::current().id()).await.unwrap();
        assert_ne!(elsewhere, here);
        let entered = super::in_turn();
        let done: Arc<Mutex<Vec<u32>>> = Arc::default();
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let done = Arc::clone(&done);
                super::spawn(move || {
                    done.lock().unwrap().push(number);
                    std::thread::current().id()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), here);
        }
        assert_eq!(*done.lock().unwrap(), Vec::from_iter(0..20));
        assert!(super::spawn(|| panic!("caught")).await.is_err());
        drop(entered);
        let elsewhere = super::spawn(|| std::thread::current().id()).await.unwrap();
        assert_ne!(elsewhere, here);
    }
}
