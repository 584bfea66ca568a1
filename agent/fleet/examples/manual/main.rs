//! Writes the man pages, one a command, from the command line's own definition:
//!
//! ```text
//! cargo run -p weir-fleet --example manual -- target/man
//! man -l target/man/weir-fleet-run.1
//! ```
//!
//! An example and not a command: a package is built with it.

mod pages;

use std::path::PathBuf;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder =
        folder.context("name a folder: cargo run -p weir-fleet --example manual -- target/man")?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let pages = pages::pages()?;
    for page in &pages {
        let path = folder.join(format!("{}.1", page.name));
        std::fs::write(&path, &page.roff)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{} pages in {}", pages.len(), folder.display());
    Ok(())
}
