//! Both passes in one kernel, for pictures that become smaller. A block makes a strip of the result. Its
//! threads go down through the source, each through a column. A pixel is loaded once, and added to the sums
//! of all rows of the result that it counts for. A sum that is complete goes to shared memory. After a few
//! of them, a batch, the block sums along these rows.
//!
//! Sums that a row of the source does not count for get it with a weight of 0.0. That changes no sum, unless a
//! pixel is infinite or no number. Then the sum is no number, which is noted when it is complete. Before the
//! second pass it is made again, of its own rows only.

mod across;
mod down;
mod memory;

use super::{resample::Table, shared, tensor::put, thread};
use crate::{
    jpeg::jobs::job_of_block,
    pixel::RgbaF32,
    resample::{Input, STRIP_THREADS, StripJob, strip_batch},
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
