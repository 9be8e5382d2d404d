//! Huffman tables: one look-up decodes a symbol, or as many as its bits show.

use super::{
    scan::BlockGrid,
    table_entry::{Code, END_OF_BLOCK, STEP_BITS, TableEntry},
};
use bytemuck::{Pod, Zeroable};
use core::mem::offset_of;

/// Bits that the primary table is looked up by. Longer codes need a second look-up.
const PRIMARY_BITS: u32 = 11;

/// The other bits of a code of 16 bits, which a subtable is looked up by.
const SUBTABLE_BITS: u32 = 16 - PRIMARY_BITS;

/// The most subtables: one for each value of the primary bits that longer codes begin with. Files
/// have up to eight, as the longest codes are next to each other.
const SUBTABLES: usize = 16;

/// A Huffman table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Table {
    /// A [`TableEntry`] for each value of the first bits.
    primary: [u32; 1 << PRIMARY_BITS],
    /// A [`TableEntry`] for each value of the bits after those, for codes that are longer.
    subtables: [[u32; 1 << SUBTABLE_BITS]; SUBTABLES],
}

/// What decoders look up of a scan, in whatever memory: its Huffman tables and data units.
pub trait ScanTables: Copy {
    /// A Huffman table.
    type Table: Copy;

    /// A data unit of an MCU.
    type Unit: Copy;

    /// The data unit of a number in the MCU.
    fn unit(self, number: u32) -> Self::Unit;

    /// The number of a data unit.
    fn unit_number(self, unit: Self::Unit) -> u32;

    /// The DC and the AC table of a data unit, and the data unit after it.
    fn tables(self, unit: Self::Unit) -> ([Self::Table; 2], Self::Unit);

    /// The entry of a table for what `bits` begin with.
    fn look_up(table: Self::Table, bits: u32) -> TableEntry;

    /// The blocks of a data unit.
    fn blocks(self, unit: Self::Unit) -> BlockGrid;

    /// The place in a block of coefficient `index` of the zigzag, below 64.
    fn natural_order(self, index: u32) -> u32;
}

impl Table {
    /// The table with `counts` codes of 1 to 16 bits, which stand for `symbols`, shortest first. A
    /// DC table is given the AC table of the symbols that follow.
    ///
    /// `None` if there are more codes than their bits can tell apart, if there are not as many
    /// codes as symbols, if a symbol of a DC table is above 15, or if the long codes need more than
    /// 16 subtables.
    pub fn new(counts: &[u8; 16], symbols: &[u8], ac: Option<&Self>) -> Option<Self> {
        let is_dc = ac.is_some();
        let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
        if total != symbols.len() || total > 256 {
            return None;
        }
        if is_dc && symbols.iter().any(|&symbol| symbol > 15) {
            return None;
        }
        let mut table = Self {
            primary: [TableEntry::NONE.word(); _],
            subtables: [[TableEntry::NONE.word(); _]; _],
        };
        let mut symbols = symbols.iter();
        let (mut code, mut subtables) = (0usize, 0);
        for (length, &count) in (1..).zip(counts) {
            for &symbol in symbols.by_ref().take(count.into()) {
                if code >> length != 0 {
                    return None;
                }
                let entry = TableEntry::of(Code::new(length, symbol, is_dc)).word();
                if length <= PRIMARY_BITS {
                    let same = 1 << (PRIMARY_BITS - length);
                    table.primary[code * same..][..same].fill(entry);
                } else {
                    let first = &mut table.primary[code >> (length - PRIMARY_BITS)];
                    if *first == TableEntry::NONE.word() {
                        *first = TableEntry::link(subtables).word();
                        subtables += 1;
                    }
                    let subtable = table.subtables.get_mut(subtables - 1)?;
                    let same = 1 << (16 - length);
                    let rest = (code * same) & (subtable.len() - 1);
                    subtable[rest..][..same].fill(entry);
                }
                code += 1;
            }
            code <<= 1;
        }
        match ac {
            Some(ac) => table.add_following_codes(ac),
            None => table.add_following_codes(&table.clone()),
        }
        Some(table)
    }

    /// Adds to each entry the codes after the first that its bits show in full. `ac` is the table
    /// of those.
    fn add_following_codes(&mut self, ac: &Self) {
        for (place, entry) in self.primary.iter_mut().enumerate() {
            let mut all = TableEntry::new(*entry);
            if all.subtable().is_some() || all.code().is_invalid() {
                continue;
            }
            loop {
                let bits = all.step() >> STEP_BITS;
                if all.step() & END_OF_BLOCK != 0 || bits >= PRIMARY_BITS {
                    break;
                }
                let next = TableEntry::new(ac.primary[place << bits & ((1 << PRIMARY_BITS) - 1)]);
                let code = next.code();
                let length = code.bits().wrapping_sub(code.size());
                let is_whole = next.subtable().is_none()
                    && !code.is_invalid()
                    && bits + length <= PRIMARY_BITS
                    && bits + code.bits() <= 31
                    && all.advance() + (code.advance() & 63) <= 63;
                if !is_whole {
                    break;
                }
                all = all.then(code);
            }
            *entry = all.word();
        }
    }

