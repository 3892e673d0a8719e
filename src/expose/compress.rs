//! Gzip members. Members simply follow each other on the page: gzip readers, Go's among them, read them as one text.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// One gzip member of `plain`.
pub(super) fn member(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(plain.len() / 8 + 64),
        Compression::fast(),
    );
    encoder
        .write_all(plain)
        .and_then(|()| encoder.finish())
        .expect("a Vec takes every write")
        .into()
}

/// The text of a member made by [`member`].
pub(super) fn plain(member: &[u8], len: usize) -> Bytes {
    let mut text = Vec::with_capacity(len);
    GzDecoder::new(member)
        .read_to_end(&mut text)
        .expect("natsight made this member");
    text.into()
}
