//! See `natsight_fuzz::splitter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::splitter(data));
