//! Symbol tables of real brokers against what their own runtimes say: functions, files, lines, inlined calls. And tables that are broken.
//!
//! `tests/symbols/GO.elf.gz` is nats-server built with that Go, with everything zeroed that these lookups do not need
//! (`examples/sparse.rs`): 2.9.10 by Debian with Go 1.19 and cgo, 2.10.26 with Go 1.24, 2.15.1 with Go 1.27. `GO.json` has locations of CPU
//! profiles that these brokers took of themselves.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop where it stands; the allowance of clippy.toml ends at #[test] functions"
)]

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use natsight::profile::native::image::Image;
use natsight::profile::native::pclntab::Pclntab;
use serde::Deserialize;

const VERSIONS: [&str; 3] = ["1.19", "1.24", "1.27"];

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
    let text = std::fs::read(fixture(&format!("{version}.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
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
