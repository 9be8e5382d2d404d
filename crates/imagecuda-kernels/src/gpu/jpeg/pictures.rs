//! Coefficients to pixels.

use super::{
    super::{thread::thread_idx_x, warp},
    block_shared::find_job,
};
use crate::{
    color,
    jpeg::{
        groups::{BlockOrigin, GroupDc},
        idct,
        jobs::{DcAddresses, INVERSE_BLOCKS, PIXEL_THREADS, PictureJob},
        picture::Color,
        pixel,
        scan::DcSums,
        upsample::Samples,
    },
    pixel::{Rgba8, RgbaF32},
    shared_memory,
    texel::{Cmyk8, L8, Rgb8},
};

shared_memory! {
    /// The numbers of 16 blocks, four for each warp. A row has nine words, so that the threads that
    /// read a column use different banks.
    shared_blocks: 4608
}

/// The numbers of 16 blocks in shared memory, 72 for each.
pub(super) fn block_numbers() -> *mut i32 {
    shared_blocks()
}

const _: () = assert!(INVERSE_BLOCKS * 8 * 9 * 4 == 4608);

/// The coefficients of a row of a block, which one load reads.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Row(pub(super) [i16; 8]);

/// The divisors of a row of a block, which one load reads.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Divisors(pub(super) [u16; 8]);

/// The samples of a row of a block, which one store writes.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct SampleRow([u8; 8]);

/// What is to be added to the DC of a block.
///
/// # Safety
///
/// `job` is valid, and `block` is one of component `number`.
#[inline(always)]
pub(super) unsafe fn dc_before(job: &PictureJob, block: u32, number: usize) -> i16 {
    let DcAddresses {
        dc_sums,
        group_dc,
        group_len,
    } = job.dc[number];
    if dc_sums == 0 {
        return 0;
    }
    // SAFETY: what the caller promised. The origins were written by the scan's own kernel.
    unsafe {
        let origin = *(job.block_origins as *const BlockOrigin).add(block as usize);
        let subsequence = origin.subsequence();
        let mut sum = *(dc_sums as *const DcSums).add(subsequence as usize);
        if origin.needs_carry() {
            let group = subsequence / group_len as u32;
            sum = sum.plus((*(group_dc as *const GroupDc).add(group as usize)).before);
        }
        sum.get(number as u8)
    }
}

/// Coefficients to samples, at full size. Eight threads share a block: each reads a row, transforms a column, and
/// then transforms a row. Thread blocks of [`PIXEL_THREADS`], some for each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse(
    jobs: *const PictureJob,
    count: u32,
    coefficients: *const u8,
    samples: *mut u8,
) {
    // SAFETY: the host passes jobs.
    let (job, thread_block) = unsafe { find_job(jobs, count, |job| job.first_inverse) };
    let coefficients = coefficients
        .wrapping_add(job.coefficients as usize)
        .cast::<Row>();
    let samples = samples
        .wrapping_add(job.samples as usize)
        .cast::<SampleRow>();
    let thread = thread_idx_x();
    let i = thread_block as usize * PIXEL_THREADS as usize + thread;
    let (block, lane) = ((i / 8) as u32, i % 8);
    let (number, row, column) = job.picture.find_block(block);
    let part = &job.picture.component[number & 3];
    let is_inside = row < part.blocks_y;

    let numbers = shared_blocks::<i32>();
    // SAFETY: the eight threads of a block have its 72 words of shared memory, and they are of one
    // warp. What is read and written of the picture is inside it.
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
        // SAFETY: only samples of the picture's components are read.
        unsafe { *self.0.add(place) }
    }
}

/// What all threads of a block work on.
#[derive(Clone, Copy)]
struct Rows<'a> {
    job: &'a PictureJob,
    samples: DeviceSamples,
    y: u32,
    /// The number of the thread block among those of the row.
    number: u32,
}

