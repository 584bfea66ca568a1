//! (upload)
