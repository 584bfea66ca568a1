//! The real program: its commands, its exit codes, what it leaves behind.

mod devices;
mod documents;
mod manual;
mod program;
mod provision;
mod reports;
mod runs;
mod store;
