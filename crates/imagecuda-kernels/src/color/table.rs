//! Conversions by a table, for profiles that curves and a matrix cannot express.

use super::{
    convert::{CURVE, curve},
    srgb::encode_quickly,
};
use crate::pixel::{RgbaF32, clamp_unit};

/// Points along each side of a colour table.
pub const GRID: usize = 33;

/// The numbers that say what the colours of a table's points mean:
///
/// - 9 of a matrix, row by row, from the table's XYZ to linear light of sRGB's primaries;
/// - 1 that is not 0 if the table holds CIE's cube roots of XYZ instead of XYZ. A profile whose own
///   table holds Lab interpolates these roots.
const SPACE: usize = 9 + 1;

/// The numbers of a colour table:
///
/// - those of its space;
/// - the knots of the curves of red, green and blue, which give places along the sides of the
///   table;
/// - the colour of each point, red outermost.
pub const TABLE: usize = SPACE + 3 * CURVE + GRID * GRID * GRID * 3;

/// Points along each side of a CMYK table.
pub const CMYK_GRID: usize = 17;

/// The numbers of a CMYK table: as those of a [`TABLE`], with four curves, cyan outermost and black
/// innermost.
pub const CMYK_TABLE: usize = SPACE + 4 * CURVE + CMYK_GRID * CMYK_GRID * CMYK_GRID * CMYK_GRID * 3;

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

/// The sRGB colour of an interpolated colour of a table.
#[inline(always)]
fn shown(space: &[f32], color: [f32; 3]) -> [f32; 3] {
    // The inverse of CIE's cube root, which is linear near 0.0.
    let cube = |t: f32| match t {
        t if t > 24.0 / 116.0 => t * t * t,
        t => 108.0 / 841.0 * (t - 16.0 / 116.0),
    };
    let [x, y, z] = match space[9] {
        0.0 => color,
        _ => color.map(cube),
    };
    [0, 3, 6].map(|i| encode_quickly(space[i] * x + space[i + 1] * y + space[i + 2] * z))
}

/// Converts a pixel of another RGB space to sRGB: by curves, a table with tetrahedral
/// interpolation, and the sRGB curve. Channels are clamped to 0.0 to 1.0 first; NaN is 0.0. Alpha
/// is kept.
#[inline(always)]
pub fn look_up(table: &[f32; TABLE], RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    let curves = &table[SPACE..SPACE + 3 * CURVE];
    let (i, x) = place(&curves[..CURVE], r, GRID);
    let (j, y) = place(&curves[CURVE..2 * CURVE], g, GRID);
    let (k, z) = place(&curves[2 * CURVE..], b, GRID);
    let corner = SPACE + 3 * CURVE + ((i * GRID + j) * GRID + k) * 3;
    let sides = [GRID * GRID * 3, GRID * 3, 3];
    let color = tetrahedron(table, corner, sides, [x, y, z]);
    let [r, g, b] = shown(&table[..SPACE], color);
    RgbaF32([r, g, b, a])
}

/// Converts a CMYK pixel to opaque sRGB, by a table. Magenta, yellow and black are interpolated as
/// in [`look_up`], and cyan linearly between two such results, as in Little CMS.
#[inline(always)]
pub fn look_up_cmyk(table: &[f32; CMYK_TABLE], RgbaF32([c, m, y, k]): RgbaF32) -> RgbaF32 {
    const N: usize = CMYK_GRID;
    let curves = &table[SPACE..SPACE + 4 * CURVE];
    let (h, c) = place(&curves[..CURVE], c, N);
    let (i, m) = place(&curves[CURVE..2 * CURVE], m, N);
    let (j, y) = place(&curves[2 * CURVE..3 * CURVE], y, N);
    let (l, k) = place(&curves[3 * CURVE..], k, N);
    let corner = SPACE + 4 * CURVE + (((h * N + i) * N + j) * N + l) * 3;
    let sides = [N * N * 3, N * 3, 3];
    let less = tetrahedron(table, corner, sides, [m, y, k]);
    let more = tetrahedron(table, corner + N * N * N * 3, sides, [m, y, k]);
    let color = [0, 1, 2].map(|i| less[i] * (1.0 - c) + more[i] * c);
    let [r, g, b] = shown(&table[..SPACE], color);
    RgbaF32([r, g, b, 1.0])
}

#[cfg(test)]
mod tests {
    use super::{
        super::convert::tests::{knots, oracle_f32},
        *,
    };

    /// A table of linear light of sRGB's primaries.
    const AS_IT_IS: [f32; SPACE] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    #[test]
    fn a_table_may_be_of_roots() {
        // Each row scales another channel.
        let space = [0.5, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 1.0, 1.0];
        let shown = shown(&space, [1.0, 0.6, 4.0 / 29.0 + 0.05]);
        let exact = [0.5, 0.25 * 0.216, 0.05 * 3.0 * (6.0_f64 / 29.0).powi(2)];
        for (shown, exact) in shown.into_iter().zip(exact.map(oracle_f32)) {
            assert!((shown - exact).abs() < 2e-6, "{shown} for {exact}");
        }
    }

    #[test]
    fn a_table_of_a_linear_map_is_that_map() {
        let map = |r: f32, g: f32, b: f32| [0.5 * r + 0.5 * g, b, 0.25 * (r + g + b)];
        let at = |i: usize| i as f32 / (GRID - 1) as f32;
        // Curves that square a channel, and that subtract it from 1.
        let mut table = AS_IT_IS.to_vec();
        table.extend(knots(|v| v * v));
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
    fn a_cmyk_table_of_a_multilinear_map_is_that_map() {
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
        let mut table = AS_IT_IS.to_vec();
        table.extend(curves.into_iter().flat_map(knots));
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