    /// The entry for what `bits` begin with.
    #[cfg(not(target_arch = "nvptx64"))]
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u32) -> TableEntry {
        let entry = TableEntry::new(self.primary[(bits >> (32 - PRIMARY_BITS)) as usize]);
        match entry.subtable() {
            None => entry,
            Some(subtable) => {
                let subtable = self
                    .subtables
                    .get(subtable as usize)
                    .unwrap_or(&self.subtables[0]);
                TableEntry::new(subtable[(bits >> 16) as usize & (subtable.len() - 1)])
            }
        }
    }

    /// Whether any code is longer than the bits of the primary table.
    #[cfg(not(target_arch = "nvptx64"))]
    pub fn has_subtables(&self) -> bool {
        self.subtables[0]
            .iter()
            .any(|&entry| entry != TableEntry::NONE.word())
    }

    /// Where a table begins in a thread block's shared memory, in bytes from the first one. Of those that have no
    /// subtables only the primary table is there. `with_subtables` is [`ScanJob::with_subtables`].
    ///
    /// [`ScanJob::with_subtables`]: super::jobs::ScanJob::with_subtables
    #[inline(always)]
    pub fn start(with_subtables: u32, number: u32) -> u32 {
        const PRIMARY: u32 = offset_of!(Table, subtables) as u32;
        const SUBTABLES: u32 = size_of::<Table>() as u32 - PRIMARY;
        let before = with_subtables & !(u32::MAX << number);
        number * PRIMARY + before.count_ones() * SUBTABLES
    }

    /// Where in a table the primary entry of `bits` is, a `u32`: in bytes from the table's start.
    #[inline(always)]
    pub fn offset(bits: u32) -> u32 {
        bits >> (32 - PRIMARY_BITS) << 2
    }

    /// Where in a table the entry of `bits` in a subtable is, in bytes from the table's start. The
    /// entry at their [`offset`](Self::offset) names the subtable.
    #[inline(always)]
    pub fn subtable_offset(subtable: u32, bits: u32) -> u32 {
        const FROM: u32 = offset_of!(Table, subtables) as u32;
        FROM + 4 * ((subtable << SUBTABLE_BITS) + (bits >> 16 & ((1 << SUBTABLE_BITS) - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Decodes a code as the standard does, bit by bit.
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
        let ac = Table::new(&standard, &standard_symbols, None).unwrap();
        let table = Table::new(&counts, &symbols, is_dc.then_some(&ac)).unwrap();
        let (next_counts, next_symbols) = match is_dc {
            true => (&standard, &standard_symbols),
            false => (&counts, &symbols),
        };
        for bits in 0..=u16::MAX {
            let entry = table.look_up(u32::from(bits) << 16 | 0xabcd);
            let code = entry.code();
            let (mut all, mut advance) = (code.bits(), code.advance());
            while all != entry.step() >> STEP_BITS {
                // Only codes within the primary bits are put together.
                assert!(advance < END_OF_BLOCK && all < PRIMARY_BITS);
                let (length, symbol) = slow(next_counts, next_symbols, bits << all).unwrap();
                assert!(all + length <= PRIMARY_BITS);
                let next = Code::new(length, symbol, false);
                all += next.bits();
                advance += next.advance();
            }
            assert_eq!(entry.step() & 255, advance, "{bits:016b}");
            assert_eq!(entry.advance(), advance & 63, "{bits:016b}");
            let Some((length, symbol)) = slow(&counts, &symbols, bits) else {
                assert!(code.is_invalid() && code.bits() == 1, "{bits:016b}");
                continue;
            };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let advance = match (run, size) {
                (0..15, 0) if !is_dc => END_OF_BLOCK,
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
    fn tables_in_shared_memory_are_next_to_each_other() {
        let counts = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
        let symbols: Vec<u8> = (0..162).collect();
        let long = Table::new(&counts, &symbols, None).unwrap();
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        let short = Table::new(&counts, &symbols[..12], Some(&long)).unwrap();
        let one = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        let single = Table::new(&one, &[5], None).unwrap();
        let found = [&long, &short, &single].map(Table::has_subtables);
        assert_eq!(found, [true, false, true]);
        let starts = [0, 1, 2, 3, 4].map(|number| Table::start(0b1101, number));
        assert_eq!(starts, [0, 10_240, 18_432, 28_672, 38_912]);
    }

    #[test]
    fn offsets_are_those_of_the_table() {
        let counts = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
        let symbols: Vec<u8> = (0..162).collect();
        let table = Table::new(&counts, &symbols, None).unwrap();
        let bytes = bytemuck::bytes_of(&table);
        let at = |offset: u32| &bytes[offset as usize..];
        for bits in 0..=u16::MAX {
            let bits = u32::from(bits) << 16 | 0x1234;
            let first = at(Table::offset(bits)).first_chunk().unwrap();
            let mut entry = TableEntry::new(u32::from_ne_bytes(*first));
            if let Some(subtable) = entry.subtable() {
                let code = at(Table::subtable_offset(subtable, bits))
                    .first_chunk()
                    .unwrap();
                entry = TableEntry::new(u32::from_ne_bytes(*code));
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
        let ac = Table::new(&counts, &[16], None).unwrap();
        assert!(Table::new(&counts, &[15], Some(&ac)).is_some());
        assert!(Table::new(&counts, &[16], Some(&ac)).is_none());
        // Long codes for more subtables than there are.
        let many: Vec<u8> = (0..60).collect();
        counts = [0; 16];
        counts[11] = 32;
        assert!(Table::new(&counts, &many[..32], None).is_some());
        counts[11] = 33;
        assert!(Table::new(&counts, &many[..33], None).is_none());
    }
}
