//! Whether each step was allowed, and what follows from it.

use super::{
    super::super::{global, shared, warp},
    FINISHED, NONZERO, Phase, WRONG, records, shared_known,
};
use crate::jpeg::progressive::{
    Start,
    jobs::PositionsJob,
    positions::{
        BLOCK_PLACES, KNOWN_BLOCKS, Record,
        check::{self, Known, Step},
    },
};

/// The warp that checks records and finishes blocks.
pub(super) struct Checker<'a> {
    job: &'a PositionsJob,
    lane: u32,
    /// Where the last record led, and the blocks that are finished.
    place: u32,
    position: u32,
    finished: u32,
}

impl<'a> Checker<'a> {
    #[inline(always)]
    pub(super) fn new(job: &'a PositionsJob, lane: u32) -> Self {
        Self {
            job,
            lane,
            place: 0,
            position: 0,
            finished: 0,
        }
    }

    /// Checks the records of the last phase.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this. No other warp writes this number of the next phase.
    #[inline(always)]
    pub(super) unsafe fn work(&mut self, now: &Phase, next: *mut Phase, number: u32) {
        let (mut first, mut is_wrong) = (0, false);
        // SAFETY: there are so many records. The rest is the caller's word.
        unsafe {
            while first < now.records {
                is_wrong |= self.check(records(number + 1), first, now.records);
                first += 32;
            }
            warp::sync();
            let is_wrong = warp::any(is_wrong);
            if !is_wrong {
                self.finish();
            }
            (*next).end = match (is_wrong, self.finished == self.job.blocks) {
                (true, _) => WRONG,
                (false, true) => FINISHED,
                (false, false) => 0,
            };
        }
    }

    /// What is known of a block.
    #[inline(always)]
    unsafe fn known(block: u32) -> Known {
        let at = shared::address(shared_known::<u8>()) + block % KNOWN_BLOCKS * 8;
        // SAFETY: the numbers of a block.
        unsafe {
            Known {
                corrections: shared::load_changing_u32(at),
                zeros: shared::load_changing_u32(at + 4),
            }
        }
    }

    /// Checks up to 32 records. Returns whether one is wrong.
    #[inline(always)]
    unsafe fn check(&mut self, records: u32, first: u32, count: u32) -> bool {
        let (job, lane) = (self.job, self.lane);
        let mut is_wrong = false;
        // SAFETY: there is room for as many records. All threads of the warp are here.
        unsafe {
            let [entry, position, corrections, place] =
                shared::load_quad(records + 16 * (first + lane));
            let record = Record {
                entry,
                corrections,
                place,
                position,
            };
            let (mut from, mut at) = (warp::shuffle_up(place, 1), warp::shuffle_up(position, 1));
            if lane == 0 {
                (from, at) = (self.place, self.position);
            }
            let last = (count - first).min(32) - 1;
            self.place = warp::shuffle(place, last);
            self.position = warp::shuffle(position, last);
            let number = from / BLOCK_PLACES;
            if lane <= last && number < job.blocks {
                let known = Self::known(number);
                let step = check::step(from, record, known, job.band);
                is_wrong = step == Step::Wrong || position > 4 * job.bits;
                if let Step::Coefficient(k) = step {
                    let word = 4 * u32::from(k < 32);
                    let new = shared::address(shared_known::<u8>()) + 2 * NONZERO;
                    let to = new + number % KNOWN_BLOCKS * 8 + word;
                    shared::or_u32(to, 1 << (31 - k % 32));
                }
                let starts = job.starts as *mut Start;
                if step == Step::Skipped {
                    let end = (place / BLOCK_PLACES).min(job.blocks);
                    let mut block = number;
                    while block < end {
                        let of = Self::known(block).corrections;
                        let at = at - known.corrections + of;
                        starts.add(block as usize).write(Start::new(at / 4, true));
                        block += 1;
                    }
                } else if check::is_start(from) {
                    starts.add(number as usize).write(Start::new(at / 4, false));
                }
            }
        }
        is_wrong
    }

    /// Writes the coefficients of blocks that no more records are of.
    #[inline(always)]
    unsafe fn finish(&mut self) {
        let job = self.job;
        let end = (self.place / BLOCK_PLACES).min(job.blocks);
        if end == self.finished {
            return;
        }
        let known = shared::address(shared_known::<u8>());
        let mut block = self.finished + self.lane;
        // SAFETY: blocks of the scan, which only this warp writes.
        unsafe {
            while block < end {
                let at = known + block % KNOWN_BLOCKS * 8;
                let word = |at| shared::load_changing_u32(at);
                let low = word(at + NONZERO) | word(at + 2 * NONZERO);
                let high = word(at + NONZERO + 4) | word(at + 2 * NONZERO + 4);
                let nonzero = u64::from(high) << 32 | u64::from(low);
                (job.nonzero as *mut u64)
                    .add(block as usize)
                    .write_volatile(nonzero);
                block += 32;
            }
            global::fence();
            warp::sync();
            if self.lane == 0 {
                (job.progress as *mut u32).write_volatile(end);
            }
        }
        self.finished = end;
    }
}
