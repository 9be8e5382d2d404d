//! First scans of AC coefficients of which only the positions are wanted, and where blocks begin.

use super::{
    super::table::{Codes, codes},
    bits::Bits,
    first::fits,
    part::Starts,
    scan::{LOOKUP, Progress},
};
use crate::jpeg::file::Huffman;
use imagecuda_kernels::jpeg::progressive::Start;
use std::hint::select_unpredictable;

/// For each value of the next bits one symbol, or two of which the first is a coefficient.
#[derive(Debug)]
pub(super) struct StepTable {
    /// From the highest bit on: 32 positions, which are set where there are coefficients; a flag; then, from
    /// the lowest bit on: the number of bits of all symbols (6 bits), and of the first of two (6); how many
    /// positions the first of two advances (6), and all (8). If the look-up does not suffice: the length of
    /// the code alone, or 0, and the symbol in the place of positions.
    entries: Box<[u64; 1 << LOOKUP]>,
    codes: Codes,
}

const LENGTH: u32 = 63;
const FIRST_LENGTH: u32 = 6;
const FIRST_ADVANCE: u32 = 12;
const ADVANCE: u32 = 18;
/// The look-up does not suffice.
const SLOW: u32 = 1 << 31;

/// The entry of a coefficient after so many zeros, without its length.
fn coefficient(zeros: u32) -> u64 {
    1 << (63 - zeros) | u64::from((zeros + 1) << ADVANCE)
}

/// How far an end-of-block symbol advances: past the end of any band.
const END: u32 = 128;

/// In narrower bands blocks often end without such a symbol. There pairs would not pay.
const WIDE: u32 = 20;

impl StepTable {
    /// The table of a scan whose band has `width` coefficients.
    pub(super) fn new(huffman: &Huffman, low: u8, width: u32) -> Self {
        let mut entries = Box::new([u64::from(SLOW); 1 << LOOKUP]);
        // The lengths of the codes alone.
        let mut lengths = [0; 1 << LOOKUP];
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = LOOKUP.checked_sub(length) else {
                continue;
            };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let entry = match symbol {
                0 => u64::from(END << ADVANCE | length),
                0xf0 => u64::from(16 << ADVANCE | length),
                _ if size > 0 && fits(size, low) => coefficient(run) | u64::from(length + size),
                _ => u64::from(symbol) << 32 | u64::from(SLOW | length),
            };
            let places = (code << free) as usize..((code + 1) << free) as usize;
            if let Some(entries) = entries.get_mut(places.clone()) {
                entries.fill(entry);
                lengths[places].fill(length);
            }
        }
        if width >= WIDE {
            Self::add_pairs(&mut entries, &lengths);
        }
        let codes = Codes::new(huffman);
        Self { entries, codes }
    }

    /// Adds the next symbol to coefficients, where the look-up shows its code.
    fn add_pairs(entries: &mut [u64; 1 << LOOKUP], lengths: &[u32; 1 << LOOKUP]) {
        let single = *entries;
        for (bits, entry) in entries.iter_mut().enumerate() {
            let (first, places) = (*entry as u32, *entry >> 32);
            let own = first & LENGTH;
            let Some(left) = LOOKUP.checked_sub(own) else {
                continue;
            };
            let next = bits << own & ((1 << LOOKUP) - 1);
            let (second, length) = (single[next] as u32, lengths[next]);
            if (first | second) & SLOW != 0 || places == 0 || !(1..=left).contains(&length) {
                continue;
            }
            let advance = first >> ADVANCE & 255;
            let all = advance + (second >> ADVANCE & 255);
            let numbers = (own + (second & LENGTH))
                | own << FIRST_LENGTH
                | advance << FIRST_ADVANCE
                | all << ADVANCE;
            *entry = (places | single[next] >> 32 >> advance) << 32 | u64::from(numbers);
        }
    }
}

