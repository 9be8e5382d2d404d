//! Coefficients to pixels.

use super::super::{
    thread::{block_idx_x, block_idx_y, thread_idx_x},
    warp,
};
use crate::{
    color,
    jpeg::{
        groups::{BlockOrigin, GroupDc},
        idct,
        jobs::{DcAddresses, PictureJob},
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

/// Threads of a thread block.
const BLOCK_THREADS: usize = 128;

const _: () = assert!(BLOCK_THREADS / 8 * 8 * 9 * 4 == 4608);

/// The coefficients of a row of a block, which one load reads.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Row([i16; 8]);

/// The divisors of a row of a block, which one load reads.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Divisors([u16; 8]);

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
unsafe fn dc_before(job: &PictureJob, block: u32, number: usize) -> i16 {
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

/// Coefficients to samples. Eight threads share a block: each reads a row, transforms a column, and
/// then transforms a row. Thread blocks of [`BLOCK_THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_inverse(
    job: *const PictureJob,
    coefficients: *const Row,
    samples: *mut SampleRow,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let thread = thread_idx_x();
    let i = block_idx_x() * BLOCK_THREADS + thread;
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

/// Makes two pixels, and calls `store` with two pixels and their numbers. Thread blocks of
/// [`BLOCK_THREADS`], a row of them for each row of pixels; a warp makes 64 pixels.
///
/// # Safety
///
/// `samples` are those of the job's picture. All threads of the block call this.
#[inline(always)]
unsafe fn pixels(job: *const PictureJob, samples: *const u8, store: impl Fn(usize, Color, u32)) {
    // SAFETY: the host passes a job.
    let picture = unsafe { &(*job).picture };
    let y = block_idx_y();
    let pair = (block_idx_x() * BLOCK_THREADS + thread_idx_x()) as u32;
    let [even, odd] = pixel::pair(picture, DeviceSamples(samples), pair, y as u32);
    // The threads exchange pixels, so that what a warp stores at once is contiguous.
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

/// Samples to float pixels, with their colours converted by curves and a matrix.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_shaped(
    job: *const PictureJob,
    samples: *const u8,
    to: *mut RgbaF32,
    shaper: *const [f32; color::SHAPER],
) {
    // SAFETY: the host passes a whole shaper, all samples, and room for all pixels.
    unsafe {
        let shaper = &*shaper;
        pixels(job, samples, |i, color, pixel| {
            let bytes = pixel::bytes(color, pixel);
            to.add(i).write(color::shape_bytes(shaper, bytes));
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
