//! See `natsight_fuzz::decoders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::decoders(data));
