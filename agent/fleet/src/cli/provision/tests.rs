//! What is written, looked at as a whole.
