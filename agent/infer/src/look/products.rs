//! The files that are made of an image.

use std::fs;
use std::path::{Path, PathBuf};

use weir_journey::infer::{Derivative, Fault, Job, Overlay, PictureFormat, Product, ProductKind};

use super::fault;
use crate::caught::caught;
use crate::picture::{ChainError, Picture, apply, encode};
use crate::water::{Mask, overlay};

/// What the overlay's name ends with.
const SEGMENTED: &str = "segmented";

/// Why a file was not made.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error("the derivative does not suit the picture: {0}")]
    Chain(#[from] ChainError),
    #[error("{} cannot be written: {source}: see that the disk has room and the agent may write there", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("\"{0}\" cannot be a file's name: report this")]
    Name(String),
    #[error("the name \"{SEGMENTED}\" is the overlay's: name the derivative otherwise")]
    Taken,
}

/// What the mask's name ends with.
const MASK: &str = "mask";

/// Makes the files that a job wants; a fault for each that fails. Where a model segments water and failed, there is a
/// fault for it already and no overlay.
pub(super) fn make(
    job: &Job,
    picture: &Picture,
    mask: Option<&Mask>,
    faults: &mut Vec<Fault>,
) -> Vec<Product> {
    let mut products = Vec::new();
    let mut made =
        |part: &str, kind: ProductKind, work: &dyn Fn() -> Result<PathBuf, NotMade>| match caught(
            work,
        ) {
            Ok(Ok(path)) => products.push(Product { kind, path }),
            Ok(Err(error)) => faults.push(fault(part, format!("{part}: {error}"))),
            Err(panic) => faults.push(fault(
                part,
                format!("{part}: making it panicked ({panic}): report this"),
            )),
        };
    if let (Some(folder), Some(mask)) = (&job.masks, mask) {
        made("mask", ProductKind::Mask, &|| masked(job, folder, mask));
    }
    let Some(folder) = &job.products else {
        return products;
    };
    if let (Some(wanted), Some(mask)) = (&job.view.overlay, mask) {
        let work = || overlaid(job, folder, picture, mask, wanted);
        made("overlay", ProductKind::Overlay, &work);
    }
    for derivative in &job.view.derivatives {
        let work = || derived(job, folder, picture, derivative);
        made(
            &derivative.name,
            ProductKind::Derivative(derivative.name.clone()),
            &work,
        );
    }
    products
}

fn masked(job: &Job, folder: &Path, mask: &Mask) -> Result<PathBuf, NotMade> {
    let luma: Vec<u8> = mask
        .wet()
        .iter()
        .map(|&wet| if wet { 255 } else { 0 })
        .collect();
    let picture =
        Picture::from_luma(mask.size(), &luma).ok_or_else(|| NotMade::Name(job.stem.clone()))?;
    write(folder, &job.stem, MASK, &picture, PictureFormat::Png)
}

fn overlaid(
    job: &Job,
    folder: &Path,
    picture: &Picture,
    mask: &Mask,
    wanted: &Overlay,
) -> Result<PathBuf, NotMade> {
    let overlay = overlay(picture, mask, &job.view.rois, wanted);
    write(folder, &job.stem, SEGMENTED, &overlay, wanted.format)
}

fn derived(
    job: &Job,
    folder: &Path,
    picture: &Picture,
    wanted: &Derivative,
) -> Result<PathBuf, NotMade> {
    if wanted.name == SEGMENTED && job.view.overlay.is_some() {
        return Err(NotMade::Taken);
    }
    let derivative = apply(picture.clone(), &wanted.steps)?;
    write(folder, &job.stem, &wanted.name, &derivative, wanted.format)
}

/// Writes a product. What fails leaves nothing; making it durable is its reader's, who knows where it belongs.
fn write(
    folder: &Path,
    stem: &str,
    name: &str,
    picture: &Picture,
    format: PictureFormat,
) -> Result<PathBuf, NotMade> {
    let file = format!("{stem}_{name}.{}", format.extension());
    if file.contains(['/', '\0']) {
        return Err(NotMade::Name(file));
    }
    let path = folder.join(file);
    match fs::write(&path, encode(picture, format)) {
        Ok(()) => Ok(path),
        Err(source) => {
            let _ = fs::remove_file(&path);
            Err(NotMade::Write { path, source })
        }
    }
}
