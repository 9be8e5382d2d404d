//! Conversions of other RGB spaces, and of CMYK, to sRGB. The host fills their numbers from a
//! profile.

use super::srgb::{canonical, encode_quickly};
use crate::pixel::{RgbaF32, clamp_unit};
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

/// Points along each side of a colour table.
pub const GRID: usize = 33;

/// The numbers of a colour table:
///
/// - the knots of the curves of red, green and blue, which give places along the sides of the
///   table;
/// - for each point linear light of sRGB's primaries, red outermost.
///
/// The points hold linear light, as it is closer to linear between two points than sRGB-encoded
/// values are, above all where a colour leaves sRGB.
pub const TABLE: usize = 3 * CURVE + GRID * GRID * GRID * 3;

/// Points along each side of a CMYK table.
pub const CMYK_GRID: usize = 17;

/// The numbers of a CMYK table: as those of a [`TABLE`], with four curves, cyan outermost and black
/// innermost.
pub const CMYK_TABLE: usize = 4 * CURVE + CMYK_GRID * CMYK_GRID * CMYK_GRID * CMYK_GRID * 3;

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

/// The place of a channel in a table with `points` along its side, by the curve through `knots`:
/// the point below it, and the fraction of the way to the next. Channels are clamped to 0.0 to 1.0;
/// NaN is 0.0.
#[inline(always)]
fn place(knots: &[f32], v: f32, points: usize) -> (usize, f32) {
    let x = clamp_unit(curve(knots, clamp_unit(v))) * (points - 1) as f32;
    let i = (x as usize).min(points - 2);
    (i, x - i as f32)
}

/// Tetrahedral interpolation in the cell of a table that begins at `corner`. Along red, green and
/// blue the next point is that many numbers away, and the colour is `x`, `y` and `z` of the way to
/// it.
#[inline(always)]
fn tetrahedron(
    table: &[f32],
    corner: usize,
    [red, green, blue]: [usize; 3],
    [x, y, z]: [f32; 3],
) -> [f32; 3] {
    // The way from the corner to the opposite one goes along the side of the largest fraction
    // first.
    let (t1, t2, t3, s1, s2) = if x >= y {
        if y >= z {
            (x, y, z, red, green)
        } else if x >= z {
            (x, z, y, red, blue)
        } else {
            (z, x, y, blue, red)
        }
    } else if x >= z {
        (y, x, z, green, red)
    } else if y >= z {
        (y, z, x, green, blue)
    } else {
        (z, y, x, blue, green)
    };
    [0, 1, 2].map(|c| {
        let at = corner + c;
        table[at] * (1.0 - t1)
            + table[at + s1] * (t1 - t2)
            + table[at + s1 + s2] * (t2 - t3)
            + table[at + red + green + blue] * t3
    })
}

/// Converts a pixel of another RGB space to sRGB: by curves, a table with tetrahedral
/// interpolation, and the sRGB curve. Channels are clamped to 0.0 to 1.0 first; NaN is 0.0. Alpha
/// is kept.
#[inline(always)]
pub fn look_up(table: &[f32; TABLE], RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    let (i, x) = place(&table[..CURVE], r, GRID);
    let (j, y) = place(&table[CURVE..2 * CURVE], g, GRID);
    let (k, z) = place(&table[2 * CURVE..3 * CURVE], b, GRID);
    let corner = 3 * CURVE + ((i * GRID + j) * GRID + k) * 3;
    let sides = [GRID * GRID * 3, GRID * 3, 3];
    let [r, g, b] = tetrahedron(table, corner, sides, [x, y, z]).map(encode_quickly);
    RgbaF32([r, g, b, a])
}

