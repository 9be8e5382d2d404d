//! From planes to pixels in the layout that the host decodes to.

use super::work::WorkOf;
use crate::png::block::{ThreadBlock, Words};

/// Threads of a thread block, and pixels of a thread.
pub const THREADS: u32 = 128;
pub const PIXELS: u32 = 4;

/// `png_pixels`: samples to pixels. A thread for each four pixels.
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

/// Writes pixels of `BYTES` bytes: four of them are as many words.
#[inline(always)]
fn put<B: ThreadBlock, const BYTES: usize>(block: &B, work: &WorkOf<B>) {
    let picture = &work.picture;
    let count = picture.width * picture.height;
    block.each(&mut block.own(()), |thread, _| {
        let number = block.index() * THREADS + thread;
        let first = number * PIXELS;
        if first >= count {
            return;
        }
        let (mut x, mut y) = (first % picture.width, first / picture.width);
        let mut words = [0u32; BYTES];
        for i in 0..PIXELS as usize {
            let mut pixel = 0;
            if first + (i as u32) < count {
                pixel = pixel_at::<B>(work, x, y);
            }
            for byte in 0..BYTES {
                let at = i * BYTES + byte;
                let byte = (pixel >> (8 * byte)) as u32 & 255;
                words[at / 4] |= byte << (at % 4 * 8);
            }
            x += 1;
            if x == picture.width {
                (x, y) = (0, y + 1);
            }
        }
        for (at, word) in (number * BYTES as u32..).zip(words) {
            work.pixels.set(at, word);
        }
    });
}

/// The bytes of a pixel, the first one lowest.
#[inline(always)]
fn pixel_at<B: ThreadBlock>(work: &WorkOf<B>, x: u32, y: u32) -> u64 {
    let picture = &work.picture;
    let plane_words = picture.stride() * picture.height;
    let byte = |plane: u32, x: u32| {
        let word = plane * plane_words + y * picture.stride() + x / 4;
        work.planes.get(word) >> (x % 4 * 8) & 255
    };
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
        // Of 16 bits the file has the higher ones first, and memory has them last.
        let sample = match depth {
            8 => byte(channel, x),
            _ => byte(2 * channel, x) << 8 | byte(2 * channel + 1, x),
        };
        if channel < 3 {
            is_transparent &= sample == picture.transparent[channel as usize];
        }
        pixel |= u64::from(sample) << (depth * channel);
    }
    if picture.has_transparency != 0 && !is_transparent {
        pixel |= u64::from((1u32 << depth) - 1) << (depth * channels & 63);
    }
    pixel
}
