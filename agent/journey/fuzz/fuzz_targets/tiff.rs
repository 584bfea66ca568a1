#![no_main]

use weir_journey_fuzz::{BEGINS, file};

libfuzzer_sys::fuzz_target!(|data: &[u8]| file(BEGINS[3].1, data));
