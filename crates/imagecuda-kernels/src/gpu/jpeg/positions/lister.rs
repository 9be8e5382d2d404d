//! The slots of blocks.

use super::{
    super::super::{global, shared, warp},
    LISTERS, NONZERO, Phase, shared_known, shared_slots,
};
use crate::jpeg::progressive::{
    jobs::PositionsJob,
    positions::{
        BLOCK_PLACES, KNOWN_BLOCKS, MORE_BLOCKS, RING_BLOCKS,
        slots::{Block, Lane, Slot, mask},
    },
};

/// A warp that prepares the slots of every [`LISTERS`]th block.
pub(super) struct Lister<'a> {
    job: &'a PositionsJob,
    lane: u32,
    /// Its number among these warps.
    share: u32,
    /// 4 times the corrections of all blocks so far.
    corrections: u32,
}

impl<'a> Lister<'a> {
    #[inline(always)]
    pub(super) fn new(job: &'a PositionsJob, lane: u32, share: u32) -> Self {
        Self {
            job,
            lane,
            share,
            corrections: 0,
        }
    }

    /// Prepares slots for the next phase.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this. No other warp writes these numbers of the next phase.
    #[inline(always)]
    pub(super) unsafe fn work(&mut self, now: &Phase, next: *mut Phase) {
        let done = now.available;
        let end = now.place / BLOCK_PLACES + RING_BLOCKS;
        // After the last block there are others, so that steps may go past it.
        let end = match done < self.job.blocks {
            true => end.min(done),
            false => end,
        };
        // SAFETY: these places are not used in this phase. The rest is the caller's word.
        unsafe {
            if now.listed < end {
                self.list(now.listed, end);
            }
            if self.share == 0 {
                let available = self.available();
                (*next).listed = now.listed.max(end);
                (*next).available = available;
                (*next).is_given_up = u32::from(available == u32::MAX);
            }
        }
    }

    /// How many blocks the scan before has finished: `u32::MAX` if it gave up.
    #[inline(always)]
    unsafe fn available(&self) -> u32 {
        let before = self.job.before as *const u32;
        if before.is_null() {
            return self.job.blocks;
        }
        // SAFETY: what the caller promised.
        let done = unsafe { before.read_volatile() };
        global::fence();
        done
    }

    /// Prepares the slots of up to 32 blocks.
    #[inline(always)]
    unsafe fn list(&mut self, first: u32, end: u32) {
        let (job, lane) = (self.job, self.lane);
        let own = first + lane;
        let known = shared::address(shared_known::<u8>());
        // SAFETY: masks of blocks that the scan before has finished; numbers of blocks of which no thread knows
        // anything yet.
        unsafe {
            let mut nonzero = 0;
            if own < end && own < job.blocks && job.before != 0 {
                nonzero = (job.nonzero as *const u64)
                    .add(own as usize)
                    .read_volatile();
            }
            let in_band = nonzero & mask(job.band);
            // The sum of all blocks up to this one.
            let bits = 4 * in_band.count_ones();
            let mut sum = bits;
            let mut step = 1;
            while step < 32 {
                let other = warp::shuffle_up(sum, step);
                sum += if lane >= step { other } else { 0 };
                step *= 2;
            }
            let corrections = self.corrections + sum - bits;
            self.corrections += warp::shuffle(sum, 31);
            if own < end && self.share == 0 {
                let zeros = (!nonzero & mask(job.band)).count_ones();
                let at = known + own % KNOWN_BLOCKS * 8;
                shared::store_u32(at, corrections);
                shared::store_u32(at + 4, zeros);
                shared::store_u32(at + NONZERO, nonzero as u32);
                shared::store_u32(at + NONZERO + 4, (nonzero >> 32) as u32);
                shared::store_u32(at + 2 * NONZERO, 0);
                shared::store_u32(at + 2 * NONZERO + 4, 0);
            }
            let zeros = !nonzero & mask(job.band);
            let lanes = Lane::new(lane, job.band);
            let mut number = first + (first + self.share) % LISTERS;
            while number < end {
                let of = number - first;
                let low = warp::shuffle(zeros as u32, of);
                let high = warp::shuffle((zeros >> 32) as u32, of);
                let before = warp::shuffle(corrections, of);
                let after = warp::shuffle(corrections + bits, of);
                let zeros = u64::from(high) << 32 | u64::from(low);
                let block = Block::new(number * BLOCK_PLACES, zeros, [before, after]);
                put_slots(number, &block, lanes);
                number += LISTERS;
            }
        }
    }
}

/// Writes this thread's slots of a block.
///
/// # Safety
///
/// No thread reads them in this phase.
#[inline(always)]
unsafe fn put_slots(number: u32, block: &Block, lane: Lane) {
    let in_ring = number % RING_BLOCKS;
    let slots = shared::address(shared_slots::<u8>()) + in_ring * BLOCK_PLACES;
    let put = |Slot {
                   number,
                   corrections,
                   next,
               }| {
        let (at, pair) = (slots + 8 * number, (corrections, next));
        // SAFETY: slots of the ring, and those behind it.
        unsafe {
            shared::store_pair(at, pair);
            if in_ring < MORE_BLOCKS {
                shared::store_pair(at + RING_BLOCKS * BLOCK_PLACES, pair);
            }
        }
    };
    lane.of_zero(block, false).map(put);
    lane.of_zero(block, true).map(put);
    lane.of_none(block, false).map(put);
    lane.of_none(block, true).map(put);
}
