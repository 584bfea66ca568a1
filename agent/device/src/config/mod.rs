//! The configuration: read once, at the start, into types; after that no module sees a raw text or a default.
//!
//! It promises that
//! - every setting is in the built-in, documented `defaults.toml`, and nothing else is accepted: unknown keys are
//!   refused with the one that was probably meant;
//! - a file says only what differs, the environment (`WEIR_<SECTION>__<KEY>`) overrides the file;
//! - all that is wrong is told at once, each fault with its place, its key and what would be right;
//! - no secret is shown: settings hold paths of secrets, and a `credential_process` is shown as set, not as it is.
//!
//! Reading takes two steps: TOML with places (`document`), then forms (`form`) that turn values into types. The forms
//! are also where the reference and the JSON schema come from.

mod command;
mod disk;
mod document;
mod environment;
mod fault;
mod form;
pub mod key_file;
mod load;
mod locate;
mod manual;
mod models;
mod reader;
mod reference;
mod schema;
mod sections;
mod suggest;
mod template;
#[cfg(test)]
mod tests;
pub(crate) mod units;
mod unknown;
mod zone;

use std::ffi::OsString;
use std::path::Path;

pub use command::{Answer, Format, InitFault, check, init, show};
pub use fault::{Fault, Faults, Origin};
pub use reference::reference_markdown;
pub use schema::json_schema;
pub use sections::Ramp;
pub use sections::daemon::{Daemon, LogFormat};
pub use sections::gate::Gate;
pub use sections::infer::{Infer, ModelRef, NoModel};
pub use sections::look::Look;
pub use sections::pipeline::{Gatekeeper, Pipeline};
pub use sections::retain::Retain;
pub use sections::settle::Settle;
pub use sections::site::{FilePattern, Site};
pub use sections::state::State;
pub use sections::store::{Credentials, Endpoint, NotAnEndpoint, Store, Switch};
pub use sections::upload::Upload;
pub use sections::verify::{Proof, Verify};
pub use sections::watch::Watch;
pub use template::{
    BucketName, BucketTemplate, DerivativeKeyTemplate, KeyTemplate, NotABucket, NotATemplate,
};
pub(crate) use units::{parse_duration, parse_size};
pub use zone::{NotATimeZone, TimeZoneName};

/// The whole configuration; each module is given its section only.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the agent keeps what must survive a restart.
    pub state: State,
    /// The camera sites, in the order of the file; may be empty.
    pub sites: Vec<Site>,
    /// How new files are noticed.
    pub watch: Watch,
    /// When a file counts as whole.
    pub settle: Settle,
    /// When images may leave the device, and which goes first.
    pub gate: Gate,
    /// What the pipeline behind the buckets can carry.
    pub pipeline: Pipeline,
    /// What becomes of images that are looked at on the device.
    pub infer: Infer,
    /// The S3 service, its names and how to sign for it.
    pub store: Store,
    /// One upload, and what follows its failure.
    pub upload: Upload,
    /// What proves that an object arrived.
    pub verify: Verify,
    /// Which local files are deleted, and when.
    pub retain: Retain,
    /// The process.
    pub daemon: Daemon,
}

impl Config {
    /// Loads the configuration of the file at `path`; with none, of `$WEIR_CONFIG`, else of
    /// `$XDG_CONFIG_HOME/weir/weir.toml` (`~/.config/weir/weir.toml`), else of `/etc/weir/weir.toml`, else of nothing
    /// but the defaults. `variables` is the environment, as of [`std::env::vars_os`].
    ///
    /// # Errors
    /// All faults of the file, of the environment and of the files they name.
    pub fn load(
        path: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Faults> {
        load::load(path, variables).map(|loaded| loaded.config)
    }
}
