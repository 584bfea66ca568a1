//! The folders in which something may be deleted, by file system.

use std::path::{Path, PathBuf};

use weir_journey::retain::{Needs, Policy, Room};
use weir_journey::settle::NamePattern;

use super::disk::{Disk, Meter};
use super::standing::DiskStanding;
use crate::queue::SiteId;

/// A folder in which files may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where.
    pub path: PathBuf,
    /// Whose images lie there.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// Files that the camera writes again and again: they are its own, and never deleted.
    pub overwritten: Vec<NamePattern>,
    /// What lies there.
    pub kind: Kind,
}

/// What lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A camera's files.
    Camera,
    /// Copies that the agent made of a camera's files.
    Spool,
    /// Products that the agent made of images.
    Products,
}

impl Folder {
    /// Whether what lies there was made by the agent: it goes as soon as the store has it.
    pub(super) fn is_own(&self) -> bool {
        self.kind != Kind::Camera
    }

    /// Whether the file at `path` is one that the camera writes again and again.
    pub(super) fn is_live(&self, path: &Path) -> bool {
        let written = |name| self.overwritten.iter().any(|one| one.matches(name));
        !self.is_own() && path.file_name().is_some_and(written)
    }
}

/// The folders with the file systems they are on.
#[derive(Debug)]
pub(super) struct Places {
    folders: Vec<(Folder, Option<Disk>)>,
    state: PathBuf,
    state_disk: Option<Disk>,
}

impl Places {
    /// Measures every folder's file system. A folder that is away has none. Blocks.
    pub(super) fn measure(meter: &Meter, folders: Vec<Folder>, state: PathBuf) -> Self {
        let state_disk = meter.read(&state).ok();
        let folders = folders.into_iter().map(|folder| {
            let disk = meter.read(&folder.path).ok();
            (folder, disk)
        });
        Self {
            folders: folders.collect(),
            state,
            state_disk,
        }
    }

    /// The number of the folder that holds `path`, and that folder.
    pub(super) fn of(&self, path: &Path) -> Option<(usize, &Folder)> {
        let holds =
            |(_, (folder, _)): &(usize, &(Folder, Option<Disk>))| path.starts_with(&folder.path);
        let (number, (folder, _)) = self.folders.iter().enumerate().find(holds)?;
        Some((number, folder))
    }

    /// Whether the folder of this number is there, can be written, and is on the device (`None`: on any).
    pub(super) fn is_on(&self, number: usize, device: Option<u64>) -> bool {
        let disk = self.folders.get(number).and_then(|(_, disk)| disk.as_ref());
        disk.is_some_and(|disk| {
            !disk.read_only && device.is_none_or(|device| device == disk.device)
        })
    }

    /// The sites with a folder for which `wanted` says so of its number.
    pub(super) fn sites(&self, wanted: impl Fn(usize) -> bool) -> Vec<SiteId> {
        let folders = self.folders.iter().enumerate();
        let mut sites: Vec<_> = folders
            .filter(|(number, _)| wanted(*number))
            .map(|(_, (folder, _))| folder.site)
            .collect();
        sites.sort_unstable();
        sites.dedup();
        sites
    }

    /// The folders of what the agent made.
    pub(super) fn own(&self) -> impl Iterator<Item = &Folder> {
        self.folders
            .iter()
            .map(|(folder, _)| folder)
            .filter(|folder| folder.is_own())
    }

    /// The sites of products, or those of images.
    pub(super) fn sites_of(&self, products: bool) -> Vec<SiteId> {
        self.sites(|number| {
            let folder = self.folders.get(number);
            folder.is_some_and(|(folder, _)| (folder.kind == Kind::Products) == products)
        })
    }

    /// Each file system once.
    pub(super) fn devices(&self) -> Vec<Disk> {
        let mut disks: Vec<Disk> = self.folders.iter().filter_map(|(_, disk)| *disk).collect();
        disks.sort_unstable_by_key(|disk| disk.device);
        disks.dedup_by_key(|disk| disk.device);
        disks
    }

    /// The file system of the state directory.
    pub(super) const fn of_state(&self) -> Option<Disk> {
        self.state_disk
    }

    /// How each file system stands, that of the state directory first.
    pub(super) fn standings(&self, policy: &Policy) -> Vec<DiskStanding> {
        let mut standings: Vec<DiskStanding> = Vec::new();
        let folders = self
            .folders
            .iter()
            .map(|(folder, disk)| (&folder.path, disk));
        for (path, disk) in std::iter::once((&self.state, &self.state_disk)).chain(folders) {
            let Some(disk) = disk else { continue };
            match standings
                .iter_mut()
                .find(|one| one.disk.device == disk.device)
            {
                Some(known) => known.folders.push(path.clone()),
                None => standings.push(DiskStanding {
                    folders: vec![path.clone()],
                    disk: *disk,
                    trouble: None,
                }),
            }
        }
        for one in &mut standings {
            one.trouble = trouble(one, policy);
        }
        standings
    }
}

/// What is the matter with a file system after what may be deleted is gone.
fn trouble(standing: &DiskStanding, policy: &Policy) -> Option<String> {
    let of = standing.folders.first()?.display();
    let disk = &standing.disk;
    if disk.read_only {
        return Some(format!(
            "the disk of {of} is read-only, so nothing can be written or deleted there: see `dmesg`, and remount it"
        ));
    }
    let needs = Needs::of_room(&disk.room, policy);
    if needs.met() {
        return None;
    }
    let Room {
        bytes,
        free_bytes,
        inodes,
        free_inodes,
    } = disk.room;
    let left = if needs.room.bytes > 0 {
        let percent = u128::from(free_bytes) * 100 / u128::from(bytes.max(1));
        format!("{} MiB ({percent} %) free", free_bytes >> 20)
    } else {
        format!("{free_inodes} of {inodes} inodes free")
    };
    Some(format!(
        "the disk of {of} is nearly full ({left}) and holds nothing that may be deleted: {}",
        remedy(policy)
    ))
}

/// What the operator can do when nothing may be deleted.
pub(super) fn remedy(policy: &Policy) -> &'static str {
    if policy.drop_unverified {
        "make room, or let the images go up"
    } else {
        "make room, let the images go up, or allow retain.drop_unverified to thin what no store has yet"
    }
}
