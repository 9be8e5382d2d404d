//! The entry points of pixels that the host launches. Each is an index, a bounds check and a call
//! of a body.
//!
//! All take one-dimensional grids, and blocks of whole warps. A block works on a tile of pixels
//! that are contiguous in memory, [`TILE`] for each thread. If the grid has fewer blocks than there
//! are tiles, a block works on several. Pointers are to device memory, aligned to 16 bytes; `n` is
//! a number of pixels.

use super::thread;
use crate::{
    color,
    expand::Expand,
    orient::{Orientation, View},
    pack,
    pixel::{Rgba8, RgbaF32},
    texel,
};

/// Pixels of a tile for each thread. Their loads are in flight together. Two use the memory as well
/// as four do, and leave room for more threads.
const TILE: usize = 2;

/// `dst[i] = body(src[i])` for every `i` below `n`, spread over the grid.
///
/// # Safety
///
/// `src` and `dst` are valid for `n` elements and aligned for their types, and either do not
/// overlap or are the same.
#[inline(always)]
pub(super) unsafe fn map<S: Copy, D: Copy>(
    src: *const S,
    dst: *mut D,
    n: usize,
    body: impl Fn(S) -> D,
) {
    for_each(
        n,
        // SAFETY: `i` is below `n`.
        |i| unsafe { src.add(i).read() },
        // SAFETY: `i` is below `n`.
        |i, s| unsafe { dst.add(i).write(body(s)) },
    );
}

/// Calls `load` and then `store` for every index below `n`, spread over the grid. Each thread calls
/// all `load`s of a tile before the first `store`.
#[inline(always)]
pub(super) fn for_each<S: Copy>(n: usize, load: impl Fn(usize) -> S, store: impl Fn(usize, S)) {
    let (block, thread) = (thread::block_dim_x(), thread::thread_idx_x());
    for_each_tile(n, |start| {
        let (first, second) = (start + thread, start + block + thread);
        // One check instead of two, for all tiles but the last.
        if start + TILE * block <= n {
            let (a, b) = (load(first), load(second));
            store(first, a);
            store(second, b);
        } else {
            for i in [first, second] {
                if i < n {
                    store(i, load(i));
                }
            }
        }
    });
}

/// Calls `body` with the first pixel of each tile of this block. All threads of a block make the
/// same calls.
#[inline(always)]
pub(super) fn for_each_tile(n: usize, body: impl Fn(usize)) {
    let tile = TILE * thread::block_dim_x();
    let mut start = thread::block_idx_x() * tile;
    while start < n {
        body(start);
        start += thread::grid_dim_x() * tile;
    }
}

/// Four neighbouring texels, which a thread loads at once.
macro_rules! fours {
    ($($name:ident: $align:literal;)*) => {$(
        #[derive(Clone, Copy)]
        #[repr(C, align($align))]
        struct $name<T>([T; 4]);

        impl<T> From<$name<T>> for [T; 4] {
            #[inline(always)]
            fn from($name(texels): $name<T>) -> Self {
                texels
            }
        }
    )*};
}

fours! {
    By4: 4;
    By8: 8;
    By16: 16;
}

/// Four RGB pixels as words. As samples they would be loaded one by one.
#[derive(Clone, Copy)]
#[repr(C)]
struct Words8([u32; 3]);

impl From<Words8> for [texel::Rgb8; 4] {
    #[inline(always)]
    fn from(Words8(words): Words8) -> Self {
        let [[a, b, c, d], [e, f, g, h], [i, j, k, l]] = words.map(u32::to_ne_bytes);
        [[a, b, c], [d, e, f], [g, h, i], [j, k, l]].map(texel::Rgb8)
    }
}

/// The same of 16-bit samples.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Words16([u32; 6]);

impl From<Words16> for [texel::Rgb16; 4] {
    #[inline(always)]
    fn from(Words16(words): Words16) -> Self {
        let [[a, b], [c, d], [e, f], [g, h], [i, j], [k, l]] =
            words.map(|word| [word as u16, (word >> 16) as u16]);
        [[a, b, c], [d, e, f], [g, h, i], [j, k, l]].map(texel::Rgb16)
    }
}

