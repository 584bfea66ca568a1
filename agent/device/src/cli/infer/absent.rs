//! `weir infer` of a build without models: whatever it is asked, it says so.

use std::ffi::OsString;

use clap::Args;

pub(in crate::cli) const EXAMPLES: &str =
    "This weir was built without models (the feature `infer`).";

/// Anything.
#[derive(Debug, Args)]
pub(in crate::cli) struct Infer {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _asked: Vec<OsString>,
}
