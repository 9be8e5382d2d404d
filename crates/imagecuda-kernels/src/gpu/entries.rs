//! What the host launches. Each entry is an index, a bounds check and a call of a body.
//!
//! All take one-dimensional grids of any size: a thread walks the pixels in strides of the
//! grid. Pointers are device memory aligned to 16 bytes; `n` counts pixels.

use super::{thread, warp};
use crate::{
    expand::Expand,
    pack,
    pixel::{Rgba8, RgbaF32},
    texel::{self, Texel},
};

/// Independent loads a thread has in flight; one alone does not fill the memory system.
const UNROLL: usize = 4;

/// `dst[i] = body(src[i])` for every `i` below `n`, spread over the grid.
///
/// # Safety
///
/// `src` and `dst` are valid for `n` elements, aligned for their types, and do not overlap.
#[inline(always)]
unsafe fn map<S: Copy, D: Copy>(src: *const S, dst: *mut D, n: usize, body: impl Fn(S) -> D) {
    // SAFETY: the loop stays below `n`.
    unsafe {
        for_each(n, |i| src.add(i).read(), |i, s| dst.add(i).write(body(s)));
    }
}

/// Calls `load` and `store` for every index below `n`, spread over the grid, with
/// [`UNROLL`] loads before the first store.
///
/// # Safety
///
/// `load` and `store` must be sound for each index below `n`.
#[inline(always)]
unsafe fn for_each<S: Copy>(n: usize, load: impl Fn(usize) -> S, store: impl Fn(usize, S)) {
    let stride = thread::grid_threads_1d();
    let mut i = thread::index_1d();
    while i + (UNROLL - 1) * stride < n {
        // Not an array: the compiler would keep that in local memory.
        let (s0, s1) = (load(i), load(i + stride));
        let (s2, s3) = (load(i + 2 * stride), load(i + 3 * stride));
        store(i, s0);
        store(i + stride, s1);
        store(i + 2 * stride, s2);
        store(i + 3 * stride, s3);
        i += UNROLL * stride;
    }
    while i < n {
        store(i, load(i));
        i += stride;
    }
}

/// Expansion entries, two a layout: to float and to 8-bit RGBA. A layout that already is the
/// device's needs none: its bytes are copied.
macro_rules! expand {
    ($($to_f32:ident, $to_u8:ident: $body:ident of $texel:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $to_f32(src: *const $texel, dst: *mut RgbaF32, n: usize) {
            // SAFETY: the host launches with `n` pixels on both sides.
            unsafe { map(src, dst, n, <RgbaF32 as Expand>::$body::<$texel>) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $to_u8(src: *const $texel, dst: *mut Rgba8, n: usize) {
            // SAFETY: the host launches with `n` pixels on both sides.
            unsafe { map(src, dst, n, <Rgba8 as Expand>::$body::<$texel>) }
        }
    )*};
}

expand! {
    expand_l8_to_f32, expand_l8_to_u8: from_encoded of texel::L8;
    expand_la8_to_f32, expand_la8_to_u8: from_encoded of texel::La8;
    expand_l16_to_f32, expand_l16_to_u8: from_encoded of texel::L16;
    expand_la16_to_f32, expand_la16_to_u8: from_encoded of texel::La16;
    expand_rgb16_to_f32, expand_rgb16_to_u8: from_encoded of texel::Rgb16;
    expand_rgba16_to_f32, expand_rgba16_to_u8: from_encoded of texel::Rgba16;
    expand_l32f_to_f32, expand_l32f_to_u8: from_encoded of texel::L32F;
    expand_la32f_to_f32, expand_la32f_to_u8: from_encoded of texel::La32F;
    expand_rgb32f_to_f32, expand_rgb32f_to_u8: from_encoded of texel::Rgb32F;
    expand_l32f_linear_to_f32, expand_l32f_linear_to_u8: from_linear of texel::L32F;
    expand_la32f_linear_to_f32, expand_la32f_linear_to_u8: from_linear of texel::La32F;
    expand_rgb32f_linear_to_f32, expand_rgb32f_linear_to_u8: from_linear of texel::Rgb32F;
    expand_rgba32f_linear_to_f32, expand_rgba32f_linear_to_u8: from_linear of RgbaF32;
}

/// The words that hold pixel `i` of packed RGB bytes; the second is read only where the pixel
/// reaches into it, so nothing past the last pixel's word is touched.
///
/// # Safety
///
/// `src` is valid for the pixels up to `i`, rounded up to whole words.
#[inline(always)]
unsafe fn load_rgb8(src: *const u32, i: usize) -> (u32, u32, u32) {
    let (word, phase) = (3 * i / 4, 3 * i as u32 % 4);
    // SAFETY: word `word` holds the pixel's first byte; the next one holds its last byte where
    // the phase is 2 or 3.
    unsafe {
        let low = src.add(word).read();
        let high = if phase >= 2 {
            src.add(word + 1).read()
        } else {
            0
        };
        (low, high, phase)
    }
}

/// Packed RGB bytes to float. `src` is valid up to a multiple of four bytes.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgb8_to_f32(src: *const u32, dst: *mut RgbaF32, n: usize) {
    // SAFETY: the host launches with `n` pixels on both sides and pads `src` to whole words.
    unsafe {
        for_each(
            n,
            |i| load_rgb8(src, i),
            |i, (low, high, phase)| {
                dst.add(i)
                    .write(pack::rgb8_from_words(low, high, phase).to_f32());
            },
        );
    }
}

/// Packed RGB bytes to 8-bit RGBA. `src` is valid up to a multiple of four bytes.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgb8_to_u8(src: *const u32, dst: *mut Rgba8, n: usize) {
    // SAFETY: the host launches with `n` pixels on both sides and pads `src` to whole words.
    unsafe {
        for_each(
            n,
            |i| load_rgb8(src, i),
            |i, (low, high, phase)| {
                dst.add(i)
                    .write(pack::rgb8_from_words(low, high, phase).to_u8());
            },
        );
    }
}

