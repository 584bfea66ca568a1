//! From the camera's file to the object in the bucket, with the real program and an embedded store over TCP.

#[path = "../support/mod.rs"]
mod support;

mod arrivals;
mod folders;
mod identity;
#[cfg(feature = "infer")]
mod looks;
mod refused;
mod timestamps;
