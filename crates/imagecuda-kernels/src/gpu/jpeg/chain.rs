//! Follows the scans of progressive pictures.

use super::{
    super::{
        shared::{self, barrier},
        thread::thread_idx_x,
        warp,
    },
    block_shared::{DeviceData, copy_to_shared},
};
use crate::{
    jpeg::{
        progressive::{
            Start,
            block::{Block, Nothing, bit, difference},
            chain::{self, Ahead, Chain, LIST, NO_ZERO},
            jobs::{CHAIN_THREADS, ChainJob, GROUP, Interval, MOST_TABLES, Table, kind},
            symbols::Symbols,
        },
        scan::status,
    },
    shared_memory,
};
use core::{
    mem::offset_of,
    sync::atomic::{AtomicU32, Ordering},
};

shared_memory! {
    /// The lists of two groups. A list has 33 words, so that threads use different banks.
    shared_lists: 8448
}
shared_memory! {
    /// For the blocks of two groups, how many coefficients of the band are not zero.
    shared_some: 256
}
shared_memory! {
    /// For the blocks of two groups, where each begins.
    shared_starts: 256
}
shared_memory! {
    /// The number of the job, and whether something is wrong.
    shared_state: 16
}

/// Bytes from a list to the next one.
const STRIDE: usize = LIST + 4;

const _: () = {
    assert!(2 * GROUP as usize * STRIDE == 8448);
    assert!(2 * GROUP as usize * size_of::<u32>() == 256);
    assert!(STRIDE % 4 == 0 && GROUP == 32);
};

/// Entries of tables and lists in shared memory.
#[derive(Clone, Copy)]
struct SharedMemory {
    tables: u32,
    lists: u32,
}

/// Bytes of the entries of a table.
const STEPS: u32 = offset_of!(Table, symbols) as u32;

impl chain::Memory for SharedMemory {
    #[inline(always)]
    fn step(self, table: u32, bits: u32) -> u32 {
        // SAFETY: an entry of one of the job's tables.
        unsafe { shared::load_u32(self.tables + table * STEPS + bits * 4) }
    }

    #[inline(always)]
    fn before(self, block: u32, zero: u32) -> u32 {
        // SAFETY: a byte of the list of a block.
        unsafe { shared::load_u8(self.lists + block * STRIDE as u32 + zero) }
    }
}

/// What the threads of a block share.
#[derive(Clone, Copy)]
struct Work<'a> {
    job: &'a ChainJob,
    tables: *const Table,
    data: DeviceData,
}

/// Takes jobs in order. One thread block of [`CHAIN_THREADS`] for each of the `jobs`; `next` is 0 at
/// first. A job waits only for those before it, which other thread blocks have taken by then.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_chain(jobs: *const ChainJob, next: *const AtomicU32) {
    let thread = thread_idx_x();
    let state = shared_state::<u32>();
    // SAFETY: the host passes as many jobs as thread blocks, with valid addresses. All threads come
    // to each barrier.
    unsafe {
        if thread == 0 {
            state.write((*next).fetch_add(1, Ordering::Relaxed));
            state.add(1).write(0);
        }
        barrier();
        let job = &*jobs.add(state.read() as usize);
        let work = Work {
            job,
            tables: job.tables as *const Table,
            data: DeviceData::new(job.data),
        };
        match job.kind {
            kind::DC_BITS => work.add_bits(),
            _ => work.follow(),
        }
    }
}

