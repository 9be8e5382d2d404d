//! Huffman codes to coefficients. A launch has as many blocks as all jobs have groups.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    here::{Here, Quad, Warp, here, job},
};
use crate::{
    jpeg::{
        decoder::{Decoder, Exits},
        groups::{Found, Owner, THREADS},
        jobs::ScanJob,
        picture::BLOCK,
        scan::{Dc, Exit, Segment, State, status},
        stuffing::{CHUNK, PIECE, Piece},
    },
    shared_memory,
};
use bytemuck::cast;
use core::slice;

shared_memory! {
    /// Numbers of a block's threads.
    numbers: 2048
}
const _: () = {
    assert!(THREADS as usize * 8 == 2048);
    assert!(size_of::<Exit>() == 4 && size_of::<Dc>() == 8);
};

/// Makes the data of those that the file has, which are zeros at first. A block of [`THREADS`] for
/// each chunk of all jobs.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_unstuff(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs.
    let (job, chunk) = unsafe { job(jobs, count, |job| job.first_chunk) };
    let thread = thread_idx_x();
    let start = (chunk * CHUNK as u32) + (thread * PIECE) as u32;
    let len = job.file_bytes.saturating_sub(start).min(PIECE as u32);
    let mut piece = Piece {
        bytes: [0; 4],
        before: 0,
        len,
    };
    // SAFETY: the addresses are valid, and the data of the file have room for whole pieces.
    unsafe {
        if len > 0 {
            let file = (job.file as *const u8).add(start as usize);
            let Quad(bytes) = file.cast::<Quad>().read();
            piece.bytes = bytes;
            if start > 0 {
                piece.before = file.sub(1).read();
            }
        }
        let kept = piece.kept();
        let up_to = *sums(kept, thread, |a, b| a + b).add(thread);
        if len > 0 {
            let before = *(job.kept as *const u32).add(chunk as usize) + up_to - kept;
            let segments = job.segments as *const Segment;
            let segments = slice::from_raw_parts(segments, job.scan.segments as usize);
            let bytes = job.scan.subsequence / 8;
            let end = job.scan.subsequences * bytes;
            let data = job.words as *mut u8;
            piece.place(segments, start, before, bytes, |at, byte| {
                if at < end {
                    data.add(at as usize).write(byte);
                }
            });
        }
    }
}

/// Exits in shared memory.
#[derive(Clone, Copy)]
struct SharedExits {
    address: u32,
    len: u32,
}

impl Exits for SharedExits {
    #[inline(always)]
    fn leave(self, at: u32, exit: Exit) -> Exit {
        let place = self.address + 4 * at.min(THREADS - 1);
        // SAFETY: a block has as many exits as threads.
        let before = unsafe { shared::fetch_max_u32(place, cast(exit)) };
        cast(before)
    }

    #[inline(always)]
    fn count(self) -> u32 {
        self.len
    }
}

/// Finds the state behind each subsequence, and what was done in it. Blocks of
/// [`THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_synchronize(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let here = unsafe { here(jobs, count) };
    let Here {
        scan,
        segments,
        group,
        ..
    } = here;
    let thread = thread_idx_x();
    // The threads that have a subsequence are next to each other.
    let warm_up = scan.warm_up() as usize;
    let own = (scan.end_of(group) - scan.first_of(group)) as usize;
    let end = warm_up + own;
    let place = scan.place(segments, group, thread as u32);
    let is_active = place.is_some();
    let place = place.unwrap_or_default();
    let done = numbers::<Exit>();
    // SAFETY: each thread has its own exit; all are here.
    unsafe {
        done.add(thread).write(Exit::EMPTY);
        barrier();
    }
    let mut decoder = Decoder::new(scan, here.tables, here.words, place, State::default());
    let exits = SharedExits {
        address: shared::address(done),
        len: end as u32,
    };
    if decoder.synchronize(is_active, Warp, exits, thread as u32) {
        here.mark(status::UNSYNCHRONIZED);
    }
    let start = scan.last_start(segments, group) as usize;
    // SAFETY: all threads are here. Only the group's own exits are written, below the scan's, and
    // its own result.
    unsafe {
        barrier();
        let mut units = 0;
        if thread >= warm_up && thread < end {
            let number = scan.first_of(group) as usize + thread - warm_up;
            let exit = *done.add(thread);
            (here.job.exits as *mut Exit).add(number).write(exit);
            if thread >= warm_up + start {
                units = exit.units();
            }
        }
        let entry = (*done.add(warm_up - 1)).state();
        barrier();
        let units = sum(units, thread, block_dim_x());
        if thread == 0 {
            let found = Found {
                entry,
                units,
                ..Found::default()
            };
            (here.job.found as *mut Found)
                .add(group as usize)
                .write(found);
        }
    }
}

