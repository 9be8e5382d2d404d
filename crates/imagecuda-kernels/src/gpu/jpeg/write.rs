//! The second pass over Huffman codes: to coefficients.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    here::{Here, Warp, here, mark, share},
    sums::{MOST, sums},
};
use crate::{
    jpeg::{
        decoder::{Decoder, Output},
        groups::{Found, Owner, SECTIONS, THREADS},
        huffman::Table,
        jobs::ScanJob,
        picture::BLOCK,
        scan::{Dc, Segment},
        sections::{Joint, NODES, NONE, Node, Pass, SECTION, SLOTS, walk},
    },
    shared_memory,
};
use bytemuck::cast;
use core::slice;

shared_memory! {
    /// What is done in each subsequence of a group.
    group_passes: 1024
}
shared_memory! {
    /// The sums of DC of a group's subsequences.
    group_dc: 2048
}

const _: () = {
    assert!(THREADS as usize <= MOST && size_of::<Dc>() == 8);
    assert!(THREADS as usize * size_of::<Dc>() == 2048);
    assert!(THREADS as usize * size_of::<Pass>() == 1024);
};

/// Threads of a warp.
const WARP: u32 = 32;

/// What the second pass writes.
struct DeviceOutput {
    coefficients: *mut [i16; BLOCK],
    owners: *mut Owner,
    /// The last block of the picture.
    last: u32,
    owner: Owner,
    /// The coefficients of the block at hand.
    block: *mut i16,
    /// The address within shared memory of the thread's [`Dc`].
    dc: u32,
}

impl Output for DeviceOutput {
    #[inline(always)]
    fn sum(&self, component: u32) -> i16 {
        // SAFETY: the thread's own.
        unsafe { shared::load_u16(self.dc + 2 * (component & 3)) as i16 }
    }

    #[inline(always)]
    fn go_on(&mut self, block: u32) {
        // A scan's blocks are the picture's, by its plan.
        let block = block.min(self.last) as usize;
        // SAFETY: one of the picture's blocks.
        self.block = unsafe { self.coefficients.add(block).cast() };
    }

    #[inline(always)]
    fn begin(&mut self, block: u32, component: u32, sum: i16) {
        self.go_on(block);
        let block = block.min(self.last) as usize;
        // SAFETY: as above; the thread's own sum.
        unsafe {
            self.owners.add(block).write(self.owner);
            shared::store_u16(self.dc + 2 * (component & 3), sum as u16);
        }
    }

    #[inline(always)]
    fn put(&mut self, at: u32, value: i16) {
        // SAFETY: in the block.
        unsafe { self.block.add(at as usize & (BLOCK - 1)).write(value) };
    }
}

/// Has in shared memory what is done in a group's subsequences. All threads of a block call this.
///
/// # Safety
///
/// All threads of the block are here, and none uses the shared memory that the launch asks for,
/// which is enough for the sections' nodes.
#[inline(always)]
unsafe fn passes(here: &Here<'_>) -> *const Pass {
    const { assert!(SECTIONS * NODES * 4 <= 2 * size_of::<Table>() as u32) };
    let (scan, thread) = (here.scan, thread_idx_x() as u32);
    let first = here.number * SECTIONS;
    let last = scan.sections().min(first + SECTIONS);
    let (nodes, passes) = (shared::dynamic::<Node>(), group_passes::<Pass>());
    // SAFETY: the sections of the group; a pass for each of its subsequences.
    unsafe {
        let from = (here.job.nodes as *const Node).add((first * NODES) as usize);
        let bytes = ((last - first) * NODES) as usize * size_of::<Node>();
        share(from.cast(), nodes.cast(), bytes);
        barrier();
        // One in each of some warps.
        let number = thread / WARP;
        if thread % WARP == 0 && number < last - first {
            let nodes = shared::address(nodes) + number * NODES * 4;
            let node = |at: u32, slot: u32| {
                let place = at.min(SECTION) * SLOTS + slot.min(NONE);
                cast::<u32, Node>(shared::load_u32(nodes + 4 * place))
            };
            let section = first + number;
            let joint = *(here.job.joints as *const Joint).add(section as usize);
            let passes = passes.add((number * SECTION) as usize);
            walk(scan.section(section), node, joint.entry, |at, pass| {
                passes.add(at as usize).write(pass);
            });
        }
        barrier();
    }
    passes
}

