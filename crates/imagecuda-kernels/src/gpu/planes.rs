//! The entries that make pixels of planes.

use super::thread;
use crate::{
    pixel::{Rgba8, RgbaF32},
    planes::{self, Picture},
};

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
