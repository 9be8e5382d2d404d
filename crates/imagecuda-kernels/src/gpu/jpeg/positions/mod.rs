//! Where the blocks of progressive scans begin. [`positions`](crate::jpeg::progressive::positions) explains how.

mod checker;
mod lister;

use self::{checker::Checker, lister::Lister};
use super::{
    super::{
        shared::{self, barrier},
        thread::thread_idx_x,
    },
    block_shared::copy_to_shared,
};
use crate::{
    jpeg::{
        bits::{WordSource, funnel_shift},
        progressive::{
            jobs::{POSITIONS_THREADS, PositionsJob},
            positions::{
                BLOCK_PLACES, KNOWN_BLOCKS, MORE_BITS, MORE_BLOCKS, RECORDS, RING_BITS,
                RING_BLOCKS, Record,
                entry::entry,
                follower::{Follower, Memory, Ready},
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
    /// The blocks that the scan before has finished.
    available: u32,
    /// [`FINISHED`] or [`WRONG`], and whether the scan before gave up.
    end: u32,
    is_given_up: u32,
}

/// All blocks are finished.
const FINISHED: u32 = 1;

/// A step was not allowed.
const WRONG: u32 = 2;

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
        let warp = thread as u32 / 32;
        let mut follower = Follower::default();
        let mut checker = Checker::new(job, lane);
        let mut lister = Lister::new(job, lane, warp.wrapping_sub(3));
        let mut number = 0;
        loop {
            // Nobody writes to this phase until the next barrier.
            let (now, next) = (&*phases.add(number & 1), phases.add(number & 1 ^ 1));
            if now.end | now.is_given_up != 0 {
                break;
            }
            match warp {
                0 if lane > 0 => {}
                0 => follow(&mut follower, now, next, number as u32),
                1 => prepare_entries(job, lane, now, next),
                2 => checker.work(now, next, number as u32),
                _ => lister.work(now, next),
            }
            barrier();
            number += 1;
        }
        // Behind the barrier, so that this is what remains of the progress.
        let last = &*phases.add(number & 1);
        if thread == 0 && (last.end == WRONG || last.is_given_up != 0) {
            give_up(job);
        }
    }
}

/// The address of one half of the records.
#[inline(always)]
fn records(phase: u32) -> u32 {
    shared::address(shared_records::<u8>()) + (phase & 1) * 16 * RECORDS
}

/// Goes from symbol to symbol. One thread does: more would write records in each other's way.
///
/// # Safety
///
/// What the phase says is there. No other thread writes these numbers of the next one.
#[inline(always)]
unsafe fn follow(follower: &mut Follower, now: &Phase, next: *mut Phase, number: u32) {
    let memory = Rings {
        entries: shared::address(shared_entries::<u8>()),
        slots: shared::address(shared_slots::<u8>()),
        records: records(number),
    };
    let ready = Ready {
        place: now.listed * BLOCK_PLACES,
        position: now.coded * 4,
    };
    let count = follower.follow(memory, ready);
    // SAFETY: what the caller promised.
    unsafe {
        (*next).place = follower.place;
        (*next).position = follower.position;
        (*next).records = count;
    }
}

/// Prepares the entries of bits, 32 at a time.
///
/// # Safety
///
/// All threads of a warp call this, and no other one writes this number of the next phase. The job's data are there.
#[inline(always)]
unsafe fn prepare_entries(job: &PositionsJob, lane: u32, now: &Phase, next: *mut Phase) {
    let words = Words(job.data as *const u32, job.bits.div_ceil(32));
    let symbols = shared_scan_symbols::<Symbols>();
    let entries = shared::address(shared_entries::<u8>());
    let end = now.position / 128 * 32 + RING_BITS;
    let mut coded = now.coded;
    let mut word = words.word(coded / 32).swap_bytes();
    let mut after = words.word(coded / 32 + 1);
    while coded < end {
        let at = (coded + lane) % RING_BITS;
        // Not swapped yet, so that nothing waits for it.
        let last = words.word(coded / 32 + 2);
        let following = after.swap_bytes();
        // SAFETY: the table is there. These places are not used in this phase.
        unsafe {
            let entry = entry(&*symbols, job.band, funnel_shift(word, following, lane));
            shared::store_u32(entries + 4 * at, entry);
            if at < MORE_BITS {
                shared::store_u32(entries + 4 * (at + RING_BITS), entry);
            }
        }
        coded += 32;
        (word, after) = (following, last);
    }
    // SAFETY: what the caller promised.
    unsafe { (*next).coded = coded };
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
