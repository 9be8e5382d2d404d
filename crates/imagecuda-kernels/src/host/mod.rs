//! The bodies over slices of host memory, in one thread. A caller that wants more threads splits
//! the slices, as pixels do not depend on each other.
//!
//! Bytes need no alignment here.
//!
//! Loops go over a few pixels at a time, in passes that compilers vectorise. Functions are inlined, so
//! that a caller may compile them for a processor with wider vectors.

mod resample;

pub use self::resample::{nearest_row, resample_row, tensor_row};

use crate::{
    color::{FEW, SHAPER, shape_all, shape_few_bytes},
    expand::{Curve, Expand},
    layout::Layout,
    orient::View,
    pack::{self, Background, Packing, PixelUsage},
    pixel::{Rgba8, RgbaF32},
    planes::{self, Picture, Samples, model},
    texel::{self, Texel},
};

/// Expands the pixels `src` in `layout` to `dst`.
///
/// # Panics
///
/// If `src` does not hold exactly as many pixels as `dst`.
#[inline(always)]
pub fn expand<D: Expand>(layout: Layout, curve: Curve, src: &[u8], dst: &mut [D]) {
    match layout {
        Layout::L8 => expand_from::<texel::L8, D>(curve, src, dst),
        Layout::La8 => expand_from::<texel::La8, D>(curve, src, dst),
        Layout::Rgb8 => expand_rgb8(curve, src, dst),
        Layout::Rgba8 => expand_from::<Rgba8, D>(curve, src, dst),
        Layout::Cmyk8 => expand_from::<texel::Cmyk8, D>(curve, src, dst),
        Layout::L16 => expand_from::<texel::L16, D>(curve, src, dst),
        Layout::La16 => expand_from::<texel::La16, D>(curve, src, dst),
        Layout::Rgb16 => expand_from::<texel::Rgb16, D>(curve, src, dst),
        Layout::Rgba16 => expand_from::<texel::Rgba16, D>(curve, src, dst),
        Layout::Cmyk16 => expand_from::<texel::Cmyk16, D>(curve, src, dst),
        Layout::L32F => expand_from::<texel::L32F, D>(curve, src, dst),
        Layout::La32F => expand_from::<texel::La32F, D>(curve, src, dst),
        Layout::Rgb32F => expand_from::<texel::Rgb32F, D>(curve, src, dst),
        Layout::Rgba32F => expand_from::<RgbaF32, D>(curve, src, dst),
    }
}

/// The same as `expand_from`. Pixels of four bytes become floats in vectors, and those of three do not.
#[inline(always)]
fn expand_rgb8<D: Expand>(curve: Curve, src: &[u8], dst: &mut [D]) {
    assert!(src.len() == 3 * dst.len(), "pixels in and out");
    let mut quads = [Rgba8([0; 4]); FEW];
    for (src, dst) in src.chunks(3 * FEW).zip(dst.chunks_mut(FEW)) {
        with_alpha(src, &mut quads);
        let quads = bytemuck::cast_slice(&quads[..dst.len()]);
        expand_from::<Rgba8, D>(curve, quads, dst);
    }
}

/// Opaque pixels of RGB.
#[inline(always)]
fn with_alpha(rgb: &[u8], quads: &mut [Rgba8; FEW]) {
    let (fours, rest) = rgb.as_chunks::<12>();
    for (four, to) in fours.iter().zip(quads.as_chunks_mut::<4>().0) {
        // The last pixel is read with the byte before it, not with the one behind.
        let word =
            |at: usize| u32::from_le_bytes([four[at], four[at + 1], four[at + 2], four[at + 3]]);
        let opaque = |word: u32| Rgba8((word | 0xff00_0000).to_le_bytes());
        *to = [
            opaque(word(0)),
            opaque(word(3)),
            opaque(word(6)),
            opaque(word(8) >> 8),
        ];
    }
    let done = fours.len() * 4;
    for (&[r, g, b], to) in rest.as_chunks().0.iter().zip(&mut quads[done..]) {
        *to = Rgba8([r, g, b, 255]);
    }
}

/// Expands pixels that are sRGB-encoded, and then converts them by [`shape_all`].
///
/// # Panics
///
/// If `src` does not hold exactly as many pixels as `dst`.
#[inline(always)]
pub fn expand_shaped(layout: Layout, shaper: &[f32; SHAPER], src: &[u8], dst: &mut [RgbaF32]) {
    let bytes = layout.bytes_per_pixel();
    assert!(src.len() == bytes * dst.len(), "pixels in and out");
    let whole = match layout {
        // A byte has few values, whose linear light is known.
        Layout::Rgb8 | Layout::Rgba8 if shaper[12] == 0.0 => dst.len() / FEW * FEW,
        _ => 0,
    };
    let ((of_whole, src), (whole, dst)) = (src.split_at(whole * bytes), dst.split_at_mut(whole));
    let mut quads = [Rgba8([0; 4]); FEW];
    for (src, dst) in of_whole.chunks(FEW * bytes).zip(whole.as_chunks_mut().0) {
        match layout {
            Layout::Rgb8 => with_alpha(src, &mut quads),
            _ => bytemuck::cast_slice_mut(&mut quads).copy_from_slice(src),
        }
        shape_few_bytes(shaper, &quads, dst);
    }
    expand(layout, Curve::Encoded, src, dst);
    shape_all(shaper, dst);
}

