//! The lengths of codes, eight of four bits in a word.

use crate::png::block::Words;
use core::ops::Range;

/// The length of a symbol's code.
#[inline(always)]
pub(super) fn length_of(lengths: impl Words, symbol: u32) -> u32 {
    lengths.get(symbol / 8) >> (symbol % 8 * 4) & 15
}

/// How many of the symbols have codes of this length.
#[inline(always)]
pub(super) fn count_equal(lengths: impl Words, symbols: Range<u32>, length: u32) -> u32 {
    const ONES: u32 = 0x1111_1111;
    let mut count = 0;
    // Eight lengths at a time.
    for number in symbols.start / 8..symbols.end.div_ceil(8) {
        let other = lengths.get(number) ^ (length * ONES);
        let other = other | other >> 2;
        let mut equal = !(other | other >> 1) & ONES;
        let first = 8 * number;
        if first < symbols.start {
            equal &= u32::MAX << (4 * (symbols.start - first));
        }
        if first + 8 > symbols.end {
            equal &= !(u32::MAX << (4 * (symbols.end - first)));
        }
        count += equal.count_ones();
    }
    count
}

/// The length of a symbol's fixed code.
#[inline(always)]
pub(super) fn fixed_length(symbol: u32) -> u32 {
    match symbol {
        0..=143 => 8,
        144..=255 => 9,
        256..=279 => 7,
        280..=287 => 8,
        _ => 5,
    }
}
