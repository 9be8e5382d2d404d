//! From planes to pixels in the layout that the host's decoder uses.

use super::{bits::funnel, work::WorkOf};
use crate::png::block::{ThreadBlock, Words};

/// Threads of a thread block.
pub const THREADS: u32 = 128;

/// `png_pixels`: makes pixels from samples. One thread for each word of pixels, or for each four
/// pixels where these are whole words.
#[inline(always)]
pub fn pixels<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    match work.picture.pixel_bytes() {
        1 => put::<B, 1>(block, work),
        2 => put::<B, 2>(block, work),
        3 => put::<B, 3>(block, work),
        4 => put::<B, 4>(block, work),
        6 => put::<B, 6>(block, work),
        _ => put::<B, 8>(block, work),
    }
}

/// Writes pixels of `BYTES` bytes. One thread for each word.
#[inline(always)]
fn put<B: ThreadBlock, const BYTES: u32>(block: &B, work: &WorkOf<B>) {
    let picture = &work.picture;
    let words = (picture.width * picture.height * BYTES).div_ceil(4);
    let is_plain = picture.is_plain();
    // The file stores the high byte of 16-bit samples first, and memory has it last.
    let swap = u32::from(picture.depth == 16);
    if picture.has_groups() {
        let groups = picture.width / 4;
        block.each(&mut block.own(()), |thread, _| {
            let number = block.index() * THREADS + thread;
            if number < groups * picture.height {
                let (x, y) = (number % groups, number / groups);
                four_pixels::<B, BYTES>(work, y, 4 * x, number, swap);
            }
        });
        return;
    }
    block.each(&mut block.own(()), |thread, _| {
        let number = block.index() * THREADS + thread;
        if number >= words {
            return;
        }
        let byte = |i: u32| {
            let at = 4 * number + i;
            let (pixel, channel) = (at / BYTES, at % BYTES);
            let (x, y) = (pixel % picture.width, pixel / picture.width);
            match is_plain {
                true => byte_at::<B>(work, channel ^ swap, y, x),
                false => (pixel_at::<B>(work, x, y) >> (8 * channel)) as u32 & 255,
            }
        };
        let word = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
        work.pixels.set(number, word);
    });
}

/// A byte of a row of a plane.
#[inline(always)]
fn byte_at<B: ThreadBlock>(work: &WorkOf<B>, plane: u32, row: u32, byte: u32) -> u32 {
    let place = work.picture.place(plane, row, byte);
    work.planes.get(place / 4) >> (place % 4 * 8) & 255
}

/// Writes four pixels of `BYTES` bytes: group `number`, from byte `from` of a row of each plane.
#[inline(always)]
fn four_pixels<B: ThreadBlock, const BYTES: u32>(
    work: &WorkOf<B>,
    row: u32,
    from: u32,
    number: u32,
    swap: u32,
) {
    let place = work.picture.place(0, row, from);
    let plane_bytes = work.picture.place(1, 0, 0);
    // No index that is not known: the words would lie in memory.
    let plane = |channel: u32| {
        if channel >= BYTES {
            return 0;
        }
        let place = place + (channel ^ swap) * plane_bytes;
        let low = work.planes.get(place / 4);
        // In every second row.
        let high = match place.is_multiple_of(4) {
            true => 0,
            false => work.planes.get(place / 4 + 1),
        };
        funnel(low, high, 8 * place)
    };
    let planes = [0, 1, 2, 3, 4, 5, 6, 7].map(plane);
    let byte = |at: u32| planes[(at % BYTES) as usize] >> (8 * (at / BYTES)) & 255;
    let word =
        |i: u32| byte(4 * i) | byte(4 * i + 1) << 8 | byte(4 * i + 2) << 16 | byte(4 * i + 3) << 24;
    let put = |i: u32| {
        if i < BYTES {
            work.pixels.set(number * BYTES + i, word(i));
        }
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

/// The bytes of a pixel, the first one lowest.
#[inline(always)]
fn pixel_at<B: ThreadBlock>(work: &WorkOf<B>, x: u32, y: u32) -> u64 {
    let picture = &work.picture;
    let byte = |plane: u32, x: u32| byte_at::<B>(work, plane, y, x);
    let (depth, channels) = (picture.depth, picture.channels());
    if depth < 8 {
        let at = x * depth;
        let sample = byte(0, at / 8) >> (8 - depth - at % 8) & ((1 << depth) - 1);
        if picture.color == 3 {
            return work.palette.get(sample).into();
        }
        let opaque = sample != picture.transparent[0] || picture.has_transparency == 0;
        let gray = sample * (255 / ((1 << depth) - 1));
        return u64::from(gray | if opaque { 0xff00 } else { 0 });
    }
    if picture.color == 3 {
        return work.palette.get(byte(0, x)).into();
    }
    let mut pixel = 0;
    let mut is_transparent = picture.has_transparency != 0;
    for channel in 0..channels {
        // The file stores the high byte of 16-bit samples first.
        let sample = match depth {
            8 => byte(channel, x),
            _ => byte(2 * channel, x) << 8 | byte(2 * channel + 1, x),
        };
        if channel < 3 {
            // Constant indices only. With a variable one, the compiler would keep the whole picture
            // description in memory instead of registers.
            let [first, second, third] = picture.transparent;
            let transparent = match channel {
                0 => first,
                1 => second,
                _ => third,
            };
            is_transparent &= sample == transparent;
        }
        pixel |= u64::from(sample) << (depth * channel);
    }
    if picture.has_transparency != 0 && !is_transparent {
        pixel |= u64::from((1u32 << depth) - 1) << ((depth * channels) & 63);
    }
    pixel
}
