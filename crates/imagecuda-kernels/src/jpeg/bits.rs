//! A reader of bits that can start at any bit of a scan's data.
//!
//! The data are unstuffed, and lie in whole words of memory.

/// Words of four bytes, the first byte lowest, in whatever memory.
pub trait WordSource: Copy {
    /// The word of a number. Past the last one it may be anything.
    fn word(self, number: u32) -> u32;
}

impl WordSource for &[u32] {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        self.get(number as usize).copied().unwrap_or(0)
    }
}

/// Reads bits in order.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<W> {
    words: W,
    /// The next 32 bits, and the 32 after them. So the next 32 are known as soon as it is known how
    /// many to take; the others are put together meanwhile.
    bits: u32,
    more: u32,
    /// The two words after the one of the next bit, with their first bits highest.
    second: u32,
    third: u32,
    /// The word after those, loaded ahead of time and still as it is in memory: to swap its bytes
    /// would be to wait for the load. And the number of the word after that.
    fourth: u32,
    next: u32,
}

/// The 32 bits of two words after the first `skipped` (modulo 32).
#[inline(always)]
pub(crate) fn funnel_shift(first: u32, second: u32, skipped: u32) -> u32 {
    first << (skipped & 31) | second >> 1 >> (!skipped & 31)
}

impl<W: WordSource> BitReader<W> {
    /// A reader whose next bit is number `position`.
    #[inline(always)]
    pub fn new(words: W, position: u32) -> Self {
        let word = |ahead| words.word(position / 32 + ahead);
        let [first, second, third] = [0, 1, 2].map(|ahead| word(ahead).swap_bytes());
        Self {
            words,
            bits: funnel_shift(first, second, position),
            more: funnel_shift(second, third, position),
            second,
            third,
            fourth: word(3),
            next: position / 32 + 4,
        }
    }

    /// The next 32 bits.
    #[inline(always)]
    pub fn peek(&self) -> u32 {
        self.bits
    }

    /// Takes `bits` bits (modulo 32). The next bit is then number `position` (modulo 32) of its
    /// word. That is the next word if it `goes_on`.
    #[inline(always)]
    pub fn take(&mut self, bits: u32, goes_on: bool, position: u32) {
        self.bits = funnel_shift(self.bits, self.more, bits);
        if goes_on {
            self.second = self.third;
            self.third = self.fourth.swap_bytes();
            self.fourth = self.words.word(self.next);
            self.next += 1;
        }
        self.more = funnel_shift(self.second, self.third, position);
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
                let mut reader = BitReader::new(&words[..], start);
                let mut at = start;
                while at < 200 {
                    let expected = (at..at + 32).fold(0, |bits, i| bits << 1 | bit(i));
                    assert_eq!(reader.peek(), expected, "{start} {step} {at}");
                    reader.take(step, at / 32 != (at + step) / 32, at + step);
                    at += step;
                }
            }
        }
    }
}