/// The sum of the `number`s of the first `count` threads. All threads call this, and get the same.
///
/// # Safety
///
/// All threads of the block are here.
#[inline(always)]
unsafe fn sum(number: u32, thread: usize, count: usize) -> u32 {
    let numbers = numbers::<u32>();
    // SAFETY: below the numbers of threads; barriers are between writing and reading.
    unsafe {
        numbers.add(thread).write(number);
        barrier();
        let mut half = count.next_power_of_two() / 2;
        while half > 0 {
            if thread < half && thread + half < count {
                let both = *numbers.add(thread) + *numbers.add(thread + half);
                numbers.add(thread).write(both);
            }
            barrier();
            half /= 2;
        }
        let sum = *numbers;
        barrier();
        sum
    }
}

/// Has the numbers of this thread and of those before it summed up in shared memory.
///
/// # Safety
///
/// All threads of the block are here.
#[inline(always)]
unsafe fn sums<T: Copy>(mut own: T, thread: usize, plus: impl Fn(T, T) -> T) -> *const T {
    const { assert!(size_of::<T>() <= 8) };
    let numbers = numbers::<T>();
    // SAFETY: below the numbers of threads; barriers are between writing and reading.
    unsafe {
        numbers.add(thread).write(own);
        barrier();
        let mut distance = 1;
        while distance < block_dim_x() {
            if thread >= distance {
                own = plus(*numbers.add(thread - distance), own);
            }
            barrier();
            numbers.add(thread).write(own);
            barrier();
            distance *= 2;
        }
    }
    numbers
}

/// Decodes each subsequence from the state behind the one before, and writes its coefficients.
/// Blocks of [`THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_write(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let here = unsafe { here(jobs, count) };
    let Here {
        job,
        scan,
        segments,
        group,
        ..
    } = here;
    let thread = thread_idx_x();
    let first = scan.first_of(group);
    let number = first + thread as u32;
    let exits = job.exits as *const Exit;
    let found = job.found as *mut Found;

    // What was done in the groups before, if the first subsequence goes on from there.
    let mut carried = 0;
    let groups = scan.carried(segments, group);
    if !groups.is_empty() {
        let mut part = 0;
        let mut before = groups.start + thread as u32;
        while before < group {
            // SAFETY: below this group.
            part += unsafe { (*found.add(before as usize)).units };
            before += block_dim_x() as u32;
        }
        // SAFETY: all threads are here, as the groups are the same for all.
        carried = unsafe { sum(part, thread, block_dim_x()) };
    }

    let place = scan
        .find(segments, number)
        .filter(|_| number < scan.end_of(group));
    let is_active = place.is_some();
    let place = place.unwrap_or_default();
    let is_carried = place.first < first;
    // The group's first subsequence of the segment.
    let origin = if is_carried { 0 } else { place.first - first } as usize;
    let before = |sums: *const u32, thread: usize| match thread {
        0 => 0,
        // SAFETY: below the number of threads.
        thread => unsafe { *sums.add(thread - 1) },
    };
    let mut own = Exit::default();
    if is_active {
        // SAFETY: one of the scan's exits.
        own = unsafe { *exits.add(number as usize) };
    }
    // SAFETY: all threads are here.
    let units = unsafe { sums(own.units(), thread, |a, b| a + b) };
    let mut done = 0;
    if is_active {
        done = before(units, thread) - before(units, origin);
        if is_carried {
            done += carried;
        }
    }
    let mut state = State::default();
    let mut wrong = 0;
    if is_active && !place.is_first() {
        // SAFETY: one of the scan's exits.
        state = unsafe { (*exits.add(number as usize - 1)).state() };
        // SAFETY: this group's own.
        if thread == 0 && unsafe { (*found.add(group as usize)).entry } != state {
            wrong = status::UNSYNCHRONIZED;
        }
    }
    let owners = job.owners as *mut Owner;
    let owner = Owner::new(number, is_carried);
    let blocks = scan.blocks as usize;
    let begin = |block: usize| {
        if block < blocks {
            // SAFETY: below the picture's blocks.
            unsafe { owners.add(block).write(owner) };
        }
    };
    let coefficients = job.coefficients as *mut i16;
    let put = |at: usize, value| {
        if at < blocks * BLOCK {
            // SAFETY: below the picture's coefficients.
            unsafe { coefficients.add(at).write(value) };
        }
    };
    let mut decoder = Decoder::new(scan, here.tables, here.words, place, state);
    let (dc, bad) = decoder.write(is_active, Warp, done, own.state(), begin, put);
    here.mark(wrong | bad);

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
