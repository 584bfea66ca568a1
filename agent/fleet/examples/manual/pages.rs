//! The man pages of `weir-fleet`.

#[path = "../../../device/examples/manual/page.rs"]
mod page;

use std::io;

pub(crate) use page::Page;
use page::Words;

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Done, and every promise was kept."),
    (
        "1",
        "A promise was broken, the run was ended early, or some of the work failed.",
    ),
    (
        "2",
        "The command line, a scenario or a table is wrong; nothing was done.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "weir-fleet-report/",
        "What a run leaves unless --out names another folder: summary.json, images.csv, sites.csv, samples.csv and \
         report.html.",
    ),
    (
        "/dev/shm, $TMPDIR",
        "Where the sites' folders are made unless --work names another folder; removed at the end.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "RUST_LOG",
        "What the simulated agents log: nothing unless it is set.",
    ),
    ("NO_COLOR", "No colours when set and not empty."),
    ("TMPDIR", "The folder of temporary files."),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The keys for --endpoint and --create-buckets.",
    ),
    (
        "WEIR_FLEET_ACCESS_KEY, WEIR_FLEET_SECRET_KEY",
        "The keys of the store that is served.",
    ),
];

/// The pages of the program and of every command of it.
pub(crate) fn pages() -> io::Result<Vec<Page>> {
    let words = Words {
        exit_status: EXIT_STATUS,
        files: FILES,
        environment: ENVIRONMENT,
    };
    page::pages(weir_fleet::cli::command(), &words)
}
