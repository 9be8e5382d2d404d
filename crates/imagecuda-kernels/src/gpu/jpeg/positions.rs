//! Where the blocks of progressive scans begin. [`positions`](crate::jpeg::progressive::positions) explains how.

use super::{
    super::{
        shared::{self, barrier},
        thread::thread_idx_x,
        warp,
    },
    block_shared::copy_to_shared,
};
use crate::{
    jpeg::{
        bits::{WordSource, funnel_shift},
        progressive::{
            Start,
            jobs::{POSITIONS_THREADS, PositionsJob},
            positions::{
                BLOCK_PLACES, KNOWN_BLOCKS, MORE_BITS, MORE_BLOCKS, RECORDS, RING_BITS,
                RING_BLOCKS, Record,
                check::{self, Known, Step},
                entry::entry,
                follower::{Follower, Memory, Ready},
                slots::{Block, Lane, Slot, mask},
            },
            symbols::Symbols,
        },
        scan::status,
    },
    shared_memory,
};
use core::sync::atomic::{AtomicU32, Ordering};

shared_memory! {
    /// The entries of bits.
    shared_entries: 12032
}
shared_memory! {
    /// The slots of blocks: 4 times the corrections, and the next place.
    shared_slots: 22528
}
shared_memory! {
    /// The records of two phases.
    shared_records: 4096
}
shared_memory! {
    /// The Huffman table.
    shared_scan_symbols: 4480
}
shared_memory! {
    /// For each of the known blocks its [`Known`] numbers, which coefficients are not zero, and which are new.
    shared_known: 1536
}
shared_memory! {
    /// The [`Phase`] of the threads, and the next one.
    shared_phases: 64
}

/// Bytes from the [`Known`] numbers of blocks to the coefficients that are not zero, and from there to the new ones.
const NONZERO: u32 = KNOWN_BLOCKS * 8;

/// The warps that prepare slots.
const LISTERS: u32 = POSITIONS_THREADS / 32 - 3;

const _: () = {
    assert!(LISTERS == 2);
    assert!((RING_BITS + MORE_BITS) * 4 == 12032);
    assert!((RING_BLOCKS + MORE_BLOCKS) * BLOCK_PLACES == 22528);
    assert!(2 * RECORDS * 16 == 4096);
    assert!(size_of::<Symbols>() == 4480);
    assert!(3 * NONZERO == 1536);
    assert!(2 * size_of::<Phase>() == 64);
};

/// What the warps say at the end of a phase.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Phase {
    /// The place and the position that were reached.
    place: u32,
    position: u32,
    /// The records of the phase.
    records: u32,
    /// The bits that have entries, and the blocks that have slots.
    coded: u32,
    listed: u32,
    /// Whether all is done, or nothing more can be.
    is_checked: u32,
    is_given_up: u32,
    /// The blocks that the scan before has finished.
    available: u32,
}

/// The memory of a follower, which writes to one half of the records.
#[derive(Clone, Copy)]
struct Rings {
    entries: u32,
    slots: u32,
    records: u32,
}

impl Memory for Rings {
    #[inline(always)]
    fn entry(self, position: u32) -> u32 {
        // SAFETY: an entry of the ring or behind it.
        unsafe { shared::load_u32(self.entries + position) }
    }

    #[inline(always)]
    fn slot(self, place: u32) -> (u32, u32) {
        // SAFETY: a slot of the ring or behind it.
        unsafe { shared::load_pair(self.slots + place) }
    }

    #[inline(always)]
    fn record(self, number: u32, record: Record) {
        let at = self.records + 16 * number;
        // Two pairs, as the second one is loaded as a pair.
        // SAFETY: one of the records.
        unsafe {
            shared::store_pair(at, (record.entry, record.position));
            shared::store_pair(at + 8, (record.corrections, record.place));
        }
    }
}

/// Data of so many words, and zeros after them.
#[derive(Clone, Copy)]
struct Words(*const u32, u32);

impl WordSource for Words {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        match number < self.1 {
            // SAFETY: a word of the data.
            true => unsafe { *self.0.add(number as usize) },
            false => 0,
        }
    }
}

