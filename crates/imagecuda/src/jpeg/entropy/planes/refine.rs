//! Refinement scans of AC coefficients. Masks lead from one new coefficient to the next.

use super::{
    super::table::{Codes, codes},
    bits::Bits,
    part::{Masks, Part},
    places::{Processor, Zeros},
    scan::{LOOKUP, Progress},
};
use crate::jpeg::file::Huffman;

/// For each value of the next bits, 8 bits each: how many zeros to advance, the number of bits of
/// code and sign, the symbol, and flags.
#[derive(Debug)]
pub(super) struct RefineTable {
    entries: Box<[u32; 1 << LOOKUP]>,
    codes: Codes,
}

/// The entry is no new coefficient, or the look-up does not suffice.
const OTHER: u32 = 1 << 24;
/// The look-up does not suffice: it does not reach the sign, or the symbol is a rare one.
const SLOW: u32 = 1 << 25;
const NEGATIVE: u32 = 1 << 31;

impl RefineTable {
    pub(super) fn new(huffman: &Huffman) -> Self {
        // Entries of longer codes keep this value.
        let mut entries = Box::new([SLOW | OTHER; 1 << LOOKUP]);
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = LOOKUP.checked_sub(length) else {
                continue;
            };
            let places = entries.iter_mut().skip((code << free) as usize);
            for (rest, entry) in (0u32..1 << free).zip(places) {
                *entry = match (symbol, free) {
                    (0, _) => OTHER | length << 8,
                    (_, 1..) if symbol & 15 == 1 => {
                        let positive = rest >> (free - 1) & 1 == 1;
                        new(symbol, positive) | (length + 1) << 8
                    }
                    _ => u32::from(symbol) << 16 | SLOW | OTHER | length << 8,
                };
            }
        }
        let codes = Codes::new(huffman);
        Self { entries, codes }
    }
}

/// The entry of a new coefficient, without its length in bits.
fn new(symbol: u8, positive: bool) -> u32 {
    let sign = if positive { 0 } else { NEGATIVE };
    (u32::from(symbol >> 4) + 1) | sign
}

/// Reads the rows of blocks of a part. `None` at any irregularity.
#[inline(always)]
pub(super) fn rows(
    scan: &mut Progress<'_>,
    table: &RefineTable,
    part: &mut Part<'_>,
    processor: impl Processor,
) -> Option<()> {
    let planes = part.planes.get_mut(scan.plane)?;
    let mut block = 0;
    while block < part.masks.len() {
        let (count, begins) = scan.reader.take(part.masks.len() - block)?;
        if begins {
            scan.empty = 0;
        }
        let masks = part.masks.get_mut(block..block + count)?;
        let planes = planes.get_mut(block..block + count)?;
        let mut run = Run::new(scan, table);
        for (masks, plane) in masks.iter_mut().zip(planes) {
            if run.empty > 0 {
                run.skip_block(masks, plane, processor);
            } else {
                let Masks {
                    nonzero, negative, ..
                } = masks;
                *plane |= run.block(nonzero, negative, processor)?;
            }
        }
        (scan.reader.bits, scan.empty) = (run.bits, run.empty);
        block += count;
    }
    scan.reader.is_sound().then_some(())
}

/// The state while the blocks of an interval are read.
struct Run<'t, 'a> {
    table: &'t RefineTable,
    bits: Bits<'a>,
    band: u64,
    /// The position before the band, and the band's last position.
    before: i32,
    last: i32,
    empty: u32,
}

/// What has been read of a block.
#[derive(Clone, Copy)]
struct Block<P> {
    /// Among the zeros.
    place: P,
    /// The correction bits, in order: one for each coefficient that was nonzero before.
    corrections: u64,
    new: u64,
    /// The signs of the new coefficients, in order: 1 is negative.
    signs: u64,
    /// The position of the zero that was reached last, and its mask.
    at: i32,
    bit: u64,
}

/// A symbol that is not simply a new coefficient.
enum Other {
    /// A table entry. Its bits are consumed already.
    New(u32),
    /// 16 zeros were skipped.
    Passed,
    /// The end of this block, and of so many more without new coefficients.
    End(u32),
}