#[inline(always)]
fn expand_from<T: Texel, D: Expand>(curve: Curve, src: &[u8], dst: &mut [D]) {
    match curve {
        Curve::Encoded => map(src, dst, D::from_encoded::<T>),
        Curve::Linear => map(src, dst, D::from_linear::<T>),
    }
}

/// Packs `src` for an encoder. A packing without alpha flattens onto `background`.
///
/// # Panics
///
/// If `dst` does not hold exactly the bytes of as many pixels in `packing`'s layout.
#[inline(always)]
pub fn pack(packing: Packing, background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    match packing {
        Packing::L8 => unmap(src, dst, |p| pack::l8(p, background)),
        Packing::La8 => unmap(src, dst, pack::la8),
        Packing::L16 => unmap(src, dst, |p| pack::l16(p, background)),
        Packing::La16 => unmap(src, dst, pack::la16),
        Packing::Rgba8 => unmap(src, dst, Rgba8::from),
        Packing::Rgb8 => pack_rgb8(background, src, dst),
        Packing::Rgba16 => unmap(src, dst, pack::rgba16),
        Packing::Rgb16 => unmap(src, dst, |p| pack::rgb16(p, background)),
        Packing::Rgba32F => unmap(src, dst, |p| p),
        Packing::Rgb32F => unmap(src, dst, |p| pack::rgb32f(p, background)),
        Packing::Rgba32FLinear => unmap(src, dst, pack::rgba32f_linear),
        Packing::Rgb32FLinear => unmap(src, dst, |p| pack::rgb32f_linear(p, background)),
    }
}

/// The joined [`PixelUsage`] of all pixels.
#[inline(always)]
pub fn pixel_usage(deep: bool, background: Option<Background>, src: &[RgbaF32]) -> PixelUsage {
    src.iter().fold(PixelUsage::default(), |all, pixel| {
        all.or(PixelUsage::of(*pixel, deep, background))
    })
}

/// Writes row `y` of a part of an oriented picture. The part is as wide as `row`. `src` is the
/// file's pixels, of `bytes_per_pixel` bytes each.
///
/// # Panics
///
/// If `src` is too short, or `y` too large.
pub fn orient_row(view: View, bytes_per_pixel: usize, src: &[u8], y: usize, row: &mut [u8]) {
    for (x, pixel) in row.chunks_exact_mut(bytes_per_pixel).enumerate() {
        let at = view.source(x, y) * bytes_per_pixel;
        pixel.copy_from_slice(&src[at..at + bytes_per_pixel]);
    }
}

/// Writes pixels of row `y` of the view of `picture`, from column `x` on. `memory` holds all planes.
pub fn planes<D: Expand>(picture: &Picture, memory: &[u8], x: u32, y: u32, dst: &mut [D]) {
    match picture.sample_bytes {
        1 => planes_of(picture, &memory, x, y, dst),
        _ => planes_of(picture, &memory.as_chunks::<2>().0, x, y, dst),
    }
}

/// The same for each kind of samples. The compiler makes a loop for each constant.
fn planes_of<D: Expand>(picture: &Picture, samples: &impl Samples, x: u32, y: u32, dst: &mut [D]) {
    macro_rules! row {
        ($model:expr, $alpha:expr) => {{
            let picture = Picture {
                model: $model,
                alpha: $alpha,
                ..*picture
            };
            for (x, pixel) in (x..).zip(dst) {
                *pixel = D::from_encoded(planes::pixel(&picture, samples, x, y));
            }
        }};
    }
    match (picture.model, picture.alpha) {
        (model::MATRIX, planes::alpha::NONE) => row!(model::MATRIX, planes::alpha::NONE),
        (model::WEBP, planes::alpha::NONE) => row!(model::WEBP, planes::alpha::NONE),
        (model::MATRIX, alpha) => row!(model::MATRIX, alpha),
        (model, alpha) => row!(model, alpha),
    }
}

