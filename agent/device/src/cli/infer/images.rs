//! Images, one after the other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use weir_infer::picture::Limits;
use weir_infer::{Seer, Settings};
use weir_journey::infer::{Answer, Job, Print, View};

use super::args::Infer;
use super::told;
use super::wanted::Wanted;
use crate::cli::output::{self, Failed};
use crate::cli::timestamp::walk;

/// Looks at each image; one that fails stops no other.
pub(super) fn look(wanted: &Wanted, asked: &Infer, as_json: bool) -> Result<ExitCode, Failed> {
    for folder in asked.overlay.iter().chain(&asked.mask) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failed::Work(format!("{}: {error}", folder.display())))?;
    }
    let seer = Seer::new(Settings {
        limits: Limits::default(),
        threads: asked.threads.get(),
    });
    let bar = bar(&asked.files);
    let mut views: Vec<(Option<String>, View, Option<Print>)> = Vec::new();
    let mut sound = true;
    for file in images(&asked.files) {
        let file = match file {
            Ok(file) => file,
            Err((path, error)) => {
                sound = false;
                bar.suspend(|| eprintln!("weir: {}: {error}", path.display()));
                continue;
            }
        };
        let site = wanted.site(&file, asked);
        let name = site.map(|site| site.name.as_str().to_owned());
        let known = views.iter().position(|(of, ..)| *of == name);
        let known = match known {
            Some(known) => known,
            None => {
                let view = wanted.view(site, asked)?;
                Wanted::sound(&view)?;
                views.push((name, view, None));
                views.len() - 1
            }
        };
        let (of, view, before) = &mut views[known];
        let job = Job {
            view: view.clone(),
            // Images of no site are of no one camera.
            before: of.as_ref().and(before.take()),
            products: asked.overlay.clone(),
            masks: asked.mask.clone(),
            stem: file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            image: file,
        };
        let answer = seer.look(&job);
        let read_on = bar.suspend(|| tell(&job.image, &answer, as_json))?;
        bar.inc(1);
        match answer {
            Answer::Done(report) => {
                sound &= report.faults.is_empty();
                *before = Some(report.print);
            }
            Answer::Failed(_) => sound = false,
        }
        if !read_on {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(ExitCode::from(u8::from(!sound)))
}

/// Gives `false` when nobody reads any more.
fn tell(path: &Path, answer: &Answer, as_json: bool) -> Result<bool, Failed> {
    if as_json {
        return output::json(&told::object(path, answer));
    }
    match answer {
        Answer::Failed(failure) => {
            eprintln!("weir: {failure}");
            Ok(true)
        }
        Answer::Done(report) => {
            let read_on = output::print(&told::line(path, report))?;
            for fault in &report.faults {
                eprintln!("weir: {}: {}", path.display(), fault.sentence);
            }
            Ok(read_on)
        }
    }
}

/// The images asked for: files as they are, and of folders what has an image's name.
fn images(asked: &[PathBuf]) -> impl Iterator<Item = Result<PathBuf, (PathBuf, std::io::Error)>> {
    let named = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        asked.contains(path)
            || ["jpg", "jpeg", "png"]
                .iter()
                .any(|known| extension == *known)
    };
    walk(asked).filter(move |found| found.as_ref().map_or(true, named))
}

/// Progress, where there is more than a few images and somebody who looks on.
fn bar(asked: &[PathBuf]) -> ProgressBar {
    let few = asked.len() < 4 && asked.iter().all(|path| !path.is_dir());
    if few {
        return ProgressBar::hidden();
    }
    let count = images(asked).count() as u64;
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} images, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
