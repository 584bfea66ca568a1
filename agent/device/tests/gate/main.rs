//! The gate that devices share through a control bucket, judged from where it cannot look: at the stores and between.

#[path = "../support/mod.rs"]
mod support;

mod agents;
mod figures;
mod fleet;
mod processes;
mod proxy;
