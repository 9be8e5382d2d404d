//! Coefficients to pixels.

use super::{
    super::{shared, thread::thread_idx_x, warp},
    block_shared::find_job,
};
use crate::{
    color,
    expand::Expand,
    jpeg::{
        groups::{BlockOrigin, GroupDc},
        idct,
        jobs::{DcAddresses, INVERSE_BLOCKS, PIXEL_THREADS, PictureJob, ROW_PIXELS},
        picture::Color,
        pixel,
        scan::DcSums,
        tile::{self, TILE},
        upsample::Samples,
    },
    pixel::{Rgba8, RgbaF32},
    shared_memory,
    texel::Rgb8,
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

shared_memory! {
    /// The pixels of the tiles of a thread block.
    shared_pixels: 8192
}

const _: () = assert!(PIXEL_THREADS * 2 * TILE * 4 == 8192);

/// The samples of a picture in device memory.
#[derive(Clone, Copy)]
struct DeviceSamples(*const u8);

impl Samples for DeviceSamples {
    #[inline(always)]
    fn sample(self, place: usize) -> u8 {
        // SAFETY: only samples of the picture's components are read.
        unsafe { *self.0.add(place) }
    }

    #[inline(always)]
    fn four(self, place: usize) -> u32 {
        // SAFETY: as above. Components, and their rows, begin at multiples of 8.
        unsafe { *self.0.add(place).cast() }
    }

    #[inline(always)]
    fn eight(self, place: usize) -> [u32; 2] {
        // SAFETY: as above.
        let both: u64 = unsafe { *self.0.add(place).cast() };
        [both as u32, (both >> 32) as u32]
    }
}

/// What the threads of a warp work on: tiles beside each other.
#[derive(Clone, Copy)]
struct Tiles<'a> {
    job: &'a PictureJob,
    samples: DeviceSamples,
    /// The tiles to the left of the warp's first one.
    across: u32,
    /// The tiles above them.
    down: u32,
    lane: u32,
    /// The address of the warp's part of [`shared_pixels`].
    shared: u32,
}

impl Tiles<'_> {
    /// # Safety
    ///
    /// `jobs` are `count` jobs, and the samples of their pictures are at their offsets.
    #[inline(always)]
    unsafe fn new(jobs: *const PictureJob, count: u32, samples: *const u8) -> Self {
        // SAFETY: what the caller promised.
        let (job, number) = unsafe { find_job(jobs, count, |job| job.first_row) };
        let (across, down) = job.first_tile_of_block(number);
        let thread = thread_idx_x() as u32;
        let warp = thread / 32;
        Self {
            job,
            samples: DeviceSamples(samples.wrapping_add(job.samples as usize)),
            across,
            down: down + warp,
            lane: thread % 32,
            shared: shared::address(shared_pixels::<u32>()) + warp * 2 * ROW_PIXELS * 4,
        }
    }

    /// Where the pixels of the picture are.
    #[inline(always)]
    fn pixels<T>(&self, pixels: *mut T) -> *mut T {
        pixels.wrapping_byte_add(self.job.pixels as usize)
    }

    /// Makes the pixels in shared memory.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn make(self) {
        let picture = &self.job.picture;
        let across = self.across + self.lane;
        if across * TILE < picture.width && self.down < tile::tiles_down(picture.height) {
            let own = self.shared + self.lane * TILE * 4;
            tile::make(
                picture,
                self.samples,
                (across, self.down),
                |row, half, pixels| {
                    // SAFETY: the thread's own part.
                    unsafe { shared::store_quad(own + row * ROW_PIXELS * 4 + half * 16, pixels) }
                },
            );
        }
        // SAFETY: all threads are here.
        unsafe { warp::sync() };
    }

    /// Calls `store` with each pixel's number and the pixel. What a warp stores at once is contiguous.
    #[inline(always)]
    fn each(self, store: impl Fn(usize, u32)) {
        let picture = &self.job.picture;
        let x = self.across * TILE;
        let own = self.shared + self.lane * 4;
        for row in 0..2 {
            let y = tile::first_row(self.down).wrapping_add(row);
            if y >= picture.height {
                continue;
            }
            let first = y as usize * picture.width as usize + (x + self.lane) as usize;
            let put = |number: u32| {
                // SAFETY: one of the warp's pixels, all of which are there.
                let pixel = unsafe { shared::load_u32(own + row * ROW_PIXELS * 4 + number * 128) };
                store(first + number as usize * 32, pixel);
            };
            if x + ROW_PIXELS <= picture.width {
                put(0);
                put(1);
                put(2);
                put(3);
                put(4);
                put(5);
                put(6);
                put(7);
            } else {
                for number in 0..TILE {
                    if x + self.lane + number * 32 < picture.width {
                        put(number);
                    }
                }
            }
        }
    }

    /// Makes pixels as a device holds them.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and `to` has room for all pixels.
    #[inline(always)]
    unsafe fn expand<D: Expand>(self, to: *mut D) {
        let to = self.pixels(to);
        // SAFETY: what the caller promised.
        unsafe {
            self.make();
            match self.job.picture.color() {
                Color::Gray | Color::Rgb | Color::Ycc => {
                    self.each(|i, pixel| to.add(i).write(pixel::expand_rgb(pixel)));
                }
                _ => self.each(|i, pixel| to.add(i).write(pixel::expand_cmyk(pixel))),
            }
        }
    }
}

/// Samples to float pixels. Thread blocks of [`PIXEL_THREADS`], some for each job: each warp makes two
/// rows of [`ROW_PIXELS`] pixels.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_to_f32(
    jobs: *const PictureJob,
    count: u32,
    samples: *const u8,
    to: *mut RgbaF32,
) {
    // SAFETY: the host passes all samples, and room for all pixels.
    unsafe { Tiles::new(jobs, count, samples).expand(to) }
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
        let tiles = Tiles::new(jobs, count, samples);
        let to = tiles.pixels(to);
        let shaper = shapers.wrapping_add(tiles.job.shaper as usize);
        let shaper = &*shaper.cast::<[f32; color::SHAPER]>();
        tiles.make();
        tiles.each(|i, pixel| {
            let [r, g, b, _] = pixel.to_le_bytes();
            to.add(i).write(color::shape_bytes(shaper, [r, g, b]));
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
    unsafe { Tiles::new(jobs, count, samples).expand(to) }
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
        let tiles = Tiles::new(jobs, count, samples);
        let to = tiles.pixels(to);
        tiles.make();
        match tiles.job.picture.color() {
            Color::Gray => tiles.each(|i, pixel| to.add(i).write(pixel as u8)),
            Color::Rgb | Color::Ycc => tiles.each(|i, pixel| {
                let [r, g, b, _] = pixel.to_le_bytes();
                to.cast::<Rgb8>().add(i).write(Rgb8([r, g, b]));
            }),
            _ => tiles.each(|i, pixel| to.cast::<u32>().add(i).write(pixel)),
        }
    }
}
