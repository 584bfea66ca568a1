//! `weir infer`: what a model says of images and tables, by hand.

#[cfg(not(feature = "infer"))]
mod absent;
#[cfg(feature = "infer")]
mod args;
#[cfg(feature = "infer")]
mod images;
#[cfg(feature = "infer")]
mod models;
#[cfg(feature = "infer")]
mod table;
#[cfg(feature = "infer")]
mod told;
#[cfg(feature = "infer")]
mod wanted;

use std::path::Path;
use std::process::ExitCode;

#[cfg(not(feature = "infer"))]
pub(super) use absent::{EXAMPLES, Infer};
#[cfg(feature = "infer")]
pub(super) use args::{EXAMPLES, Infer};

use super::output::Failed;
use super::paint::Paint;

/// Looks at what was asked for.
#[cfg(feature = "infer")]
pub(super) fn infer(
    config: Option<&Path>,
    asked: &Infer,
    json: bool,
    paint: Paint,
) -> Result<ExitCode, Failed> {
    let wanted = wanted::Wanted::find(config, asked)?;
    if asked.list {
        return models::list(&wanted.places, json, paint);
    }
    if asked.check {
        return models::check(&wanted.places, &asked.files, json, paint);
    }
    if asked.files.is_empty() {
        return Err(Failed::Usage(
            "give images to look at, or --list for the models there are (`weir infer --help` has examples)"
                .to_owned(),
        ));
    }
    if let Some(table) = wanted.table(asked)? {
        return table::answer(&table, &asked.files, json);
    }
    images::look(&wanted, asked, json)
}

/// This build looks at nothing.
#[cfg(not(feature = "infer"))]
pub(super) fn infer(_: Option<&Path>, _: &Infer, _: bool, _: Paint) -> Result<ExitCode, Failed> {
    Err(Failed::Usage(
        "this weir was built without models: install one that has them, or build it with the feature `infer`"
            .to_owned(),
    ))
}
