//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs); a launch has as many
//! blocks as all jobs have groups.

use super::{
    shared::barrier,
    thread::{block_dim_x, block_idx_x, thread_idx_x},
};
use crate::{
    jpeg::{
        groups::{Found, GROUP, ROUNDS, THREADS, WARM_UP},
        huffman::Table,
        idct::inverse,
        jobs::{PictureJob, ScanJob, TABLES},
        picture::BLOCK,
        pixel::Pixel,
        scan::{Decoder, Exit, Place, SegmentAt, State, status},
    },
    pixel::{Rgba8, RgbaF32},
    shared_memory,
    texel::{Cmyk8, L8, Rgb8},
};
use core::{
    slice,
    sync::atomic::{AtomicU32, Ordering},
};

shared_memory! {
    /// The Huffman tables of a block's scan.
    tables: 10752
}
shared_memory! {
    /// An [`Exit`] for each thread.
    exits: 4096
}
shared_memory! {
    /// Two numbers.
    votes: 8
}

const _: () = {
    assert!(TABLES * size_of::<Table>() == 10752);
    assert!(THREADS as usize * size_of::<Exit>() == 4096);
};

/// The job that this block works on, and its number among the job's groups.
///
/// # Safety
///
/// `jobs` are `count` jobs, at least one, in the order of their first groups.
#[inline(always)]
unsafe fn job<'a>(jobs: *const ScanJob, count: u32) -> (&'a ScanJob, u32) {
    let block = block_idx_x() as u32;
    let (mut low, mut high) = (0, count as usize);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        // SAFETY: below `count`.
        if unsafe { (*jobs.add(middle)).first_group } <= block {
            low = middle;
        } else {
            high = middle;
        }
    }
    // SAFETY: below `count`, and nobody writes to a job.
    let job = unsafe { &*jobs.add(low) };
    (job, block - job.first_group)
}

impl ScanJob {
    /// # Safety
    ///
    /// The job's addresses are valid.
    #[inline(always)]
    unsafe fn data<'a>(&self) -> (&'a [u32], &'a [SegmentAt]) {
        // SAFETY: what the caller promised, and no kernel writes to them.
        unsafe {
            (
                slice::from_raw_parts(self.words as *const u32, self.word_count as usize),
                slice::from_raw_parts(
                    self.segments as *const SegmentAt,
                    self.scan.segments as usize,
                ),
            )
        }
    }

    /// Copies the job's Huffman tables to shared memory. All threads of the block call this.
    ///
    /// # Safety
    ///
    /// As [`data`](Self::data).
    #[inline(always)]
    unsafe fn shared_tables<'a>(&self) -> &'a [Table] {
        let count = (self.table_count as usize).min(TABLES);
        let (from, to) = (self.tables as *const u32, tables::<u32>());
        let words = count * (size_of::<Table>() / 4);
        let mut i = thread_idx_x();
        while i < words {
            // SAFETY: within the tables on both sides.
            unsafe { to.add(i).write(from.add(i).read()) };
            i += block_dim_x();
        }
        // SAFETY: all threads are here; then the tables are written, and stay so.
        unsafe {
            barrier();
            slice::from_raw_parts(to.cast(), count)
        }
    }

    /// # Safety
    ///
    /// As [`data`](Self::data).
    #[inline(always)]
    unsafe fn mark(&self, wrong: u32) {
        if wrong != 0 {
            // SAFETY: aligned, and only ever accessed so while kernels run.
            let status = unsafe { AtomicU32::from_ptr(self.status as *mut u32) };
            status.fetch_or(wrong, Ordering::Relaxed);
        }
    }
}

