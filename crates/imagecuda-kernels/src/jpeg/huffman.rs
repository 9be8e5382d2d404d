//! Huffman tables, for decoding from any bit.

use super::scan::Blocks;
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// Codes of up to this many bits are looked up at once.
const FIRST: u32 = 11;

/// The bits behind those of a code that is longer.
const REST: u32 = 16 - FIRST;

/// Longer codes are looked up by their first bits, then by the others. So many first bits can have
/// longer codes: files have up to eight, as all such codes are behind the shorter ones.
const LONG: usize = 16;

/// How far a decoder goes: as many coefficients in its block as the lowest 8 bits tell, or [`END`]
/// more, and as many bits as those above.
pub type Step = u32;

/// What a step has more that ends its block.
pub const END: Step = 64;

/// Where a step has its bits.
pub const STEP_BITS: u32 = 8;

const STEP: Step = (1 << 13) - 1;

/// A table that decodes the bits at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Table {
    /// What the first bits are, as an [`Entry`].
    first: [u32; 1 << FIRST],
    /// What the bits behind some first ones are, as an [`Entry`].
    long: [[u32; 1 << REST]; LONG],
}

/// What a code is, with the bits of its coefficient behind it:
///
/// - 13 bits: the [`Step`] over both;
/// - 4 bits: how many those of the coefficient are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// No code. One bit of it is consumed, so that a decoder that is lost goes on; of which the
    /// coefficient has more.
    pub const NONE: Self = Self(1 | 1 << STEP_BITS | 15 << 13);

    /// A code of `length` bits. `is_dc` tells what kind of a table its symbol is from.
    fn new(length: u32, symbol: u8, is_dc: bool) -> Self {
        let size = u32::from(symbol & 15);
        let advance = match (symbol >> 4, size) {
            _ if is_dc => 1,
            // 16 zeros are a coefficient that is zero behind 15.
            (0..15, 0) => END,
            (zeros, _) => u32::from(zeros) + 1,
        };
        Self(advance | (length + size) << STEP_BITS | size << 13)
    }

    /// The step over it.
    #[inline(always)]
    pub fn step(self) -> Step {
        self.0 & STEP
    }

    /// Its bits and those of the coefficient, 1 to 31.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0 >> STEP_BITS & 31
    }

    /// The bits of the coefficient, 0 to 15.
    #[inline(always)]
    pub fn size(self) -> u32 {
        self.0 >> 13
    }

    /// How many coefficients it stands for, the last one not zero; or [`END`].
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.0 & 255
    }

    /// Whether no code of the table begins so.
    #[inline(always)]
    pub fn is_invalid(self) -> bool {
        self.size() >= self.bits()
    }
}

/// What some bits begin with: a [`Code`], and in the highest 13 bits the [`Step`] over as many as
/// are whole among the bits that were looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// No code.
    pub const NONE: Self = Self::of(Code::NONE);

    /// A code, and no others.
    const fn of(code: Code) -> Self {
        Self(code.0 | (code.0 & STEP) << 19)
    }

    /// A group of codes that are longer than the bits that were looked up.
    fn longer(group: usize) -> Self {
        Self((group as u32) << 13)
    }

    /// With another code behind all.
    fn and(self, code: Code) -> Self {
        Self(self.0 + (code.step() << 19))
    }

    /// What a table has in the [`place`](Table::place) or [`long_place`](Table::long_place) of
    /// some bits.
    #[inline(always)]
    pub fn new(entry: u32) -> Self {
        Self(entry)
    }

    /// No code at all, of no bits, if `is_wanted` does not hold.
    #[inline(always)]
    pub fn filter(self, is_wanted: bool) -> Self {
        Self(if is_wanted { self.0 } else { 0 })
    }

    /// If the code is longer than the bits that were looked up, the number of those among those
    /// that have longer ones.
    #[inline(always)]
    pub fn long(self) -> Option<u32> {
        // A code has bits.
        (self.0 & 31 << STEP_BITS == 0).then_some(self.0 >> 13)
    }

    /// The first code.
    #[inline(always)]
    pub fn code(self) -> Code {
        Code(self.0 & ((1 << 17) - 1))
    }

    /// The step over all codes.
    #[inline(always)]
    pub fn all(self) -> Step {
        self.0 >> 19
    }

    /// How many coefficients they stand for, to 63, but for one that ends the block.
    #[inline(always)]
    pub fn advance(self) -> u32 {
        self.all() & 63
    }
}

