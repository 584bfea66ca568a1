//! Cards, sticks and folders, by the real program against a store that is judged from its own side.

#[path = "../support/mod.rs"]
mod support;

mod card;
mod cards;
mod export;
mod kills;
mod mounts;
mod plan;
mod receipts;
mod sharing;
