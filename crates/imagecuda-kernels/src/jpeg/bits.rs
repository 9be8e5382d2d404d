//! Bits of entropy-coded data, read from any place of it.
//!
//! Data lie in whole words of memory, without the zeros that are stuffed behind 0xff in a file.

/// Reads bits in order.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The bytes, four a word, the first one lowest.
    words: &'a [u32],
    /// The number of the word behind `next`.
    at: u32,
    /// The word behind those in `buffer`, fetched ahead of its time.
    next: u32,
    /// Bits, the next one highest; below them zeros.
    buffer: u64,
    /// How many.
    count: u32,
    /// The number of the next bit among all.
    position: u32,
}

impl<'a> Reader<'a> {
    /// A reader of the bits from number `position` on. Behind the last word there are zeros.
    #[inline(always)]
    pub fn new(words: &'a [u32], position: u32) -> Self {
        let mut reader = Self {
            words,
            at: position / 32,
            next: 0,
            buffer: 0,
            count: 0,
            position,
        };
        reader.fetch();
        reader.refill();
        reader.buffer <<= position % 32;
        reader.count -= position % 32;
        reader
    }

    #[inline(always)]
    fn fetch(&mut self) {
        let word = self.words.get(self.at as usize).copied().unwrap_or(0);
        self.next = word.swap_bytes();
        self.at += 1;
    }

    /// Has 32 bits at hand, at least.
    #[inline(always)]
    pub fn refill(&mut self) {
        if self.count < 32 {
            self.buffer |= u64::from(self.next) << (32 - self.count);
            self.count += 32;
            self.fetch();
        }
    }

    /// The next 32 bits, after a [`refill`](Self::refill).
    #[inline(always)]
    pub fn peek(&self) -> u32 {
        (self.buffer >> 32) as u32
    }

    /// Takes up to 32 bits.
    #[inline(always)]
    pub fn consume(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
        self.position += bits;
    }

    /// The number of the next bit among all.
    #[inline(always)]
    pub fn position(&self) -> u32 {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_every_bit_in_steps_of_all_sizes() {
        let words = [0x6745_2301, 0xefcd_ab89, 0x1032_5476, 0x98ba_dcfe];
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        let bit = |i: u32| match bytes.get(i as usize / 8) {
            Some(byte) => u32::from(byte >> (7 - i % 8) & 1),
            None => 0,
        };
        for start in 0..140 {
            for step in 1..=31 {
                let mut reader = Reader::new(&words, start);
                let mut at = start;
                while at < 200 {
                    reader.refill();
                    let expected = (at..at + 32).fold(0, |bits, i| bits << 1 | bit(i));
                    assert_eq!(reader.peek(), expected, "{start} {step} {at}");
                    reader.consume(step);
                    at += step;
                    assert_eq!(reader.position(), at);
                }
            }
        }
    }
}
