//! Both passes in one kernel, for pictures that become smaller. A block makes a strip of the result. Its
//! threads go down through the source, each through a column. A pixel is loaded once, and added to the sums
//! of all rows of the result that it counts for. A sum that is complete goes to shared memory. After a few
//! of them, a batch, the block sums along these rows. Where a strip would load many columns that others load
//! too, it makes the first pass alone, and another kernel the second one.
//!
//! Sums that a row of the source does not count for get it with a weight of 0.0. That changes no sum, unless a
//! pixel is infinite or no number. Then the sum is no number, which is noted when it is complete. Before the
//! second pass it is made again, of its own rows only.

mod across;
mod down;
mod memory;

use super::{
    resample::Table,
    shared::{self, barrier},
    tensor::put,
    thread,
};
use crate::{
    jpeg::jobs::job_of_block,
    pixel::{Rgba8, RgbaF32},
    resample::{Input, STRIP_LINE, STRIP_THREADS, StripJob, strip_batch},
};

/// Bytes of a pixel.
const QUAD: u32 = 16;

/// Bytes of a row in shared memory.
const LINE: u32 = STRIP_LINE;

const NOTHING: RgbaF32 = RgbaF32([0.0; 4]);

/// Bytes of a pixel of the source.
const fn source_pixel(input: u32) -> usize {
    match input {
        BYTES => size_of::<Rgba8>(),
        _ => size_of::<RgbaF32>(),
    }
}

/// What becomes of a pixel before it is summed. The compiler knows it for three of them.
const STRAIGHT: u32 = Input::Straight as u32;
const OPAQUE: u32 = Input::Opaque as u32;
const BYTES: u32 = Input::OpaqueBytes as u32;
const ANY: u32 = u32::MAX;

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
    /// The first column of the source, and the last one.
    start: u32,
    last_column: u32,
    lines: u32,
}

impl<'a> Strip<'a> {
    /// The part of the result that block `number` of a job makes. The columns of the source are those of the
    /// result.
    #[inline(always)]
    fn of_result<const SUMS: u32>(job: &'a StripJob, number: u32) -> Self {
        let strips = job.across();
        let left = number % strips * job.columns;
        let right = (left + job.columns).min(job.last.width);
        let [top, below] = job.rows(number / strips, strip_batch(SUMS));
        Self {
            job,
            left,
            right,
            top,
            below,
            start: job.first.skip + left,
            last_column: job.first.skip + right - 1,
            lines: shared::address(shared::dynamic::<u8>()),
        }
    }