/// Takes jobs in order. One thread block of [`POSITIONS_THREADS`] for each of the `jobs`; `next` is 0 at
/// first. A job waits only for those before it, which other thread blocks have taken by then.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_positions(jobs: *const PositionsJob, next: *const AtomicU32) {
    let thread = thread_idx_x();
    let phases = shared_phases::<Phase>();
    let phases_at = shared::address(phases);
    // SAFETY: the host passes as many jobs as thread blocks, with valid addresses. All threads come to each
    // barrier.
    unsafe {
        if thread == 0 {
            shared::store_u32(phases_at, (*next).fetch_add(1, Ordering::Relaxed));
        }
        barrier();
        let job = &*jobs.add(shared::load_changing_u32(phases_at) as usize);
        copy_to_shared(
            job.symbols as *const u8,
            shared_scan_symbols(),
            size_of::<Symbols>(),
        );
        barrier();
        if thread < 16 {
            shared::store_u32(phases_at + 4 * thread as u32, 0);
        }
        barrier();
        let lane = thread as u32 % 32;
        match thread / 32 {
            0 => follow(phases, lane),
            1 => Coder { job, lane }.run(phases),
            2 => Checker::new(job, lane).run(phases),
            share => Lister::new(job, lane, share as u32 - 3).run(phases),
        }
    }
}

/// Calls `work` for each phase with what the warps said at the end of the last one, and the number of the phase; it
/// writes to the next one.
///
/// # Safety
///
/// All threads of the block call this.
#[inline(always)]
unsafe fn each_phase(phases: *mut Phase, mut work: impl FnMut(&Phase, *mut Phase, u32)) {
    let mut number = 0;
    loop {
        // SAFETY: nobody writes to this one until the next barrier.
        let (now, next) = unsafe { (&*phases.add(number & 1), phases.add(number & 1 ^ 1)) };
        if now.is_checked | now.is_given_up != 0 {
            return;
        }
        work(now, next, number as u32);
        // SAFETY: what the caller promised.
        unsafe { barrier() };
        number += 1;
    }
}

/// Makes all that was written before visible to all threads of the device.
#[inline(always)]
fn fence() {
    // SAFETY: a fence has no conditions.
    unsafe { core::arch::asm!("membar.gl;", options(nostack, preserves_flags)) };
}

/// The address of one half of the records.
#[inline(always)]
fn records(phase: u32) -> u32 {
    shared::address(shared_records::<u8>()) + (phase & 1) * 16 * RECORDS
}

/// The warp that goes from symbol to symbol. One thread does: more would write records in each other's way.
///
/// # Safety
///
/// As [`each_phase`].
#[inline(always)]
unsafe fn follow(phases: *mut Phase, lane: u32) {
    let mut follower = Follower::default();
    let (entries, slots) = (
        shared::address(shared_entries::<u8>()),
        shared::address(shared_slots::<u8>()),
    );
    let work = |now: &Phase, next: *mut Phase, number| {
        if lane > 0 {
            return;
        }
        let memory = Rings {
            entries,
            slots,
            records: records(number),
        };
        let ready = Ready {
            place: now.listed * BLOCK_PLACES,
            position: now.coded * 4,
        };
        let count = follower.follow(memory, ready);
        // SAFETY: only this warp writes these.
        unsafe {
            (*next).place = follower.place;
            (*next).position = follower.position;
            (*next).records = count;
        }
    };
    // SAFETY: what the caller promised.
    unsafe { each_phase(phases, work) };
}

/// The warp that prepares the entries.
struct Coder<'a> {
    job: &'a PositionsJob,
    lane: u32,
}

impl Coder<'_> {
    /// # Safety
    ///
    /// As [`each_phase`].
    #[inline(always)]
    unsafe fn run(self, phases: *mut Phase) {
        let Self { job, lane } = self;
        let words = Words(job.data as *const u32, job.bits.div_ceil(32));
        let symbols = shared_scan_symbols::<Symbols>();
        let entries = shared::address(shared_entries::<u8>());
        let work = |now: &Phase, next: *mut Phase, _| {
            let end = now.position / 128 * 32 + RING_BITS;
            let mut coded = now.coded;
            let mut word = words.word(coded / 32).swap_bytes();
            let mut after = words.word(coded / 32 + 1);
            while coded < end {
                let bit = coded + lane;
                // Not swapped yet, so that nothing waits for it.
                let last = words.word(coded / 32 + 2);
                let next = after.swap_bytes();
                // SAFETY: the table is there. These places are not used in this phase.
                unsafe {
                    let entry = entry(&*symbols, job.band, funnel_shift(word, next, lane));
                    let at = bit % RING_BITS;
                    shared::store_u32(entries + 4 * at, entry);
                    if at < MORE_BITS {
                        shared::store_u32(entries + 4 * (at + RING_BITS), entry);
                    }
                }
                coded += 32;
                (word, after) = (next, last);
            }
            // SAFETY: only this warp writes this.
            unsafe { (*next).coded = coded };
        };
        // SAFETY: what the caller promised.
        unsafe { each_phase(phases, work) };
    }
}

