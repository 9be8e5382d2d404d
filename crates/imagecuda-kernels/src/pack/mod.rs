//! Packing: an RGBA pixel to the texel that an encoder takes.

mod usage;

pub use self::usage::PixelUsage;

use crate::{
    color,
    layout::Layout,
    pixel::{Rgba8, RgbaF32, clamp_unit, u8_from_unit, u16_from_unit},
    texel::{L8, L16, La8, La16, Rgb8, Rgb16, Rgb32F, Rgba16},
};

/// The packings that encoders ask a device for. Those without alpha flatten it onto a background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// 8-bit luma, flattened.
    L8,
    /// 8-bit luma and alpha.
    La8,
    /// 16-bit luma, flattened.
    L16,
    /// 16-bit luma and alpha.
    La16,
    /// 8-bit RGBA.
    Rgba8,
    /// 8-bit RGB, flattened.
    Rgb8,
    /// 16-bit RGBA.
    Rgba16,
    /// 16-bit RGB, flattened.
    Rgb16,
    /// Float RGBA, as it is.
    Rgba32F,
    /// Float RGB, flattened.
    Rgb32F,
    /// Float RGBA, linear light.
    Rgba32FLinear,
    /// Float RGB, linear light, flattened.
    Rgb32FLinear,
}

impl Packing {
    /// The layout of the result.
    pub const fn layout(self) -> Layout {
        match self {
            Self::L8 => Layout::L8,
            Self::La8 => Layout::La8,
            Self::L16 => Layout::L16,
            Self::La16 => Layout::La16,
            Self::Rgba8 => Layout::Rgba8,
            Self::Rgb8 => Layout::Rgb8,
            Self::Rgba16 => Layout::Rgba16,
            Self::Rgb16 => Layout::Rgb16,
            Self::Rgba32F | Self::Rgba32FLinear => Layout::Rgba32F,
            Self::Rgb32F | Self::Rgb32FLinear => Layout::Rgb32F,
        }
    }
}

/// The colour that alpha is flattened onto: red, green, blue, from 0.0 to 1.0, sRGB-encoded.
pub type Background = [f32; 3];

/// One channel of coverage `alpha` (0.0 to 1.0) over `background`. It is exact at both ends: `v` at
/// 1.0, and `background` at 0.0.
#[inline(always)]
fn over(v: f32, alpha: f32, background: f32) -> f32 {
    v * alpha + background * (1.0 - alpha)
}

/// Flattens a pixel onto `background`. Channels and alpha are clamped to 0.0 to 1.0 first (NaN is
/// 0.0), so the colour is always between pixel and background. The fourth channel of the result
/// means nothing.
#[inline(always)]
pub(crate) fn flatten(RgbaF32(pixel): RgbaF32, [r, g, b]: Background) -> RgbaF32 {
    let alpha = clamp_unit(pixel[3]);
    // Not by `map`, which is not inlined everywhere.
    let over = |c: usize, background| over(clamp_unit(pixel[c]), alpha, background);
    RgbaF32([over(0, r), over(1, g), over(2, b), over(3, 0.0)])
}

/// The colour of a flattened pixel.
#[inline(always)]
fn flatten_clamped(pixel: RgbaF32, background: Background) -> [f32; 3] {
    let RgbaF32([r, g, b, _]) = flatten(pixel, background);
    [r, g, b]
}

/// 8-bit RGB, flattened onto `background`. Values are clamped to 0.0 to 1.0 first.
#[inline(always)]
pub fn rgb8(pixel: RgbaF32, background: Background) -> Rgb8 {
    Rgb8(flatten_clamped(pixel, background).map(u8_from_unit))
}

/// 16-bit RGB, flattened onto `background`. Values are clamped to 0.0 to 1.0 first.
#[inline(always)]
pub fn rgb16(pixel: RgbaF32, background: Background) -> Rgb16 {
    Rgb16(flatten_clamped(pixel, background).map(u16_from_unit))
}

/// The luma of a colour, in libjpeg's integers. That of a gray is the gray itself.
#[inline(always)]
pub fn luma8(rgb: [u8; 3]) -> u8 {
    luma(rgb.map(u32::from)) as u8
}

/// As [`luma8`], with the same weights.
#[inline(always)]
pub fn luma16(rgb: [u16; 3]) -> u16 {
    luma(rgb.map(u32::from)) as u16
}