impl Work<'_> {
    /// Follows the scan. A warp goes from block to block. Another one prepares the group after, and
    /// finishes the group before.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn follow(self) {
        let job = self.job;
        let steps = shared::dynamic::<u8>();
        let state = shared_state::<u32>();
        let lane = thread_idx_x() as u32 % 32;
        let is_helper = thread_idx_x() >= 32;
        let groups = job.blocks.div_ceil(GROUP);
        // SAFETY: the launch has room for the tables of each of its jobs.
        unsafe {
            let mut table = 0;
            while table < (job.table_count as usize).min(MOST_TABLES) {
                copy_to_shared(
                    self.tables.add(table).cast(),
                    steps.add(table * STEPS as usize),
                    STEPS as usize,
                );
                table += 1;
            }
            let memory = SharedMemory {
                tables: shared::address(steps),
                lists: shared::address(shared_lists::<u8>()),
            };
            let width = job.band.last - job.band.first;
            let mut follower = Follower {
                work: self,
                memory,
                chain: Chain::new(self.data, 0, job.purpose(), width),
                number: 0,
                interval: 0,
                left: 0,
                end: 0,
            };
            let mut helper = Helper {
                work: self,
                lane,
                before: 0,
                after: 0,
                dc: [0; 4],
            };
            if is_helper {
                helper.prepare(0);
            }
            barrier();
            let mut group = 0;
            while group < groups {
                if !is_helper {
                    if !follower.follow(group) {
                        state.add(1).write(1);
                    }
                } else {
                    let now = helper.after;
                    if group > 0 {
                        helper.finish(group - 1);
                    }
                    helper.before = now;
                    if group + 1 < groups {
                        helper.prepare(group + 1);
                    }
                }
                barrier();
                if state.add(1).read_volatile() != 0 {
                    if thread_idx_x() == 0 {
                        self.give_up();
                    }
                    return;
                }
                group += 1;
            }
            if is_helper {
                helper.finish(groups - 1);
                if job.kind == kind::DC {
                    // So that those who wait for this scan wait for those before it too.
                    self.wait_for(u32::MAX);
                    self.publish(u32::MAX - 1, lane);
                }
            }
        }
    }

    /// Adds one bit to each DC coefficient.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn add_bits(self) {
        let job = self.job;
        let mut number = thread_idx_x() as u32;
        let mut is_short = false;
        // SAFETY: the blocks of the job.
        unsafe {
            self.wait_for(u32::MAX);
            while number < job.blocks {
                let interval =
                    *(job.intervals as *const Interval).add((number / job.interval) as usize);
                let at = interval.start + number % job.interval;
                is_short |= at >= interval.end;
                if at < interval.end {
                    let (_, block) = job.unit(number);
                    let to = (job.results as *mut i16).add(block as usize);
                    let before = to.read_volatile();
                    to.write_volatile(before | (bit(self.data, at) << job.band.low) as i16);
                }
                number += CHAIN_THREADS;
            }
            if is_short {
                self.set_wrong();
            }
            barrier();
            if thread_idx_x() < 32 {
                self.publish(u32::MAX - 1, thread_idx_x() as u32);
            }
        }
    }

    /// Waits until the scan to follow has finished so many groups; `u32::MAX` is all of a scan of DC
    /// coefficients.
    ///
    /// # Safety
    ///
    /// The address is valid.
    #[inline(always)]
    unsafe fn wait_for(self, groups: u32) {
        let followed = self.job.followed as *const u32;
        if !followed.is_null() {
            // SAFETY: what the caller promised.
            unsafe {
                while followed.read_volatile() < groups {}
                fence();
            }
        }
    }

    /// Says that `groups` and one more are finished, and all that the warp wrote can be read.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this.
    #[inline(always)]
    unsafe fn publish(self, groups: u32, lane: u32) {
        // SAFETY: what the caller promised.
        unsafe {
            fence();
            warp::sync();
            if lane == 0 {
                (self.job.progress as *mut u32).write_volatile(groups + 1);
            }
        }
    }

    /// Says that something is wrong with the data.
    ///
    /// # Safety
    ///
    /// The address is valid.
    #[inline(always)]
    unsafe fn set_wrong(self) {
        // SAFETY: aligned, and only accessed by atomics while kernels run.
        let of_picture = unsafe { AtomicU32::from_ptr(self.job.status as *mut u32) };
        of_picture.fetch_or(status::INVALID, Ordering::Relaxed);
    }

    /// The same, and lets nobody wait for the rest. What others then read is wrong, but as good as any
    /// other data.
    ///
    /// # Safety
    ///
    /// The address is valid.
    #[inline(always)]
    unsafe fn give_up(self) {
        // SAFETY: what the caller promised.
        unsafe {
            self.set_wrong();
            (self.job.progress as *mut u32).write_volatile(u32::MAX);
        }
    }

    /// A table of the job.
    ///
    /// # Safety
    ///
    /// The job has it.
    #[inline(always)]
    unsafe fn symbols(&self, table: u32) -> &Symbols {
        // SAFETY: what the caller promised.
        unsafe { &(*self.tables.add(table as usize)).symbols }
    }
}

/// Makes all that was written before visible to all threads of the device.
#[inline(always)]
fn fence() {
    // SAFETY: a fence has no conditions.
    unsafe { core::arch::asm!("membar.gl;", options(nostack, preserves_flags)) };
}

/// The warp that goes from block to block. Its threads all do the same.
struct Follower<'a> {
    work: Work<'a>,
    memory: SharedMemory,
    chain: Chain<DeviceData>,
    /// Blocks so far.
    number: u32,
    /// The number of the next interval, the blocks left of this one, and the end of its data.
    interval: u32,
    left: u32,
    end: u32,
}

