//! See `natsight_fuzz::page_reader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::page_reader(data));
