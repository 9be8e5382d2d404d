//! Conversions of other RGB spaces to sRGB by curves and a matrix. The host fills their numbers
//! from a profile.

#[cfg(not(target_arch = "nvptx64"))]
use super::srgb::encode_all;
use super::srgb::{canonical, encode_quickly};
use crate::pixel::RgbaF32;
#[cfg(not(target_arch = "nvptx64"))]
use crate::pixel::{Rgba8, truncate, unit_from_u8};
use libm::powf;

/// Knots of a tone curve from 0.0 to 1.0. Every 8-bit value is exactly on one.
pub const CURVE: usize = 255 * 16 + 1;

/// The numbers of a conversion by curves and a matrix:
///
/// - 9 of the matrix, row by row;
/// - 4 of the rendering: the weights of red, green and blue in luminance, and the power of
///   luminance that linear light is multiplied by (0 for none);
/// - 3 * 256: linear light of each byte of red, green and blue;
/// - the knots of the curves of red, green and blue, which give linear light.
pub const SHAPER: usize = 9 + 4 + 3 * 256 + 3 * CURVE;

/// The curve through `knots` at `v`. It is continued in a straight line past both ends.
#[inline(always)]
pub fn curve(knots: &[f32], v: f32) -> f32 {
    let x = v * (CURVE - 1) as f32;
    // NaN is 0 here, and NaN in the product below.
    let i = (x as i32).clamp(0, CURVE as i32 - 2) as usize;
    let t = x - i as f32;
    knots[i] + (knots[i + 1] - knots[i]) * t
}

/// What scene light is multiplied by to become display light: a power of its luminance.
#[cfg_attr(target_arch = "nvptx64", inline(never))]
fn rendering(luminance: f32, power: f32) -> f32 {
    powf(luminance.max(0.0), power)
}

/// Converts a pixel of another RGB space to sRGB: by curves, a rendering, a matrix, and the sRGB
/// curve. A colour outside sRGB has values outside 0.0 to 1.0. Alpha is kept.
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

/// The same bits as [`shape`] gives, for an opaque pixel of bytes.
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

/// Pixels that [`shape_all`] takes at a time.
#[cfg(not(target_arch = "nvptx64"))]
pub(crate) const FEW: usize = 64;

/// The bits of [`shape`] for each pixel, in passes over a few pixels that compilers vectorise.
#[cfg(not(target_arch = "nvptx64"))]
#[inline(always)]
pub fn shape_all(shaper: &[f32; SHAPER], pixels: &mut [RgbaF32]) {
    let (whole, rest) = match shaper[12] {
        0.0 => pixels.as_chunks_mut::<FEW>(),
        // A rendering is a power for each pixel, beside which all else is little.
        _ => (&mut [][..], pixels),
    };
    for pixels in whole {
        shape_few(shaper, pixels);
    }
    for pixel in rest {
        *pixel = shape(shaper, *pixel);
    }
}

#[cfg(not(target_arch = "nvptx64"))]
#[inline(always)]
#[expect(clippy::manual_clamp, reason = "`clamp` keeps NaN, `max` drops it")]
fn shape_few(shaper: &[f32; SHAPER], pixels: &mut [RgbaF32; FEW]) {
    const LAST: f32 = (CURVE - 2) as f32;
    let curves = shaper[SHAPER - 3 * CURVE..].as_chunks::<CURVE>().0;
    let mut linear = [[0.0f32; FEW]; 3];
    for ((c, linear), knots) in (0..).zip(&mut linear).zip(curves) {
        let (mut places, mut ways) = ([0; FEW], [0.0; FEW]);
        let steps = places.iter_mut().zip(&mut ways).zip(pixels.iter());
        for ((place, way), pixel) in steps {
            let x = pixel.0[c] * (CURVE - 1) as f32;
            *place = truncate(x.max(0.0).min(LAST));
            *way = x - *place as f32;
        }
        let (mut from, mut to) = ([0.0; FEW], [0.0; FEW]);
        for ((from, to), &place) in from.iter_mut().zip(&mut to).zip(&places) {
            let place = (place as usize).min(CURVE - 2);
            (*from, *to) = (knots[place], knots[place + 1]);
        }
        let ends = from.iter().zip(&to);
        for ((linear, way), (from, to)) in linear.iter_mut().zip(ways).zip(ends) {
            *linear = from + (to - from) * way;
        }
    }
    let encoded = encode_few(shaper, &linear);
    for (i, pixel) in pixels.iter_mut().enumerate() {
        let [r, g, b] = [encoded[0][i], encoded[1][i], encoded[2][i]];
        pixel.0 = [r, g, b, pixel.0[3]];
    }
}

