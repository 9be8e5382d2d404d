//! Float pixels to the data of a file.

use super::{
    super::{
        shared::barrier,
        thread::{block_dim_x, block_idx_x, block_idx_y, thread_idx_x},
        warp,
    },
    prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
};
use crate::{
    jpeg::{
        encode::{
            bits::WordSink,
            coding::{self, Units},
            fdct::{self, ZIGZAG},
            frame::GROUP,
            jobs::EncodeJob,
            sample,
        },
        picture::BLOCK,
    },
    pack::{self, Background},
    pixel::RgbaF32,
    shared_memory,
};
use core::sync::atomic::{AtomicU32, Ordering};

/// Threads of a block whose threads share pixels.
const BLOCK_THREADS: usize = 128;

/// Pixels across of a block's tile.
const TILE: u32 = 128;

/// Blocks that are transformed at once, eight threads each.
const AT_ONCE: usize = BLOCK_THREADS / 8;

shared_memory! {
    /// The pixels of a tile: up to 16 rows, a word each.
    shared_tile: 8192
}
shared_memory! {
    /// For each of some blocks, eight rows of nine words.
    shared_tile_blocks: 4608
}

const _: () = {
    assert!(TILE as usize * 16 * 4 == 8192);
    assert!(AT_ONCE * 72 * 4 == 4608);
    assert!(GROUP as usize <= MAX_THREADS);
};

/// Coefficients as memory is written.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Row([i16; 8]);

/// Pixels to coefficients. Blocks of [`BLOCK_THREADS`], each with a tile of a row of MCUs: across, [`TILE`]
/// pixels; down, all rows.
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
    let background: Background = [red, green, blue];
    let thread = thread_idx_x();
    let (mcu_y, left) = (block_idx_y() as u32, block_idx_x() as u32 * TILE);
    let lines = frame.v * 8;
    let shared_pixels = shared_tile::<u32>();
    let x = left + thread as u32;
    let column = x.min(frame.width - 1) as usize;
    let read = |line: u32| {
        let y = (mcu_y * lines + line).min(frame.height - 1) as usize;
        // SAFETY: a pixel of the picture.
        unsafe { pixels.add(y * frame.width as usize + column).read() }
    };
    let put = |line: u32, pixel| {
        let ycc = sample::ycc(pack::rgb8(pixel, background));
        // SAFETY: a place in the tile.
        unsafe {
            shared_pixels
                .add((line * TILE) as usize + thread)
                .write(ycc)
        };
    };
    let mut line = 0;
    while line < lines {
        // Eight are on their way at a time.
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
    // SAFETY: all threads are here.
    unsafe { barrier() };

    let units = frame.units_of_mcu();
    let first_mcu = left / (8 * frame.h);
    let mcus = frame.mcus_x.saturating_sub(first_mcu);
    let lane = thread % 8;
    // 8 or 16.
    let shift = 5 - frame.h.min(2);
    let across = 1u32 << shift;
    let rounds = (across * units).div_ceil(AT_ONCE as u32);
    // SAFETY: each thread has its own block's 72 words, and a warp whole blocks.
    let own = unsafe { shared_tile_blocks::<i32>().add(thread / 8 * 72) };
    for round in 0..rounds {
        let number = round * AT_ONCE as u32 + (thread / 8) as u32;
        // The same data unit of all MCUs, then the next: a warp has samples of one kind.
        let (k, mcu) = (number >> shift, number % across);
        let is_there = mcu < mcus && k < units;
        let unit = frame.unit(first_mcu + mcu, mcu_y, k);
        let pixel = |x: u32, y: u32| {
            let at = (y - mcu_y * lines) * TILE + (x - left).min(TILE - 1);
            // SAFETY: in the tile; what is behind the picture is not asked for.
            unsafe { *shared_pixels.add(at as usize) }
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
            let [a, b, c, d, e, f, g, h] = row;
            // SAFETY: this block's words.
            unsafe {
                let at = own.add(lane * 9);
                at.write(a);
                at.add(1).write(b);
                at.add(2).write(c);
                at.add(3).write(d);
                at.add(4).write(e);
                at.add(5).write(f);
                at.add(6).write(g);
                at.add(7).write(h);
            }
        }
        // SAFETY: all lanes are here, then and now.
        unsafe { warp::sync() };
        let of = |y: usize| {
            // SAFETY: this block's words.
            unsafe { own.add(y * 9 + lane).read() }
        };
        let column = fdct::second([of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7)]);
        // SAFETY: as above.
        unsafe { warp::sync() };
        let divisors = &job.divisors[unit.component.min(1) as usize];
        let [a, b, c, d, e, f, g, h] = column;
        let put = |y: usize, v: i32| {
            let i = y * 8 + lane;
            let v = fdct::quantize(v, divisors.divisors[i], divisors.reciprocals[i]);
            // A data unit that pads has no more than the first one.
            let v = if unit.is_padding && i > 0 { 0 } else { v };
            // SAFETY: this block's words, which are now 64 half ones.
            unsafe {
                own.cast::<i16>()
                    .add(usize::from(ZIGZAG[i]))
                    .write(v as i16);
            }
        };
        put(0, a);
        put(1, b);
        put(2, c);
        put(3, d);
        put(4, e);
        put(5, f);
        put(6, g);
        put(7, h);
        // SAFETY: as above.
        unsafe { warp::sync() };
        if is_there {
            let unit = ((mcu_y * frame.mcus_x + first_mcu + mcu) * units + k) as usize;
            // SAFETY: this block's words, of which each has 288 bytes; a data unit of the picture.
            unsafe {
                let Row(row) = own.cast::<Row>().add(lane).read();
                let [a, b, c, d, e, f, g, h] = row.map(|v| u8::from(v != 0));
                let mask = a | b << 1 | c << 2 | d << 3 | e << 4 | f << 5 | g << 6 | h << 7;
                (job.coefficients as *mut Row)
                    .add(unit * 8 + lane)
                    .write(Row(row));
                (job.masks as *mut u8).add(unit * 8 + lane).write(mask);
            }
        }
        // SAFETY: as above.
        unsafe { warp::sync() };
    }
}

