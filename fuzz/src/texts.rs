//! Texts of other kinds: pages, what is compressed, files of the operator.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use natsight::config::{Flags, Secret, load, read_web_flags, targets};
use natsight::expose::Packer;
use natsight::expose::reader::{self, Format};

use super::choice;

/// Longest text that a program makes: more than fits one block.
const TEXT_MAX: usize = 400 << 10;

/// Any texts, one after another, are read from their gzip members as they were.
///
/// The first byte tells how the rest becomes texts: as it is, cut in two, or as a program of literals and copies, since texts of
/// hundreds of kilobytes are not found byte by byte.
pub fn deflate(mut data: &[u8]) {
    let Some(how) = choice(&mut data) else { return };
    let mut packer = Packer::default();
    if how & 1 == 1 {
        member(&mut packer, &program(data));
    }
    let (one, other) = data.split_at(data.len() * usize::from(how) / 256);
    for text in [one, other, one] {
        member(&mut packer, text);
    }
}

fn member(packer: &mut Packer, text: &[u8]) {
    let packed = packer.member(text);
    match unpacked(&packed) {
        Ok(found) => assert!(found == text, "{} bytes differ", text.len()),
        Err(error) => panic!("{} bytes: {error}", text.len()),
    }
}

/// What another's reader makes of gzip members.
pub(crate) fn unpacked(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut text)?;
    Ok(text)
}

/// Bytes below 0x80 tell how many literals follow; others begin a copy: two bytes of distance, one of length, one of times.
fn program(mut data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(code) = choice(&mut data) {
        if code < 0x80 {
            let (plain, rest) = data.split_at(data.len().min(usize::from(code)));
            text.extend_from_slice(plain);
            data = rest;
            continue;
        }
        let mut byte = || usize::from(choice(&mut data).unwrap_or(0));
        let distance = (byte() << 8 | byte()).clamp(1, text.len().max(1));
        let (len, times) = (byte() + (usize::from(code) & 0x3f) * 256, 1 + byte());
        for _ in 0..times {
            let from = text.len().saturating_sub(distance);
            for place in from..from + len {
                if text.len() >= TEXT_MAX {
                    return text;
                }
                text.push(text.get(place).copied().unwrap_or(code));
            }
        }
    }
    text
}

/// Any bytes are a page or are refused; what was read can be looked at.
pub fn page_reader(data: &[u8]) {
    for format in [Format::Text004, Format::OpenMetrics1] {
        let Ok(page) = reader::read(data, format) else {
            continue;
        };
        let keys = page.series_keys();
        assert_eq!(keys.len(), page.series(), "two series have one key");
        for family in &page.families {
            assert!(page.family(&family.name).is_some());
            for sample in &family.samples {
                let labels = sample.labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
                let labels: Vec<_> = labels.collect();
                assert!(page.sample(&sample.name, &labels).is_some(), "{sample:?}");
            }
        }
    }
}

/// Any text is configuration or is refused with places in it. The first byte picks the file.
pub fn config(mut data: &[u8]) {
    let Some(which) = choice(&mut data) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match which % 3 {
        0 => {
            if let Err(mistakes) = load(Some(("natsight.yml", text)), &[], &Flags::default()) {
                assert!(!mistakes.is_empty());
                mistakes
                    .iter()
                    .for_each(|mistake| drop(mistake.to_string()));
            }
        }
        1 => {
            if let Err(mistake) = targets("targets.yml", text) {
                drop(mistake.to_string());
            }
        }
        // Files that it names would be read. An escaped key could hide one.
        _ if text.contains("_file") || text.contains('\\') => {}
        _ => {
            if let Err(mistakes) = read_web_flags(&Secret::new(text)).outcome {
                assert!(!mistakes.is_empty());
                mistakes
                    .iter()
                    .for_each(|mistake| drop(mistake.to_string()));
            }
        }
    }
}
