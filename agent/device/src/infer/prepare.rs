//! What a look needs of the disk: the accepted bytes, the models' folders, a folder for what is made. Blocks.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use weir_journey::infer::View;

use super::Plan;
use crate::config::NoModel;
use crate::queue::{Dossier, FileIdentity, ImageId, Place};
use crate::upload::source::{self, Found};

/// All that a look needs.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Where the accepted bytes lie, and what `stat` says of the file now.
    pub(super) place: Place,
    /// Their MD5.
    pub(super) md5: [u8; 16],
    /// What is wanted.
    pub(super) view: View,
    /// An empty folder, this image's own.
    pub(super) folder: PathBuf,
}

/// Why an image cannot be looked at now.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotPrepared {
    /// Its bytes are gone for good.
    #[error("its file is gone, or holds something else by now")]
    Gone,
    /// The card or folder that it was imported from is away. It may never come back, and is not waited for.
    #[error("{} is away, which it was imported from", .0.display())]
    Unplugged(PathBuf),
    /// They may come back: a card that was pulled, a disk that fails.
    #[error("its file cannot be read now: {0}")]
    NotNow(String),
    /// A model is not there.
    #[error(transparent)]
    NoModel(#[from] NoModel),
    /// There is no room for what is made of it.
    #[error("no folder can be made below {}: {source}", folder.display())]
    NoRoom {
        /// Below which one.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Folders of products of one image that may exist at once: each look at it gets a new one, and only the last is used.
const FOLDERS: u32 = 1000;

/// Gets a look at an image ready. Where this fails, nothing is left behind.
pub(super) fn prepare(
    plan: &Plan,
    dossier: &Dossier,
    products: &Path,
) -> Result<Prepared, NotPrepared> {
    let file = match source::find(dossier, &plan.site.directories) {
        Found::Here(file) => file,
        Found::Gone { .. } => return Err(NotPrepared::Gone),
        Found::Away => return Err(NotPrepared::NotNow("its folder is away".to_owned())),
        Found::Unplugged(folder) => return Err(NotPrepared::Unplugged(folder)),
        Found::Unreadable(error) => return Err(NotPrepared::NotNow(error.to_string())),
    };
    let unreadable = |error: io::Error| NotPrepared::NotNow(error.to_string());
    let identity = FileIdentity::from(&file.metadata().map_err(unreadable)?);
    let places = std::iter::once(&dossier.image.place).chain(&dossier.elsewhere);
    // It may be moved between: then it is looked for again.
    let path = places
        .map(|place| &place.path)
        .find(|path| is(path, &identity))
        .ok_or_else(|| NotPrepared::NotNow("it is being moved".to_owned()))?;
    Ok(Prepared {
        md5: digest(&file).map_err(unreadable)?,
        view: plan.view()?,
        place: Place {
            path: path.clone(),
            identity,
        },
        folder: folder(products, dossier.image.id).map_err(|source| NotPrepared::NoRoom {
            folder: products.to_owned(),
            source,
        })?,
    })
}

/// Whether the file at a path is still the one that `stat` told of. While all of it is equal, so is the content.
pub(super) fn is(path: &Path, identity: &FileIdentity) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| FileIdentity::from(&metadata) == *identity)
}

fn digest(mut file: &File) -> io::Result<[u8; 16]> {
    let mut hasher = Md5::new();
    let mut buffer = vec![0; 64 * 1024];
    file.rewind()?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// A new folder for the products of an image. What an earlier look left there may be on its way to the store.
fn folder(products: &Path, id: ImageId) -> io::Result<PathBuf> {
    let private = |recursive| {
        let mut builder = DirBuilder::new();
        builder.mode(0o700).recursive(recursive);
        builder
    };
    private(true).create(products)?;
    for number in 0..FOLDERS {
        let folder = match number {
            0 => products.join(id.0.to_string()),
            more => products.join(format!("{}-{more}", id.0)),
        };
        match private(false).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
