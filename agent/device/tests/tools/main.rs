//! What an operator has in hand: `weir check`, lists and tables of the queue, completions and man pages.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod completions;
#[cfg(feature = "infer")]
mod infer;
mod manual;
mod tables;
