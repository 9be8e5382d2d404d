//! The sRGB transfer curve (IEC 61966-2-1), extended: negative values mirrored, values past
//! 1.0 on the same curve.
//!
//! NaN is returned as it came: what arithmetic makes of it differs between processors.
//!
//! On a GPU the curves are functions of their own: inlined into every kernel that unrolls,
//! `powf` would make the module six times as large, and its first load as much slower.

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