/// The bits of [`shape`] for each pixel of bytes, if there is no rendering.
#[cfg(not(target_arch = "nvptx64"))]
#[inline(always)]
pub(crate) fn shape_few_bytes(
    shaper: &[f32; SHAPER],
    pixels: &[Rgba8; FEW],
    shaped: &mut [RgbaF32; FEW],
) {
    let tables = shaper[13..13 + 3 * 256].as_chunks::<256>().0;
    let mut linear = [[0.0; FEW]; 3];
    for ((c, linear), table) in (0..).zip(&mut linear).zip(tables) {
        for (linear, pixel) in linear.iter_mut().zip(pixels) {
            *linear = table[usize::from(pixel.0[c])];
        }
    }
    let encoded = encode_few(shaper, &linear);
    for (i, (shaped, pixel)) in shaped.iter_mut().zip(pixels).enumerate() {
        let [r, g, b] = [encoded[0][i], encoded[1][i], encoded[2][i]];
        shaped.0 = [r, g, b, unit_from_u8(pixel.0[3])];
    }
}

/// The sRGB values of linear light.
#[cfg(not(target_arch = "nvptx64"))]
#[inline(always)]
fn encode_few(shaper: &[f32; SHAPER], [r, g, b]: &[[f32; FEW]; 3]) -> [[f32; FEW]; 3] {
    let mut encoded = [[0.0; FEW]; 3];
    for (encoded, m) in encoded.iter_mut().zip(shaper[..9].as_chunks::<3>().0) {
        for (i, encoded) in encoded.iter_mut().enumerate() {
            *encoded = m[0] * r[i] + m[1] * g[i] + m[2] * b[i];
        }
        encode_all(encoded);
    }
    encoded
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::srgb::{srgb_decode, tests::oracle},
        *,
    };
    use std::vec::Vec;

    pub(in crate::color) fn knots(of: impl Fn(f32) -> f32) -> Vec<f32> {
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

    #[test]
    fn many_pixels_are_shaped_as_one_is() {
        let matrix = [1.7, -0.5, -0.2, 0.0, 0.9, 0.1, -0.1, 0.2, 0.9];
        let mut shaper = shaper(matrix, |v| v * v);
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        let odd = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            -0.0,
            1.0,
            2.0,
            -7.5,
        ];
        for round in 0..60 {
            // The last ones have a rendering.
            if round == 50 {
                shaper[9..13].copy_from_slice(&[0.2, 0.7, 0.1, 0.5]);
            }
            let pixels: Vec<RgbaF32> = (0..64 * 3 + round)
                .map(|_| {
                    RgbaF32([(); 4].map(|()| match noise() >> 24 {
                        0..8 if round % 2 == 0 => odd[noise() as usize >> 8 & 7],
                        8..16 => f32::from_bits(noise()),
                        _ => (noise() >> 8) as f32 / (1 << 24) as f32,
                    }))
                })
                .collect();
            let shaper: &[f32; SHAPER] = shaper[..].try_into().unwrap();
            let mut shaped = pixels.clone();
            shape_all(shaper, &mut shaped);
            for (got, pixel) in shaped.iter().zip(&pixels) {
                let expected = shape(shaper, *pixel);
                assert_eq!(
                    got.0.map(f32::to_bits),
                    expected.0.map(f32::to_bits),
                    "{pixel:?}"
                );
            }
        }
    }

    pub(in crate::color) fn oracle_f32(v: impl Into<f64>) -> f32 {
        oracle(v.into()) as f32
    }
}
