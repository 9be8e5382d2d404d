//! The sRGB transfer curve (IEC 61966-2-1), extended: negative values mirrored, values past
//! 1.0 on the same curve; and conversions of other RGB spaces to sRGB.
//!
//! NaN is returned as it came: what arithmetic makes of it differs between processors.
//!
//! On a GPU the curves are functions of their own: inlined into every kernel that unrolls,
//! `powf` would make the module six times as large, and its first load as much slower.

mod table;

pub use self::table::{GRID, INK_GRID, INK_TABLE, TABLE, look_up, look_up_inks};

use crate::pixel::RgbaF32;
use libm::powf;

/// Linear light to an sRGB-encoded value. 1.0 is 1.0; the curve goes on past it.
#[cfg_attr(target_arch = "nvptx64", inline(never))]
pub fn srgb_encode(v: f32) -> f32 {
    if v.is_nan() {
        return v;
    }
    let a = v.abs();
    let encoded = if a <= 0.003_130_8 {
        a * 12.92
    } else {
        1.055 * powf(a, 1.0 / 2.4) - 0.055
    };
    encoded.copysign(v)
}

/// An sRGB-encoded value to linear light: the inverse of [`srgb_encode`].
#[cfg_attr(target_arch = "nvptx64", inline(never))]
pub fn srgb_decode(v: f32) -> f32 {
    if v.is_nan() {
        return v;
    }
    let a = v.abs();
    let linear = if a <= 0.040_45 {
        a / 12.92
    } else {
        powf((a + 0.055) / 1.055, 2.4)
    };
    linear.copysign(v)
}

/// The pixel of light that is already multiplied by its coverage, as in OpenEXR: divided by it
/// again, unless that is 0.0 (or less, or NaN).
#[inline(always)]
pub fn unassociate(RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    if a > 0.0 && a != 1.0 {
        RgbaF32([canonical(r / a), canonical(g / a), canonical(b / a), a])
    } else {
        RgbaF32([r, g, b, a])
    }
}

/// The inverse of [`unassociate`].
#[inline(always)]
pub fn associate(RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    if a > 0.0 && a != 1.0 {
        RgbaF32([canonical(r * a), canonical(g * a), canonical(b * a), a])
    } else {
        RgbaF32([r, g, b, a])
    }
}

/// [`srgb_encode`] of red, green and blue; alpha is kept.
#[inline]
pub fn encode_rgb(RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    RgbaF32([srgb_encode(r), srgb_encode(g), srgb_encode(b), a])
}

/// [`srgb_decode`] of red, green and blue; alpha is kept.
#[inline]
pub fn decode_rgb(RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    RgbaF32([srgb_decode(r), srgb_decode(g), srgb_decode(b), a])
}

/// Knots of a tone curve between 0.0 and 1.0. Every 8-bit value falls on one.
pub const CURVE: usize = 255 * 16 + 1;

/// The numbers of a conversion by curves and a matrix: nine of the matrix, row by row; what
/// linear red, green and blue add to luminance, and the power of it by which they are multiplied
/// (0 for none); linear light of the red, the green and the blue that are each of the 256 bytes;
/// the knots of the red, the green and the blue curve, to linear light.
pub const SHAPER: usize = 9 + 4 + 3 * 256 + 3 * CURVE;

/// The curve through `knots` at `v`. Past the ends it goes straight on.
#[inline(always)]
pub fn curve(knots: &[f32], v: f32) -> f32 {
    let x = v * (CURVE - 1) as f32;
    // NaN is 0 here, and NaN in the product below.
    let i = (x as i32).clamp(0, CURVE as i32 - 2) as usize;
    let t = x - i as f32;
    knots[i] + (knots[i + 1] - knots[i]) * t
}

/// NaN as one NaN: what arithmetic makes of it differs between processors.
#[inline(always)]
fn canonical(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v }
}

