//! Bits of entropy-coded data, read from any place of it.
//!
//! Data lie in whole words of memory, without the zeros that are stuffed behind 0xff in a file.

/// Bytes, four a word, the first one lowest, wherever they are.
pub trait Words: Copy {
    /// A word. Behind the last one, any.
    fn word(self, number: u32) -> u32;
}

impl Words for &[u32] {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        self.get(number as usize).copied().unwrap_or(0)
    }
}

/// Reads bits in order.
#[derive(Clone, Copy, Debug)]
pub struct Reader<W> {
    words: W,
    /// The word that has the next bit, and the one behind it: their first bits highest.
    word: u32,
    second: u32,
    /// The word behind those as it is in memory: fetched ahead of its time, and not touched before,
    /// which would be to wait for it.
    third: u32,
    /// The number of the next bit among all.
    position: u32,
}

impl<W: Words> Reader<W> {
    /// A reader of the bits from number `position` on.
    #[inline(always)]
    pub fn new(words: W, position: u32) -> Self {
        let mut reader = Self {
            words,
            word: 0,
            second: 0,
            third: 0,
            position,
        };
        reader.word = reader.fetch(0).swap_bytes();
        reader.second = reader.fetch(1).swap_bytes();
        reader.third = reader.fetch(2);
        reader
    }

    /// The word that is so many behind that of the next bit.
    #[inline(always)]
    fn fetch(&self, behind: u32) -> u32 {
        self.words.word(self.position / 32 + behind)
    }

    /// The next 32 bits.
    #[inline(always)]
    pub fn peek(&self) -> u32 {
        let both = u64::from(self.word) << 32 | u64::from(self.second);
        (both << (self.position % 32) >> 32) as u32
    }

    /// Takes up to 31 bits.
    #[inline(always)]
    pub fn consume(&mut self, bits: u32) {
        let before = self.position;
        self.position += bits;
        // In the next word, that is.
        if (before ^ self.position) & 32 != 0 {
            self.word = self.second;
            self.second = self.third.swap_bytes();
            self.third = self.fetch(2);
        }
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
                let mut reader = Reader::new(&words[..], start);
                let mut at = start;
                while at < 200 {
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
