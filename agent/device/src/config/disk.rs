//! What a configuration says of files, compared with the files.
//!
//! A camera's folder that is away is no fault: cards are taken out and disks mounted late. It is a note.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::fault::Fault;
use super::key_file;
use super::reader::Reader;
use super::sections::site::Claim;
use super::sections::state::State;
use super::sections::store::{Credentials, Store};

/// What begins a certificate in a PEM file (RFC 7468).
const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Records every fault of the files named; gives notes on what is worth knowing but no fault.
pub(super) fn compare(
    reader: &mut Reader<'_>,
    state: &State,
    store: &Store,
    claims: &[Claim],
) -> Vec<String> {
    compare_secrets(reader, store);
    compare_folders(reader, state, claims)
}

fn compare_secrets(reader: &mut Reader<'_>, store: &Store) {
    if let Credentials::File(path) = &store.credentials
        && let Err(fault) = key_file::read(path)
    {
        reader.blame(
            &["store.credentials_file"],
            fault.to_string(),
            fault.remedy(),
        );
    }
    if let Some(path) = &store.tls_ca_file
        && let Err(message) = holds_certificates(path)
    {
        reader.blame(&["store.tls_ca_file"], message, None);
    }
}

/// Whether `path` is a PEM file with a certificate, as far as can be told without parsing it.
fn holds_certificates(path: &Path) -> Result<(), String> {
    /// More than the largest bundle of authorities in use.
    const LARGEST: u64 = 16 << 20;
    let unreadable = |error| format!("{} cannot be read: {error}", path.display());
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    let found = bytes
        .windows(PEM_CERTIFICATE.len())
        .any(|window| window == PEM_CERTIFICATE);
    found
        .then_some(())
        .ok_or_else(|| format!("{} holds no PEM certificate", path.display()))
}

fn compare_folders(reader: &mut Reader<'_>, state: &State, claims: &[Claim]) -> Vec<String> {
    let mut notes = Vec::new();
    for claim in claims {
        let path = claim.directory.display();
        match fs::metadata(&claim.directory) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => reader.fault(fault(claim, format!("{path} is not a folder"))),
            Err(error) => notes.push(format!(
                "site {}: {path} is away ({error}); it is waited for",
                claim.site
            )),
        }
    }
    let places: Vec<_> = claims.iter().map(|claim| real(&claim.directory)).collect();
    let own = real(&state.directory);
    for (later, claim) in claims.iter().enumerate() {
        let clash = (0..later).find(|&earlier| overlap(&places[earlier], &places[later]));
        if let Some(earlier) = clash.map(|earlier| &claims[earlier]) {
            let (path, other, site) = (
                claim.directory.display(),
                earlier.directory.display(),
                &earlier.site,
            );
            let message = format!(
                "{path} overlaps with {other} of site {site} ({}): images would be taken twice",
                earlier.origin
            );
            reader.fault(fault(claim, message));
        }
        // An empty path is a state folder that could not be told; that fault is recorded already.
        if !state.directory.as_os_str().is_empty() && overlap(&own, &places[later]) {
            let (path, state) = (claim.directory.display(), state.directory.display());
            reader.fault(fault(
                claim,
                format!("{path} overlaps with the agent's own folder {state} (state.directory)"),
            ));
        }
    }
    notes
}

fn fault(claim: &Claim, message: String) -> Fault {
    Fault {
        origin: claim.origin.clone(),
        key: Some(claim.key.clone()),
        message,
        suggestion: None,
    }
}

/// `path` without links and `..`, as far as it exists; beyond that, by the letter.
fn real(path: &Path) -> PathBuf {
    let existing = |part: &Path| fs::canonicalize(part).ok();
    let start = path
        .ancestors()
        .find_map(|part| Some((existing(part)?, path.strip_prefix(part).ok()?)));
    let (mut place, away) = start.unwrap_or_else(|| (PathBuf::new(), path));
    for part in away.components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
    }
    place
}

/// Whether one of two real folders is the other or lies in it.
fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
