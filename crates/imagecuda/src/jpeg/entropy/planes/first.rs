//! First scans of AC coefficients: positions go into masks, and values into a list.

use super::{
    super::table::{Codes, codes},
    bits::{Bits, extended},
    part::{Part, Stream},
    scan::{LOOKUP, Progress},
};
use crate::jpeg::file::Huffman;

/// For each value of the next bits: the coefficient (16 bits), how many positions to advance (8),
/// flags, and the number of bits consumed (6).
#[derive(Debug)]
pub(super) struct FirstTable {
    entries: Box<[u32; 1 << LOOKUP]>,
    codes: Codes,
}

/// The look-up does not suffice. The entry then has the symbol in place of the coefficient, and the
/// length of the code alone.
const SLOW: u32 = 1 << 7;
/// The entry has a coefficient.
const STORE: u32 = 1 << 6;

/// How far an end-of-block symbol advances: past the end of any band.
const END: u32 = 128;

impl FirstTable {
    pub(super) fn new(huffman: &Huffman, low: u8) -> Self {
        // Entries of longer codes keep this value.
        let mut entries = Box::new([SLOW; 1 << LOOKUP]);
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = LOOKUP.checked_sub(length) else {
                continue;
            };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let places = entries.iter_mut().skip((code << free) as usize);
            for (rest, entry) in (0i32..1 << free).zip(places) {
                *entry = match free.checked_sub(size) {
                    _ if symbol == 0 => END << 8 | length,
                    _ if symbol == 0xf0 => 16 << 8 | length,
                    Some(unused) if size > 0 && fits(size, low) => {
                        let value = extended(rest >> unused, size) << low;
                        (value as u32) << 16 | (run + 1) << 8 | STORE | (length + size)
                    }
                    _ => u32::from(symbol) << 16 | SLOW | length,
                };
            }
        }
        let codes = Codes::new(huffman);
        Self { entries, codes }
    }
}

/// Whether coefficients of that size stay in range once they are shifted by `low`.
pub(super) fn fits(size: u32, low: u8) -> bool {
    size + u32::from(low) <= 15
}

/// Reads the rows of blocks of a part. `None` at any irregularity.
#[inline(always)]
pub(super) fn rows(scan: &mut Progress<'_>, table: &FirstTable, part: &mut Part<'_>) -> Option<()> {
    let mut rows = Vec::with_capacity(part.rows);
    let mut count = 0;
    for row in part.masks.chunks_exact_mut(part.across.max(1)) {
        rows.push(count as u32);
        scan.found.fill(0);
        let mut x = 0;
        while x < row.len() {
            let (blocks, begins) = scan.reader.take(row.len() - x)?;
            if begins {
                scan.empty = 0;
            }
            let found = scan.found.get_mut(x..x + blocks)?;
            let mut state = (scan.reader.bits, scan.empty);
            let band = (scan.first, scan.last, scan.low);
            count = self::blocks(table, &mut state, band, found, &mut scan.values, count)?;
            (scan.reader.bits, scan.empty) = state;
            x += blocks;
        }
        for (masks, &found) in row.iter_mut().zip(&scan.found) {
            masks.nonzero |= found;
            masks.first |= found;
        }
    }
    let values = scan.values.get(..count)?;
    let mut own = Vec::new();
    own.try_reserve_exact(count + Stream::PADDING).ok()?;
    own.extend_from_slice(values);
    own.extend([0; Stream::PADDING]);
    part.streams.push(Stream {
        band: scan.band,
        values: own,
        rows,
    });
    scan.reader.is_sound().then_some(())
}

/// Reads blocks. Sets `found` to the positions of each block's coefficients. The number of values
/// before is `count`; returns the new count.
#[inline(always)]
fn blocks(
    table: &FirstTable,
    (bits_of, empty): &mut (Bits<'_>, u32),
    (first, last, low): (u32, u32, u8),
    found: &mut [u64],
    values: &mut [i16],
    mut count: usize,
) -> Option<usize> {
    let end = found.len();
    let mut block = end.min(*empty as usize);
    *empty -= block as u32;
    // Local copies, so that the compiler keeps them in registers.
    let (mut bits, entries) = (*bits_of, &*table.entries);
    let (mut k, mut mask, mut wrong) = (first, 0u64, false);
    // The end of a block is no branch, as the branch predictor could not foresee it.
    while let Some(found) = found.get_mut(block) {
        let mut entry = entries[(bits.buffer >> (64 - LOOKUP)) as usize];
        // This runs in parallel with the look-up, for which enough bits were available.
        bits.fill();
        if entry & SLOW != 0 {
            let symbol;
            (symbol, bits) = slow(table, entry, bits, low)?;
            entry = match symbol {
                Symbol::Value(entry) => entry,
                Symbol::Empty(run) => {
                    block += 1;
                    let here = (end - block).min(run as usize);
                    block += here;
                    *empty = run - here as u32;
                    (k, mask) = (first, 0);
                    continue;
                }
            };
        }
        k += entry >> 8 & 255;
        let store = entry >> 6 & 1;
        *values.get_mut(count)? = (entry >> 16) as i16;
        count += store as usize;
        mask |= u64::from(store) << (64u32.wrapping_sub(k) & 63);
        bits.skip(entry & 63);
        *found = mask;
        // The position is past the band, but not because of an end-of-block symbol.
        wrong |= k.wrapping_sub(last + 2) < END - (last + 2);
        let done = k > last;
        block += usize::from(done);
        k = if done { first } else { k };
        mask &= u64::from(done).wrapping_sub(1);
    }
    *bits_of = bits;
    (!wrong).then_some(count)
}

/// A symbol that one look-up cannot decode.
enum Symbol {
    /// A table entry. Its bits are consumed already.
    Value(u32),
    /// The end of this block, and of so many more empty blocks.
    Empty(u32),
}

// By value. A reference would keep the reader in memory instead of registers.
#[cold]
#[inline(never)]
fn slow<'a>(
    table: &FirstTable,
    entry: u32,
    mut bits: Bits<'a>,
    low: u8,
) -> Option<(Symbol, Bits<'a>)> {
    let (symbol, length) = match entry & 63 {
        0 => table.codes.find((bits.buffer >> 48) as u32)?,
        length => ((entry >> 16) as u8, length),
    };
    bits.skip(length);
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let symbol = match (run, size) {
        (15, 0) => Symbol::Value(16 << 8),
        (_, 0) => Symbol::Empty((1 << run) - 1 + bits.number(run)),
        _ if !fits(size, low) => return None,
        _ => {
            let value = bits.value(size) << low;
            Symbol::Value((value as u32) << 16 | (run + 1) << 8 | STORE)
        }
    };
    Some((symbol, bits))
}
