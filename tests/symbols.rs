//! Symbol tables of real brokers against what their own runtimes say: functions, files, lines, inlined calls. And tables that are broken.
//!
//! `tests/symbols/GO.elf.gz` is nats-server built with that Go, with everything zeroed that these lookups do not need
//! (`examples/sparse.rs`): 2.9.10 by Debian with Go 1.19 and cgo, 2.10.26 with Go 1.24, 2.15.1 with Go 1.27. `GO.json` has locations of CPU
//! profiles that these brokers took of themselves.
//!
//! `GO.samples.json` are records of samples of these brokers under load as the kernel wrote them (`examples/samples.rs`): registers, the chain of
//! frame pointers, and the words of the stack that matter. Their functions are a chain that the broker's own profile of the same seconds has.
//! Those of arm64 are not the kernel's: 2.15.1 for arm64 ran under qemu-user, stopped at moments of no choice of its own, and registers and stack
//! came from qemu's gdb port. Their chains stand in the profile that 2.15.1 took of itself on amd64. Nothing was run on arm64 hardware.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; the allowance of clippy.toml ends at #[test] functions"
)]

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use natsight::profile::native::image::{Image, Machine};
use natsight::profile::native::pclntab::Pclntab;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use recorded::{Recorded, frames};

#[allow(dead_code, reason = "examples/samples.rs uses the rest")]
#[path = "../examples/recorded/mod.rs"]
mod recorded;

const VERSIONS: [&str; 3] = ["1.19", "1.24", "1.27"];
/// Programs of which samples were recorded.
const SAMPLED: [&str; 4] = ["1.19", "1.24", "1.27", "1.27-arm64"];

#[derive(Deserialize)]
struct Location {
    address: u64,
    /// Function, file and line, the innermost first.
    chain: Vec<(String, String, u32)>,
}

fn program(version: &str) -> Vec<u8> {
    let path = fixture(&format!("{version}.elf.gz"));
    let mut bytes = Vec::new();
    GzDecoder::new(&std::fs::read(path).unwrap()[..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/symbols")
        .join(name)
}

fn locations(version: &str) -> Vec<Location> {
    json(&format!("{version}.json"))
}

fn json<T: DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
}

fn chain(table: &Pclntab<'_>, address: u64) -> Vec<(String, String, u32)> {
    let mut chain = Vec::new();
    table.places(address, |place| {
        chain.push((place.name.to_owned(), place.file.to_owned(), place.line));
    });
    chain
}

#[test]
fn names_lines_and_inlined_calls_are_those_of_the_runtime_itself() {
    for version in VERSIONS {
        let bytes = program(version);
        let image = Image::parse(&bytes).unwrap();
        let table = Pclntab::of(&image).unwrap();
        assert!(table.tells_inlined(), "{version}");
        let locations = locations(version);
        let inlined = locations.iter().filter(|one| one.chain.len() > 1).count();
        assert!(
            locations.len() > 50 && inlined > 20,
            "{version} has {} locations, {inlined} with inlined calls",
            locations.len()
        );
        for location in locations {
            assert_eq!(
                chain(&table, location.address),
                location.chain,
                "{version} at {:#x}",
                location.address
            );
        }
    }
}

fn samples(name: &str) -> Vec<Recorded> {
    json(&format!("{name}.samples.json"))
}

#[test]
fn stacks_of_recorded_samples_are_those_of_the_runtimes_own_profile() {
    for name in SAMPLED {
        let bytes = program(name);
        let image = Image::parse(&bytes).unwrap();
        let table = Pclntab::of(&image).unwrap();
        let machine = image.machine();
        let (samples, mut mended) = (samples(name), 0);
        assert!(samples.len() > 20, "{name} has {}", samples.len());
        for sample in samples {
            let body = sample.body();
            let (found, whole) = frames(machine, &table, &body);
            assert_eq!(found, sample.frames, "{name}");
            assert!(whole, "{name}: {found:?}");
            // The bytes of the stack, and how many are real, stand at the end.
            let without = without_stack(machine, &body);
            mended += usize::from(frames(machine, &table, &without).0 != found);
        }
        assert!(
            mended > 10,
            "{name}: the stack made a difference to {mended}"
        );
    }
}

/// The same record with no byte of the stack.
fn without_stack(machine: Machine, body: &[u8]) -> Vec<u8> {
    let word = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().unwrap());
    let chain = usize::try_from(word(8)).unwrap();
    let registers = match machine {
        Machine::Amd64 => 2,
        Machine::Arm64 => 3,
    };
    let end = 8 * (2 + chain + 1 + registers);
    [&body[..end], &[0; 8]].concat()
}

#[test]
fn a_program_without_section_headers_is_read_as_well() {
    for version in VERSIONS {
        let mut bytes = program(version);
        // e_shoff, e_shnum and e_shstrndx: what `strip` and packers may take away.
        bytes[0x28..0x30].fill(0);
        bytes[0x3c..0x40].fill(0);
        let image = Image::parse(&bytes).unwrap();
        let table = Pclntab::of(&image).unwrap();
        let location = &locations(version)[0];
        assert_eq!(chain(&table, location.address), location.chain, "{version}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_or_read_without_a_panic() {
    let bytes = program("1.27");
    let locations = locations("1.27");
    for part in 1..40 {
        let cut = &bytes[..bytes.len() * part / 40];
        let Ok(image) = Image::parse(cut) else {
            continue;
        };
        if let Ok(table) = Pclntab::of(&image) {
            for location in &locations {
                chain(&table, location.address);
            }
        }
    }
}

#[test]
fn words_that_lie_do_no_harm() {
    for version in VERSIONS {
        let mut bytes = program(version);
        let locations = locations(version);
        // The places that are not zero, each eighth of them, with the words that break sums.
        let live: Vec<usize> = (0..bytes.len() - 8)
            .step_by(8)
            .filter(|at| bytes[*at..*at + 8].iter().any(|byte| *byte != 0))
            .collect();
        for (turn, at) in live.iter().step_by(997).enumerate() {
            let lie = [u64::MAX, 1 << 63, 0x7fff_ffff_ffff_ffff, 0x8000_0000][turn % 4];
            let before: [u8; 8] = bytes[*at..*at + 8].try_into().unwrap();
            bytes[*at..*at + 8].copy_from_slice(&lie.to_le_bytes());
            if let Ok(image) = Image::parse(&bytes)
                && let Ok(table) = Pclntab::of(&image)
            {
                for location in locations.iter().step_by(9) {
                    chain(&table, location.address);
                    let _ = table.stack_depth(location.address);
                }
            }
            bytes[*at..*at + 8].copy_from_slice(&before);
        }
    }
}