impl<'t, 'a> Run<'t, 'a> {
    fn new(scan: &Progress<'a>, table: &'t RefineTable) -> Self {
        Self {
            table,
            bits: scan.reader.bits,
            band: scan.band,
            before: scan.first as i32 - 1,
            last: scan.last as i32,
            empty: scan.empty,
        }
    }

    /// Reads the correction bits of a block without new coefficients.
    #[inline(always)]
    fn skip_block(&mut self, masks: &Masks, plane: &mut u64, processor: impl Processor) {
        self.empty -= 1;
        let old = masks.nonzero & self.band;
        if old != 0 {
            let corrections = self.bits.append(0, old.count_ones());
            self.bits.fill();
            *plane |= processor.deposit(corrections, old);
        }
    }

    /// Reads a block, and adds what it has to the masks of coefficients that are not 0, and of those that are
    /// negative. Returns the coefficients that have this scan's bit.
    #[inline(always)]
    fn block<P: Processor>(
        &mut self,
        nonzero: &mut u64,
        negative: &mut u64,
        processor: P,
    ) -> Option<u64> {
        let old = *nonzero & self.band;
        let zeros = processor.zeros(!*nonzero & self.band);
        let mut block = Block {
            place: zeros.start(),
            corrections: 0,
            new: 0,
            signs: 0,
            at: self.before,
            bit: 0,
        };
        // Local copies, so that the compiler keeps them in registers.
        let (mut bits, entries, last) = (self.bits, &*self.table.entries, self.last);
        loop {
            let mut entry = entries[bits.index()];
            if entry & OTHER != 0 {
                if entry & SLOW == 0 {
                    bits.skip(entry >> 8 & 255);
                    break;
                }
                let other;
                (other, bits, block) = other_symbol(self.table, &zeros, (entry, bits, block))?;
                match other {
                    Other::New(as_entry) => entry = as_entry,
                    Other::Passed if block.at < last => continue,
                    Other::Passed => break,
                    Other::End(empty) => {
                        self.empty = empty;
                        break;
                    }
                }
            }
            let count = entry & 255;
            let target = block.at + count as i32;
            let (place, bit) = zeros.pass(block.place, entry & 63);
            if bit == 0 {
                return None;
            }
            block.place = place;
            let at = bit.leading_zeros() as i32;
            bits.skip(entry >> 8 & 255);
            bits.fill();
            block.new |= bit;
            // Each nonzero coefficient in between has a correction bit.
            let between = (at - target) as u32;
            block.signs = 2 * block.signs + u64::from(entry >> 31);
            block.corrections = bits.append(block.corrections, between);
            (block.at, block.bit) = (at, bit);
            if at >= last {
                break;
            }
        }
        bits.fill();
        // The correction bits of the nonzero coefficients after the last zero that was reached. If
        // none was reached, those of the whole band.
        let left = old & block.bit.wrapping_sub(1);
        *nonzero |= block.new;
        let corrections = bits.append(block.corrections, left.count_ones());
        bits.fill();
        self.bits = bits;
        *negative |= processor.deposit(block.signs, block.new);
        Some(processor.deposit(corrections, old) | block.new)
    }
}

// By value. A reference would keep the reader in memory instead of registers.
#[cold]
#[inline(never)]
fn other_symbol<'a, Z: Zeros>(
    table: &RefineTable,
    zeros: &Z,
    (entry, mut bits, mut block): (u32, Bits<'a>, Block<Z::Place>),
) -> Option<(Other, Bits<'a>, Block<Z::Place>)> {
    bits.fill();
    let (symbol, length) = match entry >> 8 & 255 {
        0 => table.codes.find((bits.buffer >> 48) as u32)?,
        length => ((entry >> 16) as u8, length),
    };
    bits.skip(length);
    let other = match (symbol >> 4, symbol & 15) {
        (15, 0) => {
            let (place, bit) = zeros.pass(block.place, 16);
            if bit == 0 {
                return None;
            }
            block.place = place;
            let at = bit.leading_zeros() as i32;
            let between = (at - block.at - 16) as u32;
            block.corrections = bits.append(block.corrections, between);
            bits.fill();
            (block.at, block.bit) = (at, bit);
            Other::Passed
        }
        (run, 0) => Other::End((1 << run) - 1 + bits.number(run.into())),
        (_, 1) => {
            let positive = bits.number(1) == 1;
            Other::New(new(symbol, positive))
        }
        _ => return None,
    };
    Some((other, bits, block))
}
