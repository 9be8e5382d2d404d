//! Both passes in one kernel, for pictures that become smaller. A block makes a strip of the result. Its
//! threads go down through the source, each through a column. A pixel is loaded once, and added to the sums
//! of all rows of the result that it counts for. A sum that is complete goes to shared memory. After a few
//! of them, a batch, the block sums along these rows.
//!
//! Sums that a row of the source does not count for get it with a weight of 0.0. That changes no sum, unless a
//! pixel is infinite or no number. Then the sum is no number, which is noted when it is complete. Before the
//! second pass it is made again, of its own rows only.

use super::{
    resample::Table,
    shared::{self, barrier, load_quad, store_quad},
    tensor::put,
    thread,
};
use crate::{
    jpeg::jobs::job_of_block,
    pixel::RgbaF32,
    resample::{
        Input, Pass, STRIP_THREADS, StripJob, accumulate, strip_batch, strip_rows, strip_words,
        weighted_sum,
    },
    shared_memory,
};

/// Bytes of a pixel.
const QUAD: u32 = 16;

/// Bytes of a row in shared memory.
const LINE: u32 = STRIP_THREADS * QUAD;

shared_memory! {
    /// The rows of a batch.
    shared_lines: 32768
}

const _: () = assert!(strip_batch(8) * LINE == 32_768);

const NOTHING: RgbaF32 = RgbaF32([0.0; 4]);

/// What becomes of a pixel before it is summed. The compiler knows it for two of them.
const STRAIGHT: u32 = Input::Straight as u32;
const OPAQUE: u32 = Input::Opaque as u32;
const ANY: u32 = u32::MAX;

