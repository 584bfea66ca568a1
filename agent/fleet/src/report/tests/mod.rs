//! Tests of the whole: what is written is read again, and pages hold what they must.

mod folder;
