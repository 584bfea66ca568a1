//! Looks at files, many at once, and asks which of them are known already.

use std::path::PathBuf;
use std::sync::Arc;

use weir_journey::settle::Observation;

use super::reading::{Fault, look};
use super::{Register, Seen};
use crate::watch::RootId;

/// What a look at one file gave.
#[derive(Debug)]
pub(super) enum Look {
    /// There, and not judged before with this content.
    New(Observation),
    /// Taken or quarantined before, with just this content.
    Known,
    /// Not there, or nothing to take.
    Nothing,
    /// The system or the register could not tell now.
    Failed(Failure),
}

/// Who failed, in its words.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    System(String),
    Register(String),
}

/// Looks at `paths` of `root`; one answer for each, in order.
pub(super) async fn judge<R: Register>(
    register: Arc<R>,
    root: RootId,
    paths: Vec<PathBuf>,
) -> Vec<(PathBuf, Look)> {
    let looks = crate::blocking::spawn(move || {
        let look = |path: PathBuf| {
            let seen = look(&path);
            (path, seen)
        };
        paths.into_iter().map(look).collect::<Vec<_>>()
    })
    .await
    .unwrap_or_default();
    let seen: Vec<Seen> = looks
        .iter()
        .filter_map(|(path, look)| {
            Some(Seen {
                root,
                path: path.clone(),
                observation: *look.as_ref().ok()?,
            })
        })
        .collect();
    let known = if seen.is_empty() {
        Ok(Vec::new())
    } else {
        register
            .known(&seen)
            .await
            .map_err(|error| error.to_string())
    };
    let mut known = known.map(Vec::into_iter);
    let answer = |look| match look {
        Err(Fault::Gone | Fault::NotAFile) => Look::Nothing,
        Err(fault @ (Fault::Lasting(_) | Fault::NotCopied(_) | Fault::Passing(_))) => {
            Look::Failed(Failure::System(fault.to_string()))
        }
        Ok(observation) => match &mut known {
            Err(error) => Look::Failed(Failure::Register(error.clone())),
            Ok(known) => match known.next() {
                Some(true) => Look::Known,
                // A register that answers for fewer files than asked has not said that they are known.
                Some(false) | None => Look::New(observation),
            },
        },
    };
    let (paths, looks): (Vec<_>, Vec<_>) = looks.into_iter().unzip();
    paths
        .into_iter()
        .zip(looks.into_iter().map(answer))
        .collect()
}
