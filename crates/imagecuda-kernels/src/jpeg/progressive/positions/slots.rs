//! The slots of a block: one for each number of zeros that may have been passed.
//!
//! A slot has 4 times the corrections up to the zero that was passed last, and the place from which the next step
//! starts: its own, or the first one of the next block if that zero was the last coefficient of the band. A slot for
//! more zeros than there are leads to the next block too; [`check`](super::check) sees that.
//!
//! 32 threads write the slots of a block, each those of two coefficients.

use super::{super::Band, BLOCK_PLACES};

/// The coefficients of a band: number k is bit `63 - k`.
#[inline(always)]
pub fn mask(band: Band) -> u64 {
    u64::MAX >> (band.first & 63) & u64::MAX << (63 - (band.last & 63))
}

/// A block before its scan.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The first of its places.
    place: u32,
    /// The coefficients of the band that are zero: the first 32, and the others. The first one is the highest bit.
    zeros: [u32; 2],
    /// How many of the first 32 are zero, and how many are in all.
    counts: [u32; 2],
    /// 4 times the corrections of all blocks before, and of this one too.
    corrections: [u32; 2],
}

/// A slot: its number in the block, 4 times the corrections, and the next place.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The number.
    pub number: u32,
    /// 4 times the corrections.
    pub corrections: u32,
    /// The next place.
    pub next: u32,
}

impl Block {
    /// A block whose coefficients `zeros` of the band are zero, and 4 times the corrections of all blocks before and
    /// of this one.
    #[inline(always)]
    pub fn new(place: u32, zeros: u64, corrections: [u32; 2]) -> Self {
        let zeros = [(zeros >> 32) as u32, zeros as u32];
        let first = zeros[0].count_ones();
        Self {
            place,
            zeros,
            counts: [first, first + zeros[1].count_ones()],
            corrections,
        }
    }
}

/// A thread, and what the band has before its coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    number: u32,
    /// The coefficients before its own among 32.
    before: u32,
    /// How many of the band are before its first coefficient, and before its second one.
    in_band: [u32; 2],
    last: u32,
}

impl Lane {
    /// Thread `number` of 32.
    #[inline(always)]
    pub fn new(number: u32, band: Band) -> Self {
        let before = |k: u32| k.min(band.last + 1) - k.min(band.first);
        Self {
            number,
            before: !(u32::MAX >> (number & 31)),
            in_band: [before(number), before(number + 32)],
            last: band.last,
        }
    }

    /// The slot of this thread's first or second coefficient. `None` if that is no zero of the band.
    #[inline(always)]
    pub fn of_zero(&self, block: &Block, is_second: bool) -> Option<Slot> {
        let half = usize::from(is_second);
        let zeros = block.zeros[half];
        if zeros << (self.number & 31) >> 31 == 0 {
            return None;
        }
        let mut passed = (zeros & self.before).count_ones();
        if is_second {
            passed += block.counts[0];
        }
        let number = passed + 1;
        let is_last = self.number + 32 * u32::from(is_second) == self.last;
        let slots = if is_last { BLOCK_PLACES } else { 8 * number };
        Some(Slot {
            number,
            corrections: block.corrections[0] + 4 * (self.in_band[half] - passed),
            next: block.place + slots,
        })
    }

    /// The slot of this thread's number, or of that and 32, if no zero has it.
    #[inline(always)]
    pub fn of_none(&self, block: &Block, is_second: bool) -> Option<Slot> {
        let number = self.number + 32 * u32::from(is_second);
        if number == 0 {
            return Some(Slot {
                number,
                corrections: block.corrections[0],
                next: block.place,
            });
        }
        (number > block.counts[1]).then_some(Slot {
            number,
            corrections: block.corrections[1],
            next: block.place + BLOCK_PLACES,
        })
    }
}
