//! Deflate (RFC 1951) for pages of metrics.
//!
//! Neighbouring lines of a page differ in a label value and a number; the rest stood in the line before, mostly at the same
//! distance as what was found last. So the last distance is tried first, then the place where the next six bytes were seen
//! last, and nothing else. On pages that takes half the time of zlib's fastest level, for two thirds of its bytes
//! (`cargo bench compress`), since nothing is looked up where a match goes on over a line's end.

mod bits;
mod code;

use bits::Bits;
use code::{CODE_MAX, Code};

/// How far back a match may begin (RFC 1951, section 2).
const WINDOW: usize = 32 << 10;
/// Shortest and longest match of one symbol.
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 258;
/// Bytes that are looked at together.
const WORD: usize = 8;
/// Places that are remembered: they fit the first-level cache.
const HASH_BITS: u32 = 13;
/// Odd, its bits without a pattern: two to the 64th over the golden ratio.
const HASH_FACTOR: u64 = 0x9E37_79B1_85EB_CA87;
/// Sequences in a block at most; 256 KiB of metrics have fewer.
const SEQUENCES_MAX: usize = 64 << 10;

/// Texts up to here are not compressed, such as the HELP and TYPE lines between two large families: making codes for one would cost
/// a page of many families more than writing all of them.
const STORED_MAX: usize = 1 << 10;

/// Symbols of literals and lengths, of distances, of code lengths; and the symbol that ends a block.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const METAS: usize = 19;
const END: usize = 256;
/// Longest code of a code length.
const META_MAX: usize = 7;

/// Text as it is, then a match.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    literals: u32,
    /// Zero at the end of the text.
    len: u16,
    distance_less_one: u16,
}

/// Makes streams, one after another, with the same memory.
#[derive(Debug)]
pub(super) struct Deflate {
    /// Where six bytes were seen last, by their hash: place in the text plus `base`.
    seen: Box<[u32; 1 << HASH_BITS]>,
    /// Place of the text's first byte; it may wrap, since what the hash finds is compared.
    base: u32,
    found: Found,
}

/// What a block is made of, and how often each symbol stands in it.
#[derive(Debug)]
struct Found {
    sequences: Vec<Sequence>,
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            seen: Box::new([0; 1 << HASH_BITS]),
            base: WINDOW as u32,
            found: Found {
                sequences: Vec::new(),
                literals: [0; LITERALS],
                distances: [0; DISTANCES],
            },
        }
    }
}

