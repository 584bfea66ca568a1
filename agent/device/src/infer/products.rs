//! What was made of an image, durable on disk and ready for the queue. Blocks.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;
use sha2::Digest as _;
use weir_journey::identity::Sha256;
use weir_journey::infer::{Facts, Object, PictureFormat, ProductKind, Report, record};
use weir_journey::stamp::CaptureTime;

use super::Plan;
use super::plan::Target;
use crate::queue::{Content, FileIdentity, Image, NewProduct, Place};
use crate::upload::captured;
use crate::whole_file::WholeFile;

/// What the store is told of beside the report.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// The image's MD5.
    pub(super) md5: [u8; 16],
    /// The store's address; `None` for Amazon's.
    pub(super) endpoint: Option<String>,
    /// Now.
    pub(super) now: DateTime<Utc>,
}

/// A picture that was made, with its name in the configuration where it is a derivative.
struct Picture {
    name: Option<String>,
    path: PathBuf,
    format: PictureFormat,
    target: Target,
}

/// Makes what is in an image's folder durable, writes its result beside it, and says what goes where.
///
/// # Errors
/// The system's; the folder is of no use then.
pub(super) fn gather(
    plan: &Plan,
    image: &Image,
    (report, told): (&Report, &Told),
    folder: &Path,
) -> io::Result<Vec<NewProduct>> {
    let (bucket, object) = plan.image(image);
    let pictures = pictures(plan, image, &object, report, folder)?;
    let mut products = Vec::with_capacity(pictures.len() + 1);
    if plan.tells() {
        let own = Object {
            bucket: &bucket,
            key: &object,
        };
        let path = folder.join("result.json");
        write_result(plan, image, (own, &pictures), (report, told), &path)?;
        products.push(product(&path, Content::Json, plan.result(image, &object))?);
    }
    for Picture {
        path,
        format,
        target,
        ..
    } in pictures
    {
        let content = match format {
            PictureFormat::Png => Content::Png,
            PictureFormat::Jpeg => Content::Jpeg,
        };
        products.push(product(&path, content, target)?);
    }
    // The names, too: those in the folder, and its own.
    for folder in [Some(folder), folder.parent()].into_iter().flatten() {
        sync(&File::open(folder)?)?;
    }
    Ok(products)
}

/// Removes an image's folder and what is in it: none of it is needed.
pub(super) fn discard(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::debug!(%error, folder = %folder.display(), "products stay until the next start");
    }
}

/// The pictures that a report names, where they go. One that was not asked for, or lies elsewhere, is no product.
fn pictures(
    plan: &Plan,
    image: &Image,
    object: &str,
    report: &Report,
    folder: &Path,
) -> io::Result<Vec<Picture>> {
    let mut pictures = Vec::with_capacity(report.products.len());
    for product in &report.products {
        let (name, place) = match &product.kind {
            ProductKind::Overlay => (None, plan.overlay(image, object)),
            // The agent asks for none.
            ProductKind::Mask => (None, None),
            ProductKind::Derivative(name) => {
                (Some(name.clone()), plan.derivative(image, object, name))
            }
        };
        let Some((format, target)) = place.filter(|_| product.path.parent() == Some(folder)) else {
            let message = format!("{} was not asked for", product.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        pictures.push(Picture {
            name,
            path: product.path.clone(),
            format,
            target,
        });
    }
    Ok(pictures)
}

fn write_result(
    plan: &Plan,
    image: &Image,
    (own, pictures): (Object<'_>, &[Picture]),
    (report, told): (&Report, &Told),
    path: &Path,
) -> io::Result<()> {
    fn object(picture: &Picture) -> Object<'_> {
        Object {
            bucket: &picture.target.0,
            key: &picture.target.1,
        }
    }
    let overlay = pictures.iter().find(|picture| picture.name.is_none());
    let derivatives: Vec<_> = pictures
        .iter()
        .filter_map(|picture| Some((picture.name.as_deref()?, object(picture))))
        .collect();
    let capture = serde_json::from_str::<CaptureTime>(&image.capture).ok();
    let zone = &plan.site.zone;
    let local = |ms: i64| DateTime::from_timestamp_millis(ms).map(|at| zone.at(at));
    let looked = zone.at(told.now);
    let facts = Facts {
        site: &plan.site.name,
        image: own,
        overlay: overlay.map(object),
        derivatives: &derivatives,
        endpoint: told.endpoint.as_deref(),
        sha256: image.sha256,
        md5: told.md5,
        bytes: image.place.identity.size,
        captured: image.dated.then(|| captured(image)),
        capture: capture.as_ref(),
        accepted: local(image.accepted_ms).unwrap_or(looked),
        uploaded: image.verified_ms.and_then(local),
        looked,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut file = WholeFile::begin_private(path)?;
    serde_json::to_writer(&mut file, &record(&facts, report))?;
    file.write_all(b"\n")?;
    file.finish(|_| Ok(()))
}

/// A file of ours as a product: durable, with its digest.
fn product(path: &Path, content: Content, (bucket, key): Target) -> io::Result<NewProduct> {
    let file = File::options()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    file.sync_all()?;
    Ok(NewProduct {
        sha256: digest(&file)?,
        place: Place {
            path: path.to_owned(),
            identity: FileIdentity::from(&file.metadata()?),
        },
        content,
        bucket,
        key,
    })
}

fn digest(mut file: &File) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Makes a folder's names durable, where its file system can.
fn sync(folder: &File) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, Unsupported};
    match folder.sync_all() {
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        result => result,
    }
}