/// As [`map`] to 8-bit RGBA. A thread makes four neighbouring pixels, since a store of four bytes would
/// leave half of the memory's bandwidth unused.
///
/// # Safety
///
/// As for [`map`]; `F` has the size of four texels.
#[inline(always)]
unsafe fn map_fours<S: Copy, F: Copy + Into<[S; 4]>>(
    src: *const S,
    dst: *mut Rgba8,
    n: usize,
    body: impl Fn(S) -> Rgba8,
) {
    const { assert!(size_of::<F>() == 4 * size_of::<S>()) };
    for_each(
        n / 4,
        // SAFETY: `i` is below the number of whole fours.
        |i| unsafe { src.cast::<F>().add(i).read() },
        |i, texels: F| {
            let pixels = texels.into().map(|texel| u32::from_ne_bytes(body(texel).0));
            // SAFETY: as above.
            unsafe { dst.cast::<By16<u32>>().add(i).write(By16(pixels)) };
        },
    );
    let i = n - n % 4 + thread::thread_idx_x();
    if thread::block_idx_x() == 0 && i < n {
        // SAFETY: `i` is below `n`.
        unsafe { dst.add(i).write(body(src.add(i).read())) };
    }
}

/// Expansion entries, two for each layout: to float and to 8-bit RGBA. A layout that is that of the
/// device already needs none: its bytes are copied.
macro_rules! expand {
    ($($to_f32:ident, $to_u8:ident: $body:ident of $texel:ty, $fours:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $to_f32(src: *const $texel, dst: *mut RgbaF32, n: usize) {
            // SAFETY: the host launches with `n` pixels on both sides.
            unsafe { map(src, dst, n, <RgbaF32 as Expand>::$body::<$texel>) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $to_u8(src: *const $texel, dst: *mut Rgba8, n: usize) {
            // SAFETY: the host launches with `n` pixels on both sides.
            unsafe {
                map_fours::<_, $fours>(src, dst, n, <Rgba8 as Expand>::$body::<$texel>)
            }
        }
    )*};
}

expand! {
    expand_l8_to_f32, expand_l8_to_u8: from_encoded of texel::L8, By4<texel::L8>;
    expand_la8_to_f32, expand_la8_to_u8: from_encoded of texel::La8, By8<texel::La8>;
    expand_cmyk8_to_f32, expand_cmyk8_to_u8: from_encoded of texel::Cmyk8, By16<texel::Cmyk8>;
    expand_l16_to_f32, expand_l16_to_u8: from_encoded of texel::L16, By8<texel::L16>;
    expand_la16_to_f32, expand_la16_to_u8: from_encoded of texel::La16, By16<texel::La16>;
    expand_rgb16_to_f32, expand_rgb16_to_u8: from_encoded of texel::Rgb16, Words16;
    expand_rgba16_to_f32, expand_rgba16_to_u8: from_encoded of texel::Rgba16, By16<texel::Rgba16>;
    expand_cmyk16_to_f32, expand_cmyk16_to_u8: from_encoded of texel::Cmyk16, By16<texel::Cmyk16>;
    expand_l32f_to_f32, expand_l32f_to_u8: from_encoded of texel::L32F, By16<texel::L32F>;
    expand_la32f_to_f32, expand_la32f_to_u8: from_encoded of texel::La32F, By16<texel::La32F>;
    expand_rgb32f_to_f32, expand_rgb32f_to_u8: from_encoded of texel::Rgb32F, By16<texel::Rgb32F>;
    expand_l32f_linear_to_f32, expand_l32f_linear_to_u8: from_linear of texel::L32F, By16<texel::L32F>;
    expand_la32f_linear_to_f32, expand_la32f_linear_to_u8: from_linear of texel::La32F, By16<texel::La32F>;
    expand_rgb32f_linear_to_f32, expand_rgb32f_linear_to_u8: from_linear of texel::Rgb32F, By16<texel::Rgb32F>;
    expand_rgba32f_linear_to_f32, expand_rgba32f_linear_to_u8: from_linear of RgbaF32, By16<RgbaF32>;
}

/// The words that hold pixel `i` of packed RGB bytes, and which byte of them is its first.
///
/// # Safety
///
/// `src` is valid for the pixels up to `i` and one more.
#[inline(always)]
unsafe fn load_rgb8(src: *const u32, i: usize) -> (u32, u32, u32) {
    let (word, phase) = (3 * i / 4, 3 * i as u32 % 4);
    // SAFETY: word `word` holds the pixel's first byte; the next one holds its last byte where
    // the phase is 2 or 3. Neither reaches over the next pixel's end.
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

/// Packed RGB bytes to float.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgb8_to_f32(src: *const u32, dst: *mut RgbaF32, n: usize) {
    let Some(last) = n.checked_sub(1) else {
        return;
    };
    let put = |i: usize, pixel: texel::Rgb8| {
        // SAFETY: the host launches with `n` pixels on both sides; called with those below `n`.
        unsafe { dst.add(i).write(RgbaF32::from_encoded(pixel)) };
    };
    for_each(
        last,
        // SAFETY: `i` is below `last`.
        |i| unsafe { load_rgb8(src, i) },
        |i, (low, high, phase)| put(i, pack::rgb8_from_words(low, high, phase)),
    );
    // The last pixel is read by bytes: the rest of its word may be past the end of what was
    // written.
    if thread::block_idx_x() == 0 && thread::thread_idx_x() == 0 {
        // SAFETY: one of the pixels.
        put(last, unsafe { src.cast::<texel::Rgb8>().add(last).read() });
    }
}

/// Packed RGB bytes to 8-bit RGBA.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn expand_rgb8_to_u8(
    src: *const texel::Rgb8,
    dst: *mut Rgba8,
    n: usize,
) {
    let body = <Rgba8 as Expand>::from_encoded::<texel::Rgb8>;
    // SAFETY: as above.
    unsafe { map_fours::<_, Words8>(src, dst, n, body) }
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

/// Entries that write the `n` pixels of a part of an oriented picture, one for each size of a pixel
/// in bytes. The part is `columns` wide and begins at `left`, `top` of the oriented picture of
/// `width` × `height` pixels. `orientation` is EXIF's number.
macro_rules! orient {
    ($($name:ident: $texel:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $name(
            src: *const $texel,
            dst: *mut $texel,
            n: usize,
            columns: u32,
            orientation: u32,
            width: u32,
            height: u32,
            left: u32,
            top: u32,
        ) {
            let columns = columns as usize;
            let view = View {
                orientation: Orientation::from_exif(orientation).unwrap_or_default(),
                width,
                height,
                left,
                top,
            };
            for_each(
                n,
                |i| {
                    let from = view.source(i % columns, i / columns);
                    // SAFETY: the host checked that the part lies within the picture, and `src` holds
                    // all of it.
                    unsafe { src.add(from).read() }
                },
                // SAFETY: `i` is below `n`.
                |i, pixel| unsafe { dst.add(i).write(pixel) },
            );
        }
    )*};
}

orient! {
    orient_1: texel::L8;
    orient_2: texel::La8;
    orient_3: texel::Rgb8;
    orient_4: Rgba8;
    orient_6: texel::Rgb16;
    orient_8: texel::Rgba16;
    orient_12: texel::Rgb32F;
    orient_16: RgbaF32;
}

/// Converts pixels in place by curves and a matrix.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn color_shape(
    shaper: *const [f32; color::SHAPER],
    pixels: *mut RgbaF32,
    n: usize,
) {
    // SAFETY: the host passes a whole shaper.
    let shaper = unsafe { &*shaper };
    // SAFETY: the host launches with `n` pixels, and each pixel has one thread.
    unsafe { map(pixels, pixels, n, |pixel| color::shape(shaper, pixel)) }
}

/// Converts pixels in place by a table.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn color_table(
    table: *const [f32; color::TABLE],
    pixels: *mut RgbaF32,
    n: usize,
) {
    // SAFETY: the host passes a whole table.
    let table = unsafe { &*table };
    // SAFETY: the host launches with `n` pixels, and each pixel has one thread.
    unsafe { map(pixels, pixels, n, |pixel| color::look_up(table, pixel)) }
}

/// Converts CMYK pixels in place by a table.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn color_cmyk(
    table: *const [f32; color::CMYK_TABLE],
    pixels: *mut RgbaF32,
    n: usize,
) {
    // SAFETY: the host passes a whole table.
    let table = unsafe { &*table };
    // SAFETY: the host launches with `n` pixels, and each pixel has one thread.
    unsafe { map(pixels, pixels, n, |cmyk| color::look_up_cmyk(table, cmyk)) }
}
