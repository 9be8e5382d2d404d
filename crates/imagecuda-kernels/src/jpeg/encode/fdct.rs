//! Samples to coefficients: libjpeg's integer DCT `islow`, rows first, and its quantisation.

use crate::jpeg::{picture::BLOCK, scan::NATURAL};

/// Bits of fraction of the factors.
const FRACTION: u32 = 13;

/// Bits of fraction that the first pass keeps.
const KEPT: u32 = 2;

/// One pass. `low` rounds the sums without a factor, `high` those with one.
#[inline(always)]
fn transform(
    [a, b, c, d, e, f, g, h]: [i32; 8],
    low: impl Fn(i32) -> i32,
    high: impl Fn(i32) -> i32,
) -> [i32; 8] {
    let (s0, s1, s2, s3) = (a + h, b + g, c + f, d + e);
    let (d0, d1, d2, d3) = (a - h, b - g, c - f, d - e);
    let (sum, sum1) = (s0 + s3, s1 + s2);
    let (difference, difference1) = (s0 - s3, s1 - s2);
    let z = (difference + difference1) * 4_433;
    let even = [
        low(sum + sum1),
        high(z + difference * 6_270),
        low(sum - sum1),
        high(z - difference1 * 15_137),
    ];
    let z5 = (d3 + d1 + d2 + d0) * 9_633;
    let z1 = (d3 + d0) * -7_373;
    let z2 = (d2 + d1) * -20_995;
    let z3 = z5 - (d3 + d1) * 16_069;
    let z4 = z5 - (d2 + d0) * 3_196;
    let odd = [
        high(d0 * 12_299 + z1 + z4),
        high(d1 * 25_172 + z2 + z3),
        high(d2 * 16_819 + z2 + z4),
        high(d3 * 2_446 + z1 + z3),
    ];
    [
        even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3],
    ]
}

#[inline(always)]
fn rounded(v: i32, bits: u32) -> i32 {
    (v + (1 << (bits - 1))) >> bits
}

/// The first pass, on a row of samples minus 128.
#[inline(always)]
pub fn first(row: [i32; 8]) -> [i32; 8] {
    transform(row, |v| v << KEPT, |v| rounded(v, FRACTION - KEPT))
}

/// The second pass, on a column of what [`first`] gave. The results are coefficients times 8.
#[inline(always)]
pub fn second(column: [i32; 8]) -> [i32; 8] {
    transform(
        column,
        |v| rounded(v, KEPT),
        |v| rounded(v, FRACTION + KEPT),
    )
}

/// The reciprocal of a divisor from 1 to 255, for [`quantize`]: 2^32 / (8 * divisor), rounded up.
pub const fn reciprocal(divisor: u8) -> u32 {
    let divisor = divisor as u64 * 8;
    (1u64 << 32).div_ceil(divisor) as u32
}

/// A coefficient times 8, divided by a divisor times 8. Rounds to the nearest, and halves away from
/// 0.
#[inline(always)]
pub fn quantize(coefficient: i32, divisor: u32, reciprocal: u32) -> i32 {
    let magnitude = coefficient.unsigned_abs() + divisor / 2;
    // Exact for a magnitude of 16 bits and a divisor of 12 bits.
    let quotient = ((u64::from(magnitude) * u64::from(reciprocal)) >> 32) as i32;
    if coefficient < 0 { -quotient } else { quotient }
}

/// The index in the zigzag of each coefficient of a block.
pub const ZIGZAG: [u8; BLOCK] = {
    let mut zigzag = [0; BLOCK];
    let mut i = 0;
    while i < BLOCK {
        zigzag[NATURAL[i] as usize] = i as u8;
        i += 1;
    }
    zigzag
};

/// The divisors of a component, in natural order, and their reciprocals for [`quantize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(16))]
pub struct Divisors {
    /// The divisors times 8.
    pub divisors: [u32; BLOCK],
    /// The [`reciprocal`] of each.
    pub reciprocals: [u32; BLOCK],
}