/// Four numbers in device memory that no thread writes. The pointer's kind of memory is known then, which it
/// is not of an address in a job.
///
/// # Safety
///
/// `from` is valid for them, and a multiple of 16.
#[inline(always)]
unsafe fn read_quad<T>(from: *const T) -> [f32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.nc.v4.f32 {{{a}, {b}, {c}, {d}}}, [{from}];",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            from = in(reg64) from,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// As [`read_quad`], of what no thread reads again soon.
///
/// # Safety
///
/// As [`read_quad`].
#[inline(always)]
unsafe fn read_once<T>(from: *const T) -> [f32; 4] {
    let (a, b, c, d);
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "ld.global.cg.v4.f32 {{{a}, {b}, {c}, {d}}}, [{from}];",
            a = out(reg32) a,
            b = out(reg32) b,
            c = out(reg32) c,
            d = out(reg32) d,
            from = in(reg64) from,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// Rows between a pixel that is loaded and one that is brought nearer: of the distances 2 to 16 this was the
/// fastest.
const AHEAD: u32 = 4;

/// Brings memory into the cache that all threads share.
///
/// # Safety
///
/// It is the source's memory.
#[inline(always)]
unsafe fn ask_for<T>(address: *const T) {
    // SAFETY: what the caller promised.
    unsafe {
        core::arch::asm!(
            "prefetch.global.L2 [{address}];",
            address = in(reg64) address,
            options(nostack, preserves_flags),
        );
    }
}

/// Where a column of the strip is in a row in shared memory, in bytes: pixels that are two or four columns
/// apart are in different banks.
#[inline(always)]
fn place(column: u32) -> u32 {
    (column ^ (column >> 3 & 7)) * QUAD
}

/// What all threads of a block work on.
#[derive(Clone, Copy)]
struct Strip<'a> {
    job: &'a StripJob,
    /// The columns of the result.
    left: u32,
    right: u32,
    /// The rows of the result.
    top: u32,
    below: u32,
    /// The first column of the source.
    start: u32,
    lines: u32,
}

/// The way of a thread through its column.
struct Walk {
    /// The column, and the pixel of `row`, which is loaded next.
    column: *const RgbaF32,
    next: *const RgbaF32,
    row: u32,
    /// The weights of the row.
    weights: *const f32,
    /// The sum of position `p` is number `p` modulo the number of sums.
    sums: [RgbaF32; 8],
    /// The position whose rows come next, and their end.
    position: u32,
    end: u32,
    /// A bit for each row of the batch that is no number.
    no_numbers: u32,
}

impl<'a> Strip<'a> {
    /// The strip that block `number` of a job makes.
    ///
    /// # Safety
    ///
    /// The addresses of the job are those of what it says.
    #[inline(always)]
    unsafe fn new(job: &'a StripJob, number: u32) -> Self {
        let strips = job.across();
        let left = number % strips * job.columns;
        let top = number / strips * job.rows;
        let strip = Self {
            job,
            left,
            right: (left + job.columns).min(job.last.width),
            top,
            below: (top + job.rows).min(job.last.height),
            start: 0,
            lines: shared::address(shared_lines::<u8>()),
        };
        // SAFETY: one of the result's columns.
        let start = unsafe { strip.across().window(left as usize) }.0;
        Self { start, ..strip }
    }

    #[inline(always)]
    fn down(self) -> Table {
        Table {
            words: self.job.down as *const u32,
            positions: self.job.last.height as usize,
        }
    }

    #[inline(always)]
    fn across(self) -> Table {
        Table {
            words: self.job.across as *const u32,
            positions: self.job.last.width as usize,
        }
    }

    /// The row of the source at which a row of the result is complete. Below the result it is that of the
    /// last one.
    ///
    /// # Safety
    ///
    /// The job is right.
    #[inline(always)]
    unsafe fn end_of(self, position: u32) -> u32 {
        let position = position.min(self.job.last.height - 1) as usize;
        // SAFETY: one of the result's rows.
        unsafe { (self.job.by_row as *const u32).add(position).read() }
    }

    /// The walk of this thread from the first row of the source on. Threads without a column of their own do
    /// what the last one does.
    ///
    /// # Safety
    ///
    /// The job is right.
    #[inline(always)]
    unsafe fn walk<const SUMS: u32>(self) -> Walk {
        // SAFETY: the result has these columns and rows, and the source the pixel.
        unsafe {
            let (last, count) = self.across().window(self.right as usize - 1);
            let row = self.down().window(self.top as usize).0;
            let mut position = self.top;
            while position > 0 && self.end_of(position - 1) > row {
                position -= 1;
            }
            position -= position % SUMS;
            let column = (self.start + thread::thread_idx_x() as u32).min(last + count - 1);
            let column = (self.job.src as *const RgbaF32).add(column as usize);
            let rows = strip_rows(self.job.last.height) + strip_words(SUMS) * row;
            Walk {
                column,
                next: column.add(row as usize * self.job.first.pitch as usize),
                row,
                weights: (self.job.by_row as *const u32).add(rows as usize).cast(),
                sums: [NOTHING; 8],
                position,
                end: self.end_of(position),
                no_numbers: 0,
            }
        }
    }

    /// A pixel of the source as it is summed.
    #[inline(always)]
    fn enter<const INPUT: u32>(self, pixel: RgbaF32) -> RgbaF32 {
        let first = self.job.first;
        let input = if INPUT == ANY { first.input } else { INPUT };
        Pass { input, ..first }.enter(pixel)
    }

    /// Loads the next pixel, and asks for one further down.
    ///
    /// # Safety
    ///
    /// The walk is the thread's, and the source has both, and the pixel below.
    #[inline(always)]
    unsafe fn next(self, walk: &mut Walk) -> RgbaF32 {
        let (next, pitch) = (walk.next, self.job.first.pitch as usize);
        walk.next = next.wrapping_add(pitch);
        // SAFETY: what the caller promised.
        unsafe {
            ask_for(next.wrapping_add(AHEAD as usize * pitch));
            RgbaF32(read_once(next))
        }
    }

    /// Loads the next pixel. Below the source there are more of the last row.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    unsafe fn next_or_last(self, walk: &mut Walk) -> RgbaF32 {
        let next = walk.next;
        if walk.row + 1 < self.job.end_row {
            walk.next = next.wrapping_add(self.job.first.pitch as usize);
        }
        // SAFETY: what the caller promised.
        RgbaF32(unsafe { read_once(next) })
    }

    /// Adds a pixel to all sums.
    ///
    /// # Safety
    ///
    /// The walk is the thread's, and the pixel is that of its row.
    #[inline(always)]
    unsafe fn add<const SUMS: u32, const INPUT: u32>(self, walk: &mut Walk, pixel: RgbaF32) {
        // SAFETY: there are weights for all rows.
        let ([a, b, c, d], [e, f, g, h]) = unsafe {
            let first = read_quad(walk.weights);
            let second = match strip_words(SUMS) {
                8 => read_quad(walk.weights.wrapping_add(4)),
                _ => first,
            };
            (first, second)
        };
        walk.weights = walk.weights.wrapping_add(strip_words(SUMS) as usize);
        walk.row += 1;
        let pixel = self.enter::<INPUT>(pixel);
        let sums = &mut walk.sums;
        sums[0] = accumulate(sums[0], a, pixel);
        sums[1] = accumulate(sums[1], b, pixel);
        sums[2] = accumulate(sums[2], c, pixel);
        if SUMS > 3 {
            sums[3] = accumulate(sums[3], d, pixel);
            sums[4] = accumulate(sums[4], e, pixel);
            sums[5] = accumulate(sums[5], f, pixel);
        }
        if SUMS > 6 {
            sums[6] = accumulate(sums[6], g, pixel);
            sums[7] = accumulate(sums[7], h, pixel);
        }
    }

    /// Goes down to the end of the walk's position, whose number in the batch is `NUMBER`.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    unsafe fn go<const SUMS: u32, const INPUT: u32, const NUMBER: u32>(self, walk: &mut Walk) {
        let end = walk.end;
        walk.position += 1;
        // SAFETY: the job is right.
        walk.end = unsafe { self.end_of(walk.position) };
        if end + AHEAD <= self.job.end_row {
            // Two pixels at a time: their loads run together.
            while walk.row + 1 < end {
                // SAFETY: the source has the rows, and those that are asked for.
                unsafe {
                    let (first, second) = (self.next(walk), self.next(walk));
                    self.add::<SUMS, INPUT>(walk, first);
                    self.add::<SUMS, INPUT>(walk, second);
                }
            }
        }
        while walk.row < end {
            // SAFETY: the walk is the thread's.
            unsafe {
                let pixel = self.next_or_last(walk);
                self.add::<SUMS, INPUT>(walk, pixel);
            }
        }
        let sum = &mut walk.sums[(NUMBER % SUMS) as usize];
        let RgbaF32([r, g, b, a]) = *sum;
        walk.no_numbers |= u32::from((r + g + b + a).is_nan()) << NUMBER;
        // SAFETY: one of the batch's rows.
        unsafe { self.put(NUMBER, *sum) };
        *sum = NOTHING;
    }

    /// Makes a batch of rows.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    unsafe fn go_on<const SUMS: u32, const INPUT: u32>(self, walk: &mut Walk) {
        walk.no_numbers = 0;
        // SAFETY: what the caller promised.
        unsafe {
            self.go::<SUMS, INPUT, 0>(walk);
            self.go::<SUMS, INPUT, 1>(walk);
            self.go::<SUMS, INPUT, 2>(walk);
            self.go::<SUMS, INPUT, 3>(walk);
            self.go::<SUMS, INPUT, 4>(walk);
            self.go::<SUMS, INPUT, 5>(walk);
            if strip_batch(SUMS) > 6 {
                self.go::<SUMS, INPUT, 6>(walk);
                self.go::<SUMS, INPUT, 7>(walk);
            }
        }
    }

    /// Writes the thread's pixel of a row of the batch.
    ///
    /// # Safety
    ///
    /// The batch has the row.
    #[inline(always)]
    unsafe fn put(self, row: u32, RgbaF32(pixel): RgbaF32) {
        let to = self.lines + row * LINE + place(thread::thread_idx_x() as u32);
        // SAFETY: what the caller promised.
        unsafe { store_quad(to, pixel.map(f32::to_bits)) };
    }

    /// Makes the thread's sums again that are no numbers, each of its own rows of the source only. The batch
    /// begins at row `y` of the result.
    ///
    /// # Safety
    ///
    /// The walk is the thread's.
    #[inline(always)]
    unsafe fn make_again<const SUMS: u32>(self, walk: &Walk, y: u32) {
        let pitch = self.job.first.pitch as usize;
        let mut row = 0;
        while row < strip_batch(SUMS) && y + row < self.below {
            if walk.no_numbers >> row & 1 != 0 {
                let position = (y + row) as usize;
                // SAFETY: the result has the row, `k` is below the count, and a window is within the source.
                unsafe {
                    let (start, count) = self.down().window(position);
                    let sum = weighted_sum(
                        count,
                        |k| self.down().weight(position, k),
                        |k| walk.column.add((start + k) as usize * pitch).read(),
                        |pixel| self.job.first.enter(pixel),
                    );
                    self.put(row, sum);
                }
            }
            row += 1;
        }
    }

    /// Sums along the rows of a batch, which begins at row `y` of the result, and calls `store` with their
    /// pixels.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn sum_across<const SUMS: u32>(self, y: u32, store: &impl Fn(usize, usize, RgbaF32)) {
        // SAFETY: what the caller promised.
        unsafe { barrier() };
        // Each half of the block takes half of the rows.
        let rows = strip_batch(SUMS) / 2;
        let thread = thread::thread_idx_x() as u32;
        let row = thread / (STRIP_THREADS / 2) * rows;
        let lines = self.lines + row * LINE;
        let mut x = self.left + thread % (STRIP_THREADS / 2);
        while x < self.right {
            // SAFETY: one of the result's columns.
            let (first, mut count) = unsafe { self.across().window(x as usize) };
            let mut column = first - self.start;
            let at = x * self.job.column_words;
            let mut weights = (self.job.by_column as *const f32).wrapping_add(at as usize);
            let mut sums = [NOTHING; 4];
            let mut tap = |weight: f32| {
                let from = lines + place(column);
                // SAFETY: the rows have the column.
                let pixel =
                    |row: u32| unsafe { RgbaF32(load_quad(from + row * LINE).map(f32::from_bits)) };
                sums[0] = accumulate(sums[0], weight, pixel(0));
                sums[1] = accumulate(sums[1], weight, pixel(1));
                sums[2] = accumulate(sums[2], weight, pixel(2));
                if rows > 3 {
                    sums[3] = accumulate(sums[3], weight, pixel(3));
                }
                column += 1;
            };
            while count > 0 {
                // SAFETY: the weights of a position are a multiple of four.
                let [a, b, c, d] = unsafe { read_quad(weights) };
                weights = weights.wrapping_add(4);
                tap(a);
                if count > 1 {
                    tap(b);
                }
                if count > 2 {
                    tap(c);
                }
                if count > 3 {
                    tap(d);
                }
                count = count.saturating_sub(4);
            }
            let put = |number: u32, sum: RgbaF32| {
                let y = y + row + number;
                if y < self.below {
                    store(x as usize, y as usize, self.job.last.leave(sum));
                }
            };
            put(0, sums[0]);
            put(1, sums[1]);
            put(2, sums[2]);
            if rows > 3 {
                put(3, sums[3]);
            }
            x += STRIP_THREADS / 2;
        }
        // SAFETY: what the caller promised.
        unsafe { barrier() };
    }

    /// Makes the strip, and calls `store` for each pixel of it.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and there are [`STRIP_THREADS`] of them. No row of the source
    /// counts for more than `SUMS` rows of the result, and the strip begins at a multiple of a batch.
    #[inline(always)]
    unsafe fn make<const SUMS: u32, const INPUT: u32>(self, store: impl Fn(usize, usize, RgbaF32)) {
        // SAFETY: what the caller promised. All threads have the same rows.
        unsafe {
            let mut walk = self.walk::<SUMS>();
            // Rows of the strip above count for the first ones here too, with other sums.
            while walk.position < self.top {
                walk.no_numbers = 0;
                self.go::<SUMS, INPUT, 0>(&mut walk);
                self.go::<SUMS, INPUT, 1>(&mut walk);
                self.go::<SUMS, INPUT, 2>(&mut walk);
                if SUMS > 3 {
                    self.go::<SUMS, INPUT, 3>(&mut walk);
                    self.go::<SUMS, INPUT, 4>(&mut walk);
                    self.go::<SUMS, INPUT, 5>(&mut walk);
                }
                if SUMS > 6 {
                    self.go::<SUMS, INPUT, 6>(&mut walk);
                    self.go::<SUMS, INPUT, 7>(&mut walk);
                }
            }
            let mut y = self.top;
            while y < self.below {
                self.go_on::<SUMS, INPUT>(&mut walk);
                if walk.no_numbers != 0 {
                    self.make_again::<SUMS>(&walk, y);
                }
                self.sum_across::<SUMS>(y, &store);
                y += strip_batch(SUMS);
            }
        }
    }
}

