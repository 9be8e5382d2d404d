//! What the record of a step says.

use super::{
    super::Band,
    BLOCK_PLACES, Record, SKIPPED,
    entry::{self, COEFFICIENT, END, RUNS, WRONG},
};

/// What is known of a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// 4 times the corrections of all blocks before.
    pub corrections: u32,
    /// The zeros of the band.
    pub zeros: u32,
}

/// What a step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It passed zeros, or ended a block.
    Passed,
    /// It has this coefficient.
    Coefficient(u32),
    /// It passed blocks of an end-of-block run.
    Skipped,
    /// It was not allowed.
    Wrong,
}

/// Whether a step from the start of a block began there.
#[inline(always)]
pub fn is_start(place: u32) -> bool {
    place.is_multiple_of(BLOCK_PLACES)
}

/// What the step from a place was that wrote a record. `known` is what is known of the block of that place.
#[inline(always)]
pub fn step(from: u32, record: Record, known: Known, band: Band) -> Step {
    if record.entry == SKIPPED {
        return Step::Skipped;
    }
    if record.entry & RUNS != 0 {
        return Step::Passed;
    }
    if record.entry & WRONG != 0 {
        return Step::Wrong;
    }
    if record.entry & END != 0 {
        return Step::Passed;
    }
    let to = entry::next_place(from, record.entry);
    // From the first slot of the block.
    let zeros = (to - (from & !(BLOCK_PLACES - 1))) / 8;
    if zeros > known.zeros {
        return Step::Wrong;
    }
    if record.entry & COEFFICIENT == 0 {
        return Step::Passed;
    }
    let corrections = (record.corrections - known.corrections) / 4;
    Step::Coefficient(
        (band.first - 1)
            .wrapping_add(zeros)
            .wrapping_add(corrections)
            & 63,
    )
}
