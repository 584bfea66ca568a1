//! Random lives of files against one rule: in the end every whole file was taken with the content it has,
//! nothing else ever was, and no content of a path twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sha2::Digest;
use weir_journey::fixtures::Picture;

use super::tests::{Memory, Site, until};
use crate::watch::{Eyes, RootId};

#[derive(Debug, Clone)]
enum Step {
    /// Writes a whole picture and closes it.
    Write(usize, u64),
    /// Writes the first part of a picture and closes it.
    Begin(usize, u64),
    /// Appends the rest.
    Finish(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Remove(usize),
    /// Renames the directory the odd names are in, and back.
    MoveDirectory,
    Rescan,
    Pause(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0_usize..6;
    let step = prop_oneof![
        4 => (name.clone(), 0_u64..50).prop_map(|(name, seed)| Step::Write(name, seed)),
        3 => (name.clone(), 0_u64..50).prop_map(|(name, seed)| Step::Begin(name, seed)),
        3 => name.clone().prop_map(Step::Finish),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => name.prop_map(Step::Remove),
        1 => Just(Step::MoveDirectory),
        1 => Just(Step::Rescan),
        3 => (0_u64..40).prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..40)
}

/// What should be at each path: how much of which picture.
#[derive(Default)]
struct Shelf {
    room: PathBuf,
    /// Hard links share an entry of `contents`.
    names: BTreeMap<usize, usize>,
    contents: Vec<(u64, bool)>,
    /// Digests of everything that was ever whole.
    whole: BTreeSet<[u8; 32]>,
}

fn picture(seed: u64) -> Vec<u8> {
    Picture::new(seed).sized(1_500).jpeg()
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

impl Shelf {
    /// Even names are in the root, odd ones in a directory.
    fn path(&self, name: usize) -> PathBuf {
        let directory = if name % 2 == 1 { "day" } else { "" };
        self.room.join(directory).join(format!("{name}.jpg"))
    }

    fn put(&mut self, name: usize, seed: u64, whole: bool) {
        let bytes = picture(seed);
        let written = if whole { &bytes[..] } else { &bytes[..700] };
        // A new file each time: what was linked keeps its content.
        let _ = fs::remove_file(self.path(name));
        if whole {
            self.whole.insert(digest(&bytes));
        }
        fs::write(self.path(name), written).expect("written");
        self.contents.push((seed, whole));
        self.names.insert(name, self.contents.len() - 1);
    }

    fn finish(&mut self, name: usize) {
        let Some(content) = self.names.get(&name) else {
            return;
        };
        let (seed, whole) = &mut self.contents[*content];
        if std::mem::replace(whole, true) {
            return;
        }
        let bytes = picture(*seed);
        self.whole.insert(digest(&bytes));
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.path(name))
            .expect("opened");
        file.write_all(&bytes[700..]).expect("written");
    }

    fn rename(&mut self, from: usize, to: usize) {
        let same = self.names.get(&from) == self.names.get(&to);
        // Renaming one link of a file over another does nothing (rename(2)).
        if same || !self.names.contains_key(&from) {
            return;
        }
        fs::rename(self.path(from), self.path(to)).expect("renamed");
        if let Some(content) = self.names.remove(&from) {
            self.names.insert(to, content);
        }
    }

    fn link(&mut self, from: usize, to: usize) {
        if let (Some(&content), false) = (self.names.get(&from), self.names.contains_key(&to)) {
            fs::hard_link(self.path(from), self.path(to)).expect("linked");
            self.names.insert(to, content);
        }
    }

    fn remove(&mut self, name: usize) {
        if self.names.remove(&name).is_some() {
            fs::remove_file(self.path(name)).expect("removed");
        }
    }

    fn move_directory(&self) {
        let (day, away) = (self.room.join("day"), self.room.join("away"));
        fs::rename(&day, &away).expect("renamed");
        fs::rename(&away, &day).expect("renamed back");
    }
}

async fn live(steps: Vec<Step>) {
    let room = tempfile::tempdir().expect("tempdir");
    let mut shelf = Shelf {
        room: room.path().join("cam"),
        ..Shelf::default()
    };
    fs::create_dir_all(shelf.room.join("day")).expect("created");
    let register = Arc::new(Memory::default());
    let site = Site::open_in(room, Arc::clone(&register), Eyes::Inotify);
    for step in steps {
        match step {
            Step::Write(name, seed) => shelf.put(name, seed, true),
            Step::Begin(name, seed) => shelf.put(name, seed, false),
            Step::Finish(name) => shelf.finish(name),
            Step::Rename(from, to) => shelf.rename(from, to),
            Step::Link(from, to) => shelf.link(from, to),
            Step::Remove(name) => shelf.remove(name),
            Step::MoveDirectory => shelf.move_directory(),
            Step::Rescan => site.inbox.rescan(RootId(0)),
            // The pace of the writer, so that settling meets every stage of a file.
            Step::Pause(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }
    for (name, content) in &shelf.names {
        let (seed, whole) = shelf.contents[*content];
        let path = shelf.path(*name);
        let what = format!("{} ({whole}) is settled", path.display());
        until(&what, || is_settled(&register, &path, seed, whole)).await;
    }
    let taken = register.taken.lock().expect("taken");
    let mut contents = BTreeSet::new();
    for file in taken.iter() {
        assert!(
            shelf.whole.contains(&file.sha256.0),
            "only whole files: {file:?}"
        );
        let seen = format!("{:?}", file.seen);
        assert!(contents.insert(seen), "taken twice: {file:?}");
    }
}

fn is_settled(register: &Memory, path: &Path, seed: u64, whole: bool) -> bool {
    if !whole {
        return register.set_aside.lock().expect("aside").contains_key(path);
    }
    let expected = digest(&picture(seed));
    let taken = register.taken.lock().expect("taken");
    taken
        .iter()
        .any(|file| file.seen.path == path && file.sha256.0 == expected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_files_each_whole_one_is_taken_once(steps in steps()) {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime")
            .block_on(live(steps));
    }
}
