//! The kernels of JPEG. What each is told is in [`jobs`](crate::jpeg::jobs); a launch has as many
//! blocks as all jobs have groups.

use super::{
    shared::{self, barrier},
    thread::{block_dim_x, block_idx_x, block_idx_y, thread_idx_x},
    warp,
};
use crate::{
    jpeg::{
        bits::Words,
        groups::{Found, Owner, THREADS},
        huffman::{Entry, Table, Tables},
        idct,
        jobs::{PictureJob, ScanJob, Sums, TABLES},
        picture::{BLOCK, Color},
        pixel,
        scan::{Dc, Decoder, Exit, Scan, Segment, State, Together, status},
        upsample::Samples,
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
    /// Numbers of a block's threads.
    numbers: 2048
}
shared_memory! {
    /// Two numbers.
    votes: 8
}
shared_memory! {
    /// The scan of a block.
    scan_here: 192
}

const _: () = {
    assert!(THREADS as usize * 8 == 2048);
    assert!(size_of::<Exit>() == 8 && size_of::<Dc>() == 8);
    assert!(size_of::<Scan>() == 192);
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

/// Huffman tables in shared memory.
#[derive(Clone, Copy)]
struct SharedTables<'a> {
    tables: &'a [Table],
    /// The address of the first one in shared memory.
    address: u32,
}

impl Tables for SharedTables<'_> {
    #[inline(always)]
    fn look_up(self, table: u8, bits: u32) -> Entry {
        let table = usize::from(table).min(TABLES - 1);
        let place = table * size_of::<Table>() + 4 * Table::place(bits);
        // SAFETY: a plan's tables are there; and so is the memory for as many as there can be,
        // by the launch.
        let first = unsafe { shared::load_u32(self.address + place as u32) };
        match Entry::from_first(first) {
            Some(entry) => entry,
            None => match self.tables.get(table) {
                Some(table) => table.look_up_long(bits),
                None => Entry::NONE,
            },
        }
    }
}

/// Data in device memory, of one word at least.
#[derive(Clone, Copy)]
struct DeviceWords {
    words: *const u32,
    last: u32,
}

impl Words for DeviceWords {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        // SAFETY: at most the last one.
        unsafe { *self.words.add(number.min(self.last) as usize) }
    }
}

/// What a block needs of a job.
struct Here<'a> {
    job: &'a ScanJob,
    scan: &'a Scan,
    tables: SharedTables<'a>,
    words: DeviceWords,
    segments: &'a [Segment],
    group: u32,
}

/// Copies `bytes` bytes, a multiple of 16, to shared memory. All threads of a block call this.
///
/// # Safety
///
/// Both are valid for that many bytes, and aligned to 16.
#[inline(always)]
unsafe fn share(from: *const u8, to: *mut u8, bytes: usize) {
    #[derive(Clone, Copy)]
    #[repr(C, align(16))]
    struct Quad([u32; 4]);
    let (from, to) = (from.cast::<Quad>(), to.cast::<Quad>());
    let mut i = thread_idx_x();
    while i < bytes / 16 {
        // SAFETY: within both.
        unsafe { to.add(i).write(from.add(i).read()) };
        i += block_dim_x();
    }
}

/// What this block works on. All threads of the block call this. The launch has shared memory for
/// as many tables as any job has.
///
/// # Safety
///
/// `jobs` are `count` jobs, at least one, in the order of their first groups, whose addresses are
/// valid.
#[inline(always)]
unsafe fn here<'a>(jobs: *const ScanJob, count: u32) -> Here<'a> {
    // SAFETY: what the caller promised. Shared memory is written before the barrier only.
    unsafe {
        let (job, group) = job(jobs, count);
        let table_count = (job.table_count as usize).min(TABLES);
        let (tables, scan) = (shared::dynamic::<Table>(), scan_here::<Scan>());
        share(
            job.tables as *const u8,
            tables.cast(),
            table_count * size_of::<Table>(),
        );
        share((&raw const job.scan).cast(), scan.cast(), size_of::<Scan>());
        barrier();
        let scan = &*scan;
        Here {
            job,
            scan,
            tables: SharedTables {
                tables: slice::from_raw_parts(tables, table_count),
                address: shared::dynamic_address(),
            },
            words: DeviceWords {
                words: job.words as *const u32,
                last: job.last_word,
            },
            segments: slice::from_raw_parts(job.segments as *const Segment, scan.segments as usize),
            group,
        }
    }
}

