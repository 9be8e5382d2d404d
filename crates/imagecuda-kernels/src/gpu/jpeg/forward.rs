//! Float pixels to the coefficients of a file.

use super::super::{
    shared::barrier,
    thread::{block_idx_x, block_idx_y, thread_idx_x},
    warp,
};
use crate::{
    jpeg::encode::{
        fdct::{self, ZIGZAG},
        frame::Frame,
        jobs::EncodeJob,
        sample,
    },
    pack::{self, Background},
    pixel::RgbaF32,
    shared_memory,
};

/// Threads of a thread block.
const BLOCK_THREADS: usize = 128;

/// Pixels across of a tile: a thread block's part of the picture.
const TILE: u32 = 128;

/// Blocks that a thread block transforms at a time, with eight threads each.
const AT_ONCE: usize = BLOCK_THREADS / 8;

shared_memory! {
    /// The pixels of a tile: up to 16 rows, a word for each pixel.
    shared_tile: 8192
}
shared_memory! {
    /// The numbers of [`AT_ONCE`] blocks: eight rows of nine words for each.
    shared_tile_blocks: 4608
}

const _: () = {
    assert!(TILE as usize * 16 * 4 == 8192);
    assert!(AT_ONCE * 72 * 4 == 4608);
};

/// Eight coefficients, which one store writes.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Row([i16; 8]);

/// Writes the pixels of a tile to shared memory: flattened onto `background`, as YCbCr. Each thread
/// has a column of the tile.
///
/// # Safety
///
/// `pixels` are those of the frame. All threads of the block call this.
#[inline(always)]
unsafe fn load_tile(
    frame: &Frame,
    pixels: *const RgbaF32,
    background: Background,
    (mcu_y, left): (u32, u32),
) -> *const u32 {
    let thread = thread_idx_x();
    let lines = frame.v * 8;
    let tile = shared_tile::<u32>();
    let x = left + thread as u32;
    let column = x.min(frame.width - 1) as usize;
    let read = |line: u32| {
        let y = (mcu_y * lines + line).min(frame.height - 1) as usize;
        // SAFETY: a pixel of the frame.
        unsafe { pixels.add(y * frame.width as usize + column).read() }
    };
    let put = |line: u32, pixel| {
        let ycc = sample::ycc(pack::rgb8(pixel, background));
        // SAFETY: within the tile.
        unsafe { tile.add((line * TILE) as usize + thread).write(ycc) };
    };
    let mut line = 0;
    while line < lines {
        // Eight loads are in flight at a time.
        let [a, b, c, d] = [read(line), read(line + 1), read(line + 2), read(line + 3)];
        let [e, f, g, h] = [
            read(line + 4),
            read(line + 5),
            read(line + 6),
            read(line + 7),
        ];
        put(line, a);
        put(line + 1, b);
        put(line + 2, c);
        put(line + 3, d);
        put(line + 4, e);
        put(line + 5, f);
        put(line + 6, g);
        put(line + 7, h);
        line += 8;
    }
    // SAFETY: what the caller promised.
    unsafe { barrier() };
    tile
}

/// Calls `take` with each of eight numbers. A loop would keep them in memory.
#[inline(always)]
fn each([a, b, c, d, e, f, g, h]: [i32; 8], take: impl Fn(usize, i32)) {
    take(0, a);
    take(1, b);
    take(2, c);
    take(3, d);
    take(4, e);
    take(5, f);
    take(6, g);
    take(7, h);
}

/// Writes eight numbers.
///
/// # Safety
///
/// `to` has room for them.
#[inline(always)]
unsafe fn put_row(to: *mut i32, row: [i32; 8]) {
    // SAFETY: what the caller promised.
    each(row, |i, v| unsafe { to.add(i).write(v) });
}

