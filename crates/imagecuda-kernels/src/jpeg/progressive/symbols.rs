//! Huffman codes of progressive scans, one symbol at a time.

use super::super::bits::{BitReader, WordSource};
use bytemuck::{Pod, Zeroable};

/// The number of bits of a look-up.
const LOOK_UP: u32 = 11;

/// A Huffman table.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Symbols {
    /// For each value of the next 11 bits the symbol, and the length of the code in the lowest 8
    /// bits; 0 for a longer code.
    short: [u16; 1 << LOOK_UP],
    /// For codes of each length from 1 to 16: the end of these codes and of all shorter ones, as
    /// numbers of 16 bits.
    ends: [u32; 16],
    /// What to add to a code of that length to get the number of its symbol, modulo 2^32.
    offsets: [u32; 16],
    /// The symbols in the order of their codes.
    symbols: [u8; 256],
}

impl Symbols {
    /// The table with so many codes of 1 to 16 bits, and with these symbols in the order of their
    /// codes.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Self {
        let mut all = Self::zeroed();
        for (to, symbol) in all.symbols.iter_mut().zip(symbols) {
            *to = *symbol;
        }
        let (mut code, mut number) = (0u32, 0u32);
        for (i, &count) in counts.iter().enumerate() {
            let length = i as u32 + 1;
            all.offsets[i] = number.wrapping_sub(code);
            for _ in 0..count {
                if let Some(free) = LOOK_UP.checked_sub(length) {
                    let symbol = u16::from(all.symbols[number as usize & 255]);
                    let first = (code << free) as usize;
                    for entry in all.short.iter_mut().skip(first).take(1 << free) {
                        *entry = symbol << 8 | length as u16;
                    }
                }
                (code, number) = (code + 1, number + 1);
            }
            all.ends[i] = code << (16 - length);
            code <<= 1;
        }
        all
    }

    /// The symbol at the start of 32 bits, and the length of its code. Bits that are no code count as
    /// a symbol of 0.
    #[inline(always)]
    fn find(&self, bits: u32) -> (u32, u32) {
        let entry = u32::from(self.short[(bits >> (32 - LOOK_UP)) as usize]);
        match entry {
            0 => self.find_longer(bits >> 16),
            entry => (entry >> 8, entry & 255),
        }
    }

    /// As [`find`](Self::find), but the length of bits that are no code is 0.
    #[inline(always)]
    pub(super) fn checked(&self, bits: u32) -> (u32, u32) {
        let entry = u32::from(self.short[(bits >> (32 - LOOK_UP)) as usize]);
        match entry {
            0 if bits >> 16 >= self.ends[15] => (0, 0),
            0 => self.find_longer(bits >> 16),
            entry => (entry >> 8, entry & 255),
        }
    }

    #[inline(always)]
    fn find_longer(&self, bits: u32) -> (u32, u32) {
        let mut length = LOOK_UP + 1;
        while length < 16 && bits >= self.ends[length as usize - 1] {
            length += 1;
        }
        let place = (bits >> (16 - length)).wrapping_add(self.offsets[length as usize - 1]);
        (self.symbols[place as usize & 255].into(), length)
    }
}

/// Reads symbols and bits of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a, W> {
    symbols: &'a Symbols,
    bits: BitReader<W>,
    position: u32,
}

impl<'a, W: WordSource> Reader<'a, W> {
    #[inline(always)]
    pub(super) fn new(symbols: &'a Symbols, words: W, position: u32) -> Self {
        Self {
            symbols,
            bits: BitReader::new(words, position),
            position,
        }
    }

    /// Skips up to 31 bits.
    #[inline(always)]
    fn skip(&mut self, count: u32) {
        let next = self.position.wrapping_add(count);
        self.bits.take(count, next / 32 != self.position / 32, next);
        self.position = next;
    }

    /// The next symbol: a number of zeros, and a size.
    #[inline(always)]
    pub(super) fn symbol(&mut self) -> (u32, u32) {
        let (symbol, length) = self.symbols.find(self.bits.peek());
        self.skip(length);
        (symbol >> 4, symbol & 15)
    }

    /// A number of `count` bits, from 1 to 16.
    #[inline(always)]
    pub(super) fn number(&mut self, count: u32) -> u32 {
        let number = self.bits.peek() >> (32 - count);
        self.skip(count);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_all_lengths() {
        // One code of each length: 0, 10, 110 and so on.
        let symbols: [u8; 16] = core::array::from_fn(|i| 0x11 * i as u8);
        let table = Symbols::new(&[1; 16], &symbols);
        for length in 1..=16u32 {
            let bits = !(u32::MAX >> (length - 1));
            let expected = (u32::from(symbols[length as usize - 1]), length);
            assert_eq!(table.find(bits), expected);
        }
    }
}