/// 8-bit RGBA to float.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgba8_to_f32(src: *const Rgba8, dst: *mut RgbaF32, n: usize) {
    // SAFETY: the host launches with `n` pixels on both sides.
    unsafe { map(src, dst, n, RgbaF32::from) }
}

/// Float to 8-bit RGBA.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgba32f_to_u8(src: *const RgbaF32, dst: *mut Rgba8, n: usize) {
    // SAFETY: the host launches with `n` pixels on both sides.
    unsafe { map(src, dst, n, Rgba8::from) }
}

/// Float to packed RGB bytes, flattened. `dst` is valid up to a multiple of four bytes; blocks
/// are whole warps. Four lanes write their four pixels as three words.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn pack_rgb8(
    src: *const RgbaF32,
    dst: *mut u32,
    n: usize,
    r: f32,
    g: f32,
    b: f32,
) {
    let stride = thread::grid_threads_1d();
    let lane = thread::thread_idx_x() % 32;
    let (group, word) = (lane as usize / 4, lane % 4);
    let mut warp_start = thread::index_1d() - lane as usize;
    // The bound is the same for a whole warp, so that all lanes shuffle together.
    while warp_start < n {
        let i = warp_start + lane as usize;
        // SAFETY: `src` is read below `n` alone. Word `word` of four pixels starts within
        // pixel `word`, so where that exists the word is within `dst` and its padding. Blocks
        // are whole warps, so all lanes reach the shuffle.
        unsafe {
            let pixel = if i < n {
                src.add(i).read()
            } else {
                RgbaF32([0.0; 4])
            };
            let this = pack::rgb8_bits(pack::rgb8(pixel, [r, g, b]));
            let next = warp::shuffle_down(this, 1);
            if word < 3 && i < n {
                dst.add((warp_start / 4 + group) * 3 + word as usize)
                    .write(pack::rgb8_word(this, next, word));
            }
        }
        warp_start += stride;
    }
}

/// Float to linear float RGB, flattened.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn pack_rgb32f_linear(
    src: *const RgbaF32,
    dst: *mut texel::Rgb32F,
    n: usize,
    r: f32,
    g: f32,
    b: f32,
) {
    // SAFETY: the host launches with `n` pixels on both sides.
    unsafe { map(src, dst, n, |pixel| pack::rgb32f_linear(pixel, [r, g, b])) }
}

/// Float to linear float RGBA.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn pack_rgba32f_linear(
    src: *const RgbaF32,
    dst: *mut RgbaF32,
    n: usize,
) {
    // SAFETY: the host launches with `n` pixels on both sides.
    unsafe { map(src, dst, n, pack::rgba32f_linear) }
}