/// Finds the state behind each subsequence, and what was done in it. Blocks of
/// [`THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_synchronize(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid.
    let ((job, group), scan) = unsafe {
        let job = job(jobs, count);
        (job, &job.0.scan)
    };
    // SAFETY: as above.
    let (words, segments) = unsafe { job.data() };
    // SAFETY: as above, and all threads are here.
    let tables = unsafe { job.shared_tables() };
    let thread = thread_idx_x();
    let done = exits::<Exit>();
    let votes = votes::<u32>();

    let place = scan.place(segments, group, thread as u32);
    let mut decoder = place.map(|place| Decoder::new(scan, tables, words, place, State::default()));
    let exit = decoder
        .as_mut()
        .map(Decoder::synchronize)
        .unwrap_or_default();
    if thread < 2 {
        // SAFETY: two numbers.
        unsafe { votes.add(thread).write(0) };
    }
    // SAFETY: each thread has its own exit; all are here.
    unsafe {
        done.add(thread).write(exit);
        barrier();
    }
    // The threads that have a subsequence are next to each other.
    let end = (scan.end_of(group) - scan.first_of(group) + WARM_UP) as usize;
    let mut goes_on = decoder.is_some();
    for round in 1..=ROUNDS {
        let target = thread + round as usize;
        goes_on = goes_on && target < end;
        if goes_on && let Some(decoder) = &mut decoder {
            goes_on = decoder.go_on();
            if goes_on {
                let exit = decoder.synchronize();
                // SAFETY: below `end`, and no other thread has this target in this round.
                unsafe {
                    goes_on = (*done.add(target)).state != exit.state;
                    done.add(target).write(exit);
                }
            }
        }
        let vote = (round & 1) as usize;
        // SAFETY: one of two numbers, of which the other one is being read by slower threads; all
        // threads are here, and see the same.
        let all_stop = unsafe {
            if goes_on {
                votes.add(vote).write_volatile(round);
            }
            barrier();
            votes.add(vote).read_volatile() != round
        };
        if all_stop {
            break;
        }
    }
    if goes_on {
        // SAFETY: as above.
        unsafe { job.mark(status::UNSYNCHRONIZED) };
    }
    // SAFETY: all threads are here. Only the group's own exits are written, below the scan's.
    unsafe {
        barrier();
        if thread >= WARM_UP as usize && thread < end {
            let number = scan.first_of(group) as usize + thread - WARM_UP as usize;
            (job.exits as *mut Exit)
                .add(number)
                .write(*done.add(thread));
        }
        barrier();
    }
    // SAFETY: below `THREADS`.
    let entry = unsafe { (*done.add(WARM_UP as usize - 1)).state };
    let start = Place::find(segments, scan.end_of(group) - 1)
        .map_or(0, |last| last.first.saturating_sub(scan.first_of(group)));
    // SAFETY: below `THREADS`; all threads are here.
    let total = unsafe {
        if thread < (WARM_UP + start) as usize || thread >= end {
            done.add(thread).write(Exit::default());
        }
        barrier();
        sum(done, thread, THREADS as usize)
    };
    if thread == 0 {
        let found = Found {
            entry,
            total,
            ..Found::default()
        };
        // SAFETY: one for each group.
        unsafe { (job.found as *mut Found).add(group as usize).write(found) };
    }
}

/// The sum of `count` exits. Their order is not that of the scan, so its state means nothing. All
/// threads call this, and get the same.
///
/// # Safety
///
/// `exits` are shared memory, `count` is at most that of the threads and they are all here.
#[inline(always)]
unsafe fn sum(exits: *mut Exit, thread: usize, count: usize) -> Exit {
    let mut half = count.next_power_of_two() / 2;
    while half > 0 {
        if thread < half && thread + half < count {
            // SAFETY: both are below `count`; the second is written by nobody now.
            unsafe {
                let both = (*exits.add(thread)).then(*exits.add(thread + half));
                exits.add(thread).write(both);
            }
        }
        // SAFETY: all threads are here.
        unsafe { barrier() };
        half /= 2;
    }
    // SAFETY: there is one; then all have read it.
    unsafe {
        let sum = *exits;
        barrier();
        sum
    }
}

/// Decodes each subsequence from the state behind the one before, and writes its coefficients.
/// Blocks of [`GROUP`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_write(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid.
    let ((job, group), scan) = unsafe {
        let job = job(jobs, count);
        (job, &job.0.scan)
    };
    // SAFETY: as above.
    let (words, segments) = unsafe { job.data() };
    // SAFETY: as above, and all threads are here.
    let tables = unsafe { job.shared_tables() };
    let thread = thread_idx_x();
    let sums = exits::<Exit>();
    let first = scan.first_of(group);
    let number = first + thread as u32;
    let all_exits = job.exits as *const Exit;
    let all_found = job.found as *const Found;

    // What was done in the groups before, if the first subsequence goes on from there.
    let mut carried = Exit::default();
    let start = Place::find(segments, first).map_or(first, |place| place.first);
    if start < first {
        let mut part = Exit::default();
        let mut before = scan.group_of(start) + thread as u32;
        while before < group {
            // SAFETY: below this group.
            part = part.then(unsafe { (*all_found.add(before as usize)).total });
            before += GROUP;
        }
        // SAFETY: each thread has its own; all threads are here, as `start` is the same for all.
        carried = unsafe {
            sums.add(thread).write(part);
            barrier();
            sum(sums, thread, GROUP as usize)
        };
    }

    // What was done in the group, up to and with each subsequence.
    let mut own = Exit::default();
    if number < scan.end_of(group) {
        // SAFETY: one of the scan's exits.
        own = unsafe { *all_exits.add(number as usize) };
    }
    // SAFETY: below `GROUP`; all threads are here.
    unsafe {
        sums.add(thread).write(own);
        barrier();
        let mut distance = 1;
        while distance < GROUP as usize {
            if thread >= distance {
                own = (*sums.add(thread - distance)).then(own);
            }
            barrier();
            sums.add(thread).write(own);
            barrier();
            distance *= 2;
        }
    }
    if number >= scan.end_of(group) {
        return;
    }
    let Some(place) = Place::find(segments, number) else {
        return;
    };
    let up_to = |subsequence: u32| match subsequence.checked_sub(first + 1) {
        // SAFETY: below this thread.
        Some(before) => unsafe { *sums.add(before as usize) },
        None => Exit::default(),
    };
    let mut before = up_to(number).since(up_to(place.first.max(first)));
    if place.first < first {
        before = carried.then(before);
    }
    let mut state = State::default();
    let mut wrong = 0;
    if !place.is_first() {
        // SAFETY: one of the scan's exits.
        state = unsafe { (*all_exits.add(number as usize - 1)).state };
        // SAFETY: this group's own.
        if thread == 0 && unsafe { (*all_found.add(group as usize)).entry } != state {
            wrong = status::UNSYNCHRONIZED;
        }
    }
    let coefficients = job.coefficients as *mut i16;
    let count = scan.picture.blocks() * BLOCK;
    let mut decoder = Decoder::new(scan, tables, words, place, state);
    wrong |= decoder.write(before, |at, value| {
        if at < count {
            // SAFETY: below the picture's coefficients.
            unsafe { coefficients.add(at).write(value) };
        }
    });
    // SAFETY: as above.
    unsafe { job.mark(wrong) };
}

