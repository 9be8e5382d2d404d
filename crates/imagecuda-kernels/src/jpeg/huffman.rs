//! Huffman tables, for decoding from any bit.

use bytemuck::{Pod, Zeroable};

/// Codes of up to this many bits are looked up at once.
const FIRST: u32 = 9;

/// Lengths of the codes that are longer.
const LONG: usize = 16 - FIRST as usize;

/// A table that decodes the 16 bits at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Table {
    /// What the first bits are, as a [`Code`]; 0 where the code is longer than they are.
    first: [u16; 1 << FIRST],
    /// For each longer length, the least 16 bits that are past all its codes.
    past: [u32; LONG],
    /// For each longer length, what its codes lack to be the numbers of their symbols.
    offset: [u32; LONG],
    symbols: [u8; 256],
    reserved: u32,
    reserved2: u32,
}

/// What a code is: its length and its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// No code. One bit of it is consumed, so that a decoder that is lost goes on.
    const INVALID: Self = Self(0x8100);

    #[inline(always)]
    fn new(length: u32, symbol: u8) -> Self {
        Self(length << 8 | u32::from(symbol))
    }

    /// Its bits, 1 to 16.
    #[inline(always)]
    pub fn length(self) -> u32 {
        self.0 >> 8 & 31
    }

    /// What it stands for.
    #[inline(always)]
    pub fn symbol(self) -> u32 {
        self.0 & 255
    }

    /// Whether no code of the table begins so.
    #[inline(always)]
    pub fn is_invalid(self) -> bool {
        self.0 & 0x8000 != 0
    }
}

impl Table {
    /// The table with `counts` codes of 1 to 16 bits, which stand for `symbols`, shortest first;
    /// `None` if there are more codes than bits for them, or other than `symbols`.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
        if total != symbols.len() || total > 256 {
            return None;
        }
        let mut table = Self::zeroed();
        table.symbols.get_mut(..total)?.copy_from_slice(symbols);
        let (mut code, mut number) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            if let Some(long) = (length as usize).checked_sub(FIRST as usize + 1) {
                *table.offset.get_mut(long)? = (number as u32).wrapping_sub(code);
            }
            for _ in 0..count {
                if code >> length != 0 {
                    return None;
                }
                if length <= FIRST {
                    let entry = Code::new(length, *symbols.get(number)?).0 as u16;
                    let start = (code << (FIRST - length)) as usize;
                    let same = 1 << (FIRST - length);
                    table.first.get_mut(start..start + same)?.fill(entry);
                }
                (code, number) = (code + 1, number + 1);
            }
            if let Some(long) = (length as usize).checked_sub(FIRST as usize + 1) {
                *table.past.get_mut(long)? = code << (16 - length);
            }
            code <<= 1;
        }
        Some(table)
    }

    /// The code that `bits`, of which only the upper 16 count, begin with.
    #[inline(always)]
    pub fn look_up(&self, bits: u32) -> Code {
        let first = self.first[(bits >> (32 - FIRST)) as usize];
        if first != 0 {
            return Code(u32::from(first));
        }
        let bits = bits >> 16;
        let mut long = 0;
        for past in &self.past {
            long += usize::from(bits >= *past);
        }
        if long == LONG {
            return Code::INVALID;
        }
        let length = FIRST + 1 + long as u32;
        let number = (bits >> (16 - length)).wrapping_add(self.offset[long]);
        Code::new(length, self.symbols[(number & 255) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// By the standard's own procedure: bit by bit.
    fn slow(counts: &[u8; 16], symbols: &[u8], bits: u16) -> Option<(u32, u8)> {
        let (mut code, mut first, mut number) = (0u32, 0u32, 0usize);
        for length in 1..=16u32 {
            code = code << 1 | u32::from(bits >> (16 - length) & 1);
            let count = u32::from(counts[length as usize - 1]);
            if code < first + count {
                return Some((length, symbols[number + (code - first) as usize]));
            }
            number += count as usize;
            first = (first + count) << 1;
        }
        None
    }

    fn check(counts: [u8; 16]) {
        let total = counts.iter().map(|&n| usize::from(n)).sum();
        let symbols: Vec<u8> = (0..total).map(|i| (i * 37 + 5) as u8).collect();
        let table = Table::new(&counts, &symbols).unwrap();
        for bits in 0..=u16::MAX {
            let code = table.look_up(u32::from(bits) << 16 | 0xabcd);
            let found = (!code.is_invalid()).then(|| (code.length(), code.symbol() as u8));
            assert_eq!(
                found,
                slow(&counts, &symbols, bits),
                "{counts:?} {bits:016b}"
            );
        }
    }

    #[test]
    fn every_16_bits_are_the_code_of_the_standard() {
        check([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
        check([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125]);
        check([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119]);
        check([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200]);
        check([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
        check([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        check([0; 16]);
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Table::new(&counts, &[1, 2]).is_none());
        assert!(Table::new(&counts, &[1]).is_some());
    }
}