fn word(text: &[u8], at: usize) -> u64 {
    match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Bytes from `at` on that are the same as those from `from` on.
fn common(text: &[u8], from: usize, at: usize) -> usize {
    let (new, tail) = text[at..].as_chunks::<8>();
    let (old, _) = text[from..].as_chunks::<8>();
    let mut len = 0;
    for (new, old) in new.iter().zip(old) {
        let differ = u64::from_le_bytes(*new) ^ u64::from_le_bytes(*old);
        if differ != 0 {
            return len + differ.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    let rest = text[from + len..].iter().zip(tail);
    len + rest.take_while(|(old, new)| old == new).count()
}

impl Deflate {
    /// Appends the stream of a text.
    pub(super) fn write(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if text.len() <= STORED_MAX {
            return stored(text, out);
        }
        self.compressed(text, out);
    }

    fn compressed(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut bits = Bits::new(out);
        let mut at = 0;
        loop {
            self.found.clear();
            let end = self.find(text, at);
            self.found
                .block(&text[at..end], end == text.len(), &mut bits);
            at = end;
            if at == text.len() {
                break;
            }
        }
        bits.finish();
        // Places of this text are out of the window of the next.
        self.base = self.base.wrapping_add((text.len() + WINDOW) as u32);
    }

    /// Finds the sequences of a block that begins at `start`; gives where it ends.
    fn find(&mut self, text: &[u8], start: usize) -> usize {
        let last = text.len().saturating_sub(WORD);
        let (mut at, mut from, mut near) = (start, start, 0);
        while at < last && self.found.sequences.len() < SEQUENCES_MAX {
            let Some(distance) = self.before(text, at, near) else {
                self.found.literals[usize::from(text[at])] += 1;
                at += 1;
                continue;
            };
            near = distance;
            let len = common(text, at - distance, at);
            self.found.matched(at - from, len, distance);
            at += len;
            from = at;
        }
        if at < last {
            return at;
        }
        for byte in &text[at..] {
            self.found.literals[usize::from(*byte)] += 1;
        }
        self.found.sequences.push(Sequence {
            literals: (text.len() - from) as u32,
            len: 0,
            distance_less_one: 0,
        });
        text.len()
    }

    /// How far before `at` the same bytes stand: at the last distance, or where their hash was seen.
    #[inline(always)]
    fn before(&mut self, text: &[u8], at: usize, near: usize) -> Option<usize> {
        let now = word(text, at);
        // The shift leaves the six bytes that are hashed and compared.
        let hash = (now << 16).wrapping_mul(HASH_FACTOR) >> (u64::BITS - HASH_BITS);
        let place = self.base.wrapping_add(at as u32);
        let before = std::mem::replace(&mut self.seen[hash as usize], place);
        // Four bytes at a distance that costs little are worth it.
        if near != 0 && near <= at && word(text, at - near) as u32 == now as u32 {
            return Some(near);
        }
        let far = place.wrapping_sub(before) as usize;
        let is_there = (1..=WINDOW.min(at)).contains(&far);
        (is_there && (word(text, at - far) ^ now) << 16 == 0).then_some(far)
    }
}

/// Appends the stream of a short text as it is (section 3.2.4).
fn stored(text: &[u8], out: &mut Vec<u8>) {
    let len = text.len() as u16;
    // The last block, of the kind that is not compressed; its length and the complement of that.
    out.push(1);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&(!len).to_le_bytes());
    out.extend_from_slice(text);
}

impl Found {
    fn clear(&mut self) {
        self.sequences.clear();
        self.literals.fill(0);
        self.distances.fill(0);
        self.literals[END] = 1;
    }

    /// Adds a match after so many literals, as several where one symbol cannot tell its length.
    fn matched(&mut self, literals: usize, mut len: usize, distance: usize) {
        let mut literals = literals as u32;
        while len > 0 {
            let part = match len {
                ..=MATCH_MAX => len,
                // Never leaves less than a match.
                _ => MATCH_MAX.min(len - MATCH_MIN),
            };
            self.literals[usize::from(LENGTH_SYMBOL[part - MATCH_MIN])] += 1;
            self.distances[distance_symbol(distance - 1)] += 1;
            self.sequences.push(Sequence {
                literals,
                len: part as u16,
                distance_less_one: (distance - 1) as u16,
            });
            literals = 0;
            len -= part;
        }
    }

    /// Writes a block with codes of its own (section 3.2.7).
    fn block(&self, text: &[u8], is_last: bool, bits: &mut Bits<'_>) {
        let literals = Code::<LITERALS>::new(&self.literals, CODE_MAX);
        let distances = Code::<DISTANCES>::new(&self.distances, CODE_MAX);
        bits.put(u64::from(is_last) | 2 << 1, 3);
        codes_of(&literals, &distances, bits);
        bits.reserve(self.size(&literals, &distances));
        let lengths = lengths(&literals);
        let mut rest = text;
        for sequence in &self.sequences {
            let (plain, after) = rest.split_at(sequence.literals as usize);
            // Seven bits that wait and three codes fit a word.
            for some in plain.chunks(3) {
                for byte in some {
                    literals.add(usize::from(*byte), bits);
                }
                bits.flush();
            }
            if sequence.len == 0 {
                break;
            }
            // And so do seven bits, a length and a distance: 7 + 20 + 28.
            let (code, count) = lengths[usize::from(sequence.len) - MATCH_MIN];
            bits.add(u64::from(code), count);
            let less_one = sequence.distance_less_one;
            let symbol = distance_symbol(usize::from(less_one));
            distances.add(symbol, bits);
            let more = less_one + 1 - DISTANCE_BASE[symbol];
            bits.add(u64::from(more), DISTANCE_EXTRA[symbol]);
            bits.flush();
            rest = &after[usize::from(sequence.len)..];
        }
        literals.add(END, bits);
        bits.flush();
    }

    /// Bits of the block after its codes.
    fn size(&self, literals: &Code<LITERALS>, distances: &Code<DISTANCES>) -> usize {
        let bits = |(count, len): (&u32, u8)| *count as usize * usize::from(len);
        let lengths = literals.lens.iter().enumerate().map(|(symbol, len)| {
            let place = symbol.checked_sub(END + 1);
            len + place.map_or(0, |place| LENGTH_EXTRA[place])
        });
        let far = distances.lens.iter().zip(&DISTANCE_EXTRA);
        let far = far.map(|(len, extra)| len + extra);
        let literals = self.literals.iter().zip(lengths).map(bits).sum::<usize>();
        literals + self.distances.iter().zip(far).map(bits).sum::<usize>()
    }
}

/// Codes of the lengths 3 to 258, with the bits that follow them, and how many bits that is.
fn lengths(literals: &Code<LITERALS>) -> [(u32, u8); LENGTH_SYMBOL.len()] {
    std::array::from_fn(|place| {
        let symbol = usize::from(LENGTH_SYMBOL[place]);
        let (code, len) = (literals.codes[symbol], literals.lens[symbol]);
        let base = usize::from(LENGTH_BASE[symbol - END - 1]);
        let more = (place + MATCH_MIN - base) as u32;
        (
            u32::from(code) | more << len,
            len + LENGTH_EXTRA[symbol - END - 1],
        )
    })
}

/// The order in which the lengths of code lengths are written (section 3.2.7).
const META_ORDER: [usize; METAS] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Writes how long the codes are.
fn codes_of(literals: &Code<LITERALS>, distances: &Code<DISTANCES>, bits: &mut Bits<'_>) {
    let literals = shown(&literals.lens, END + 1);
    let distances = shown(&distances.lens, 1);
    let mut lens = [0; LITERALS + DISTANCES];
    let count = literals.len() + distances.len();
    lens[..literals.len()].copy_from_slice(literals);
    lens[literals.len()..count].copy_from_slice(distances);
    let runs = lens[..count].chunk_by(|one, other| one == other);
    let metas: Vec<_> = runs.flat_map(|run| repeats(run[0], run.len())).collect();
    let mut counts = [0; METAS];
    for (symbol, _) in &metas {
        counts[usize::from(*symbol)] += 1;
    }
    let code = Code::<METAS>::new(&counts, META_MAX);
    let ordered = META_ORDER.map(|symbol| code.lens[symbol]);
    let ordered = shown(&ordered, 4);
    bits.put((literals.len() - END - 1) as u64, 5);
    bits.put((distances.len() - 1) as u64, 5);
    bits.put((ordered.len() - 4) as u64, 4);
    for len in ordered {
        bits.put(u64::from(*len), 3);
    }
    for (symbol, more) in &metas {
        let symbol = usize::from(*symbol);
        bits.put(u64::from(code.codes[symbol]), code.lens[symbol]);
        bits.put(u64::from(*more), META_EXTRA[symbol]);
    }
}

/// The lengths without zeros at the end, but not fewer than `least`.
fn shown(lens: &[u8], least: usize) -> &[u8] {
    let last = lens.iter().rposition(|len| *len > 0);
    &lens[..last.map_or(least, |last| least.max(last + 1))]
}

/// Bits that follow each of them.
const META_EXTRA: [u8; METAS] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];

/// A run of equal code lengths as symbols with their extra bits.
fn repeats(len: u8, mut count: usize) -> impl Iterator<Item = (u8, u8)> {
    let mut is_first = true;
    std::iter::from_fn(move || {
        if count == 0 {
            return None;
        }
        let (taken, symbol) = match (len, count) {
            (0, 11..) => (count.min(138), (18, count.min(138) as u8 - 11)),
            (0, 3..) => (count, (17, count as u8 - 3)),
            (1.., 3..) if !is_first => (count.min(6), (16, count.min(6) as u8 - 3)),
            _ => (1, (len, 0)),
        };
        is_first = false;
        count -= taken;
        Some(symbol)
    })
}

/// The shortest length of each symbol, and how many bits tell the longer ones (section 3.2.5).
const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
const LENGTH_EXTRA: [u8; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
/// The same for distances.
const DISTANCE_BASE: [u16; DISTANCES] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA: [u8; DISTANCES] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];

/// Symbols of the lengths 3 to 258.
const LENGTH_SYMBOL: [u16; 256] = {
    let mut symbols = [0; 256];
    let mut len = 3;
    let mut place = 0;
    while len <= MATCH_MAX {
        if place + 1 < 29 && len >= LENGTH_BASE[place + 1] as usize {
            place += 1;
        }
        symbols[len - 3] = 257 + place as u16;
        len += 1;
    }
    symbols
};

/// The symbol of a distance less one: two for each power of two.
fn distance_symbol(less_one: usize) -> usize {
    let Some(top) = less_one.checked_ilog2().filter(|top| *top > 0) else {
        return less_one;
    };
    2 * top as usize + (less_one >> (top - 1) & 1)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn packed(deflate: &mut Deflate, text: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        deflate.compressed(text, &mut out);
        out.split_off(6)
    }

    /// What another's reader makes of it.
    fn read(packed: &[u8]) -> Vec<u8> {
        let mut decoder = DeflateDecoder::new(packed);
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).unwrap();
        assert_eq!(decoder.total_in(), packed.len() as u64);
        text
    }

    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let line = ("[a-c]{1,4}", 0..4_u8, any::<u64>(), 0..300_usize);
        vec(line, 0..60).prop_map(|lines| {
            let line = |(name, short, number, long): (String, u8, u64, usize)| {
                let number = number >> (16 * short);
                format!("nats_{name}{{x=\"{}\"}} {number}\n", "y".repeat(long))
            };
            lines.into_iter().map(line).collect::<String>().into_bytes()
        })
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was(texts in vec(prop_oneof![lines(), vec(any::<u8>(), 0..2000)], 1..5)) {
            let mut deflate = Deflate::default();
            for text in texts {
                prop_assert_eq!(read(&packed(&mut deflate, &text)), text);
            }
        }

        #[test]
        fn a_text_is_read_as_it_was_stored_or_not(text in vec(any::<u8>(), 0..2 * STORED_MAX)) {
            let mut out = Vec::new();
            Deflate::default().write(&text, &mut out);
            prop_assert_eq!(read(&out), &text[..]);
            prop_assert!(text.len() > STORED_MAX || out.len() == text.len() + 5);
        }
    }

    /// Bytes without a pattern.
    fn noise(len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        std::iter::repeat_with(|| random.u8(..)).take(len).collect()
    }

    #[test]
    fn noise_grows_by_less_than_a_percent() {
        let text = noise(1 << 20);
        let packed = packed(&mut Deflate::default(), &text);
        assert!(packed.len() < text.len() + text.len() / 100);
        assert_eq!(read(&packed), text);
    }

    #[test]
    fn a_text_of_more_matches_than_a_block_holds_is_read_as_it_was() {
        let words = noise(7 * 256);
        let words: Vec<_> = words.chunks(7).collect();
        let order = noise(2 * SEQUENCES_MAX);
        let text: Vec<u8> = order
            .iter()
            .flat_map(|word| words[usize::from(*word)])
            .copied()
            .collect();
        let packed = packed(&mut Deflate::default(), &text);
        assert!(packed.len() < text.len() / 3);
        assert_eq!(read(&packed), text);
    }

    #[test]
    fn matches_of_every_length_and_distance_are_read_as_they_were() {
        let apart = noise(WINDOW + 9);
        let mut deflate = Deflate::default();
        let lens = (6..20).chain(255..270).chain(515..530).chain([WINDOW]);
        for len in lens {
            for distance in [
                len,
                len + 1,
                1023,
                1024,
                1025,
                WINDOW - 1,
                WINDOW,
                WINDOW + 1,
            ] {
                let mut text = apart[..distance.max(len)].to_vec();
                text.extend_from_within(
                    text.len() - distance..text.len() - distance + len.min(distance),
                );
                text.extend_from_slice(b"another end");
                assert_eq!(read(&packed(&mut deflate, &text)), text, "{len} {distance}");
            }
        }
    }

    #[test]
    fn places_may_wrap() {
        let text = b"the same words again, the same words again, the same words again".repeat(50);
        let mut deflate = Deflate {
            base: u32::MAX - 500,
            ..Deflate::default()
        };
        for _ in 0..3 {
            let packed = packed(&mut deflate, &text);
            assert!(packed.len() < 200);
            assert_eq!(read(&packed), text);
        }
    }

    #[test]
    fn symbols_hold_their_lengths_and_distances() {
        for len in MATCH_MIN..=MATCH_MAX {
            let place = usize::from(LENGTH_SYMBOL[len - MATCH_MIN]) - END - 1;
            let more = len - usize::from(LENGTH_BASE[place]);
            assert!(more < 1 << LENGTH_EXTRA[place], "{len}");
        }
        for distance in 1..=WINDOW {
            let symbol = distance_symbol(distance - 1);
            let more = distance - usize::from(DISTANCE_BASE[symbol]);
            assert!(more < 1 << DISTANCE_EXTRA[symbol], "{distance}");
        }
    }
}
