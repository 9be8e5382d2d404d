//! A writer of bits that can start at any bit of memory. It adds bits to words that are zeros at
//! first, so that many threads can write at once.

/// Words of memory that bits are added to. A word's first byte has its first bits.
pub trait WordSink {
    /// Sets the bits of a word that are set in `bits`.
    fn or(&mut self, number: u64, bits: u32);
}

impl WordSink for &mut [u32] {
    #[inline(always)]
    fn or(&mut self, number: u64, bits: u32) {
        if let Some(word) = self.get_mut(number as usize) {
            *word |= bits;
        }
    }
}

/// Writes bits in order.
#[derive(Debug)]
pub struct BitWriter<W> {
    words: W,
    /// The number of the word that the next bit goes to.
    number: u64,
    /// The bits of that word so far, the first ones highest; and how many bits of it are before the
    /// next.
    word: u32,
    filled: u32,
}

impl<W: WordSink> BitWriter<W> {
    /// A writer whose next bit is number `position`.
    #[inline(always)]
    pub fn new(words: W, position: u64) -> Self {
        Self {
            words,
            number: position / 32,
            word: 0,
            filled: (position % 32) as u32,
        }
    }

    /// Writes the lowest `count` of `bits`, 0 to 31; the others are zeros.
    #[inline(always)]
    pub fn put(&mut self, bits: u32, count: u32) {
        // In two shifts, as one by 64 would shift by 0.
        let all = u64::from(bits) << 1 << (63 - self.filled - count);
        self.word |= (all >> 32) as u32;
        self.filled += count;
        if self.filled >= 32 {
            self.words.or(self.number, self.word.swap_bytes());
            self.number += 1;
            self.word = all as u32;
            self.filled -= 32;
        }
    }

    /// Fills the last byte with ones. Returns the number of the byte after it.
    #[inline(always)]
    pub fn align(&mut self) -> u64 {
        let missing = self.filled.wrapping_neg() % 8;
        self.put((1 << missing) - 1, missing);
        self.number * 4 + u64::from(self.filled / 8)
    }

    /// Writes the last word.
    #[inline(always)]
    pub fn finish(mut self) {
        if self.filled > 0 {
            self.words.or(self.number, self.word.swap_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::String, vec, vec::Vec};

    proptest! {
        #[test]
        fn bits_are_in_order(
            codes in prop::collection::vec((any::<u32>(), 0u32..=31), 0..200),
            start in 0u64..100,
            parts in 1usize..5,
        ) {
            let mut expected = String::new();
            for &(bits, count) in &codes {
                for i in (0..count).rev() {
                    expected.push(if bits >> i & 1 == 1 { '1' } else { '0' });
                }
            }
            let mut words = vec![0u32; 400];
            let mut at = start;
            for part in codes.chunks(codes.len().div_ceil(parts).max(1)) {
                let mut writer = BitWriter::new(&mut words[..], at);
                for &(bits, count) in part {
                    writer.put(bits & ((1u32 << count) - 1), count);
                    at += u64::from(count);
                }
                writer.finish();
            }
            let bytes: &[u8] = bytemuck::cast_slice(&words);
            let bit = |i: u64| bytes[i as usize / 8] >> (7 - i % 8) & 1;
            let got: String = (start..at).map(|i| if bit(i) == 1 { '1' } else { '0' }).collect();
            prop_assert_eq!(got, expected);
            let others: Vec<u64> = (0..start).chain(at..12_800).filter(|&i| bit(i) != 0).collect();
            prop_assert!(others.is_empty());
        }
    }

    #[test]
    fn the_last_byte_is_filled_with_ones() {
        let mut words = [0u32; 2];
        let mut writer = BitWriter::new(&mut words[..], 24);
        assert_eq!(writer.align(), 3);
        writer.put(0, 3);
        assert_eq!(writer.align(), 4);
        writer.put(5, 3);
        assert_eq!(writer.align(), 5);
        writer.finish();
        assert_eq!(bytemuck::bytes_of(&words)[3..6], [0x1f, 0xbf, 0]);
    }
}