    /// The strip that block `number` of a job makes.
    ///
    /// # Safety
    ///
    /// The addresses of the job are those of what it says.
    #[inline(always)]
    unsafe fn new<const SUMS: u32>(job: &'a StripJob, number: u32) -> Self {
        let strip = Self::of_result::<SUMS>(job, number);
        // SAFETY: two of the result's columns.
        let ((start, _), (last, count)) = unsafe {
            let window = |column: u32| strip.across().window(column as usize);
            (window(strip.left), window(strip.right - 1))
        };
        let last_column = last + count - 1;
        // Where the loads of a warp are whole lines of the cache, if there are threads for it.
        let aligned = start - start % 8;
        let start = if last_column - aligned < STRIP_THREADS {
            aligned
        } else {
            start
        };
        Self {
            start,
            last_column,
            ..strip
        }
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

    /// Makes the strip, and calls `store` for each pixel of it.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and there are [`STRIP_THREADS`] of them. Their dynamic shared memory
    /// has room for a batch, or for two. No row of the source
    /// counts for more than `SUMS` rows of the result, and the strip begins at a multiple of a batch.
    #[inline(always)]
    unsafe fn make<const SUMS: u32, const INPUT: u32>(self, store: impl Fn(usize, usize, RgbaF32)) {
        // SAFETY: what the caller promised. All threads have the same rows.
        unsafe {
            let mut walk = self.walk::<SUMS, INPUT>();
            self.catch_up::<SUMS, INPUT>(&mut walk);
            let bytes = strip_batch(SUMS) * LINE;
            let has_two = shared::dynamic_len() >= 2 * bytes;
            let (mut y, mut lines) = (self.top, self.lines);
            while y < self.below {
                let strip = Self { lines, ..self };
                strip.go_on::<SUMS, INPUT>(&mut walk, |row, sum| strip.put(row, sum));
                if INPUT != BYTES && walk.no_numbers != 0 {
                    strip.make_again::<SUMS>(&walk, y, |row, sum| strip.put(row, sum));
                }
                barrier();
                strip.sum_across::<SUMS>(y, &store);
                if has_two {
                    // Threads that are done write the next batch, while others sum along this one. Those that
                    // would write this one again wait for them at the next barrier.
                    lines = 2 * self.lines + bytes - lines;
                } else {
                    barrier();
                }
                y += strip_batch(SUMS);
            }
        }
    }
}

impl Strip<'_> {
    /// Makes the first pass of the strip alone, to the picture `dst` between the passes.
    ///
    /// # Safety
    ///
    /// As [`make`](Self::make).
    #[inline(always)]
    unsafe fn make_sums<const SUMS: u32, const INPUT: u32>(self, dst: *mut RgbaF32) {
        let (x, width) = (
            self.left + thread::thread_idx_x() as u32,
            self.job.last.width,
        );
        let mut y = self.top;
        // SAFETY: what the caller promised. The result has the pixels that are written.
        unsafe {
            let mut walk = self.walk::<SUMS, INPUT>();
            self.catch_up::<SUMS, INPUT>(&mut walk);
            while y < self.below {
                let put = |row: u32, sum: RgbaF32| {
                    if x < self.right && y + row < self.below {
                        let at = (y + row) as usize * width as usize + x as usize;
                        dst.add(at).write(sum);
                    }
                };
                self.go_on::<SUMS, INPUT>(&mut walk, put);
                if walk.no_numbers != 0 {
                    self.make_again::<SUMS>(&walk, y, put);
                }
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
        Strip::new::<SUMS>(job, thread::block_idx_x() as u32).make::<SUMS, STRAIGHT>(
            |x, y, pixel| {
                dst.add(y * job.last.width as usize + x).write(pixel);
            },
        );
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
        let strip = Strip::new::<SUMS>(job, number);
        let store = |x: usize, y: usize, pixel: RgbaF32| {
            let (column, row) = (spec.left as usize + x, spec.top as usize + y);
            put(spec, dst, row * spec.width as usize + column, pixel);
        };
        if job.first.input == OPAQUE {
            strip.make::<SUMS, OPAQUE>(store);
        } else if job.first.input == BYTES {
            strip.make::<SUMS, BYTES>(store);
        } else {
            strip.make::<SUMS, ANY>(store);
        }
    }
}

/// The first pass alone, of a strip of a picture.
///
/// # Safety
///
/// As [`Strip::make`], and the job is right.
#[inline(always)]
unsafe fn to_sums<const SUMS: u32>(job: &StripJob) {
    let strip = Strip::of_result::<SUMS>(job, thread::block_idx_x() as u32);
    let dst = job.dst as *mut RgbaF32;
    // SAFETY: what the caller promised.
    unsafe {
        if job.first.input == STRAIGHT {
            strip.make_sums::<SUMS, STRAIGHT>(dst);
        } else {
            strip.make_sums::<SUMS, ANY>(dst);
        }
    }
}

macro_rules! strips {
    ($($sums_alone:ident, $picture:ident, $tensor:ident, $tensors:ident: $sums:literal;)*) => {$(
        /// The first pass alone.
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $sums_alone(job: StripJob) {
            // SAFETY: the host passes a job, and launches as many threads.
            unsafe { to_sums::<$sums>(&job) }
        }

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
    down_strip_3, strip_3, tensor_strip_3, tensor_strips_3: 3;
    down_strip_6, strip_6, tensor_strip_6, tensor_strips_6: 6;
    down_strip_8, strip_8, tensor_strip_8, tensor_strips_8: 8;
}
