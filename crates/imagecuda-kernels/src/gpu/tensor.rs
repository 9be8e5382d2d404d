//! Pixels to tensors.

use super::{entries::for_each, thread};
use crate::{
    pixel::RgbaF32,
    tensor::{TensorElement, TensorSpec, bf16_from_f32, f16_from_f32, u8_from_f32},
};

/// Writes pixel `i` of the tensor at `dst`, counted row by row.
///
/// # Safety
///
/// `dst` is valid for the whole picture of the tensor, and the tensor has the pixel.
#[inline(always)]
pub(super) unsafe fn put(spec: &TensorSpec, dst: *mut u8, i: usize, pixel: RgbaF32) {
    let (first, step) = spec.place(i);
    let count = spec.count();
    let put = |c: usize| {
        let (v, at) = (spec.value(pixel, c), first + c * step);
        // SAFETY: one of the tensor's elements, which are aligned to their size.
        unsafe {
            if spec.element == TensorElement::U8 as u32 {
                dst.add(at).write(u8_from_f32(v));
            } else if spec.element == TensorElement::F16 as u32 {
                dst.cast::<u16>().add(at).write(f16_from_f32(v));
            } else if spec.element == TensorElement::Bf16 as u32 {
                dst.cast::<u16>().add(at).write(bf16_from_f32(v));
            } else {
                dst.cast::<f32>().add(at).write(v);
            }
        }
    };
    // Not a loop: numbers of channels that the compiler knows keep a pixel in registers.
    put(0);
    if count >= 3 {
        put(1);
        put(2);
    }
    if count == 4 {
        put(3);
    }
}

/// A picture of the tensor's size, pixel by pixel.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn tensor(spec: TensorSpec, src: *const RgbaF32, dst: *mut u8) {
    let n = spec.width as usize * spec.height as usize;
    for_each(
        n,
        // SAFETY: `i` is below `n`, and the picture has as many pixels.
        |i| unsafe { src.add(i).read() },
        // SAFETY: the host passes a whole picture of a tensor.
        |i, pixel| unsafe { put(&spec, dst, i, spec.flattened(pixel)) },
    );
}

/// What is outside the picture.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn tensor_pad(spec: TensorSpec, dst: *mut u8) {
    let (width, height) = (spec.width as usize, spec.height as usize);
    let (left, top) = (spec.left as usize, spec.top as usize);
    let columns = left..left + spec.inner_width as usize;
    let rows = top..top + spec.inner_height as usize;
    for_each(
        width * height,
        |_| RgbaF32(spec.pad),
        |i, pixel| {
            if !(columns.contains(&(i % width)) && rows.contains(&(i / width))) {
                // SAFETY: the host passes a whole picture of a tensor.
                unsafe { put(&spec, dst, i, pixel) }
            }
        },
    );
}

/// Calls `body` for each pixel of a picture of `width` × `height`, spread over the grid: a warp works on
/// 32 pixels of a row, and the warps of a block on rows below each other.
#[inline(always)]
pub(super) fn for_each_pixel(width: u32, height: u32, body: impl Fn(usize, usize)) {
    let (lane, warp) = (thread::thread_idx_x() % 32, thread::thread_idx_x() / 32);
    let warps = thread::block_dim_x() / 32;
    let x = thread::block_idx_x() * 32 + lane;
    let mut y = thread::block_idx_y() * warps + warp;
    while y < height as usize {
        if x < width as usize {
            body(x, y);
        }
        y += thread::grid_dim_y() * warps;
    }
}