/// What decoders look up of a scan, wherever it is: its Huffman tables, and its data units.
pub trait Tables: Copy {
    /// A table.
    type Table: Copy;

    /// A data unit of an MCU.
    type Unit: Copy;

    /// The data unit of a number.
    fn unit(self, number: u32) -> Self::Unit;

    /// Its number.
    fn number(self, unit: Self::Unit) -> u32;

    /// Its tables for the first symbol of a block and for the others, and the data unit behind.
    fn tables(self, unit: Self::Unit) -> ([Self::Table; 2], Self::Unit);

    /// What `bits` begin with in a table.
    fn look_up(table: Self::Table, bits: u32) -> Entry;

    /// Where its blocks are.
    fn blocks(self, unit: Self::Unit) -> Blocks;

    /// The place in a block of coefficient `index` of a zigzag, below 64.
    fn natural(self, index: u32) -> u32;
}

impl Table {
    /// The table with `counts` codes of 1 to 16 bits, which stand for `symbols`, shortest first.
    /// One for DC is told `others`, the table for the symbols behind.
    ///
    /// `None` if there are more codes than bits for them, or other than `symbols`, or if one for
    /// DC has more than 15 bits; and if there are more long codes than there is room for.
    pub fn new(counts: &[u8; 16], symbols: &[u8], others: Option<&Self>) -> Option<Self> {
        let is_dc = others.is_some();
        let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
        if total != symbols.len() || total > 256 {
            return None;
        }
        if is_dc && symbols.iter().any(|&symbol| symbol > 15) {
            return None;
        }
        let mut table = Self {
            first: [Entry::NONE.0; _],
            long: [[Entry::NONE.0; _]; _],
        };
        let mut symbols = symbols.iter();
        let (mut code, mut groups) = (0usize, 0);
        for (length, &count) in (1..).zip(counts) {
            for &symbol in symbols.by_ref().take(count.into()) {
                if code >> length != 0 {
                    return None;
                }
                let entry = Entry::of(Code::new(length, symbol, is_dc)).0;
                if length <= FIRST {
                    let same = 1 << (FIRST - length);
                    table.first[code * same..][..same].fill(entry);
                } else {
                    let first = &mut table.first[code >> (length - FIRST)];
                    if *first == Entry::NONE.0 {
                        *first = Entry::longer(groups).0;
                        groups += 1;
                    }
                    let group = table.long.get_mut(groups - 1)?;
                    let same = 1 << (16 - length);
                    let rest = (code * same) & (group.len() - 1);
                    group[rest..][..same].fill(entry);
                }
                code += 1;
            }
            code <<= 1;
        }
        match others {
            Some(others) => table.join(others),
            None => table.join(&table.clone()),
        }
        Some(table)
    }

    /// Has all codes that are whole in entries, where `others` has those behind the first.
    fn join(&mut self, others: &Self) {
        for (place, entry) in self.first.iter_mut().enumerate() {
            let mut all = Entry(*entry);
            if all.long().is_some() || all.code().is_invalid() {
                continue;
            }
            loop {
                let bits = all.all() >> STEP_BITS;
                if all.all() & END != 0 || bits >= FIRST {
                    break;
                }
                let next = Entry(others.first[place << bits & ((1 << FIRST) - 1)]);
                let code = next.code();
                let length = code.bits().wrapping_sub(code.size());
                let is_whole = next.long().is_none()
                    && !code.is_invalid()
                    && bits + length <= FIRST
                    && bits + code.bits() <= 31
                    && all.advance() + (code.advance() & 63) <= 63;
                if !is_whole {
                    break;
                }
                all = all.and(code);
            }
            *entry = all.0;
        }
    }

