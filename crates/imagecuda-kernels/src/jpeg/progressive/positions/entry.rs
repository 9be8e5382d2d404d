//! What the symbol means that would begin at a bit.
//!
//! The lowest 9 bits are set in the place to which a step leads; the third byte is added to it; the highest byte is 4
//! times the bits of the code and of its value. The rest are flags. Steps lead to places of this block or the next
//! one, whatever the entry.

use super::super::{Band, symbols::Symbols};

/// The symbol has a coefficient.
pub const COEFFICIENT: u32 = 1 << 9;

/// The symbol ends the block.
pub const END: u32 = 1 << 10;

/// The bits are no symbol that is allowed.
pub const WRONG: u32 = 1 << 11;

/// The symbol begins an end-of-block run. All bits that are free then are how many blocks it has after this one.
pub const RUNS: u32 = 1 << 15;

/// From a slot to the next one in the third byte.
const SLOT: u32 = 8 << 16;

/// From a bit to the next one in the highest byte.
const BIT: u32 = 4 << 24;

/// What the place of a block's last slot has, and those of all others lack.
const LAST_PLACE: u32 = 63 * 8;

/// What leads to the first slot of the next block.
const TO_NEXT: u32 = LAST_PLACE | SLOT | END;

/// The entry for a symbol at the start of 32 bits.
#[inline(always)]
pub fn entry(symbols: &Symbols, band: Band, bits: u32) -> u32 {
    let (symbol, length) = symbols.checked(bits);
    if length == 0 {
        return WRONG | TO_NEXT;
    }
    let (run, size) = (symbol >> 4, symbol & 15);
    match (band.refines, run, size) {
        (_, 15, 0) => 16 * SLOT + length * BIT,
        (_, 0, 0) => TO_NEXT + length * BIT,
        (_, _, 0) => {
            // `length` and `run` are 30 at most.
            let more = (bits << length) >> (32 - run);
            (RUNS | LAST_PLACE | packed((1 << run) - 1 + more)) + (length + run) * BIT
        }
        (0, ..) if size + band.low <= 15 => coefficient(run, length + size),
        (1, _, 1) => coefficient(run, length + 1),
        _ => WRONG | TO_NEXT,
    }
}

#[inline(always)]
fn coefficient(zeros: u32, length: u32) -> u32 {
    COEFFICIENT + (zeros + 1) * SLOT + length * BIT
}

/// 15 bits where an entry that [`RUNS`] has room.
#[inline(always)]
fn packed(blocks: u32) -> u32 {
    (blocks & 7) | ((blocks >> 3) & 63) << 9 | ((blocks >> 9) & 31) << 19 | (blocks >> 14) << 31
}

/// The blocks of a run after the one that begins it.
#[inline(always)]
pub fn run(entry: u32) -> u32 {
    (entry & 7) | ((entry >> 9) & 63) << 3 | ((entry >> 19) & 31) << 9 | (entry >> 31) << 14
}

/// The place to which a step leads, unless the entry is that of a run.
#[inline(always)]
pub fn next_place(place: u32, entry: u32) -> u32 {
    (place | entry & LAST_PLACE) + (entry >> 16 & 255)
}

/// The first place of the next block.
#[inline(always)]
pub fn next_block(place: u32) -> u32 {
    (place | LAST_PLACE) + 8
}

/// 4 times the bits of the code and its value, unless the entry is that of a run.
#[inline(always)]
pub fn length(entry: u32) -> u32 {
    entry >> 24
}

/// The same of any entry.
#[inline(always)]
pub fn any_length(entry: u32) -> u32 {
    entry >> 24 & 127
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's entry leads to this block or the next one, and its blocks are in none of the bits that say so.
    #[test]
    fn runs_of_all_lengths() {
        // One code of two bits, of a run of 2 to the power of `n` blocks and more.
        for n in 1..15u32 {
            let mut counts = [0; 16];
            counts[1] = 1;
            let symbols = Symbols::new(&counts, &[(n << 4) as u8]);
            for refines in [0, 1] {
                let band = Band {
                    first: 1,
                    last: 63,
                    low: 0,
                    refines,
                };
                for more in (0..1 << n).step_by(1 + (1 << n) / 50) {
                    let entry = entry(&symbols, band, more << (30 - n));
                    assert_eq!(run(entry), (1 << n) - 1 + more);
                    assert_eq!(any_length(entry), 4 * (2 + n));
                    assert!(entry & RUNS != 0 && length(entry).is_multiple_of(4));
                    for place in (0..512).step_by(8) {
                        let to = next_place(512 + place, entry);
                        assert!(to.is_multiple_of(8) && (512..3 * 512).contains(&to));
                        assert_eq!(next_block(512 + place), 1024);
                    }
                }
            }
        }
    }
}
