//! See `natsight_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::config(data));