    /// What `bits` begin with.
    #[cfg(not(target_arch = "nvptx64"))]
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u32) -> Entry {
        let entry = Entry(self.first[(bits >> (32 - FIRST)) as usize]);
        match entry.long() {
            None => entry,
            Some(group) => {
                let group = self.long.get(group as usize).unwrap_or(&self.long[0]);
                Entry(group[(bits >> 16) as usize & (group.len() - 1)])
            }
        }
    }

    /// Where a table has what `bits` begin with, a `u32`, in bytes from its start.
    #[inline(always)]
    pub fn place(bits: u32) -> u32 {
        bits >> (32 - FIRST) << 2
    }

    /// Where a table has what `bits` begin with, a `u32`, in bytes from its start: `group` is what
    /// [`Entry::long`] says of the entry at their [`place`](Self::place).
    #[inline(always)]
    pub fn long_place(group: u32, bits: u32) -> u32 {
        const FROM: u32 = offset_of!(Table, long) as u32;
        FROM + 4 * ((group << REST) + (bits >> 16 & ((1 << REST) - 1)))
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

    fn check(counts: [u8; 16], is_dc: bool) {
        let total = counts.iter().map(|&n| usize::from(n)).sum();
        let symbols: Vec<u8> = (0..total)
            .map(|i| match is_dc {
                true => (i % 16) as u8,
                false => (i * 37 + 240) as u8,
            })
            .collect();
        let standard = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
        let standard_symbols: Vec<u8> = (0..162).map(|i| (i * 53 + 240) as u8).collect();
        let others = Table::new(&standard, &standard_symbols, None).unwrap();
        let table = Table::new(&counts, &symbols, is_dc.then_some(&others)).unwrap();
        let (next_counts, next_symbols) = match is_dc {
            true => (&standard, &standard_symbols),
            false => (&counts, &symbols),
        };
        for bits in 0..=u16::MAX {
            let entry = table.look_up(u32::from(bits) << 16 | 0xabcd);
            let code = entry.code();
            let (mut all, mut advance) = (code.bits(), code.advance());
            while all != entry.all() >> STEP_BITS {
                // Of those that are looked up at once, none is longer.
                assert!(advance < END && all < FIRST);
                let (length, symbol) = slow(next_counts, next_symbols, bits << all).unwrap();
                assert!(all + length <= FIRST);
                let next = Code::new(length, symbol, false);
                all += next.bits();
                advance += next.advance();
            }
            assert_eq!(entry.all() & 255, advance, "{bits:016b}");
            assert_eq!(entry.advance(), advance & 63, "{bits:016b}");
            let Some((length, symbol)) = slow(&counts, &symbols, bits) else {
                assert!(code.is_invalid() && code.bits() == 1, "{bits:016b}");
                continue;
            };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let advance = match (run, size) {
                (0..15, 0) if !is_dc => END,
                _ => run + 1,
            };
            assert!(!code.is_invalid(), "{bits:016b}");
            assert_eq!((code.bits(), code.size()), (length + size, size));
            assert_eq!(code.advance(), advance, "{counts:?} {bits:016b}");
        }
    }

    #[test]
    fn every_16_bits_are_the_code_of_the_standard() {
        check([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], true);
        check([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], false);
        check([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], false);
        check([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200], false);
        check([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2], false);
        check([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true);
        check([0; 16], false);
    }

    #[test]
    fn places_are_those_of_the_table() {
        let counts = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
        let symbols: Vec<u8> = (0..162).collect();
        let table = Table::new(&counts, &symbols, None).unwrap();
        let bytes = bytemuck::bytes_of(&table);
        let at = |place: u32| &bytes[place as usize..];
        for bits in 0..=u16::MAX {
            let bits = u32::from(bits) << 16 | 0x1234;
            let first = at(Table::place(bits)).first_chunk().unwrap();
            let mut entry = Entry::new(u32::from_ne_bytes(*first));
            if let Some(group) = entry.long() {
                let long = at(Table::long_place(group, bits)).first_chunk().unwrap();
                entry = Entry::new(u32::from_ne_bytes(*long));
            }
            assert_eq!(entry, table.look_up(bits));
        }
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3], None).is_none());
        counts[0] = 1;
        assert!(Table::new(&counts, &[1, 2], None).is_none());
        let others = Table::new(&counts, &[16], None).unwrap();
        assert!(Table::new(&counts, &[15], Some(&others)).is_some());
        assert!(Table::new(&counts, &[16], Some(&others)).is_none());
        // Too many that are long.
        let many: Vec<u8> = (0..60).collect();
        counts = [0; 16];
        counts[11] = 32;
        assert!(Table::new(&counts, &many[..32], None).is_some());
        counts[11] = 33;
        assert!(Table::new(&counts, &many[..33], None).is_none());
    }
}
