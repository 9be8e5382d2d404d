//! Bits, the first the lowest of a byte.

/// Appends bits to bytes.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where the next whole byte goes.
    at: usize,
    /// Bits that are no whole byte yet, and their count: below 8 between calls.
    word: u64,
    len: u32,
}

impl<'a> Writer<'a> {
    /// For at most `bytes` behind those that `out` has.
    pub(super) fn new(out: &'a mut Vec<u8>, bytes: usize) -> Self {
        let at = out.len();
        // A word more, as words are written whole.
        out.resize(at + bytes + 8, 0);
        let (word, len) = (0, 0);
        Self { out, at, word, len }
    }

    /// Appends the `len` lowest bits, at most 56; those above them are zero.
    #[inline(always)]
    pub(super) fn push(&mut self, bits: u64, len: u32) {
        self.word |= bits << self.len;
        self.len += len;
        self.out[self.at..self.at + 8].copy_from_slice(&self.word.to_le_bytes());
        let whole = self.len / 8;
        self.at += whole as usize;
        self.word >>= 8 * whole;
        self.len %= 8;
    }

    /// Ends at a whole byte.
    pub(super) fn finish(mut self) {
        self.push(0, (8 - self.len) % 8);
        self.out.truncate(self.at);
    }
}
