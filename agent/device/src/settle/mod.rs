//! (settle)
