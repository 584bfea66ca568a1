//! The man pages of `weir`.

#[path = "page.rs"]
mod page;

use std::io;

pub(crate) use page::Page;
use page::Words;

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Done."),
    ("1", "Some of the work failed, or somebody should look."),
    (
        "2",
        "The command line or the configuration is wrong; nothing was done.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_CONFIG_HOME/weir/weir.toml, /etc/weir/weir.toml",
        "The configuration: the first of them that is there, unless --config or $WEIR_CONFIG names another.",
    ),
    (
        "/var/lib/weir",
        "The state directory of root: queue.db and the agent's own files. Of other users it is \
         ~/.local/state/weir; state.directory sets another.",
    ),
    (
        "store.credentials_file",
        "The keys, where the configuration names a file; mode 0600.",
    ),
    (
        "/etc/ssl/certs",
        "The certificate authorities that a store's certificate is judged by, with those of store.tls_ca_file.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("WEIR_CONFIG", "The configuration file."),
    (
        "WEIR_<SECTION>__<KEY>",
        "A setting, before the file: WEIR_STORE__REGION=eu-central-1.",
    ),
    ("RUST_LOG", "What is logged: weir=debug."),
    ("NO_COLOR", "No colours when set and not empty."),
    (
        "STATE_DIRECTORY, XDG_STATE_HOME, XDG_CONFIG_HOME, HOME",
        "Where the state and the configuration are looked for.",
    ),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE",
        "The keys, where the configuration names no other source.",
    ),
];

/// The pages of the program and of every command of it.
pub(crate) fn pages() -> io::Result<Vec<Page>> {
    let words = Words {
        exit_status: EXIT_STATUS,
        files: FILES,
        environment: ENVIRONMENT,
    };
    page::pages(weir::cli::command(), &words)
}
