//! Tests of the whole: what is written is read again, and pages hold what they must, in a real browser too.

mod browser;
mod chromium;
mod folder;
mod page;
mod shards;
mod xml;