/// Converts a CMYK pixel to opaque sRGB, by a table. Magenta, yellow and black are interpolated as
/// in [`look_up`], and cyan linearly between two such results, as in Little CMS.
#[inline(always)]
pub fn look_up_cmyk(table: &[f32; CMYK_TABLE], RgbaF32([c, m, y, k]): RgbaF32) -> RgbaF32 {
    const N: usize = CMYK_GRID;
    let (h, c) = place(&table[..CURVE], c, N);
    let (i, m) = place(&table[CURVE..2 * CURVE], m, N);
    let (j, y) = place(&table[2 * CURVE..3 * CURVE], y, N);
    let (l, k) = place(&table[3 * CURVE..4 * CURVE], k, N);
    let corner = 4 * CURVE + (((h * N + i) * N + j) * N + l) * 3;
    let sides = [N * N * 3, N * 3, 3];
    let less = tetrahedron(table, corner, sides, [m, y, k]);
    let more = tetrahedron(table, corner + N * N * N * 3, sides, [m, y, k]);
    let [r, g, b] = [0, 1, 2].map(|i| encode_quickly(less[i] * (1.0 - c) + more[i] * c));
    RgbaF32([r, g, b, 1.0])
}

#[cfg(test)]
mod tests {
    use super::{
        super::srgb::{srgb_decode, tests::oracle},
        *,
    };
    use std::vec::Vec;

    fn knots(of: impl Fn(f32) -> f32) -> Vec<f32> {
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

    fn oracle_f32(v: impl Into<f64>) -> f32 {
        oracle(v.into()) as f32
    }

    #[test]
    fn a_table_of_a_linear_map_is_that_map() {
        let map = |r: f32, g: f32, b: f32| [0.5 * r + 0.5 * g, b, 0.25 * (r + g + b)];
        let at = |i: usize| i as f32 / (GRID - 1) as f32;
        // Curves that square a channel, and that subtract it from 1.
        let mut table = knots(|v| v * v);
        table.extend(knots(|v| v));
        table.extend(knots(|v| 1.0 - v));
        for i in 0..GRID * GRID * GRID {
            table.extend(map(at(i / GRID / GRID), at(i / GRID % GRID), at(i % GRID)));
        }
        let table: &[f32; TABLE] = table[..].try_into().unwrap();
        for i in 0..1000 {
            // All orders of the three fractions, and the ends.
            let [r, g, b] = [37, 101, 59].map(|step| (i * step % 257) as f32 / 256.0);
            let got = look_up(table, RgbaF32([r, g, b, 0.5])).0;
            let exact = map(r * r, g, 1.0 - b).map(oracle_f32);
            for (got, exact) in got.into_iter().zip(exact) {
                assert!((got - exact).abs() < 4e-6, "{got} for {exact}");
            }
        }
        let outside = look_up(table, RgbaF32([f32::NAN, 2.0, -1.0, 0.5])).0;
        assert_eq!(outside[..3], [0.5, 1.0, 0.5].map(encode_quickly));
        assert_eq!(outside[3], 0.5);
    }

    #[test]
    fn an_ink_table_of_a_multilinear_map_is_that_map() {
        // Linear in magenta, yellow and black, with any share of cyan.
        let map = |c: f32, m: f32, y: f32, k: f32| {
            [
                (1.0 - k) * 0.5 + (1.0 - c) * m * 0.25,
                1.0 - y,
                (k + m + y) * (1.0 - c),
            ]
        };
        const N: usize = CMYK_GRID;
        let at = |i: usize| (i % N) as f32 / (N - 1) as f32;
        let curves = [|v| v, |v| v * v, |v| 1.0 - v, |v: f32| v * (2.0 - v)];
        let mut table: Vec<f32> = curves.into_iter().flat_map(knots).collect();
        for i in 0..N.pow(4) {
            table.extend(map(at(i / N.pow(3)), at(i / N / N), at(i / N), at(i)));
        }
        let table: &[f32; CMYK_TABLE] = table[..].try_into().unwrap();
        for i in 0..1000 {
            let [c, m, y, k] = [37, 101, 59, 73].map(|step| (i * step % 257) as f32 / 256.0);
            let got = look_up_cmyk(table, RgbaF32([c, m, y, k])).0;
            let exact = map(c, m * m, 1.0 - y, k * (2.0 - k)).map(oracle_f32);
            for (got, exact) in got.into_iter().zip(exact) {
                assert!((got - exact).abs() < 4e-6, "{got} for {exact}");
            }
            assert_eq!(got[3], 1.0);
        }
    }
}