impl Here<'_> {
    /// Notes what is wrong.
    fn mark(&self, wrong: u32) {
        if wrong != 0 {
            // SAFETY: aligned, and only ever accessed so while kernels run.
            let status = unsafe { AtomicU32::from_ptr(self.job.status as *mut u32) };
            status.fetch_or(wrong, Ordering::Relaxed);
        }
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
    let done = numbers::<Exit>();
    let votes = votes::<u32>();

    let place = scan.place(segments, group, thread as u32);
    let mut goes_on = place.is_some();
    let place = place.unwrap_or_default();
    let mut decoder = Decoder::new(scan, here.tables, here.words, place, State::default());
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
    let warm_up = scan.warm_up() as usize;
    let own = (scan.end_of(group) - scan.first_of(group)) as usize;
    let end = warm_up + own;
    for round in 1..=scan.rounds() {
        let target = thread + round as usize;
        // Without a branch: LLVM would make two calls of the next one.
        goes_on &= (target < end) & decoder.go_on();
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
                units = exit.units;
            }
        }
        let entry = (*done.add(warm_up - 1)).state;
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
    let units = unsafe { sums(own.units, thread, |a, b| a + b) };
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
        state = unsafe { (*exits.add(number as usize - 1)).state };
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
    let (dc, bad) = decoder.write(is_active, Warp, done, begin, put);
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
struct SampleRow([u8; 8]);

/// What is to be added to the first coefficient of a block.
///
/// # Safety
///
/// `job` is valid, and `block` one of component `number`.
#[inline(always)]
unsafe fn dc_before(job: &PictureJob, block: u32, number: usize) -> i16 {
    let Sums { sums, found, group } = job.sums[number];
    if sums == 0 {
        return 0;
    }
    // SAFETY: what the caller promised; the kernel that wrote the owners knew the scan.
    unsafe {
        let owner = *(job.owners as *const Owner).add(block as usize);
        let subsequence = owner.subsequence();
        let mut sum = *(sums as *const Dc).add(subsequence as usize);
        if owner.is_carried() {
            let group = subsequence / group as u32;
            sum = sum.plus((*(found as *const Found).add(group as usize)).carried);
        }
        sum.get(number as u8)
    }
}

