//! (gate)