/// A warp that prepares the slots of every [`LISTERS`]th block.
struct Lister<'a> {
    job: &'a PositionsJob,
    lane: u32,
    /// Its number among these warps.
    share: u32,
    /// 4 times the corrections of all blocks so far.
    corrections: u32,
}

impl<'a> Lister<'a> {
    #[inline(always)]
    fn new(job: &'a PositionsJob, lane: u32, share: u32) -> Self {
        Self {
            job,
            lane,
            share,
            corrections: 0,
        }
    }

    /// # Safety
    ///
    /// As [`each_phase`].
    #[inline(always)]
    unsafe fn run(mut self, phases: *mut Phase) {
        let work = |now: &Phase, next: *mut Phase, _| {
            // SAFETY: these places are not used in this phase. One warp writes the numbers of the next one.
            unsafe {
                let done = now.available;
                let end = now.place / BLOCK_PLACES + RING_BLOCKS;
                // After the last block there are others, so that steps may go past it.
                let end = match done < self.job.blocks {
                    true => end.min(done),
                    false => end,
                };
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
        };
        // SAFETY: what the caller promised.
        unsafe { each_phase(phases, work) };
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
        fence();
        if done == u32::MAX && self.lane == 0 {
            // SAFETY: as above.
            unsafe { give_up(self.job) };
        }
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
                nonzero = (job.nonzero as *const u64).add(own as usize).read_volatile();
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

/// Says that the data are irregular, and lets nobody wait for the rest.
///
/// # Safety
///
/// The addresses are valid.
#[inline(always)]
unsafe fn give_up(job: &PositionsJob) {
    // SAFETY: aligned, and only accessed by atomics while kernels run.
    let of_picture = unsafe { AtomicU32::from_ptr(job.status as *mut u32) };
    of_picture.fetch_or(status::INVALID, Ordering::Relaxed);
    // SAFETY: what the caller promised.
    unsafe { (job.progress as *mut u32).write_volatile(u32::MAX) };
}

/// The warp that checks records and finishes blocks.
struct Checker<'a> {
    job: &'a PositionsJob,
    lane: u32,
    /// Where the last record led, and the blocks that are finished.
    place: u32,
    position: u32,
    finished: u32,
}

impl<'a> Checker<'a> {
    #[inline(always)]
    fn new(job: &'a PositionsJob, lane: u32) -> Self {
        Self {
            job,
            lane,
            place: 0,
            position: 0,
            finished: 0,
        }
    }

    /// # Safety
    ///
    /// As [`each_phase`].
    #[inline(always)]
    unsafe fn run(mut self, phases: *mut Phase) {
        let work = |now: &Phase, next: *mut Phase, number: u32| {
            // SAFETY: the records of the last phase. Only this warp writes the next one's number.
            unsafe {
                let mut first = 0;
                let mut is_wrong = false;
                while first < now.records {
                    is_wrong |= self.check(records(number + 1), first, now.records);
                    first += 32;
                }
                warp::sync();
                let is_wrong = warp::any(is_wrong);
                if is_wrong {
                    if self.lane == 0 {
                        give_up(self.job);
                    }
                } else {
                    self.finish();
                }
                let is_over = is_wrong || self.finished == self.job.blocks;
                (*next).is_checked = u32::from(is_over);
            }
        };
        // SAFETY: what the caller promised.
        unsafe { each_phase(phases, work) };
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
                    starts
                        .add(number as usize)
                        .write(Start::new(at / 4, false));
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
            fence();
            warp::sync();
            if self.lane == 0 {
                (job.progress as *mut u32).write_volatile(end);
            }
        }
        self.finished = end;
    }
}
