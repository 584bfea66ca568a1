//! The watch task's walks: which are to be done, in two lanes, and what becomes of what they find.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use tokio::task::JoinHandle;

use super::super::inbox::Sighting;
use super::super::roots::Root;
use super::super::scan::{Ground, Step, Walk, Why};
use super::super::{Cause, Report};
use super::{Watch, blocking, ended};

/// Walks waiting, and the one whose step is running.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) waiting: VecDeque<Walk>,
    step: Option<JoinHandle<(Walk, Step)>>,
    /// The next step waits for room in the inbox.
    pub(super) held: bool,
}

impl Lane {
    /// The running step's result; pending while none runs. Cancel-safe.
    pub(super) async fn stepped(&mut self) -> (Walk, Step) {
        let Some(step) = &mut self.step else {
            return std::future::pending().await;
        };
        let result = step.await;
        self.step = None;
        match result {
            Ok(result) => result,
            Err(error) => ended(error).await,
        }
    }

    /// Begins the next step when there is one to do.
    pub(super) fn begin(&mut self, run: impl FnOnce(Walk) -> JoinHandle<(Walk, Step)>) {
        if self.step.is_none()
            && !self.held
            && let Some(walk) = self.waiting.pop_front()
        {
            self.step = Some(run(walk));
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.held && self.step.is_none()
    }
}

impl<T: Fn(&Report) + Send + Sync> Watch<T> {
    pub(super) fn rescan_all(&mut self, why: Why) {
        let roots: Vec<_> = self.places.iter().cloned().collect();
        for root in roots {
            if !self.presence.is_absent(root.id) {
                self.rescan(root, why);
            }
        }
    }

    /// Queues a walk of all of `root`, unless one is waiting that has not begun.
    pub(super) fn rescan(&mut self, root: Root, why: Why) {
        let waiting = &mut self.routine.waiting;
        let twin = waiting
            .iter_mut()
            .find(|walk| walk.root.id == root.id && !walk.has_begun());
        match twin {
            Some(twin) if why == Why::Whole => twin.why = why,
            Some(_) => {}
            None => {
                let directory = root.directory.clone();
                let walk = self.walk(root, directory, why);
                self.routine.waiting.push_back(walk);
            }
        }
    }

    pub(super) fn look_into(&mut self, directory: PathBuf) {
        let owner = self.places.root_of(&directory).cloned();
        if let Some(root) = owner.filter(|root| root.looks_into(&directory)) {
            let walk = self.walk(root, directory, Why::Appeared);
            self.urgent.waiting.push_back(walk);
        }
    }

    fn walk(&mut self, root: Root, directory: PathBuf, why: Why) -> Walk {
        self.walks += 1;
        Walk::new(root, directory, why, self.walks)
    }

    pub(super) fn begin_steps(&mut self) {
        let ground = self.ground();
        let run = |mut walk: Walk| {
            let (places, tree, eye) = ground.clone();
            crate::blocking::spawn(move || {
                let step = walk.step(&Ground {
                    places: &places,
                    tree: &tree,
                    eye: eye.as_deref(),
                });
                (walk, step)
            })
        };
        self.urgent.begin(run);
        self.routine.begin(run);
    }

    /// Files in a directory that came are as good as announced: a closed one may have been closed
    /// before the watch was set, one being written will be closed under watch.
    pub(super) fn urgent_stepped(&mut self, walk: Walk, step: Step) {
        for file in &step.files {
            self.inbox.announce(walk.root.id, &file.path, Cause::Found);
        }
        self.report_faults(step.faults);
        if step.done {
            self.report_unwatched(&walk);
        } else {
            self.urgent.waiting.push_front(walk);
        }
    }

    pub(super) async fn routine_stepped(&mut self, walk: Walk, step: Step) {
        let root = walk.root.id;
        let sightings = step.files.into_iter().map(|file| Sighting {
            root,
            path: file.path,
            cause: Cause::Found,
            overdue: file.overdue,
        });
        self.inbox.found(sightings.collect());
        self.report_faults(step.faults);
        if !step.done {
            self.routine.held = true;
            self.routine.waiting.push_front(walk);
            return;
        }
        self.report_unwatched(&walk);
        self.say(&Report::Scanned {
            root,
            files: walk.tally.files,
            directories: walk.tally.directories,
        });
        if walk.tally.directories == 0 {
            self.look_at_roots().await;
        }
        self.give_up_vanished(walk).await;
    }

    /// Ends the watches of directories that a whole walk did not meet and that are indeed gone.
    async fn give_up_vanished(&self, walk: Walk) {
        let (places, tree, eye) = self.ground();
        blocking(move || {
            for directory in tree.unseen_since(&walk.root.directory, walk.number) {
                let mine = places.root_of(&directory).map(|root| root.id) == Some(walk.root.id);
                if mine && !directory.is_dir() {
                    for gone in tree.forget(&directory) {
                        if let Some(eye) = &eye {
                            eye.unwatch(&gone);
                        }
                    }
                }
            }
        })
        .await;
    }

    fn report_faults(&self, faults: Vec<(PathBuf, io::Error)>) {
        for (directory, error) in faults {
            self.say(&Report::Unreadable { directory, error });
        }
    }

    fn report_unwatched(&self, walk: &Walk) {
        if walk.tally.unwatched > 0 {
            self.say(&Report::WatchLimit {
                root: walk.root.id,
                directories: walk.tally.unwatched,
            });
        }
    }
}
