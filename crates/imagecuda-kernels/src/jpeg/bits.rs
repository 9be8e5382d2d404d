//! Bits of entropy-coded data, read from any place of it.
//!
//! Data lie in whole words of memory, without the zeros that are stuffed behind 0xff in a file.

/// Bytes, four a word, the first one lowest, wherever they are.
pub trait WordSource: Copy {
    /// A word. Behind the last one, any.
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
    /// The next 32 bits, and the 32 behind them: so the next ones are known as soon as it is known
    /// how many are taken, and the others are found meanwhile.
    bits: u32,
    more: u32,
    /// The words behind that of the next bit, their first bits highest.
    second: u32,
    third: u32,
    /// The word behind those as it is in memory: fetched ahead of its time, and not touched before,
    /// which would be to wait for it; and the number of the one behind that.
    fourth: u32,
    next: u32,
}

/// The 32 bits behind the first `skipped` (modulo 32) of two words.
#[inline(always)]
fn funnel_shift(first: u32, second: u32, skipped: u32) -> u32 {
    first << (skipped & 31) | second >> 1 >> (!skipped & 31)
}

impl<W: WordSource> BitReader<W> {
    /// A reader of the bits from number `position` on.
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

    /// Takes as many as `bits` modulo 32. The next one is then in another word, if it `goes_on`,
    /// and there behind as many as `position` modulo 32.
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
