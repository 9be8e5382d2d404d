//! Writes bits at any position of memory. It adds them to words that are zeros at first, so many
//! threads can write at the same time.

use crate::jpeg::encode::bits::WordSink;

/// Writes bits in order, lowest bit of each byte first, as in Deflate.
#[derive(Debug)]
pub struct BitWriter<W> {
    words: W,
    /// The index of the word for the next bit.
    number: u64,
    /// Pending bits of that word and the next, and how many of them precede the next bit.
    bits: u64,
    filled: u32,
}

impl<W: WordSink> BitWriter<W> {
    /// A writer whose next bit is number `position`.
    #[inline(always)]
    pub fn new(words: W, position: u64) -> Self {
        Self {
            words,
            number: position / 32,
            bits: 0,
            filled: (position % 32) as u32,
        }
    }

    /// Writes the lowest `count` of `bits`, 0 to 32. The higher ones must be zeros.
    #[inline(always)]
    pub fn put(&mut self, bits: u32, count: u32) {
        self.bits |= u64::from(bits) << self.filled;
        self.filled += count;
        if self.filled >= 32 {
            self.words.or(self.number, self.bits as u32);
            self.number += 1;
            self.bits >>= 32;
            self.filled -= 32;
        }
    }

    /// The number of the next bit.
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.number * 32 + u64::from(self.filled)
    }

    /// Writes the last, incomplete word.
    #[inline(always)]
    pub fn finish(mut self) {
        if self.filled > 0 {
            self.words.or(self.number, self.bits as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    proptest! {
        #[test]
        fn bits_are_in_order(
            codes in prop::collection::vec((any::<u32>(), 0u32..=32), 0..200),
            start in 0u64..100,
            parts in 1usize..5,
        ) {
            let mut expected = Vec::new();
            for &(bits, count) in &codes {
                expected.extend((0..count).map(|i| bits >> i & 1));
            }
            let mut words = vec![0u32; 400];
            let mut at = start;
            for part in codes.chunks(codes.len().div_ceil(parts).max(1)) {
                let mut writer = BitWriter::new(&mut words[..], at);
                for &(bits, count) in part {
                    writer.put((u64::from(bits) & ((1u64 << count) - 1)) as u32, count);
                    at += u64::from(count);
                }
                prop_assert_eq!(writer.position(), at);
                writer.finish();
            }
            let bit = |i: u64| words[i as usize / 32] >> (i % 32) & 1;
            let got: Vec<u32> = (start..at).map(bit).collect();
            prop_assert_eq!(got, expected);
            prop_assert!((0..start).chain(at..12_800).all(|i| bit(i) == 0));
        }
    }
}
