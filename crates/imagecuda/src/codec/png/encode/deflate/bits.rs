//! Writes bits to bytes, lowest bit first.

/// Appends bits to a vector of bytes.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The index of the next whole byte.
    at: usize,
    /// The bits that do not fill a byte yet, and their number, which is below 8 between calls.
    word: u64,
    len: u32,
}

impl<'a> Writer<'a> {
    /// A writer that appends at most `bytes` bytes to `out`.
    pub(super) fn new(out: &'a mut Vec<u8>, bytes: usize) -> Self {
        let at = out.len();
        // One word more, as the writer stores whole words.
        out.resize(at + bytes + 8, 0);
        let (word, len) = (0, 0);
        Self { out, at, word, len }
    }

    /// Appends the lowest `len` of `bits`, at most 56. The higher ones must be zero.
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

    /// Fills the last byte with zeros, and ends.
    pub(super) fn finish(mut self) {
        self.push(0, (8 - self.len) % 8);
        self.out.truncate(self.at);
    }
}
