//! Samples as they are recorded for tests: the body of a PERF_RECORD_SAMPLE in hex, and the functions that a capture must show.

use natsight::profile::native::image::Machine;
use natsight::profile::native::pclntab::Pclntab;
use natsight::profile::native::{record, replay};
use natsight::profile::{Profile, Sample};
use serde::{Deserialize, Serialize};

/// `PERF_RECORD_SAMPLE`.
pub(crate) const SAMPLE: u32 = 9;

#[derive(Deserialize, Serialize)]
pub(crate) struct Recorded {
    pub(crate) record: String,
    /// Leaf first.
    pub(crate) frames: Vec<String>,
}

impl Recorded {
    /// The body; what is no hex is left out.
    pub(crate) fn body(&self) -> Vec<u8> {
        unhex(&self.record)
    }
}

/// Functions of one sample, leaf first, and whether its stack is whole.
pub(crate) fn frames(machine: Machine, table: &Pclntab<'_>, body: &[u8]) -> (Vec<String>, bool) {
    let record = record::read(machine, SAMPLE, body);
    let (profile, about) = replay(machine, table, record.into_iter());
    let sample = profile.samples().first();
    let names = sample.map_or_else(Vec::new, |sample| functions(&profile, sample));
    (names, about.whole == Some(1))
}

pub(crate) fn functions(profile: &Profile, sample: &Sample) -> Vec<String> {
    let names = sample.stack.iter();
    names
        .map(|id| profile.frame(*id).function.to_string())
        .collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes()
        .as_chunks()
        .0
        .iter()
        .filter_map(byte)
        .collect()
}