impl Follower<'_> {
    /// Passes the blocks of a group. Returns whether all is well.
    ///
    /// # Safety
    ///
    /// The group is prepared.
    #[inline(always)]
    unsafe fn follow(&mut self, group: u32) -> bool {
        let job = self.work.job;
        let count = GROUP.min(job.blocks - group * GROUP);
        let half = group % 2 * GROUP;
        let some = shared_some::<u32>();
        let starts = shared_starts::<Start>();
        let mut i = 0;
        while i < count {
            // SAFETY: the intervals are enough for all blocks.
            unsafe {
                if self.left == 0 {
                    let interval = *(job.intervals as *const Interval).add(self.interval as usize);
                    self.chain.restart(self.work.data, interval.start);
                    (self.end, self.left) = (interval.end, job.interval);
                    self.interval += 1;
                }
                self.left -= 1;
                let table = match job.kind {
                    kind::DC => job.unit(self.number).0.table,
                    _ => 0,
                };
                let ahead = Ahead {
                    block: half + i,
                    table,
                    symbols: self.work.symbols(table),
                    some: *some.add((half + i) as usize),
                };
                let start = self.chain.pass(self.memory, ahead);
                if self.chain.is_wrong || self.chain.position() > self.end {
                    return false;
                }
                starts.add((half + i) as usize).write(start);
            }
            self.number += 1;
            i += 1;
        }
        true
    }
}

/// The warp that does the rest. Each thread has a block of a group.
struct Helper<'a> {
    work: Work<'a>,
    lane: u32,
    /// The coefficients that are not zero, of the group that the other warp finished last, and of the
    /// group that was prepared last.
    before: u64,
    after: u64,
    /// The last DC coefficient of each component.
    dc: [u32; 4],
}

impl Helper<'_> {
    /// Makes the lists of a group.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this, and no thread uses the lists of that half.
    #[inline(always)]
    unsafe fn prepare(&mut self, group: u32) {
        let job = self.work.job;
        let number = group * GROUP + self.lane;
        let at = (group % 2 * GROUP + self.lane) as usize;
        self.after = 0;
        // SAFETY: the group's part of the lists; a mask of the component.
        unsafe {
            if job.kind == kind::REFINEMENT || job.kind == kind::FIRST {
                self.work.wait_for(group + 1);
                if number < job.blocks && job.followed != 0 {
                    self.after = (job.masks as *const u64)
                        .add(number as usize)
                        .read_volatile();
                }
            }
            let list = shared_lists::<u8>().add(at * STRIDE);
            let mut i = 0;
            while i < STRIDE / 4 {
                list.cast::<u32>().add(i).write(NO_ZERO * 0x0101_0101);
                i += 1;
            }
            let some = chain::list(self.after, job.band, |zero, before| {
                list.add(zero as usize).write(before as u8);
            });
            shared_some::<u32>().add(at).write(some);
        }
    }

    /// Writes what is known of a group, once the other warp has passed it.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this.
    #[inline(always)]
    unsafe fn finish(&mut self, group: u32) {
        let job = self.work.job;
        let number = group * GROUP + self.lane;
        let at = (group % 2 * GROUP + self.lane) as usize;
        // SAFETY: a block of the scan.
        unsafe {
            let start = *shared_starts::<Start>().add(at);
            if job.kind == kind::DC {
                self.finish_dc(number, start);
                return;
            }
            if number < job.blocks {
                let mut block = Block::with(Nothing, self.before);
                block.add(job.band, self.work.symbols(0), self.work.data, start);
                let masks = job.masks as *mut u64;
                masks.add(number as usize).write_volatile(block.some());
                (job.results as *mut Start)
                    .add(number as usize)
                    .write(start);
            }
            self.work.publish(group, self.lane);
        }
    }

    /// Adds up the differences of DC coefficients.
    ///
    /// # Safety
    ///
    /// All threads of the warp call this.
    #[inline(always)]
    unsafe fn finish_dc(&mut self, number: u32, start: Start) {
        let job = self.work.job;
        let is_inside = number < job.blocks;
        let (unit, block) = job.unit(if is_inside { number } else { 0 });
        let component = unit.blocks.component & 3;
        // SAFETY: a block of the scan. All threads are here.
        unsafe {
            let difference = match is_inside {
                true => difference(self.work.symbols(unit.table), self.work.data, start),
                false => 0,
            };
            let first = number - self.lane;
            let mut own = 0;
            let mut i = 0;
            while i < GROUP {
                let difference = warp::shuffle(difference, i);
                let of = warp::shuffle(component, i);
                if (first + i) % job.interval == 0 {
                    self.dc = [0; 4];
                }
                let [a, b, c, d] = &mut self.dc;
                let sum = match of {
                    0 => a,
                    1 => b,
                    2 => c,
                    _ => d,
                };
                *sum = sum.wrapping_add(difference);
                if i == self.lane {
                    own = *sum;
                }
                i += 1;
            }
            if is_inside {
                let to = (job.results as *mut i16).add(block as usize);
                to.write_volatile((own << job.band.low) as i16);
            }
        }
    }
}