/// [`srgb_encode`] within 4e-7, without `powf` between 0.0 and 1.0, which are themselves. It never
/// falls.
#[inline(always)]
fn encode_quickly(v: f32) -> f32 {
    // (1 + x)^(5/12) for x from 0 to 1, but for the 1: a fit whose largest relative error is
    // smallest, 1.8e-7.
    const POWER: [f32; 6] = [
        0.416_653_66,
        -0.121_240_09,
        0.061_986_76,
        -0.033_671_765,
        0.014_042_517,
        -0.002_931_469_8,
    ];
    // 2^(-5/12 n).
    const SCALES: [f32; 10] = [
        1.0,
        0.749_153_5,
        0.561_231,
        0.420_448_2,
        0.314_980_27,
        0.235_968_57,
        0.176_776_7,
        0.132_432_9,
        0.099_212_57,
        0.074_325_45,
    ];
    if !(0.0..=1.0).contains(&v) {
        return srgb_encode(v);
    }
    if v <= 0.003_130_8 {
        return v * 12.92;
    }
    // Not 0, and not less than 2^-9.
    let exponent = 127 - (v.to_bits() >> 23);
    let x = f32::from_bits(v.to_bits() & 0x007f_ffff | 0x3f80_0000) - 1.0;
    let [c1, c2, c3, c4, c5, c6] = POWER;
    let power = 1.0 + x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * (c5 + x * c6)))));
    let power = SCALES[(exponent as usize).min(SCALES.len() - 1)] * power;
    // 1.055 of it less 0.055, so that 1.0 is 1.0.
    power + 0.055 * (power - 1.0)
}

/// What the light of a scene is multiplied by for a display: a power of its luminance.
#[cfg_attr(target_arch = "nvptx64", inline(never))]
fn rendering(luminance: f32, power: f32) -> f32 {
    powf(luminance.max(0.0), power)
}

/// A pixel of another RGB space as sRGB: curves, a rendering, a matrix, and the sRGB curve. What
/// is outside sRGB stays outside 0.0 to 1.0; alpha is kept.
#[inline(always)]
pub fn shape(shaper: &[f32; SHAPER], RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    let curves = &shaper[SHAPER - 3 * CURVE..];
    let linear = [
        curve(&curves[..CURVE], r),
        curve(&curves[CURVE..2 * CURVE], g),
        curve(&curves[2 * CURVE..], b),
    ];
    shape_linear(shaper, linear, a)
}

/// As [`shape`], of an opaque pixel of bytes. The same bits.
#[inline(always)]
pub fn shape_bytes(shaper: &[f32; SHAPER], [r, g, b]: [u8; 3]) -> RgbaF32 {
    let linear = &shaper[13..13 + 3 * 256];
    let linear = [
        linear[usize::from(r)],
        linear[256 + usize::from(g)],
        linear[512 + usize::from(b)],
    ];
    shape_linear(shaper, linear, 1.0)
}

