//! Gzip members (RFC 1952). Members simply follow each other on the page: gzip readers, Go's among them, read them as one
//! text.

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress};

use super::deflate::Deflate;

/// Deflate, no flags, no time, no hint on effort, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Checksum and length of the text.
const TRAILER: usize = 8;

/// Makes gzip members, one after another, with the same memory.
#[derive(Debug, Default)]
pub struct Packer {
    deflate: Deflate,
    packed: Vec<u8>,
}

impl Packer {
    /// One gzip member of `text`.
    pub fn member(&mut self, text: &[u8]) -> Bytes {
        self.packed.clear();
        self.packed.extend_from_slice(&HEADER);
        self.deflate.write(text, &mut self.packed);
        self.packed
            .extend_from_slice(&crc32fast::hash(text).to_le_bytes());
        // By RFC 1952 the length is told modulo 2^32.
        self.packed
            .extend_from_slice(&(text.len() as u32).to_le_bytes());
        Bytes::copy_from_slice(&self.packed)
    }
}

/// The text of a member made by [`Packer::member`], `len` bytes long.
pub(super) fn plain(member: &[u8], len: usize) -> Bytes {
    let mut text = Vec::with_capacity(len);
    // The checksum is for those who do not know where the bytes come from.
    let packed = &member[HEADER.len()..member.len() - TRAILER];
    Decompress::new(false)
        .decompress_vec(packed, &mut text, FlushDecompress::Finish)
        .expect("natsight made this member");
    text.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn metrics() -> String {
        let line = |number: u64| {
            let pending = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
            format!(
                "nats_consumer_pending_messages{{server_name=\"n1\",account=\"APP\",stream=\"ORDERS-{:05}\",consumer=\"worker-{:02}\"}} {pending}\n",
                number / 10,
                number % 10
            )
        };
        (0..1000).map(line).collect()
    }

    #[test]
    fn another_reader_finds_the_text_and_its_checksum_right() {
        let text = metrics();
        let mut packer = Packer::default();
        for text in [&text, "", &text[..100]] {
            let member = packer.member(text.as_bytes());
            let mut read = String::new();
            GzDecoder::new(&member[..])
                .read_to_string(&mut read)
                .unwrap();
            assert_eq!(read, text);
            assert_eq!(plain(&member, text.len()), text);
        }
    }

    #[test]
    fn lines_take_few_bytes_beside_their_numbers() {
        let text = metrics();
        // Six digits without a pattern in each; zlib's levels 1 and 6 take 8.9 and 7.5.
        let a_line = Packer::default().member(text.as_bytes()).len() as f64 / 1000.0;
        assert!(a_line < 8.4, "{a_line} bytes");
    }
}
