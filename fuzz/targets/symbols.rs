//! See `natsight_fuzz::symbols`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::symbols(data));