/// Coefficients in device memory.
#[derive(Clone, Copy)]
struct DeviceUnits {
    coefficients: *const i16,
    masks: *const u64,
}

impl DeviceUnits {
    fn of(job: &EncodeJob) -> Self {
        Self {
            coefficients: job.coefficients as *const i16,
            masks: job.masks as *const u64,
        }
    }
}

impl Units for DeviceUnits {
    #[inline(always)]
    fn coefficient(self, unit: u32, index: u32) -> i32 {
        let at = unit as usize * BLOCK + (index & 63) as usize;
        // SAFETY: only data units of the picture are asked for.
        unsafe { *self.coefficients.add(at) }.into()
    }

    #[inline(always)]
    fn mask(self, unit: u32) -> u64 {
        // SAFETY: as above.
        unsafe { *self.masks.add(unit as usize) }
    }
}

/// Counts symbols. `counts` are zeros at first: for luma and chroma those of DC, then of AC.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_histogram(job: *const EncodeJob, counts: *mut u32) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let unit = (block_idx_x() * block_dim_x() + thread_idx_x()) as u32;
    if unit < job.frame.units() {
        let tables = job.frame.tables(unit) as usize;
        coding::unit(
            &job.frame,
            DeviceUnits::of(job),
            unit,
            |is_dc, symbol, _, _| {
                let at = tables * 512 + usize::from(!is_dc) * 256 + usize::from(symbol);
                // SAFETY: one of 1024, which all threads count in this way.
                let count = unsafe { AtomicU32::from_ptr(counts.add(at)) };
                count.fetch_add(1, Ordering::Relaxed);
            },
        );
    }
}

/// The bits of each data unit, summed up in its group. A block of [`GROUP`] for each group.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_measure(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let frame = &job.frame;
    let (group, thread) = (block_idx_x() as u32, thread_idx_x());
    let first = group * frame.group();
    let end = frame.units().min(first + frame.group());
    let mut bits = 0;
    let mut start = first;
    while start < end {
        let unit = start + thread as u32;
        let mut own = 0;
        if unit < end {
            let tables = &job.tables[frame.tables(unit) as usize];
            own = coding::length(frame, DeviceUnits::of(job), unit, tables);
        }
        // SAFETY: all threads are here.
        let (before, all) = unsafe { exclusive_prefix_sum(own.into(), thread) };
        if unit < end {
            // SAFETY: one of the data units.
            unsafe {
                (job.offsets as *mut u32)
                    .add(unit as usize)
                    .write(bits + before as u32);
            }
        }
        bits += all as u32;
        start += GROUP;
    }
    if thread == 0 {
        let bits = coding::group_bits(frame, group, bits);
        // SAFETY: one of the groups.
        unsafe {
            (job.groups as *mut u64)
                .add(group as usize)
                .write(bits.into())
        };
    }
}

/// Where each group begins, and behind that the end of all. One block of [`GROUP`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_place(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (groups, thread) = (job.frame.groups(), thread_idx_x());
    let sizes = job.groups as *mut u64;
    let (mut at, mut start) = (0, 0);
    while start < groups {
        let group = start + thread as u32;
        // SAFETY: one of the groups, of which each thread has its own; all threads are here.
        unsafe {
            let mut own = 0;
            if group < groups {
                own = *sizes.add(group as usize);
            }
            let (before, all) = exclusive_prefix_sum(own, thread);
            if group < groups {
                sizes.add(group as usize).write(at + before);
            }
            at += all;
        }
        start += GROUP;
    }
    if thread == 0 {
        // SAFETY: there is one more.
        unsafe { sizes.add(groups as usize).write(at) };
    }
}

/// WordSink in device memory, zeros at first.
struct DeviceBits {
    words: *mut u32,
    count: u64,
}

impl WordSink for DeviceBits {
    #[inline(always)]
    fn or(&mut self, number: u64, bits: u32) {
        if number < self.count {
            // SAFETY: one of the words, which all threads change in this way.
            let word = unsafe { AtomicU32::from_ptr(self.words.add(number as usize)) };
            word.fetch_or(bits, Ordering::Relaxed);
        }
    }
}

/// Writes all codes, to `count` words that are zeros at first, and as many bytes' bits, which tell
/// where a marker begins.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_code(
    job: *const EncodeJob,
    words: *mut u32,
    markers: *mut u32,
    count: u64,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let frame = &job.frame;
    let unit = (block_idx_x() * block_dim_x() + thread_idx_x()) as u32;
    if unit >= frame.units() {
        return;
    }
    // SAFETY: one of the data units, and its group.
    let at = unsafe {
        let group = *(job.groups as *const u64).add((unit / frame.group()) as usize);
        group + u64::from(*(job.offsets as *const u32).add(unit as usize))
    };
    let tables = &job.tables[frame.tables(unit) as usize];
    let words = DeviceBits { words, count };
    let marker = coding::write(frame, DeviceUnits::of(job), unit, tables, words, at);
    if let Some(place) = marker {
        let mut markers = DeviceBits {
            words: markers,
            count: count / 8 + 1,
        };
        markers.or(place / 32, 1 << (place % 32));
    }
}
