//! Symbol tables, profiles and goroutine dumps from outside.

use std::io::Read;
use std::sync::{Mutex, OnceLock, PoisonError};

use flate2::read::GzDecoder;
use natsight::profile::native::image::Image;
use natsight::profile::native::pclntab::Pclntab;
use natsight::profile::{change, dump, folded, form, locks, pprof, top};

use super::choice;

/// Programs with everything zeroed that some lookups do not need (`examples/sparse.rs`).
const PROGRAMS: [&[u8]; 3] = [
    include_bytes!("../../tests/symbols/1.19.elf.gz"),
    include_bytes!("../../tests/symbols/1.24.elf.gz"),
    include_bytes!("../../tests/symbols/1.27.elf.gz"),
];
/// Bytes that are changed together lie in one of so many pieces that are not zero.
const PIECE: usize = 64;
/// An address, a place and a length before each change.
const PATCH_HEAD: usize = 4;

struct Program {
    bytes: Vec<u8>,
    /// Where pieces begin that are not zero.
    live: Vec<usize>,
    entry: u64,
}

fn programs() -> &'static [Mutex<Program>; 3] {
    static ALL: OnceLock<[Mutex<Program>; 3]> = OnceLock::new();
    ALL.get_or_init(|| {
        PROGRAMS.map(|packed| {
            let mut bytes = Vec::new();
            let read = GzDecoder::new(packed).read_to_end(&mut bytes);
            assert!(read.is_ok(), "a fixture is damaged");
            let live = (0..bytes.len())
                .step_by(PIECE)
                .filter(|at| bytes[*at..].iter().take(PIECE).any(|byte| *byte != 0));
            Mutex::new(Program {
                live: live.collect(),
                entry: 0x40_0000,
                bytes,
            })
        })
    })
}

/// A program's file with some bytes changed: the first byte picks the program, then come changes: place (3 bytes), length, bytes. Whatever
/// they are, lookups end, and touch nothing but the file.
pub fn symbols(mut data: &[u8]) {
    let Some(which) = choice(&mut data) else {
        return;
    };
    let mut program = programs()[usize::from(which) % PROGRAMS.len()]
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut undo = Vec::new();
    let mut addresses = vec![program.entry];
    while data.len() > PATCH_HEAD {
        let place = usize::from(data[0]) << 16 | usize::from(data[1]) << 8 | usize::from(data[2]);
        let length = (usize::from(data[3]) % PIECE).min(data.len() - PATCH_HEAD);
        let (patch, rest) = data[PATCH_HEAD..].split_at(length);
        data = rest;
        let (piece, within) = (place / PIECE % program.live.len(), place % PIECE);
        let at = program.live[piece] + within;
        addresses.push(program.entry + place as u64);
        for (offset, byte) in patch.iter().enumerate() {
            if let Some(old) = program.bytes.get_mut(at + offset) {
                undo.push((at + offset, *old));
                *old = *byte;
            }
        }
    }
    look(&program.bytes, &addresses);
    for (at, old) in undo.into_iter().rev() {
        program.bytes[at] = old;
    }
}

fn look(bytes: &[u8], addresses: &[u64]) {
    let Ok(image) = Image::parse(bytes) else {
        return;
    };
    let _ = image.bias(0x40_0000, 0);
    let Ok(table) = Pclntab::of(&image) else {
        return;
    };
    for address in addresses {
        let mut places = 0;
        table.places(*address, |place| {
            places += place.name.len().min(1) + place.file.len().min(1);
        });
        assert!(places < 1_000, "{places} places at one address");
        let _ = table.stack_depth(*address);
    }
}

/// A profile in pprof's form: read, then written in every form.
pub fn profile(data: &[u8]) {
    let Ok((profile, told)) = pprof::read(data) else {
        return;
    };
    let about = natsight::profile::About {
        span: told.span,
        rate: told.rate,
        ..Default::default()
    };
    let captured = natsight::profile::Captured { profile, about };
    for (form, ending) in form::Form::ALL {
        let mut out = Vec::new();
        let written = form.write(
            &captured,
            "fuzz",
            std::time::SystemTime::UNIX_EPOCH,
            &mut out,
        );
        assert!(written.is_ok(), "{ending}: {written:?}");
        if ending == ".pb.gz" {
            let again = pprof::read(&out).map(|(profile, _)| profile.total(0));
            assert_eq!(again.ok(), Some(captured.profile.total(0)), "{ending}");
        }
    }
}

/// Two folded profiles, the second behind a zero byte: read, compared, drawn.
pub fn stacks(data: &[u8]) {
    let middle = data.iter().position(|byte| *byte == 0);
    let (one, two) = data.split_at(middle.unwrap_or(data.len()));
    let (Ok(before), Ok(after)) = (folded::read(one), folded::read(two.get(1..).unwrap_or(&[])))
    else {
        return;
    };
    let table = top::Top::of(&after, after.shown());
    assert_eq!(table.total, after.total(0));
    let Ok(change) = change::Change::of(before, after, change::Scale::Totals) else {
        return;
    };
    let drawn = change.draw("fuzz", &mut Vec::new());
    assert!(drawn.is_ok(), "{drawn:?} {:?}", change.lines());
    assert!(change.json("fuzz").is_ok());
}

/// A goroutine dump in pieces: whatever its cut, the same goroutines; no address or argument is kept.
pub fn dumps(mut data: &[u8]) {
    let Some(size) = choice(&mut data) else {
        return;
    };
    let mut reader = dump::Reader::default();
    for piece in data.chunks(usize::from(size).max(1)) {
        reader.feed(piece);
    }
    let (pieces, whole) = (reader.finish(), dump::read(data));
    let count = |dump: &dump::Dump| (dump.goroutines, dump.left_out, dump.waiters.clone());
    assert_eq!(
        pieces.as_ref().map(count).ok(),
        whole.as_ref().map(count).ok()
    );
    if let Ok(dump) = pieces {
        let total = u64::try_from(dump.profile().total(0)).unwrap_or(0);
        assert!(total <= dump.goroutines);
        let _ = locks::Locks::of(&[dump]).text();
    }
}
