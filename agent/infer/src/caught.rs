//! Panics of a library, turned into values.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work`, or gives the message it panicked with. What `work` changes besides what it returns must be right
/// whenever it stops.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("it panicked without a message");
        message.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 1), Ok(1));
        let caught = caught(|| -> u8 { panic!("no\n  {}", "way") });
        assert_eq!(caught, Err("no way".to_owned()));
    }
}
