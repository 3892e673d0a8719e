//! Gzip members. Members simply follow each other on the page: gzip readers, Go's among them, read them as one text.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// One gzip member of `plain`.
pub(super) fn member(plain: &[u8]) -> Bytes {
    let mut writer = Writer::new();
    writer.add(plain);
    writer.finish()
}

/// Makes one gzip member of texts as they come.
pub(super) struct Writer {
    encoder: GzEncoder<Vec<u8>>,
    len: usize,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            encoder: GzEncoder::new(Vec::new(), Compression::fast()),
            len: 0,
        }
    }

    /// Appends a text; gives the bytes of all of them.
    pub(super) fn add(&mut self, text: &[u8]) -> usize {
        self.encoder
            .write_all(text)
            .expect("a Vec takes every write");
        self.len += text.len();
        self.len
    }

    pub(super) fn finish(self) -> Bytes {
        let mut bytes = self.encoder.finish().expect("a Vec takes every write");
        bytes.shrink_to_fit();
        bytes.into()
    }
}

/// The text of a member made by [`member`].
pub(super) fn plain(member: &[u8], len: usize) -> Bytes {
    let mut text = Vec::with_capacity(len);
    GzDecoder::new(member)
        .read_to_end(&mut text)
        .expect("natsight made this member");
    text.into()
}