impl Rows<'_> {
    /// # Safety
    ///
    /// `jobs` are `count` jobs, and the samples of their pictures are at their offsets.
    #[inline(always)]
    unsafe fn new(jobs: *const PictureJob, count: u32, samples: *const u8) -> Self {
        // SAFETY: what the caller promised.
        let (job, number) = unsafe { find_job(jobs, count, |job| job.first_row) };
        let (y, number) = job.place_of_block(number);
        Self {
            job,
            samples: DeviceSamples(samples.wrapping_add(job.samples as usize)),
            y,
            number,
        }
    }

    /// Where the pixels of the picture are.
    #[inline(always)]
    fn pixels<T>(&self, pixels: *mut T) -> *mut T {
        pixels.wrapping_byte_add(self.job.pixels as usize)
    }

    /// Makes two pixels, and calls `store` with two pixels and their numbers. A warp makes 64
    /// pixels.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn each(self, store: impl Fn(usize, Color, u32)) {
        let picture = &self.job.picture;
        let pair = self.number * PIXEL_THREADS + thread_idx_x() as u32;
        let [even, odd] = pixel::pair(picture, self.samples, pair, self.y);
        // The threads exchange pixels, so that what a warp stores at once is contiguous.
        let lane = pair % 32;
        let of_pair = |even: u32, odd: u32| if lane % 2 == 0 { even } else { odd };
        for half in 0..2 {
            let from = half * 16 + lane / 2;
            // SAFETY: all threads are here.
            let pixel = unsafe { of_pair(warp::shuffle(even, from), warp::shuffle(odd, from)) };
            let x = (pair - lane) * 2 + half * 32 + lane;
            if x < picture.width {
                let i = self.y as usize * picture.width as usize + x as usize;
                store(i, picture.color(), pixel);
            }
        }
    }
}

/// Samples to float pixels. Thread blocks of [`PIXEL_THREADS`], some for each row of pixels of each
/// job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_f32(
    jobs: *const PictureJob,
    count: u32,
    samples: *const u8,
    to: *mut RgbaF32,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        let rows = Rows::new(jobs, count, samples);
        let to = rows.pixels(to);
        rows.each(|i, color, pixel| {
            to.add(i).write(pixel::expand(color, pixel));
        });
    }
}

/// As `jpeg_to_f32`, with the colours converted by curves and a matrix.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_shaped(
    jobs: *const PictureJob,
    count: u32,
    samples: *const u8,
    to: *mut RgbaF32,
    shapers: *const u8,
) {
    // SAFETY: the host passes whole shapers, all samples, and room for all pixels.
    unsafe {
        let rows = Rows::new(jobs, count, samples);
        let to = rows.pixels(to);
        let shaper = shapers.wrapping_add(rows.job.shaper as usize);
        let shaper = &*shaper.cast::<[f32; color::SHAPER]>();
        rows.each(|i, color, pixel| {
            let bytes = pixel::bytes(color, pixel);
            to.add(i).write(color::shape_bytes(shaper, bytes));
        });
    }
}

/// As `jpeg_to_f32`, but 8-bit pixels.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_u8(
    jobs: *const PictureJob,
    count: u32,
    samples: *const u8,
    to: *mut Rgba8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        let rows = Rows::new(jobs, count, samples);
        let to = rows.pixels(to);
        rows.each(|i, color, pixel| {
            to.add(i).write(pixel::expand(color, pixel));
        });
    }
}

/// As `jpeg_to_f32`, but pixels in the file's layout.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_bytes(
    jobs: *const PictureJob,
    count: u32,
    samples: *const u8,
    to: *mut u8,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe {
        let rows = Rows::new(jobs, count, samples);
        let to = rows.pixels(to);
        rows.each(|i, color, pixel| {
            let [a, b, c, d] = pixel.to_le_bytes();
            match color {
                Color::Gray => to.cast::<L8>().add(i).write(L8([a])),
                Color::Rgb | Color::Ycc => to.cast::<Rgb8>().add(i).write(Rgb8([a, b, c])),
                _ => to.cast::<Cmyk8>().add(i).write(Cmyk8([a, b, c, d])),
            }
        });
    }
}
