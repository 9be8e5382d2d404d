//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs); a launch has as many
//! blocks as all jobs have groups.

use super::{
    shared::barrier,
    thread::{block_dim_x, block_idx_x, thread_idx_x},
    warp,
};
use crate::{
    jpeg::{
        groups::{Found, GROUP, ROUNDS, THREADS, WARM_UP},
        huffman::Table,
        idct,
        jobs::{PictureJob, ScanJob, TABLES},
        picture::BLOCK,
        pixel::Pixel,
        scan::{Decoder, Exit, Place, SegmentAt, State, Together, status},
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

/// The threads of a warp.
#[derive(Clone, Copy)]
struct Warp;

impl Together for Warp {
    #[inline(always)]
    fn any(&self, is_active: bool) -> bool {
        // SAFETY: all threads of a block decode together.
        unsafe { warp::any(is_active) }
    }
}

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
    let mut goes_on = place.is_some();
    let place = place.unwrap_or_default();
    let mut decoder = Decoder::new(scan, tables, words, place, State::default());
    let exit = decoder.synchronize(goes_on, Warp);
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
    for round in 1..=ROUNDS {
        let target = thread + round as usize;
        goes_on = goes_on && target < end && decoder.go_on();
        let exit = decoder.synchronize(goes_on, Warp);
        if goes_on {
            // SAFETY: below `end`, and no other thread has this target in this round.
            unsafe {
                goes_on = (*done.add(target)).state != exit.state;
                done.add(target).write(exit);
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
    let place = Place::find(segments, number).filter(|_| number < scan.end_of(group));
    let is_active = place.is_some();
    let place = place.unwrap_or_default();
    let up_to = |subsequence: u32| match subsequence.checked_sub(first + 1) {
        // SAFETY: below this thread.
        Some(before) => unsafe { *sums.add(before as usize) },
        None => Exit::default(),
    };
    let mut before = Exit::default();
    if is_active {
        before = up_to(number).since(up_to(place.first.max(first)));
        if place.first < first {
            before = carried.then(before);
        }
    }
    let mut state = State::default();
    let mut wrong = 0;
    if is_active && !place.is_first() {
        // SAFETY: one of the scan's exits.
        state = unsafe { (*all_exits.add(number as usize - 1)).state };
        // SAFETY: this group's own.
        if thread == 0 && unsafe { (*all_found.add(group as usize)).entry } != state {
            wrong = status::UNSYNCHRONIZED;
        }
    }
    let coefficients = job.coefficients as *mut i16;
    let count = scan.blocks as usize * BLOCK;
    let mut decoder = Decoder::new(scan, tables, words, place, state);
    wrong |= decoder.write(is_active, Warp, before, |at, value| {
        if at < count {
            // SAFETY: below the picture's coefficients.
            unsafe { coefficients.add(at).write(value) };
        }
    });
    // SAFETY: as above.
    unsafe { job.mark(wrong) };
}

shared_memory! {
    /// For each warp, four blocks of numbers, in rows of nine words.
    blocks: 4608
}

/// Threads of a block whose threads each have a part of a block or a few pixels.
const SMALL: usize = 128;

const _: () = assert!(SMALL / 8 * 8 * 9 * 4 == 4608);

/// Coefficients of a row of a block, as memory is read.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Row([i16; 8]);

/// As a [`Row`].
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Divisors([u16; 8]);

/// Samples of a row of a block, as memory is written.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Samples([u8; 8]);

/// Coefficients to samples. Eight threads have a block: each reads a row, transforms a column,
/// then a row. Blocks of [`SMALL`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse(
    job: *const PictureJob,
    coefficients: *const Row,
    samples: *mut Samples,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let thread = thread_idx_x();
    let i = block_idx_x() * SMALL + thread;
    let (block, lane) = ((i / 8) as u32, i % 8);
    let [a, b, c, d] = &job.picture.component;
    let count = job.picture.components;
    let (mut part, mut number) = (a, 0);
    for (next, of) in [(b, 1), (c, 2), (d, 3)] {
        if of < count && block >= next.first_block {
            (part, number) = (next, of as usize);
        }
    }
    let at = block - part.first_block;
    let (row, column) = (at / part.blocks_x, at % part.blocks_x);
    let is_inside = row < part.blocks_y;

    let numbers = blocks::<i32>();
    // SAFETY: each thread has its own block's 72 words of shared memory, and a warp has whole
    // blocks; what is read and written of the picture is inside.
    unsafe {
        let numbers = numbers.add(thread / 8 * 72);
        if is_inside {
            let Row(row) = coefficients.add(i).read();
            let divisors = (&raw const job.quantizers).cast::<Divisors>();
            let Divisors(divisors) = divisors.add(number * 8 + lane).read();
            for x in 0..8 {
                let number = i32::from(row[x]).wrapping_mul(i32::from(divisors[x]));
                numbers.add(lane * 9 + x).write(number);
            }
        }
        warp::sync();
        let of_column = |y: usize| numbers.add(y * 9 + lane);
        let column_numbers = idct::first([
            of_column(0).read(),
            of_column(1).read(),
            of_column(2).read(),
            of_column(3).read(),
            of_column(4).read(),
            of_column(5).read(),
            of_column(6).read(),
            of_column(7).read(),
        ]);
        for y in 0..8 {
            of_column(y).write(column_numbers[y]);
        }
        warp::sync();
        let of_row = |x: usize| numbers.add(lane * 9 + x).read();
        if is_inside {
            let row_samples = idct::second([
                of_row(0),
                of_row(1),
                of_row(2),
                of_row(3),
                of_row(4),
                of_row(5),
                of_row(6),
                of_row(7),
            ]);
            let line = row as usize * 8 + lane;
            let at = part.first_block as usize * 8 + line * part.blocks_x as usize;
            samples
                .add(at + column as usize)
                .write(Samples(row_samples.map(idct::byte)));
        }
    }
}

/// Calls `store` with this thread's pixels and their numbers.
///
/// # Safety
///
/// `samples` are those of the job's picture.
#[inline(always)]
unsafe fn pixels(job: *const PictureJob, samples: *const u8, store: impl Fn(usize, Pixel)) {
    // SAFETY: the host passes a job.
    let picture = unsafe { &(*job).picture };
    // SAFETY: what the caller promised.
    let samples = unsafe { slice::from_raw_parts(samples, picture.blocks() * BLOCK) };
    let width = picture.width;
    // A warp has two times 32 pixels of a row.
    let strips = width.div_ceil(64);
    let warps = (block_idx_x() * SMALL + thread_idx_x()) as u32 / 32;
    let (y, strip) = (warps / strips, warps % strips);
    let lane = thread_idx_x() as u32 % 32;
    if y >= picture.height {
        return;
    }
    for half in 0..2 {
        let x = strip * 64 + half * 32 + lane;
        if x < width {
            let pixel = Pixel::new(picture, samples, x, y);
            store(y as usize * width as usize + x as usize, pixel);
        }
    }
}

/// Samples to float pixels. Blocks of [`SMALL`]; a warp for each 64 pixels of a row.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_f32(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut RgbaF32,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe { pixels(job, samples, |i, pixel| to.add(i).write(pixel.expand())) }
}

/// Samples to 8-bit pixels, likewise.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_u8(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut Rgba8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe { pixels(job, samples, |i, pixel| to.add(i).write(pixel.expand())) }
}

/// Samples to pixels in the file's layout, likewise.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_bytes(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut u8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        pixels(job, samples, |i, pixel| match pixel {
            Pixel::L8(texel) => to.cast::<L8>().add(i).write(texel),
            Pixel::Rgb8(texel) => to.cast::<Rgb8>().add(i).write(texel),
            Pixel::Cmyk8(texel) => to.cast::<Cmyk8>().add(i).write(texel),
        });
    }
}