/// Coefficients to samples. Eight threads have a block: each reads a row, transforms a column,
/// then a row. Blocks of [`SMALL`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse(
    job: *const PictureJob,
    coefficients: *const Row,
    samples: *mut SampleRow,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let thread = thread_idx_x();
    let i = block_idx_x() * SMALL + thread;
    let (block, lane) = ((i / 8) as u32, i % 8);
    let count = job.picture.components;
    let begins = |of: usize| {
        u32::from((of as u32) < count && block >= job.picture.component[of].first_block)
    };
    let number = (begins(1) + begins(2) + begins(3)) as usize;
    let part = &job.picture.component[number & 3];
    let at = block - part.first_block;
    let (row, column) = (at / part.blocks_x, at % part.blocks_x);
    let is_inside = row < part.blocks_y;

    let numbers = blocks::<i32>();
    // SAFETY: each thread has its own block's 72 words of shared memory, and a warp has whole
    // blocks; what is read and written of the picture is inside.
    unsafe {
        let numbers = numbers.add(thread / 8 * 72);
        if is_inside {
            let Row(mut row) = coefficients.add(i).read();
            if lane == 0 {
                row[0] = row[0].wrapping_add(dc_before(job, block, number));
            }
            let divisors = (&raw const job.quantizers).cast::<Divisors>();
            let Divisors(divisors) = divisors.add(number * 8 + lane).read();
            let put = |x: usize| {
                let number = i32::from(row[x]).wrapping_mul(i32::from(divisors[x]));
                numbers.add(lane * 9 + x).write(number);
            };
            put(0);
            put(1);
            put(2);
            put(3);
            put(4);
            put(5);
            put(6);
            put(7);
        }
        warp::sync();
        let of_column = |y: usize| numbers.add(y * 9 + lane);
        let [a, b, c, d, e, f, g, h] = idct::first([
            of_column(0).read(),
            of_column(1).read(),
            of_column(2).read(),
            of_column(3).read(),
            of_column(4).read(),
            of_column(5).read(),
            of_column(6).read(),
            of_column(7).read(),
        ]);
        of_column(0).write(a);
        of_column(1).write(b);
        of_column(2).write(c);
        of_column(3).write(d);
        of_column(4).write(e);
        of_column(5).write(f);
        of_column(6).write(g);
        of_column(7).write(h);
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
                .write(SampleRow(idct::bytes_of_row(row_samples)));
        }
    }
}

/// The samples of a picture in device memory.
#[derive(Clone, Copy)]
struct DeviceSamples(*const u8);

impl Samples for DeviceSamples {
    #[inline(always)]
    fn sample(self, place: usize) -> u8 {
        // SAFETY: only those that belong to a component of the picture are read.
        unsafe { *self.0.add(place) }
    }
}

/// Calls `store` with this thread's pixels and their numbers. Blocks of [`SMALL`], a row of them
/// for each row of pixels; a warp has 64 pixels.
///
/// # Safety
///
/// `samples` are those of the job's picture. All threads of the block are here.
#[inline(always)]
unsafe fn pixels(job: *const PictureJob, samples: *const u8, store: impl Fn(usize, Color, u32)) {
    // SAFETY: the host passes a job.
    let picture = unsafe { &(*job).picture };
    let y = block_idx_y();
    let pair = (block_idx_x() * SMALL + thread_idx_x()) as u32;
    let [even, odd] = pixel::pair(picture, DeviceSamples(samples), pair, y as u32);
    // What a warp stores at once should be next to each other.
    let lane = pair % 32;
    let of_pair = |even: u32, odd: u32| if lane % 2 == 0 { even } else { odd };
    for half in 0..2 {
        let from = half * 16 + lane / 2;
        // SAFETY: all threads are here.
        let pixel = unsafe { of_pair(warp::shuffle(even, from), warp::shuffle(odd, from)) };
        let x = (pair - lane) * 2 + half * 32 + lane;
        if x < picture.width {
            let i = y * picture.width as usize + x as usize;
            store(i, picture.color(), pixel);
        }
    }
}

/// Samples to float pixels.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_f32(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut RgbaF32,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        pixels(job, samples, |i, color, pixel| {
            to.add(i).write(pixel::expand(color, pixel));
        });
    }
}

/// Samples to 8-bit pixels.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_u8(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut Rgba8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        pixels(job, samples, |i, color, pixel| {
            to.add(i).write(pixel::expand(color, pixel));
        });
    }
}

/// Samples to pixels in the file's layout.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_bytes(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut u8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        pixels(job, samples, |i, color, pixel| {
            let [a, b, c, d] = pixel.to_le_bytes();
            match color {
                Color::Gray => to.cast::<L8>().add(i).write(L8([a])),
                Color::Rgb | Color::Ycc => to.cast::<Rgb8>().add(i).write(Rgb8([a, b, c])),
                _ => to.cast::<Cmyk8>().add(i).write(Cmyk8([a, b, c, d])),
            }
        });
    }
}
