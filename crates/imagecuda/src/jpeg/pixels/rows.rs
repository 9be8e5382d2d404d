//! From rows of samples to rows of pixels: the arithmetic of the kernels, in loops that compilers
//! vectorise.

use super::vector::Vectors;
use imagecuda_kernels::jpeg::{
    color::{to_cmyk, ycc_to_rgb},
    idct, idct_reduced,
    picture::Color,
    upsample::{across_blends, blend, quarter},
};

/// The number of pixels that one step of a loop makes.
pub(super) const STEP: usize = 16;

/// Transforms a row of blocks into `plane`, which is eight rows of `stride` samples.
#[inline(always)]
pub(super) fn inverse(
    blocks: &[[i16; 64]],
    quantizers: &[u16; 64],
    plane: &mut [u8],
    stride: usize,
    vectors: impl Vectors,
) {
    for (column, block) in blocks.iter().enumerate() {
        let samples = match is_flat(block) {
            true => [[idct::flat(block[0], quantizers[0]); 8]; 8],
            false => vectors.inverse(block, quantizers),
        };
        for (row, samples) in plane.chunks_exact_mut(stride).zip(&samples) {
            if let Some(to) = row.get_mut(column * 8..column * 8 + 8) {
                to.copy_from_slice(samples);
            }
        }
    }
}

/// The same with blocks of fewer samples: `size` on a side.
#[inline(always)]
pub(super) fn reduced(
    blocks: &[[i16; 64]],
    quantizers: &[u16; 64],
    plane: &mut [u8],
    stride: usize,
    size: usize,
    vectors: impl Vectors,
) {
    for (column, block) in blocks.iter().enumerate() {
        let mut put = |y: usize, samples: &[u8]| {
            let place = y * stride + column * size;
            plane[place..place + size].copy_from_slice(samples);
        };
        if size > 1
            && is_flat(block)
            && let Some(mean) = small_mean(block[0], quantizers[0])
        {
            (0..size).for_each(|y| put(y, &[mean; 4][..size]));
            continue;
        }
        match size {
            4 => {
                let rows = vectors.inverse_4(block, quantizers);
                rows.iter().enumerate().for_each(|(y, row)| put(y, row));
            }
            2 => {
                let rows = vectors.inverse_2(block, quantizers);
                rows.iter().enumerate().for_each(|(y, row)| put(y, row));
            }
            _ => put(0, &[idct_reduced::inverse_1(block[0], quantizers[0])]),
        }
    }
}

/// The samples of a block whose AC coefficients are 0, unless its transformation overflows.
#[inline(always)]
fn small_mean(first: i16, quantizer: u16) -> Option<u8> {
    let first = i32::from(first).wrapping_mul(i32::from(quantizer));
    (first.abs() < 1 << 13).then(|| idct_reduced::mean(first))
}

/// Whether all AC coefficients are 0.
#[inline(always)]
fn is_flat(block: &[i16; 64]) -> bool {
    let mut any = [0; 8];
    for row in block.as_chunks::<8>().0 {
        for (any, &c) in any.iter_mut().zip(row) {
            *any |= c;
        }
    }
    // The first lane also has the DC coefficient.
    let column = (1..8).fold(0, |any, row| any | block[8 * row]);
    any[1..].iter().fold(column, |any, &lane| any | lane) == 0
}

/// Doubles the width of a row.
#[inline(always)]
pub(super) fn across(row: &[u8], out: &mut [u8]) {
    widen(row, out, quarter);
}

/// Interpolates between a row and the next one above or below, at the same width. `odd` means
/// below.
#[inline(always)]
pub(super) fn down(near: &[u8], far: &[u8], odd: bool, out: &mut [u8]) {
    for (out, (&near, &far)) in out.iter_mut().zip(near.iter().zip(far)) {
        *out = quarter(near, far, odd);
    }
}

/// Doubles the width of two blended rows. `blends` is memory for one row.
#[inline(always)]
pub(super) fn both(near: &[u8], far: &[u8], blends: &mut [u16], out: &mut [u8]) {
    for (to, (&near, &far)) in blends.iter_mut().zip(near.iter().zip(far)) {
        *to = blend(near, far);
    }
    widen(blends, out, across_blends);
}