/// Pixels to coefficients. Thread blocks of [`BLOCK_THREADS`], one for each tile: [`TILE`] pixels
/// across, and one row of MCUs down.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_forward(
    job: *const EncodeJob,
    pixels: *const RgbaF32,
    red: f32,
    green: f32,
    blue: f32,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let frame = &job.frame;
    let thread = thread_idx_x();
    let (mcu_y, left) = (block_idx_y() as u32, block_idx_x() as u32 * TILE);
    let lines = frame.v * 8;
    // SAFETY: the host passes the frame's pixels; all threads are here.
    let tile = unsafe { load_tile(frame, pixels, [red, green, blue], (mcu_y, left)) };

    let units = frame.units_of_mcu();
    let first_mcu = left / (8 * frame.h);
    let mcus = frame.mcus_x.saturating_sub(first_mcu);
    let lane = thread % 8;
    // 8 or 16.
    let shift = 5 - frame.h.min(2);
    let across = 1u32 << shift;
    let rounds = (across * units).div_ceil(AT_ONCE as u32);
    // SAFETY: the eight threads of a block have its 72 words, and they are of one warp.
    let words = unsafe { shared_tile_blocks::<i32>().add(thread / 8 * 72) };
    for round in 0..rounds {
        let number = round * AT_ONCE as u32 + (thread / 8) as u32;
        // The same data unit of all MCUs, then the next: the blocks of a warp are of one component.
        let (k, mcu) = (number >> shift, number % across);
        let is_there = mcu < mcus && k < units;
        let unit = frame.unit(first_mcu + mcu, mcu_y, k);
        let pixel = |x: u32, y: u32| {
            let at = (y - mcu_y * lines) * TILE + (x - left).min(TILE - 1);
            // SAFETY: within the tile: no pixel past the picture's edge is asked for.
            unsafe { *tile.add(at as usize) }
        };
        if is_there {
            let sample = |x: u32| {
                let sample = sample::sample(frame, unit, (x, lane as u32), pixel);
                sample as i32 - 128
            };
            let row = fdct::first([
                sample(0),
                sample(1),
                sample(2),
                sample(3),
                sample(4),
                sample(5),
                sample(6),
                sample(7),
            ]);
            // SAFETY: this block's words.
            unsafe { put_row(words.add(lane * 9), row) };
        }
        // SAFETY: the whole warp is here.
        unsafe { warp::sync() };
        let of = |y: usize| {
            // SAFETY: this block's words.
            unsafe { words.add(y * 9 + lane).read() }
        };
        let column = fdct::second([of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7)]);
        // SAFETY: as above.
        unsafe { warp::sync() };
        let divisors = &job.divisors[unit.component.min(1) as usize];
        each(column, |y, v| {
            let i = y * 8 + lane;
            let v = fdct::quantize(v, divisors.divisors[i], divisors.reciprocals[i]);
            // A data unit that only pads has no other coefficient than the first.
            let v = if unit.is_padding && i > 0 { 0 } else { v };
            // SAFETY: within this block's words, whose start now holds 64 numbers of 16 bits.
            unsafe {
                words
                    .cast::<i16>()
                    .add(usize::from(ZIGZAG[i]))
                    .write(v as i16);
            }
        });
        // SAFETY: as above.
        unsafe { warp::sync() };
        if is_there {
            let unit = ((mcu_y * frame.mcus_x + first_mcu + mcu) * units + k) as usize;
            // SAFETY: this block's words, of which each has 288 bytes; a data unit of the frame.
            unsafe {
                let Row(row) = words.cast::<Row>().add(lane).read();
                let [a, b, c, d, e, f, g, h] = row.map(|v| u8::from(v != 0));
                let mask = a | b << 1 | c << 2 | d << 3 | e << 4 | f << 5 | g << 6 | h << 7;
                (job.coefficients as *mut Row)
                    .add(unit * 8 + lane)
                    .write(Row(row));
                (job.masks as *mut u8).add(unit * 8 + lane).write(mask);
            }
        }
        // SAFETY: all threads are here.
        unsafe { warp::sync() };
    }
}
