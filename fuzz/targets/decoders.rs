//! See `natsight_fuzz::decoders`.
#![no_main]

mod structure;

libfuzzer_sys::fuzz_target!(|data: &[u8]| natsight_fuzz::decoders(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    structure::mutate(data, size, size_max, seed)
});
