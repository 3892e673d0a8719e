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