/// The weights add up to 65536, so 16-bit samples do not overflow 32 bits.
#[inline(always)]
fn luma([r, g, b]: [u32; 3]) -> u32 {
    (19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16
}

/// 8-bit luma of what [`rgb8`] gives.
#[inline(always)]
pub fn l8(pixel: RgbaF32, background: Background) -> L8 {
    L8([luma8(rgb8(pixel, background).0)])
}

/// 8-bit luma and alpha of the 8-bit RGBA pixel.
#[inline(always)]
pub fn la8(pixel: RgbaF32) -> La8 {
    let Rgba8([r, g, b, a]) = pixel.into();
    La8([luma8([r, g, b]), a])
}

/// 16-bit luma of what [`rgb16`] gives.
#[inline(always)]
pub fn l16(pixel: RgbaF32, background: Background) -> L16 {
    L16([luma16(rgb16(pixel, background).0)])
}

/// 16-bit luma and alpha of what [`rgba16`] gives.
#[inline(always)]
pub fn la16(pixel: RgbaF32) -> La16 {
    let Rgba16([r, g, b, a]) = rgba16(pixel);
    La16([luma16([r, g, b]), a])
}

/// 16-bit RGBA.
#[inline(always)]
pub fn rgba16(RgbaF32(pixel): RgbaF32) -> Rgba16 {
    let [r, g, b, a] = pixel;
    Rgba16([
        u16_from_unit(r),
        u16_from_unit(g),
        u16_from_unit(b),
        u16_from_unit(a),
    ])
}

/// Float RGB, flattened onto `background`. Values outside 0.0 to 1.0 are kept.
#[inline(always)]
pub fn rgb32f(RgbaF32([r, g, b, a]): RgbaF32, background: Background) -> Rgb32F {
    let a = clamp_unit(a);
    let flatten = |v: f32, bg| match a {
        // Infinity times 0.0 would be NaN.
        0.0 => bg,
        _ if v.is_nan() => v,
        _ => over(v, a, bg),
    };
    Rgb32F([
        flatten(r, background[0]),
        flatten(g, background[1]),
        flatten(b, background[2]),
    ])
}

/// Linear float RGB, flattened onto `background` before the sRGB curve is undone. Values outside
/// 0.0 to 1.0 are kept.
#[inline(always)]
pub fn rgb32f_linear(pixel: RgbaF32, background: Background) -> Rgb32F {
    Rgb32F(rgb32f(pixel, background).0.map(color::srgb_decode))
}

/// Linear float RGBA, premultiplied by alpha.
#[inline(always)]
pub fn rgba32f_linear(pixel: RgbaF32) -> RgbaF32 {
    color::associate(color::decode_rgb(pixel))
}

/// The three bytes of a pixel in the low bits of a word.
#[inline(always)]
pub fn rgb8_bits(Rgb8([r, g, b]): Rgb8) -> u32 {
    u32::from_le_bytes([r, g, b, 0])
}

/// Four RGB pixels are three words. This is word `lane` (0 to 2) of them, from the bits of pixel
/// `lane` and of the one after it. So a GPU thread writes one word instead of three bytes.
#[inline(always)]
pub fn rgb8_word(this: u32, next: u32, lane: u32) -> u32 {
    (this >> (8 * lane)) | (next << (24 - 8 * lane))
}

/// The RGB pixel that begins at byte `phase` (0 to 3) of `low`. `high` is the word after that. It
/// only matters where the pixel goes on in it: for a `phase` of 2 or 3.
#[inline(always)]
pub fn rgb8_from_words(low: u32, high: u32, phase: u32) -> Rgb8 {
    let pair = u64::from(low) | (u64::from(high) << 32);
    let bytes = ((pair >> (8 * phase)) as u32).to_le_bytes();
    Rgb8([bytes[0], bytes[1], bytes[2]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::{unit_from_u8, unit_from_u16};
    use proptest::prelude::*;
    use std::vec::Vec;

    const ROWS: Background = [0.25, 0.5, 1.0];

    #[test]
    fn opaque_and_transparent_are_exact() {
        for x in 0..=255u8 {
            let v = unit_from_u8(x);
            let opaque = RgbaF32([v, v, v, 1.0]);
            assert_eq!(rgb8(opaque, ROWS), Rgb8([x, x, x]));
            let clear = RgbaF32([v, v, v, 0.0]);
            assert_eq!(rgb8(clear, [0.0, v, 1.0]), Rgb8([0, x, 255]));
        }
        for x in 0..=65535u16 {
            let v = unit_from_u16(x);
            let opaque = RgbaF32([v, v, v, 1.0]);
            assert_eq!(rgb16(opaque, ROWS), Rgb16([x, x, x]));
            let clear = RgbaF32([v, v, v, 0.0]);
            assert_eq!(rgb16(clear, [0.0, v, 1.0]), Rgb16([0, x, 65535]));
        }
        let bright = RgbaF32([-3.5, 0.1, 900.25, 1.0]);
        assert_eq!(rgb32f(bright, ROWS).0, [-3.5, 0.1, 900.25]);
        assert_eq!(rgb32f(RgbaF32([5.0, 6.0, 7.0, 0.0]), ROWS).0, ROWS);
        assert_eq!(rgb32f(RgbaF32([5.0, -6.0, 8.0, 0.5]), ROWS).0[1], -2.75);
    }

    #[test]
    fn luma_is_libjpegs_and_of_a_gray_itself() {
        for x in 0..=65_535 {
            assert_eq!(luma16([x; 3]), x);
            let byte = x as u8;
            assert_eq!(luma8([byte; 3]), byte);
        }
        // The corners of the cube, worked out by hand of 0.299, 0.587 and 0.114.
        assert_eq!(luma8([255, 0, 0]), 76);
        assert_eq!(luma8([0, 255, 0]), 150);
        assert_eq!(luma8([0, 0, 255]), 29);
        assert_eq!(luma8([255, 255, 0]), 226);
        assert_eq!(luma16([65_535, 0, 0]), 19_595);
        let half = RgbaF32([1.0, 1.0, 1.0, 0.5]);
        assert_eq!(l8(half, [0.0; 3]), L8([128]));
        assert_eq!(la8(half), La8([255, 128]));
        assert_eq!(l16(half, [0.0; 3]), L16([32_768]));
        assert_eq!(la16(half), La16([65_535, 32_768]));
    }

    #[test]
    fn what_is_not_a_number_cannot_spread() {
        let nan = f32::NAN;
        let inf = f32::INFINITY;
        assert_eq!(
            rgb8(RgbaF32([inf, nan, -inf, 0.0]), [1.0; 3]),
            Rgb8([255; 3])
        );
        assert_eq!(
            rgb8(RgbaF32([inf, nan, -inf, 1.0]), [1.0; 3]),
            Rgb8([255, 0, 0])
        );
        assert_eq!(rgb8(RgbaF32([1.0, 1.0, 1.0, nan]), [0.0; 3]), Rgb8([0; 3]));
        assert_eq!(
            rgb16(RgbaF32([inf, nan, -inf, 1.0]), [1.0; 3]),
            Rgb16([65535, 0, 0])
        );
        assert_eq!(
            rgba16(RgbaF32([inf, nan, -inf, nan])),
            Rgba16([65535, 0, 0, 0])
        );
        assert_eq!(rgb32f_linear(RgbaF32([inf; 4]), [0.0; 3]).0, [inf; 3]);
        // A NaN comes out with the bits that it went in with.
        let odd = f32::from_bits(0xffc1_2345);
        let kept = rgb32f(RgbaF32([odd, inf, -inf, 0.5]), [1.0; 3]).0;
        assert_eq!(kept.map(f32::to_bits), [odd, inf, -inf].map(f32::to_bits));
        let clear = RgbaF32([inf, nan, -inf, 0.0]);
        assert_eq!(rgb32f(clear, [1.0; 3]).0, [1.0; 3]);
        assert_eq!(rgb32f_linear(clear, [1.0; 3]).0, [1.0; 3]);
    }

    proptest! {
        #[test]
        fn flattening_is_within_half_a_step_of_the_exact_blend(
            v in 0.0f64..=1.0, a in 0.0f64..=1.0, bg in 0.0f64..=1.0,
        ) {
            let (v, a, bg) = (v as f32, a as f32, bg as f32);
            let exact = f64::from(v) * f64::from(a) + f64::from(bg) * (1.0 - f64::from(a));
            let got = f64::from(rgb8(RgbaF32([v, v, v, a]), [bg; 3]).0[0]);
            prop_assert!((got - exact * 255.0).abs() <= 0.5001, "{} for {}", got, exact * 255.0);
            let got = f64::from(rgb16(RgbaF32([v, v, v, a]), [bg; 3]).0[0]);
            let exact = exact * 65535.0;
            prop_assert!((got - exact).abs() <= 0.52, "{} for {}", got, exact);
        }

        #[test]
        fn words_hold_the_bytes_in_order(bytes in any::<[u8; 12]>()) {
            let pixels: Vec<Rgb8> = bytes.chunks(3).map(|p| Rgb8([p[0], p[1], p[2]])).collect();
            let mut packed = Vec::new();
            for lane in 0..3 {
                let (this, next) = (rgb8_bits(pixels[lane]), rgb8_bits(pixels[lane + 1]));
                let word = rgb8_word(this, next, lane as u32);
                packed.extend(word.to_le_bytes());
            }
            prop_assert_eq!(&packed[..], &bytes[..]);
            let words: Vec<u32> = packed
                .chunks(4)
                .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
                .collect();
            for (i, pixel) in pixels.iter().enumerate() {
                let (word, phase) = (3 * i / 4, 3 * i as u32 % 4);
                // Where `high` must not matter, it is noise.
                let high = if phase >= 2 { words[word + 1] } else { 0xdead_beef };
                prop_assert_eq!(rgb8_from_words(words[word], high, phase), *pixel);
            }
        }
    }
}
