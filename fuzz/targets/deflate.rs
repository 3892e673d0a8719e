//! See `natsight_fuzz::deflate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::deflate(data));