/// The same as `unmap` with [`pack::rgb8`], in three passes over a few pixels at a time. A compiler
/// vectorises each of the passes, but not all in one.
#[inline(always)]
fn pack_rgb8(background: Background, src: &[RgbaF32], dst: &mut [u8]) {
    let texels = dst.as_chunks_mut::<3>().0;
    assert!(texels.len() == src.len(), "pixels in and out");
    let (mut flat, mut quantized) = ([RgbaF32([0.0; 4]); FEW], [Rgba8([0; 4]); FEW]);
    for (texels, src) in texels.chunks_mut(FEW).zip(src.chunks(FEW)) {
        for (flat, pixel) in flat.iter_mut().zip(src) {
            *flat = pack::flatten(*pixel, background);
        }
        for (quantized, flat) in quantized.iter_mut().zip(&flat) {
            *quantized = (*flat).into();
        }
        for (texel, Rgba8([r, g, b, _])) in texels.iter_mut().zip(&quantized) {
            *texel = [*r, *g, *b];
        }
    }
}

#[inline(always)]
fn map<T: Texel, D>(src: &[u8], dst: &mut [D], body: impl Fn(T) -> D) {
    let texels = src.chunks_exact(size_of::<T>());
    assert!(
        texels.remainder().is_empty() && texels.len() == dst.len(),
        "{} bytes for {} pixels of {} bytes",
        src.len(),
        dst.len(),
        size_of::<T>(),
    );
    for (d, t) in dst.iter_mut().zip(texels) {
        *d = body(bytemuck::pod_read_unaligned(t));
    }
}

#[inline(always)]
fn unmap<T: Texel>(src: &[RgbaF32], dst: &mut [u8], body: impl Fn(RgbaF32) -> T) {
    let texels = dst.chunks_exact_mut(size_of::<T>());
    assert!(texels.len() == src.len(), "pixels in and out");
    for (t, s) in texels.zip(src) {
        t.copy_from_slice(bytemuck::bytes_of(&body(*s)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{CURVE, shape};
    use std::vec::Vec;

    fn noise() -> impl FnMut() -> u32 {
        let mut state = 1u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        }
    }

    /// Every count up to a few times what loops take at once.
    #[test]
    fn rgb_is_expanded_as_each_pixel_is() {
        let mut noise = noise();
        for count in 0..3 * FEW {
            let src: Vec<u8> = (0..3 * count).map(|_| noise() as u8).collect();
            let (mut floats, mut bytes) = (
                std::vec![RgbaF32([7.0; 4]); count],
                std::vec![Rgba8([7; 4]); count],
            );
            expand(Layout::Rgb8, Curve::Encoded, &src, &mut floats);
            expand(Layout::Rgb8, Curve::Encoded, &src, &mut bytes);
            let pixels = src.as_chunks().0.iter().map(|&rgb| texel::Rgb8(rgb));
            assert!(pixels.clone().map(|p| p.to_f32()).eq(floats));
            assert!(pixels.map(|p| p.to_u8()).eq(bytes));
        }
    }

    #[test]
    fn bytes_are_shaped_as_their_floats_are() {
        let mut noise = noise();
        let mut shaper: Vec<f32> = [
            1.4, -0.3, -0.1, 0.0, 1.1, -0.1, -0.1, 0.2, 0.9, 0.2, 0.7, 0.1, 0.0,
        ]
        .into();
        let knots: Vec<f32> = (0..CURVE)
            .map(|i| (i as f32 / (CURVE - 1) as f32).powf(2.2))
            .collect();
        for _ in 0..3 {
            shaper.extend((0..256).map(|byte| crate::color::curve(&knots, byte as f32 / 255.0)));
        }
        (0..3).for_each(|_| shaper.extend(&knots));
        for power in [0.0, 0.2] {
            shaper[12] = power;
            let shaper: &[f32; SHAPER] = shaper[..].try_into().unwrap();
            for layout in [
                Layout::L8,
                Layout::La8,
                Layout::Rgb8,
                Layout::Rgba8,
                Layout::Rgb16,
            ] {
                for count in [0, 1, FEW - 1, FEW, 4 * FEW + 3] {
                    let src: Vec<u8> = (0..layout.bytes_per_pixel() * count)
                        .map(|_| noise() as u8)
                        .collect();
                    let (mut expected, mut shaped) = (
                        std::vec![RgbaF32::default(); count],
                        std::vec![RgbaF32::default(); count],
                    );
                    expand(layout, Curve::Encoded, &src, &mut expected);
                    for pixel in &mut expected {
                        *pixel = shape(shaper, *pixel);
                    }
                    expand_shaped(layout, shaper, &src, &mut shaped);
                    let bits = |pixels: &[RgbaF32]| -> Vec<u32> {
                        pixels.iter().flat_map(|p| p.0.map(f32::to_bits)).collect()
                    };
                    assert!(
                        bits(&shaped) == bits(&expected),
                        "{layout:?} {count} {power}"
                    );
                }
            }
        }
    }
}
