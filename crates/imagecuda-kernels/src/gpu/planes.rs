//! The entries that make pixels of planes, and planes of pixels.

use super::thread;
use crate::{
    pixel::{Rgba8, RgbaF32},
    planes::{
        self, Picture,
        subsample::{WebpPlanes, flattened, straight},
    },
};
use core::sync::atomic::{AtomicU32, Ordering};

/// Pixels of a piece of a row for each thread.
const PIECE: u32 = 2;

/// Entries that make pixels of planes. `memory` begins with a [`Picture`], whose planes are in the
/// `length` bytes. Blocks take pieces of rows.
macro_rules! planes {
    ($($name:ident: $sample:ty => $pixel:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $name(memory: *const u8, dst: *mut $pixel, length: usize) {
            // SAFETY: the host passes `length` bytes, of which the first are a picture.
            let (picture, samples) = unsafe {
                let samples = memory.cast::<$sample>();
                let count = length / size_of::<$sample>();
                (
                    &*memory.cast::<Picture>(),
                    core::slice::from_raw_parts(samples, count),
                )
            };
            let [width, height] = picture.view.size;
            let (block, thread) = (thread::block_dim_x() as u32, thread::thread_idx_x() as u32);
            let piece = PIECE * block;
            let pieces = width.div_ceil(piece);
            // The host has checked that the pixels' number fits 32 bits.
            let mut number = thread::block_idx_x() as u32;
            while number < pieces * height {
                let y = number / pieces;
                let start = number % pieces * piece + thread;
                for i in 0..PIECE {
                    let x = start + i * block;
                    if x < width {
                        let pixel = planes::pixel(picture, &samples, x, y);
                        // SAFETY: one of the view's pixels.
                        unsafe {
                            dst.add(y as usize * width as usize + x as usize)
                                .write(pixel.into());
                        }
                    }
                }
                number += thread::grid_dim_x() as u32;
            }
        }
    )*};
}

planes! {
    planes_8_to_f32: u8 => RgbaF32;
    planes_8_to_u8: u8 => Rgba8;
    planes_16_to_f32: u16 => RgbaF32;
    planes_16_to_u8: u16 => Rgba8;
}

/// Makes the planes of a lossy WebP, with alpha. A thread takes four pixels at a time. The memory begins with
/// a word that is 0.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn webp_planes(
    src: *const RgbaF32,
    dst: *mut u8,
    width: u32,
    height: u32,
) {
    // SAFETY: the host passes the pixels, and memory for the planes.
    unsafe { subsampled(src, dst, [width, height], straight) }
}

/// As [`webp_planes`], of pixels on a background.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn webp_planes_flattened(
    src: *const RgbaF32,
    dst: *mut u8,
    width: u32,
    height: u32,
    r: f32,
    g: f32,
    b: f32,
) {
    let on_background = |pixel| flattened(pixel, [r, g, b]);
    // SAFETY: as above.
    unsafe { subsampled(src, dst, [width, height], on_background) }
}

/// # Safety
///
/// `src` has pixels of that size, and `dst` room for their planes.
#[inline(always)]
unsafe fn subsampled(
    src: *const RgbaF32,
    dst: *mut u8,
    size: [u32; 2],
    bytes: impl Fn(RgbaF32) -> Rgba8,
) {
    let planes = WebpPlanes { size };
    let [columns, rows] = planes.chroma();
    // SAFETY: an aligned word, which is only changed by atomics.
    let is_translucent = unsafe { AtomicU32::from_ptr(dst.cast()) };
    let step = (thread::grid_dim_x() * thread::block_dim_x()) as u32;
    let first = (thread::block_idx_x() * thread::block_dim_x() + thread::thread_idx_x()) as u32;
    let mut number = first;
    // The host has checked that the pixels' number fits 31 bits.
    while number < columns * rows {
        let found = planes.block(
            [number % columns, number / columns],
            // SAFETY: one of the picture's pixels.
            |x, y| bytes(unsafe { src.add(y as usize * size[0] as usize + x as usize).read() }),
            // SAFETY: a place in the planes.
            |place, sample| unsafe { dst.add(place).write(sample) },
        );
        if found && is_translucent.load(Ordering::Relaxed) == 0 {
            is_translucent.store(1, Ordering::Relaxed);
        }
        number += step;
    }
}