/// Decodes each subsequence from the state behind the one before, and writes its coefficients.
/// Blocks of [`THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_write(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let here = unsafe { here(jobs, count, |job| job.first_group) };
    let Here {
        job,
        scan,
        segments,
        number: group,
        ..
    } = here;
    let thread = thread_idx_x();
    let first = group * THREADS;
    let number = first + thread as u32;
    let found = job.found as *mut Found;
    let place = scan.find(segments, number);
    let is_active = place.is_some();
    let place = place.unwrap_or_default();
    let is_carried = place.first < first;
    // The group's first subsequence of the segment.
    let origin = if is_carried { 0 } else { place.first - first } as usize;
    let mut pass = Pass::default();
    // SAFETY: all threads are here, twice.
    let units = unsafe {
        let passes = passes(&here);
        if is_active {
            pass = *passes.add(thread);
        }
        sums(pass.units(), thread, |a, b| a + b)
    };
    let mut done = 0;
    if is_active {
        let before = |thread: usize| match thread {
            0 => 0,
            // SAFETY: below the number of threads.
            thread => unsafe { *units.add(thread - 1) },
        };
        // Within the section, and what was done in those before it.
        let section = number / SECTION;
        let start = place.first / SECTION;
        let from = match start < section {
            true => (section * SECTION - first) as usize,
            false => origin,
        };
        done = before(thread) - before(from);
        if start < section {
            let joints = job.joints as *const Joint;
            // SAFETY: two of the sections.
            done += unsafe {
                (*joints.add(section as usize)).before - (*joints.add(start as usize)).before
            };
        }
    }
    // SAFETY: all threads are here; nodes have been read.
    let tables = unsafe { here.tables() };
    let dc = group_dc::<Dc>();
    // SAFETY: each thread has its own.
    unsafe { dc.add(thread).write(Dc::default()) };
    let mut output = DeviceOutput {
        coefficients: job.coefficients as *mut [i16; BLOCK],
        owners: job.owners as *mut Owner,
        last: scan.blocks.saturating_sub(1),
        owner: Owner::new(number, is_carried),
        block: job.coefficients as *mut i16,
        dc: shared::address(dc) + thread as u32 * size_of::<Dc>() as u32,
    };
    let mut decoder = Decoder::new(scan, tables, here.words, place, pass.state());
    let bad = decoder.write(is_active, Warp, done, pass, &mut output);
    // SAFETY: as above.
    let dc = unsafe { *dc.add(thread) };
    mark(job, bad);

    let start = scan.last_start(segments, group) as usize;
    // SAFETY: all threads are here; only the group's own sums are written.
    unsafe {
        barrier();
        let sums = sums(if is_active { dc } else { Dc::default() }, thread, Dc::plus);
        let up_to = |thread: usize| match thread {
            0 => Dc::default(),
            thread => *sums.add(thread - 1),
        };
        if is_active {
            let before = up_to(thread).since(up_to(origin));
            (job.sums as *mut Dc).add(number as usize).write(before);
        }
        if thread == 0 {
            let all = *sums.add(block_dim_x() - 1);
            (*found.add(group as usize)).dc = all.since(up_to(start));
        }
    }
}

/// Adds up the sums of DC of the groups before each group. A block of [`THREADS`] for each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_carry(jobs: *const ScanJob) {
    // SAFETY: the host passes whole jobs, whose addresses are valid, and launches one block each.
    let job = unsafe { &*jobs.add(block_idx_x()) };
    let scan = &job.scan;
    // SAFETY: as above.
    let segments =
        unsafe { slice::from_raw_parts(job.segments as *const Segment, scan.segments as usize) };
    let found = job.found as *mut Found;
    let mut group = thread_idx_x() as u32;
    while group < scan.groups() {
        let mut sum = Dc::default();
        for before in scan.carried(segments, group) {
            // SAFETY: below this group; only the second sum is written.
            sum = sum.plus(unsafe { (*found.add(before as usize)).dc });
        }
        // SAFETY: one of the groups.
        unsafe { (*found.add(group as usize)).carried = sum };
        group += block_dim_x() as u32;
    }
}
