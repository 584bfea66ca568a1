//! The habits of the daemon: signals, systemd, its pages, its lock, its log, and what it does about a damaged queue
//! or a full disk. The real program, as an operator and the system see it.

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod damage;
mod disk;
mod output;
mod pages;
mod reload;
mod signals;
mod systemd;