#[inline(always)]
fn shape_linear(shaper: &[f32; SHAPER], [mut r, mut g, mut b]: [f32; 3], a: f32) -> RgbaF32 {
    let (m, weights) = shaper[..13].split_at(9);
    let power = weights[3];
    if power != 0.0 {
        let luminance = weights[0] * r + weights[1] * g + weights[2] * b;
        let gain = rendering(luminance, power);
        (r, g, b) = (r * gain, g * gain, b * gain);
    }
    let row = |i: usize| {
        let linear = m[i] * r + m[i + 1] * g + m[i + 2] * b;
        canonical(encode_quickly(linear))
    };
    RgbaF32([row(0), row(3), row(6), a])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The curve in double precision, from the standard.
    fn oracle(v: f64) -> f64 {
        if v <= 0.003_130_8 {
            12.92 * v
        } else {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        }
    }

    #[test]
    fn encodes_as_the_standard_says_and_past_one() {
        for i in 0..=40_000 {
            let v = i as f32 / 2000.0;
            let expected = oracle(f64::from(v));
            let error = (f64::from(srgb_encode(v)) - expected).abs();
            assert!(error <= 4e-7 * expected.max(1.0), "{v}: {error}");
            assert_eq!(srgb_encode(-v), -srgb_encode(v));
        }
    }

    #[test]
    fn decoding_undoes_encoding() {
        for i in 0..=40_000 {
            let v = i as f32 / 2000.0;
            let error = (srgb_decode(srgb_encode(v)) - v).abs();
            assert!(error <= 2e-6 * v.max(1.0), "{v}: {error}");
        }
    }

    #[test]
    fn not_a_number_stays_so_and_infinity_too() {
        assert!(srgb_encode(f32::NAN).is_nan());
        assert!(srgb_decode(f32::NAN).is_nan());
        assert_eq!(srgb_encode(f32::INFINITY), f32::INFINITY);
        assert_eq!(srgb_decode(f32::NEG_INFINITY), f32::NEG_INFINITY);
    }

    pub(super) fn knots(of: impl Fn(f32) -> f32) -> Vec<f32> {
        (0..CURVE)
            .map(|i| of(i as f32 / (CURVE - 1) as f32))
            .collect()
    }

    fn shaper(matrix: [f32; 9], of: impl Fn(f32) -> f32) -> Vec<f32> {
        let knots = knots(of);
        let bytes: Vec<f32> = (0..256).map(|i| curve(&knots, i as f32 / 255.0)).collect();
        let curves = [&bytes, &bytes, &bytes, &knots, &knots, &knots];
        let numbers = matrix.into_iter().chain([0.0; 4]);
        numbers
            .chain(curves.into_iter().flatten().copied())
            .collect()
    }

    #[test]
    fn bytes_are_what_their_floats_are() {
        let matrix = [0.7, 0.2, 0.1, 0.0, 0.9, 0.1, -0.1, 0.2, 0.9];
        let shaper = shaper(matrix, |v| v * v);
        let shaper = shaper[..].try_into().unwrap();
        for i in 0..=255 {
            let bytes = [i, 255 - i, i / 2];
            let [r, g, b] = bytes.map(|byte| f32::from(byte) / 255.0);
            let expected = shape(shaper, RgbaF32([r, g, b, 1.0]));
            assert_eq!(shape_bytes(shaper, bytes), expected);
        }
    }

    #[test]
    fn srgb_through_its_own_curve_is_itself() {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let shaper = shaper(identity, srgb_decode);
        for i in 0..=4000 {
            let v = i as f32 / 4000.0;
            let got = shape(
                shaper[..].try_into().unwrap(),
                RgbaF32([v, 1.0 - v, v / 2.0, 0.3]),
            );
            for (got, v) in got.0.into_iter().zip([v, 1.0 - v, v / 2.0, 0.3]) {
                assert!((got - v).abs() < 5e-6, "{got} for {v}");
            }
        }
    }

    #[test]
    fn the_quick_srgb_curve_is_close_enough() {
        let mut before = f32::NEG_INFINITY;
        for i in -1000..=2_010_000 {
            let v = i as f32 / 2_000_000.0;
            let expected = oracle(f64::from(v.abs())) as f32;
            let encoded = encode_quickly(v);
            let error = (encoded - expected.copysign(v)).abs();
            assert!(error <= 4e-7, "{v}: {error}");
            assert!(encoded >= before, "{v}");
            before = encoded;
        }
        assert_eq!([0.0, 1.0].map(encode_quickly), [0.0, 1.0]);
        assert!(encode_quickly(f32::NAN).is_nan());
    }

    #[test]
    fn the_matrix_is_applied_to_linear_light() {
        let swap = [0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.5, 0.0, 0.0];
        let shaper = shaper(swap, |v| v * v);
        let got = shape(
            shaper[..].try_into().unwrap(),
            RgbaF32([0.2, 0.4, 0.8, 1.0]),
        )
        .0;
        let exact = [0.16, 2.0 * 0.64, 0.5 * 0.04].map(oracle_f32);
        for (got, exact) in got.into_iter().zip(exact) {
            assert!((got - exact).abs() < 1e-5, "{got} for {exact}");
        }
    }

    #[test]
    fn a_rendering_multiplies_by_a_power_of_luminance() {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let mut shaper = shaper(identity, |v| v);
        shaper[9..13].copy_from_slice(&[0.2, 0.7, 0.1, 0.5]);
        let shaper: &[f32; SHAPER] = shaper[..].try_into().unwrap();
        let (r, g, b) = (0.3, 0.6, 0.9);
        let gain = f64::sqrt(0.2 * r + 0.7 * g + 0.1 * b);
        let got = shape(shaper, RgbaF32([0.3, 0.6, 0.9, 1.0])).0;
        for (got, v) in got.into_iter().zip([r, g, b]) {
            assert!((got - oracle_f32(v * gain)).abs() < 1e-5, "{got:?}");
        }
        assert_eq!(
            shape(shaper, RgbaF32([0.0, 0.0, 0.0, 1.0])).0,
            [0.0, 0.0, 0.0, 1.0]
        );
    }

    pub(super) fn oracle_f32(v: impl Into<f64>) -> f32 {
        oracle(v.into()) as f32
    }
}