impl Divisors {
    /// The divisors of a quantisation table in natural order, which has no zeros.
    pub fn new(table: &[u8; BLOCK]) -> Self {
        Self {
            divisors: table.map(|divisor| u32::from(divisor) * 8),
            reciprocals: table.map(|divisor| reciprocal(divisor.max(1))),
        }
    }
}

/// The quantised coefficients of a block of samples, in zigzag order, and a mask of those that are
/// not zero.
#[inline(always)]
pub fn block(samples: &[[u8; 8]; 8], divisors: &Divisors) -> ([i16; BLOCK], u64) {
    // Eight rows or columns at a time, in loops that the compiler vectorises.
    let mut columns = [[0; 8]; 8];
    for (y, row) in samples.iter().enumerate() {
        for (x, &sample) in row.iter().enumerate() {
            columns[x][y] = i32::from(sample) - 128;
        }
    }
    let columns = lanes(&columns, first);
    let mut rows = [[0; 8]; 8];
    for (u, column) in columns.iter().enumerate() {
        for (y, &v) in column.iter().enumerate() {
            rows[y][u] = v;
        }
    }
    let rows = lanes(&rows, second);
    let mut natural = [0i16; BLOCK];
    for (i, &v) in rows.as_flattened().iter().enumerate() {
        natural[i] = quantize(v, divisors.divisors[i], divisors.reciprocals[i]) as i16;
    }
    let coefficients = NATURAL.map(|place| natural[usize::from(place)]);
    let mut mask = 0;
    for (i, &coefficient) in coefficients.iter().enumerate() {
        mask |= u64::from(coefficient != 0) << i;
    }
    (coefficients, mask)
}

/// Transforms all columns by `f`.
#[inline(always)]
fn lanes(numbers: &[[i32; 8]; 8], f: impl Fn([i32; 8]) -> [i32; 8]) -> [[i32; 8]; 8] {
    let mut to = [[0; 8]; 8];
    for lane in 0..8 {
        let of = |k: usize| numbers[k][lane];
        let got = f([of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7)]);
        for (row, v) in to.iter_mut().zip(got) {
            row[lane] = v;
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::PI;

    #[test]
    fn is_close_to_the_definition() {
        let mut state = 1u32;
        for _ in 0..200 {
            let samples: [[u8; 8]; 8] = core::array::from_fn(|_| {
                core::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
            });
            let (got, mask) = block(&samples, &Divisors::new(&[1; BLOCK]));
            for v in 0..8 {
                for u in 0..8 {
                    let mut sum = 0.0;
                    for (y, row) in samples.iter().enumerate() {
                        for (x, &sample) in row.iter().enumerate() {
                            let angle = |k: usize, i: usize| {
                                (PI * k as f64 * (2 * i + 1) as f64 / 16.0).cos()
                            };
                            sum += (f64::from(sample) - 128.0) * angle(u, x) * angle(v, y);
                        }
                    }
                    let norm = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
                    let exact = sum * norm(u) * norm(v) / 4.0;
                    let place = ZIGZAG[v * 8 + u] as usize;
                    let far = (f64::from(got[place]) - exact).abs();
                    assert!(far < 0.65, "{u} {v}: {} {exact}", got[place]);
                    assert_eq!(mask >> place & 1 != 0, got[place] != 0);
                }
            }
        }
    }

    #[test]
    fn quotients_are_rounded_exactly() {
        for divisor in 1..=255u8 {
            let (d, r) = (u32::from(divisor) * 8, reciprocal(divisor));
            for v in (0..20_000).chain([32_000, 32_767]) {
                let expected = (v + d as i32 / 2) / d as i32;
                assert_eq!(quantize(v, d, r), expected, "{v} {divisor}");
                assert_eq!(quantize(-v, d, r), -expected, "{v} {divisor}");
            }
        }
    }
}
