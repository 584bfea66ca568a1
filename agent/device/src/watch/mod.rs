//! (watch)
