//! Makes a fixture of a Go program's symbol table: the program's file with everything zeroed that lookups of some addresses do not need,
//! gzipped. What is expected of them comes from the program's own runtime: the locations of a CPU profile that it took of itself.
//!
//! `sparse PROGRAM LOCATIONS.json SAMPLES.json OUTPUT`, where LOCATIONS is `[{"return_address": 1, "chain": [["function", "file", line]]}]` and
//! SAMPLES what `examples/samples.rs` chose. Writes `OUTPUT.elf.gz`, and `OUTPUT.json` with the address that each chain is of.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use natsight::profile::native::image::Image;
use natsight::profile::native::pclntab::Pclntab;
use serde::Deserialize;

use recorded::{Recorded, frames};

#[allow(dead_code, reason = "examples/samples.rs uses the rest")]
mod recorded;

/// The first and the last size of what is zeroed at once.
const LARGEST: usize = 1 << 20;
const SMALLEST: usize = 256;

#[derive(Deserialize)]
struct Location {
    return_address: u64,
    chain: Vec<(String, String, u32)>,
}

/// What must be read from the program as before.
type Needed<'a> = (&'a [Location], &'a [Recorded]);

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program, locations, samples, output] = &args[..] else {
        anyhow::bail!("usage: sparse PROGRAM LOCATIONS.json SAMPLES.json OUTPUT");
    };
    let mut bytes = std::fs::read(program)?;
    let locations: Vec<Location> = serde_json::from_slice(&std::fs::read(locations)?)?;
    let samples: Vec<Recorded> = serde_json::from_slice(&std::fs::read(samples)?)?;
    let wrong: Vec<_> = locations
        .iter()
        .filter(|location| chain(&bytes, location).as_ref() != Some(&location.chain))
        .collect();
    for location in &wrong {
        let found = chain(&bytes, location);
        writeln!(
            std::io::stderr(),
            "{:#x}: {:?} is {found:?}",
            location.return_address,
            location.chain
        )?;
    }
    ensure!(
        wrong.is_empty(),
        "{} locations are read otherwise",
        wrong.len()
    );
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        kept += thin(&mut bytes, at, LARGEST, &(&locations, &samples));
        at += LARGEST;
    }
    let path = format!("{output}.elf.gz");
    let file = std::fs::File::create(&path).with_context(|| path.clone())?;
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    gzip.write_all(&bytes)?;
    gzip.finish()?;
    let lines = locations.iter().map(|location| expected(&bytes, location));
    let lines: Vec<String> = lines.collect::<Result<_>>()?;
    std::fs::write(
        format!("{output}.json"),
        format!("[\n{}\n]\n", lines.join(",\n")),
    )?;
    writeln!(
        std::io::stdout(),
        "{kept} of {} bytes are kept",
        bytes.len()
    )?;
    Ok(())
}

/// A line of the fixture: the address that has this chain, and the chain.
fn expected(bytes: &[u8], location: &Location) -> Result<String> {
    let image = Image::parse(bytes)?;
    let table = Pclntab::of(&image)?;
    let caller = location.return_address - 1;
    let is_it = places_at(&table, caller).as_ref() == Some(&location.chain);
    let address = if is_it {
        caller
    } else {
        location.return_address
    };
    Ok(serde_json::json!({"address": address, "chain": location.chain}).to_string())
}

/// Zeroes what is not needed of a range; gives how much stays.
fn thin(bytes: &mut [u8], at: usize, size: usize, needed: &Needed<'_>) -> usize {
    let range = at..(at + size).min(bytes.len());
    if range.is_empty() || bytes[range.clone()].iter().all(|byte| *byte == 0) {
        return 0;
    }
    let before = bytes[range.clone()].to_vec();
    bytes[range.clone()].fill(0);
    if holds(bytes, needed) {
        return 0;
    }
    bytes[range.clone()].copy_from_slice(&before);
    if size <= SMALLEST {
        return range.len();
    }
    thin(bytes, at, size / 2, needed) + thin(bytes, at + size / 2, size / 2, needed)
}

fn holds(bytes: &[u8], (locations, samples): &Needed<'_>) -> bool {
    let Ok(image) = Image::parse(bytes) else {
        return false;
    };
    let Ok(table) = Pclntab::of(&image) else {
        return false;
    };
    locations
        .iter()
        .all(|location| places(&table, location).as_ref() == Some(&location.chain))
        && samples
            .iter()
            .all(|sample| frames(image.machine(), &table, &sample.body()).0 == sample.frames)
}

fn chain(bytes: &[u8], location: &Location) -> Option<Vec<(String, String, u32)>> {
    let image = Image::parse(bytes).ok()?;
    let table = Pclntab::of(&image).ok()?;
    places(&table, location)
}

/// A location of the leaf is the address itself, all others are return addresses; which one it is a profile does not say.
fn places(table: &Pclntab<'_>, location: &Location) -> Option<Vec<(String, String, u32)>> {
    let caller = places_at(table, location.return_address - 1);
    if caller.as_ref() == Some(&location.chain) {
        return caller;
    }
    places_at(table, location.return_address)
}

fn places_at(table: &Pclntab<'_>, address: u64) -> Option<Vec<(String, String, u32)>> {
    let mut found = Vec::new();
    let known = table.places(address, |place| {
        found.push((place.name.to_owned(), place.file.to_owned(), place.line));
    });
    known.then_some(found)
}
