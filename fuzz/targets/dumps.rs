//! See `natsight_fuzz::dumps`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::dumps(data));
