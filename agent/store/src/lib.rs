//! An embedded S3 service for simulation, demos and tests.
//!
//! A [`Store`] keeps objects in memory or durably in a directory and speaks the S3 protocol through two entrances:
//! [`Store::http_client`] for an AWS SDK in the same process (no sockets; runs on a paused tokio clock) and
//! [`Store::serve`] over TCP. Both pass the same front, which counts requests and plays a script of faults.
//!
//! What it promises, and its tests hold it to:
//! - a body whose checksum, length or payload hash is wrong is refused *and not stored*;
//! - conditional writes are atomic: a race has exactly one winner;
//! - an answered PUT to a directory store survives `kill -9` and a power cut;
//! - [`ObjectCreated`] is sent once per stored object, only after it is durable.
//!
//! What it is not: versioning, ACLs, tags, encryption, virtual-hosted buckets and UploadPartCopy are missing; a body is
//! held in memory while its request runs.

mod backing;
mod catalog;
mod checksum;
mod clock;
mod entrance;
pub mod faults;
mod front;
mod listing;
mod object;
mod passage;
mod precondition;
mod request;
mod service;
mod stats;
mod store;
mod vault;

pub use crate::checksum::{Algorithm, Checksum};
pub use crate::clock::Clock;
pub use crate::entrance::Server;
pub use crate::faults::Faults;
pub use crate::object::{ObjectCreated, ObjectInfo};
pub use crate::passage::{Edge, Passage};
pub use crate::request::Operation;
pub use crate::stats::{RequestRecord, Stats};
pub use crate::store::{Builder, OpenError, Store};
