//! Bits into bytes (RFC 1951, section 3.1.1).

/// Appends bits, the least significant first, to bytes.
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    at: usize,
    held: u64,
    count: u8,
}

impl<'a> Bits<'a> {
    /// Behind what is there.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let at = out.len();
        Self {
            out,
            at,
            held: 0,
            count: 0,
        }
    }

    /// Makes room for so many bits more.
    pub(super) fn reserve(&mut self, bits: usize) {
        let end = self.at + bits / 8 + 64;
        if self.out.len() < end {
            self.out.resize(end, 0);
        }
    }

    /// Appends bits; at most 57 between two flushes.
    #[inline(always)]
    pub(super) fn add(&mut self, bits: u64, count: u8) {
        self.held |= bits << self.count;
        self.count += count;
    }

    /// Writes whole bytes; room for them was reserved.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        if let Some(place) = self
            .out
            .get_mut(self.at..)
            .and_then(|rest| rest.first_chunk_mut::<8>())
        {
            *place = self.held.to_le_bytes();
        }
        let bytes = self.count / 8;
        self.at += usize::from(bytes);
        self.held >>= bytes * 8;
        self.count &= 7;
    }

    /// Appends a few bits, and makes room for them.
    pub(super) fn put(&mut self, bits: u64, count: u8) {
        self.reserve(usize::from(count));
        self.add(bits, count);
        self.flush();
    }

    /// Fills the last byte.
    pub(super) fn finish(mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
        self.out.truncate(self.at);
    }
}