/// Coefficients of a block, as memory is read.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Coefficients([i16; BLOCK]);

/// The index of this thread in the grid.
#[inline(always)]
fn index() -> usize {
    block_idx_x() * block_dim_x() + thread_idx_x()
}

/// Coefficients to samples; a thread has a block.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse(
    job: *const PictureJob,
    coefficients: *const Coefficients,
    samples: *mut [u8; 8],
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let block = index();
    if block >= job.picture.blocks() {
        return;
    }
    let mut number = 0;
    for (i, part) in job.picture.parts().iter().enumerate() {
        if block >= part.first_block as usize {
            number = i & 3;
        }
    }
    let part = &job.picture.component[number];
    let (blocks_x, at) = (part.blocks_x as usize, block - part.first_block as usize);
    let (row, column) = (at / blocks_x, at % blocks_x);
    // SAFETY: below the picture's blocks.
    let Coefficients(coefficients) = unsafe { coefficients.add(block).read() };
    let rows = inverse(&coefficients, &job.quantizers[number]);
    let first = part.first_block as usize * 8 + row * 8 * blocks_x + column;
    for (y, row) in rows.into_iter().enumerate() {
        // SAFETY: within the component's samples.
        unsafe { samples.add(first + y * blocks_x).write(row) };
    }
}

/// The pixel of this thread, and its number.
///
/// # Safety
///
/// `samples` are those of the job's picture.
#[inline(always)]
unsafe fn pixel(job: *const PictureJob, samples: *const u8) -> Option<(usize, Pixel)> {
    // SAFETY: the host passes a job.
    let picture = unsafe { &(*job).picture };
    let (i, width) = (index(), picture.width as usize);
    let (x, y) = (i % width, i / width);
    if y >= picture.height as usize {
        return None;
    }
    // SAFETY: what the caller promised.
    let samples = unsafe { slice::from_raw_parts(samples, picture.blocks() * BLOCK) };
    Some((i, Pixel::new(picture, samples, x as u32, y as u32)))
}

/// Samples to float pixels; a thread has a pixel.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_f32(
    job: *const PictureJob,
    samples: *const u8,
    pixels: *mut RgbaF32,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        if let Some((i, pixel)) = pixel(job, samples) {
            pixels.add(i).write(pixel.expand());
        }
    }
}

/// Samples to 8-bit pixels; a thread has a pixel.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_u8(
    job: *const PictureJob,
    samples: *const u8,
    pixels: *mut Rgba8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        if let Some((i, pixel)) = pixel(job, samples) {
            pixels.add(i).write(pixel.expand());
        }
    }
}

/// Samples to pixels in the file's layout; a thread has a pixel.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_bytes(
    job: *const PictureJob,
    samples: *const u8,
    pixels: *mut u8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        match pixel(job, samples) {
            Some((i, Pixel::L8(texel))) => pixels.cast::<L8>().add(i).write(texel),
            Some((i, Pixel::Rgb8(texel))) => pixels.cast::<Rgb8>().add(i).write(texel),
            Some((i, Pixel::Cmyk8(texel))) => pixels.cast::<Cmyk8>().add(i).write(texel),
            None => {}
        }
    }
}