#[inline(always)]
fn widen<T: Copy>(row: &[T], out: &mut [u8], at: impl Fn(T, T, bool) -> u8) {
    let (pairs, _) = out.as_chunks_mut::<2>();
    let ([first, .., last], [left, inner @ .., right]) = (row, pairs) else {
        return;
    };
    let n = row.len();
    let (before, after) = (&row[..n - 2], &row[2..]);
    let inner = inner.iter_mut().zip(&row[1..n - 1]);
    for ((pair, &near), (&before, &after)) in inner.zip(before.iter().zip(after)) {
        *pair = [at(near, before, false), at(near, after, true)];
    }
    *left = [at(*first, *first, false), at(*first, row[1], true)];
    *right = [at(*last, row[n - 2], false), at(*last, *last, true)];
}

/// Repeats each sample of `row` as often as its sampling factor says.
#[inline(always)]
pub(super) fn repeat(row: &[u8], of: u32, max: u32, out: &mut [u8]) {
    let last = row.len().saturating_sub(1);
    for (x, out) in (0u32..).zip(out) {
        let place = imagecuda_kernels::jpeg::upsample::repeated(x, of, max) as usize;
        *out = row.get(place.min(last)).copied().unwrap_or(0);
    }
}

/// Interleaves three rows of RGB samples to pixels.
#[inline(always)]
pub(super) fn rgb(rows: [&[u8]; 3], out: &mut [u8], vectors: impl Vectors) {
    three(rows, out, |rgb| rgb, vectors);
}

/// Converts YCbCr samples to RGB pixels.
#[inline(always)]
pub(super) fn ycc(rows: [&[u8]; 3], out: &mut [u8], vectors: impl Vectors) {
    three(rows, out, ycc_to_rgb, vectors);
}

#[inline(always)]
fn three(
    [a, b, c]: [&[u8]; 3],
    out: &mut [u8],
    color: impl Fn([u8; 3]) -> [u8; 3],
    vectors: impl Vectors,
) {
    let (out, out_rest) = out.as_chunks_mut::<{ 3 * STEP }>();
    let [(a, a_rest), (b, b_rest), (c, c_rest)] = [a, b, c].map(<[u8]>::as_chunks::<STEP>);
    for (out, ((a, b), c)) in out.iter_mut().zip(a.iter().zip(b).zip(c)) {
        let mut words = [0u32; STEP];
        for i in 0..STEP {
            let [red, green, blue] = color([a[i], b[i], c[i]]).map(u32::from);
            words[i] = red | green << 8 | blue << 16;
        }
        *out = vectors.pack(words);
    }
    let (out, _) = out_rest.as_chunks_mut();
    for (out, ((&a, &b), &c)) in out.iter_mut().zip(a_rest.iter().zip(b_rest).zip(c_rest)) {
        *out = color([a, b, c]);
    }
}

/// The lower three bytes of each word.
#[inline(always)]
pub(super) fn pack(words: [u32; STEP]) -> [u8; 3 * STEP] {
    let mut out = [0; 3 * STEP];
    let pairs: [u64; STEP / 2] = bytemuck::cast(words);
    let pairs = pairs.map(|pair| {
        let pair = match cfg!(target_endian = "big") {
            true => pair.rotate_left(32),
            false => pair,
        };
        (pair & 0xff_ffff | pair >> 8 & 0xffff_ff00_0000).to_le_bytes()
    });
    // The bytes after two pixels are overwritten by the next two pixels.
    for (i, pair) in pairs.iter().enumerate() {
        match out.get_mut(6 * i..6 * i + 8) {
            Some(to) => to.copy_from_slice(pair),
            None => out[6 * i..6 * i + 6].copy_from_slice(&pair[..6]),
        }
    }
    out
}

/// Converts four rows of samples to CMYK.
#[inline(always)]
pub(super) fn cmyk([a, b, c, d]: [&[u8]; 4], color: Color, out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut();
    let samples = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(samples) {
        *out = to_cmyk([a, b, c, d], color);
    }
}
