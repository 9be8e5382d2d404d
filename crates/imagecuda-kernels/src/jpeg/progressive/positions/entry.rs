//! What the symbol means that would begin at a bit.
//!
//! The lowest byte is set in the place to which a step leads; the second one is 4 times the bits of the code and of
//! its value; the third one is added to the place. The highest one has flags. Steps lead to places of this block or
//! the next one, whatever the entry.

use super::super::{Band, symbols::Symbols};

/// The symbol has a coefficient.
pub const COEFFICIENT: u32 = 1 << 24;

/// The symbol ends the block.
pub const END: u32 = 1 << 25;

/// The bits are no symbol that is allowed.
pub const WRONG: u32 = 1 << 26;

/// The symbol begins an end-of-block run. There are no other flags then: the third byte, the rest of this one and the
/// lowest two bits are how many blocks it has after this one.
pub const RUNS: u32 = 1 << 31;

/// What the place of a block's last slot has, and those of all others lack.
const LAST_PLACE: u32 = 252;

/// What leads to the first slot of the next block.
const TO_NEXT: u32 = LAST_PLACE | 4 << 16 | END;

/// The entry for a symbol at the start of 32 bits.
#[inline(always)]
pub fn entry(symbols: &Symbols, band: Band, bits: u32) -> u32 {
    let (symbol, length) = symbols.checked(bits);
    if length == 0 {
        return WRONG | TO_NEXT;
    }
    let (run, size) = (symbol >> 4, symbol & 15);
    match (band.refines, run, size) {
        (_, 15, 0) => 16 << 18 | length << 10,
        (_, 0, 0) => TO_NEXT | length << 10,
        (_, _, 0) => {
            // `length` and `run` are 30 at most.
            let more = (bits << length) >> (32 - run);
            let blocks = (1 << run) - 1 + more;
            RUNS | blocks >> 2 << 18 | (length + run) << 10 | LAST_PLACE | blocks & 3
        }
        (0, ..) if size + band.low <= 15 => coefficient(run, length + size),
        (1, _, 1) => coefficient(run, length + 1),
        _ => WRONG | TO_NEXT,
    }
}

#[inline(always)]
fn coefficient(zeros: u32, length: u32) -> u32 {
    COEFFICIENT | (zeros + 1) << 18 | length << 10
}

/// The place to which a step leads, unless the entry is that of a run.
#[inline(always)]
pub fn next_place(place: u32, entry: u32) -> u32 {
    (place | entry & LAST_PLACE) + (entry >> 16 & 255)
}

/// 4 times the bits of the code and its value.
#[inline(always)]
pub fn length(entry: u32) -> u32 {
    entry >> 8 & 255
}

/// The first place of the next block.
#[inline(always)]
pub fn next_block(place: u32) -> u32 {
    (place | LAST_PLACE) + 4
}

/// The blocks of a run after the one that begins it.
#[inline(always)]
pub fn run(entry: u32) -> u32 {
    entry >> 18 << 2 & 0x7fff | entry & 3
}
