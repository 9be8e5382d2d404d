//! The slots of a block: one for each number of zeros that may have been passed.
//!
//! A slot has 4 times the corrections up to the zero that was passed last, and the place from which the next step
//! starts: its own, or the first one of the next block if that zero was the last coefficient of the band. A slot for
//! more zeros than there are leads to the next block too; [`check`](super::check) sees that.

use super::{super::Band, BLOCK_PLACES};

/// A block before its scan.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The first of its places.
    pub place: u32,
    /// The coefficients of the band that are not zero, and those that are: number k is bit `63 - k`.
    pub nonzero: u64,
    /// See [`nonzero`](Self::nonzero).
    pub zeros: u64,
    /// 4 times the corrections of all blocks before.
    pub corrections: u32,
}

/// The coefficients of a band.
#[inline(always)]
pub fn mask(band: Band) -> u64 {
    u64::MAX >> (band.first & 63) & u64::MAX << (63 - (band.last & 63))
}

impl Block {
    /// A block of which some coefficients are not zero.
    #[inline(always)]
    pub fn new(place: u32, nonzero: u64, band: Band, corrections: u32) -> Self {
        let mask = mask(band);
        Self {
            place,
            nonzero: nonzero & mask,
            zeros: !nonzero & mask,
            corrections,
        }
    }

    /// 4 times the corrections of this block and of all before.
    #[inline(always)]
    pub fn corrections_after(&self) -> u32 {
        self.corrections + 4 * self.nonzero.count_ones()
    }

    /// The slot, its corrections and its next place, of the zero at coefficient `k`, from 1 to 63. `None` if that
    /// is no zero of the band.
    #[inline(always)]
    pub fn slot_of(&self, k: u32, band: Band) -> Option<(u32, u32, u32)> {
        let before = !(u64::MAX >> (k & 63));
        if self.zeros << (k & 63) >> 63 == 0 {
            return None;
        }
        let slot = (self.zeros & before).count_ones() + 1;
        let corrections = self.corrections + 4 * (self.nonzero & before).count_ones();
        let next = match k == band.last {
            true => self.place + BLOCK_PLACES,
            false => self.place + 4 * slot,
        };
        Some((slot, corrections, next))
    }

    /// The corrections and the next place of a slot that no zero has, from 0 to 63. `None` if a zero has it.
    #[inline(always)]
    pub fn other_slot(&self, slot: u32) -> Option<(u32, u32)> {
        if slot == 0 {
            return Some((self.corrections, self.place));
        }
        let is_over = slot > self.zeros.count_ones();
        is_over.then_some((self.corrections_after(), self.place + BLOCK_PLACES))
    }
}
