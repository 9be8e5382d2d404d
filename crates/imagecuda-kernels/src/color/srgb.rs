//! The sRGB curve, and premultiplied alpha.

use crate::pixel::RgbaF32;
use libm::powf;

/// Linear light to an sRGB-encoded value. 1.0 stays 1.0, and the curve goes on above it.
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

/// An sRGB-encoded value to linear light. The inverse of [`srgb_encode`].
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

/// Straight alpha from premultiplied alpha, which OpenEXR has: colours are divided by alpha. Where
/// alpha is not above 0.0, they stay as they are.
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

/// `v`, or one certain NaN for every NaN, as processors differ in what arithmetic makes of NaN.
#[inline(always)]
pub(super) fn canonical(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v }
}

/// A minimax fit of (1 + x)^(5/12) for x from 0 to 1, without its constant term, which is 1. The
/// relative error is at most 1.8e-7.
const POWER: [f32; 6] = [
    0.416_653_66,
    -0.121_240_09,
    0.061_986_76,
    -0.033_671_765,
    0.014_042_517,
    -0.002_931_469_8,
];

/// 2^(-5/12 n), for values from 2^-n on.
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

/// [`srgb_encode`] to within 4e-7, without `powf` from 0.0 to 1.0. It is monotonic, and exact at
/// 0.0 and 1.0.
#[inline(always)]
pub(super) fn encode_quickly(v: f32) -> f32 {
    if !(0.0..=1.0).contains(&v) {
        return srgb_encode(v);
    }
    if v <= 0.003_130_8 {
        return v * 12.92;
    }
    // `v` is at least 2^-9 here.
    let exponent = 127 - (v.to_bits() >> 23);
    let x = f32::from_bits(v.to_bits() & 0x007f_ffff | 0x3f80_0000) - 1.0;
    of_power(x, SCALES[(exponent as usize).min(SCALES.len() - 1)])
}

/// The end of [`encode_quickly`], for a value that is `1.0 + x` times a power of two with this scale.
#[inline(always)]
fn of_power(x: f32, scale: f32) -> f32 {
    let [c1, c2, c3, c4, c5, c6] = POWER;
    let power = 1.0 + x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * (c5 + x * c6)))));
    let power = scale * power;
    // 1.055 * power - 0.055, in a form that is exact for 1.0.
    power + 0.055 * (power - 1.0)
}

/// The bits of [`encode_quickly`] of each value, and one certain NaN for every NaN; in passes that
/// compilers vectorise.
#[cfg(not(target_arch = "nvptx64"))]
#[inline(always)]
pub(super) fn encode_all<const N: usize>(values: &mut [f32; N]) {
    let mut scales = [0.0; N];
    let mut are_inside = true;
    for (scale, &v) in scales.iter_mut().zip(values.iter()) {
        are_inside &= (0.0..=1.0).contains(&v);
        // By comparisons, as there are no vectors of loads.
        let exponent = 127 - (v.to_bits() >> 23) as i32;
        *scale = SCALES[9];
        for n in (0..9).rev() {
            *scale = if exponent <= n {
                SCALES[n as usize]
            } else {
                *scale
            };
        }
    }
    let mut encoded = [0.0; N];
    for ((encoded, &v), &scale) in encoded.iter_mut().zip(values.iter()).zip(&scales) {
        let x = f32::from_bits(v.to_bits() & 0x007f_ffff | 0x3f80_0000) - 1.0;
        let (low, high) = (v * 12.92, of_power(x, scale));
        *encoded = if v <= 0.003_130_8 { low } else { high };
    }
    if !are_inside {
        for (encoded, &v) in encoded.iter_mut().zip(values.iter()) {
            if !(0.0..=1.0).contains(&v) {
                *encoded = canonical(srgb_encode(v));
            }
        }
    }
    *values = encoded;
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The curve in double precision, by the standard's formula.
    pub(in crate::color) fn oracle(v: f64) -> f64 {
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
    fn many_values_are_encoded_as_one_is() {
        let odd = [
            f32::NAN,
            f32::from_bits(0xffc1_2345),
            f32::INFINITY,
            f32::NEG_INFINITY,
            -0.0,
            0.0,
            f32::MIN_POSITIVE,
            1.0,
            1.0 + f32::EPSILON,
            0.003_130_8,
            -0.5,
            f32::MAX,
        ];
        let dense = (0..1u32 << 30).step_by(4_099).map(f32::from_bits);
        let mut values = dense.chain(odd);
        loop {
            let mut some = [0.0f32; 64];
            let mut count = 0;
            for (some, v) in some.iter_mut().zip(&mut values) {
                *some = v;
                count += 1;
            }
            let before = some;
            encode_all(&mut some);
            for (got, v) in some.into_iter().zip(before) {
                let expected = canonical(encode_quickly(v));
                assert_eq!(got.to_bits(), expected.to_bits(), "{v}");
            }
            if count < 64 {
                break;
            }
        }
    }
}