/// A strip of a picture.
///
/// # Safety
///
/// As [`Strip::make`], and the job is right. Its pixels are straight.
#[inline(always)]
unsafe fn to_picture<const SUMS: u32>(job: &StripJob) {
    let dst = job.dst as *mut RgbaF32;
    // SAFETY: what the caller promised.
    unsafe {
        Strip::new(job, thread::block_idx_x() as u32).make::<SUMS, STRAIGHT>(|x, y, pixel| {
            dst.add(y * job.last.width as usize + x).write(pixel);
        });
    }
}

/// A strip of a picture of a tensor. `number` is the block's among those of the job.
///
/// # Safety
///
/// As [`Strip::make`], and the job is right.
#[inline(always)]
unsafe fn to_tensor<const SUMS: u32>(job: &StripJob, number: u32) {
    let (dst, spec) = (job.dst as *mut u8, &job.spec);
    // SAFETY: what the caller promised; the result is the inner part of the tensor.
    unsafe {
        let strip = Strip::new(job, number);
        let store = |x: usize, y: usize, pixel: RgbaF32| {
            let (column, row) = (spec.left as usize + x, spec.top as usize + y);
            put(spec, dst, row * spec.width as usize + column, pixel);
        };
        if job.first.input == OPAQUE {
            strip.make::<SUMS, OPAQUE>(store);
        } else {
            strip.make::<SUMS, ANY>(store);
        }
    }
}

macro_rules! strips {
    ($($picture:ident, $tensor:ident, $tensors:ident: $sums:literal;)*) => {$(
        /// Both passes, to a picture.
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $picture(job: StripJob) {
            // SAFETY: the host passes a job, and launches as many threads.
            unsafe { to_picture::<$sums>(&job) }
        }

        /// Both passes, to a tensor.
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $tensor(job: StripJob) {
            // SAFETY: as above.
            unsafe { to_tensor::<$sums>(&job, thread::block_idx_x() as u32) }
        }

        /// Both passes of many pictures, to a tensor.
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $tensors(jobs: *const StripJob, count: u32) {
            let block = thread::block_idx_x() as u32;
            // SAFETY: the host passes jobs, and launches as many threads.
            unsafe {
                let number = job_of_block(count, block, |number| (*jobs.add(number)).first_block);
                let job = &*jobs.add(number);
                to_tensor::<$sums>(job, block - job.first_block);
            }
        }
    )*};
}

strips! {
    strip_3, tensor_strip_3, tensor_strips_3: 3;
    strip_6, tensor_strip_6, tensor_strips_6: 6;
    strip_8, tensor_strip_8, tensor_strips_8: 8;
}
