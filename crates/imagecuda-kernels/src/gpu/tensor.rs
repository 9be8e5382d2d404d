//! Pixels to tensors.

use super::{
    entries::for_each,
    shared::{self, load_quad, store_u8, store_u16, store_u32},
    thread, warp,
};
use crate::{
    pixel::RgbaF32,
    shared_memory,
    tensor::{TensorElement, TensorSpec, bf16_from_f32, f32_from_f32, u8_from_f32},
};

const U8: u32 = TensorElement::U8 as u32;
const F16: u32 = TensorElement::F16 as u32;
const BF16: u32 = TensorElement::Bf16 as u32;
const F32: u32 = TensorElement::F32 as u32;

/// As [`crate::tensor::f16_from_f32`], by the GPU's own conversion.
#[inline(always)]
fn f16_from_f32(v: f32) -> u16 {
    let half: u16;
    // SAFETY: a conversion of registers.
    unsafe {
        core::arch::asm!(
            "cvt.rn.f16.f32 {half}, {v};",
            half = out(reg16) half,
            v = in(reg32) v,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    // Its NaN is another.
    if v.to_bits() & 0x7fff_ffff > 0x7f80_0000 {
        0x7e00
    } else {
        half
    }
}

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
            if spec.element == U8 {
                dst.add(at).write(u8_from_f32(v));
            } else if spec.element == F16 {
                dst.cast::<u16>().add(at).write(f16_from_f32(v));
            } else if spec.element == BF16 {
                dst.cast::<u16>().add(at).write(bf16_from_f32(v));
            } else {
                dst.cast::<u32>().add(at).write(f32_from_f32(v));
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

/// The results of `of` for 0 to 3, without a loop.
#[inline(always)]
pub(super) fn each<T>(of: impl Fn(usize) -> T) -> [T; 4] {
    [of(0), of(1), of(2), of(3)]
}

/// Words of 8 bytes, which are stored together.
#[repr(C, align(8))]
struct Two([u32; 2]);

/// Words of 16 bytes, which are stored together.
#[repr(C, align(16))]
struct Four([u32; 4]);

/// Writes four elements, as many as `at` says after the start of `dst`.
///
/// # Safety
///
/// `dst` has these elements, and they are aligned to their common size.
#[inline(always)]
unsafe fn put_four<const ELEMENT: u32>(dst: *mut u8, at: usize, v: [f32; 4]) {
    let halves = |of: fn(f32) -> u16| each(|i| u32::from(of(v[i])));
    let pairs = |h: [u32; 4]| Two([h[0] | h[1] << 16, h[2] | h[3] << 16]);
    // SAFETY: what the caller promised.
    unsafe {
        match ELEMENT {
            U8 => {
                let [a, b, c, d] = each(|i| u32::from(u8_from_f32(v[i])));
                let word = a | b << 8 | c << 16 | d << 24;
                dst.add(at).cast::<u32>().write(word);
            }
            F16 => dst
                .add(2 * at)
                .cast::<Two>()
                .write(pairs(halves(f16_from_f32))),
            BF16 => dst
                .add(2 * at)
                .cast::<Two>()
                .write(pairs(halves(bf16_from_f32))),
            _ => dst
                .add(4 * at)
                .cast::<Four>()
                .write(Four(each(|i| f32_from_f32(v[i])))),
        }
    }
}

/// Four pixels beside each other, of which `i` is the first: a multiple of 4. So is the number of the
/// tensor's pixels. It has planes, or fewer than four channels.
///
/// # Safety
///
/// As [`put`].
#[inline(always)]
unsafe fn put_pixels<const ELEMENT: u32>(
    spec: &TensorSpec,
    dst: *mut u8,
    i: usize,
    pixels: [RgbaF32; 4],
) {
    let value = |pixel: usize, channel: usize| spec.value(pixels[pixel], channel);
    let (first, step) = spec.place(i);
    let count = spec.count();
    // SAFETY: four elements begin at a multiple of four, of which the planes, and the pictures of a tensor,
    // are multiples too.
    unsafe {
        let four = |at: usize, v: [f32; 4]| put_four::<ELEMENT>(dst, first + at, v);
        if spec.is_planar() || count == 1 {
            four(0, each(|p| value(p, 0)));
            if count >= 3 {
                four(step, each(|p| value(p, 1)));
                four(2 * step, each(|p| value(p, 2)));
            }
            if count == 4 {
                four(3 * step, each(|p| value(p, 3)));
            }
        } else {
            four(0, [value(0, 0), value(0, 1), value(0, 2), value(1, 0)]);
            four(4, [value(1, 1), value(1, 2), value(2, 0), value(2, 1)]);
            four(8, [value(2, 2), value(3, 0), value(3, 1), value(3, 2)]);
        }
    }
}

/// Pixels that a warp makes at a time where three channels lie side by side.
const SIDE_BY_SIDE: usize = 128;

shared_memory! {
    /// The elements of four warps.
    shared_elements: 6144
}

/// A picture of three channels that lie side by side. A warp collects the elements in shared memory, and
/// stores them together. The number of pixels is a multiple of 16.
///
/// # Safety
///
/// As [`copy`]. Blocks have four warps, and all of their threads call this.
#[inline(always)]
unsafe fn copy_side_by_side<const ELEMENT: u32>(
    spec: &TensorSpec,
    src: *const RgbaF32,
    dst: *mut u8,
) {
    let n = spec.width as usize * spec.height as usize;
    let size: usize = match ELEMENT {
        U8 => 1,
        F16 | BF16 => 2,
        _ => 4,
    };
    let (lane, warp) = (thread::thread_idx_x() % 32, thread::thread_idx_x() / 32);
    let elements = shared::address(shared_elements::<u8>());
    let elements = elements + (warp * SIDE_BY_SIDE * 3 * size) as u32;
    let mut start = (thread::block_idx_x() * 4 + warp) * SIDE_BY_SIDE;
    while start < n {
        // SAFETY: one of the picture's pixels.
        let pixels = each(|j| unsafe { src.add((start + j * 32 + lane).min(n - 1)).read() });
        each(|j| {
            let pixel = spec.flattened(pixels[j]);
            let put = |c: usize| {
                let v = spec.value(pixel, c);
                let to = elements + ((3 * (j * 32 + lane) + c) * size) as u32;
                // SAFETY: the warp's memory has room for the elements of its pixels.
                unsafe {
                    match ELEMENT {
                        U8 => store_u8(to, u8_from_f32(v).into()),
                        F16 => store_u16(to, f16_from_f32(v)),
                        BF16 => store_u16(to, bf16_from_f32(v)),
                        _ => store_u32(to, f32_from_f32(v)),
                    }
                }
            };
            put(0);
            put(1);
            put(2);
        });
        // SAFETY: all threads of the warp are here, as they have the same pixels to make.
        unsafe { warp::sync() };
        let bytes = SIDE_BY_SIDE.min(n - start) * 3 * size;
        let mut at = lane * 16;
        while at < bytes {
            // SAFETY: the warp's elements, and those of the tensor. Both begin at multiples of 16.
            unsafe {
                let four = load_quad(elements + at as u32);
                let to = dst.add(start * 3 * size + at);
                to.cast::<Four>().write(Four(four));
            }
            at += 512;
        }
        // SAFETY: as above.
        unsafe { warp::sync() };
        start += thread::grid_dim_x() * 4 * SIDE_BY_SIDE;
    }
}

/// A picture of the tensor's size, pixel by pixel.
///
/// # Safety
///
/// `src` is valid for the picture, and `dst` for the whole picture of the tensor. Blocks have four warps, and
/// all of their threads call this.
#[inline(always)]
unsafe fn copy<const ELEMENT: u32>(spec: &TensorSpec, src: *const RgbaF32, dst: *mut u8) {
    let n = spec.width as usize * spec.height as usize;
    // SAFETY: called with those below `n`.
    let load = |i: usize| unsafe { src.add(i).read() };
    if !spec.is_planar() && spec.count() == 4 {
        return for_each(n, load, |i, pixel| {
            let pixel = spec.flattened(pixel);
            // SAFETY: as above.
            unsafe { put_four::<ELEMENT>(dst, 4 * i, each(|c| spec.value(pixel, c))) }
        });
    }
    if !spec.is_planar() && spec.count() == 3 && n.is_multiple_of(16) {
        // SAFETY: what the caller promised.
        return unsafe { copy_side_by_side::<ELEMENT>(spec, src, dst) };
    }
    if !n.is_multiple_of(4) {
        // SAFETY: as above.
        return for_each(n, load, |i, pixel| unsafe {
            put(spec, dst, i, spec.flattened(pixel));
        });
    }
    let mut i = 4 * (thread::block_idx_x() * thread::block_dim_x() + thread::thread_idx_x());
    while i < n {
        let pixels = each(|p| load(i + p));
        let pixels = each(|p| spec.flattened(pixels[p]));
        // SAFETY: `i` is below `n`, and both are multiples of 4.
        unsafe { put_pixels::<ELEMENT>(spec, dst, i, pixels) };
        i += 4 * thread::grid_dim_x() * thread::block_dim_x();
    }
}

macro_rules! tensor {
    ($($name:ident: $element:ident;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $name(spec: TensorSpec, src: *const RgbaF32, dst: *mut u8) {
            // SAFETY: the host passes a picture, and a whole picture of a tensor.
            unsafe { copy::<$element>(&spec, src, dst) }
        }
    )*};
}

tensor! {
    tensor_u8: U8;
    tensor_f16: F16;
    tensor_bf16: BF16;
    tensor_f32: F32;
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
