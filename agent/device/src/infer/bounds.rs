//! What the process that looks at images may take, as the arguments that it is started with.

use std::ffi::OsString;

use clap::Args;

use crate::config::Infer;

/// What the process that looks at images may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub(crate) struct Bounds {
    /// Threads that compute
    #[arg(long)]
    pub(crate) threads: u32,
    /// Bytes of memory
    #[arg(long)]
    pub(crate) memory: u64,
    /// Niceness
    #[arg(long)]
    pub(crate) nice: u32,
    /// Pixels of a picture
    #[arg(long)]
    pub(crate) max_pixels: u64,
    /// Bytes of a file
    #[arg(long)]
    pub(crate) max_file: u64,
}

impl Bounds {
    /// Those of a configuration.
    pub(crate) fn of(infer: &Infer) -> Self {
        Self {
            threads: infer.threads,
            memory: infer.memory,
            nice: infer.nice,
            max_pixels: infer.max_pixels.into(),
            max_file: infer.max_file,
        }
    }

    /// The arguments from which the process reads them.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let values = [
            ("--threads", u64::from(self.threads)),
            ("--memory", self.memory),
            ("--nice", self.nice.into()),
            ("--max-pixels", self.max_pixels),
            ("--max-file", self.max_file),
        ];
        let mut arguments = vec![OsString::from("infer-worker")];
        for (name, value) in values {
            arguments.extend([name.into(), value.to_string().into()]);
        }
        arguments
    }
}
