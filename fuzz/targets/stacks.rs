//! See `natsight_fuzz::stacks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::stacks(data));
