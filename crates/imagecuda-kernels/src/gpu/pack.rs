//! The entry points that make what encoders take of float pixels. Their arguments are as those of
//! `entries.rs`.

use super::{
    entries::{for_each, for_each_tile, map},
    thread, warp,
};
use crate::{
    pack::{self, PixelUsage},
    pixel::RgbaF32,
    texel,
};
use core::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering},
};

/// Float to packed RGB bytes, flattened. `dst` is valid up to a multiple of four bytes. Four lanes
/// write their four pixels as three words.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn pack_rgb8(
    src: *const RgbaF32,
    dst: *mut u32,
    n: usize,
    r: f32,
    g: f32,
    b: f32,
) {
    let (block, thread) = (thread::block_dim_x(), thread::thread_idx_x());
    let load = |i| {
        if i < n {
            // SAFETY: `i` is below `n`.
            unsafe { src.add(i).read() }
        } else {
            RgbaF32([0.0; 4])
        }
    };
    let store = |i: usize, pixel| {
        let this = pack::rgb8_bits(pack::rgb8(pixel, [r, g, b]));
        // SAFETY: blocks are whole warps, and all threads of a block are here together.
        let next = unsafe { warp::shuffle_down(this, 1) };
        let word = i % 4;
        if word < 3 && i < n {
            // SAFETY: word `word` of four pixels starts within pixel `word`, so where that is
            // below `n` the word is within `dst` and its padding.
            unsafe {
                dst.add(i / 4 * 3 + word)
                    .write(pack::rgb8_word(this, next, word as u32));
            }
        }
    };
    for_each_tile(n, |start| {
        let (first, second) = (start + thread, start + block + thread);
        let (a, b) = (load(first), load(second));
        store(first, a);
        store(second, b);
    });
}

/// Packing entries: from float to what an encoder takes. Those of `flatten` flatten the pixels
/// first, onto the background that their last three arguments are.
macro_rules! pack {
    (
        keep_alpha { $($name:ident: $body:ident to $texel:ty;)* }
        flatten { $($flatten:ident: $flatten_body:ident to $flat:ty;)* }
    ) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "ptx-kernel" fn $name(src: *const RgbaF32, dst: *mut $texel, n: usize) {
                // SAFETY: the host launches with `n` pixels on both sides.
                unsafe { map(src, dst, n, pack::$body) }
            }
        )*
        $(
            #[unsafe(no_mangle)]
            unsafe extern "ptx-kernel" fn $flatten(
                src: *const RgbaF32,
                dst: *mut $flat,
                n: usize,
                r: f32,
                g: f32,
                b: f32,
            ) {
                // SAFETY: the host launches with `n` pixels on both sides.
                unsafe { map(src, dst, n, |pixel| pack::$flatten_body(pixel, [r, g, b])) }
            }
        )*
    };
}

pack! {
    keep_alpha {
        pack_la8: la8 to texel::La8;
        pack_la16: la16 to texel::La16;
        pack_rgba16: rgba16 to texel::Rgba16;
        pack_rgba32f_linear: rgba32f_linear to RgbaF32;
    }
    flatten {
        pack_l8: l8 to texel::L8;
        pack_l16: l16 to texel::L16;
        pack_rgb16: rgb16 to texel::Rgb16;
        pack_rgb32f: rgb32f to texel::Rgb32F;
        pack_rgb32f_linear: rgb32f_linear to texel::Rgb32F;
    }
}

/// Joins the [`PixelUsage`] of all pixels in `dst`, a word that is zero at first. `deep` and
/// `flatten` are 0 or 1.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn pixel_usage(
    src: *const RgbaF32,
    dst: *mut u32,
    n: usize,
    r: f32,
    g: f32,
    b: f32,
    deep: u32,
    flatten: u32,
) {
    let background = (flatten != 0).then_some([r, g, b]);
    let all = Cell::new(PixelUsage::default());
    for_each(
        n,
        // SAFETY: `i` is below `n`.
        |i| unsafe { src.add(i).read() },
        |_, pixel| all.set(all.get().or(PixelUsage::of(pixel, deep != 0, background))),
    );
    let PixelUsage(bits) = all.get();
    // SAFETY: the host passes an aligned word, which is only changed by atomics.
    let sum = unsafe { AtomicU32::from_ptr(dst) };
    // Most bits are set already, and a load is cheaper than an atomic.
    if bits & !sum.load(Ordering::Relaxed) != 0 {
        sum.fetch_or(bits, Ordering::Relaxed);
    }
}