/// Reads rows of `across` blocks. `None` at any irregularity.
#[inline(always)]
pub(super) fn rows(
    scan: &mut Progress<'_>,
    table: &StepTable,
    across: usize,
    part: &mut Starts<'_>,
) -> Option<()> {
    let to = part.to.next()?;
    if to.len() != part.nonzero.len() {
        return None;
    }
    // Blocks in end-of-block runs are left out below.
    to.fill(Start::new(0, true));
    let rows = part.nonzero.chunks_exact_mut(across.max(1));
    for (row, starts) in rows.zip(to.chunks_exact_mut(across.max(1))) {
        scan.found.fill(0);
        let mut x = 0;
        while x < row.len() {
            let (count, begins) = scan.reader.take(row.len() - x)?;
            if begins {
                scan.empty = 0;
            }
            let out = (
                scan.found.get_mut(x..x + count)?,
                starts.get_mut(x..x + count)?,
            );
            let mut state = (scan.reader.bits, scan.empty);
            let band = (scan.first, scan.last, scan.low);
            blocks(table, &mut state, band, out, scan.reader.all_bits())?;
            (scan.reader.bits, scan.empty) = state;
            x += count;
        }
        for (nonzero, &found) in row.iter_mut().zip(&scan.found) {
            *nonzero |= found;
        }
    }
    scan.reader.is_sound().then_some(())
}

/// Reads blocks. Writes the positions of each block's coefficients, and where blocks begin that have
/// symbols, as numbers of the scan's `all` bits.
#[inline(always)]
fn blocks(
    table: &StepTable,
    (bits_of, empty): &mut (Bits<'_>, u32),
    (first, last, low): (u32, u32, u8),
    (found, starts): (&mut [u64], &mut [Start]),
    all: usize,
) -> Option<()> {
    let end = found.len();
    let mut block = end.min(*empty as usize);
    *empty -= block as u32;
    // Local copies, so that the compiler keeps them in registers.
    let (mut bits, entries) = (*bits_of, &*table.entries);
    let (mut k, mut mask, mut wrong) = (first, 0u64, 0);
    let mut at = (all - bits.left()) as u32;
    let mut start = at;
    // The end of a block is no branch, as the branch predictor could not foresee it.
    while let (Some(found), Some(to)) = (found.get_mut(block), starts.get_mut(block)) {
        let mut both = entries[bits.index()];
        // This runs in parallel with the look-up, for which enough bits were available.
        bits.fill();
        if both as u32 & SLOW != 0 {
            let symbol;
            (symbol, bits) = slow(table, both, bits, low)?;
            at = all.wrapping_sub(bits.left()) as u32;
            both = match symbol {
                Symbol::Step(entry) => entry,
                Symbol::Empty(run) => {
                    *to = Start::new(start, false);
                    block += 1;
                    let here = (end - block.min(end)).min(run as usize);
                    block += here;
                    *empty = run - here as u32;
                    (k, mask, start) = (first, 0, at);
                    continue;
                }
            };
        }
        let mut entry = both as u32;
        if k + (entry >> FIRST_ADVANCE & 63) > last {
            // The first of two symbols ends the block.
            let zeros = (entry >> FIRST_ADVANCE & 63).wrapping_sub(1) & 31;
            both = coefficient(zeros) | u64::from(entry >> FIRST_LENGTH & 63);
            entry = both as u32;
        }
        mask |= (both >> 32 << 32) >> (k & 63);
        k += entry >> ADVANCE & 255;
        bits.skip(entry & LENGTH);
        at = at.wrapping_add(entry & LENGTH);
        *found = mask;
        // Once would be enough, but to write again is faster than to ask.
        *to = Start::new(start, false);
        // The position is past the band, but not because of an end-of-block symbol. That adds END.
        wrong |= (k + (END - 2 - last)) & !k;
        let done = k > last;
        start = select_unpredictable(done, at, start);
        block += usize::from(done);
        k = select_unpredictable(done, first, k);
        mask &= u64::from(done).wrapping_sub(1);
    }
    *bits_of = bits;
    (wrong & END == 0).then_some(())
}

/// A symbol that one look-up cannot decode.
enum Symbol {
    /// A table entry. Its bits are consumed already.
    Step(u64),
    /// The end of this block, and of so many more empty blocks.
    Empty(u32),
}

// By value. A reference would keep the reader in memory instead of registers.
#[cold]
#[inline(never)]
fn slow<'a>(
    table: &StepTable,
    entry: u64,
    mut bits: Bits<'a>,
    low: u8,
) -> Option<(Symbol, Bits<'a>)> {
    let (symbol, length) = match entry as u32 & LENGTH {
        0 => table.codes.find((bits.buffer >> 48) as u32)?,
        length => ((entry >> 32) as u8, length),
    };
    bits.skip(length);
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let symbol = match (run, size) {
        (15, 0) => Symbol::Step(u64::from(16u32 << ADVANCE)),
        (_, 0) => Symbol::Empty((1 << run) - 1 + bits.number(run)),
        _ if !fits(size, low) => return None,
        _ => {
            bits.skip(size);
            Symbol::Step(coefficient(run))
        }
    };
    Some((symbol, bits))
}
