//! The inverse DCT, as libjpeg's `islow` computes it.

use super::picture::BLOCK;

/// Bits that are rounded off after the first pass, and after the second.
const FIRST: u32 = 11;
const SECOND: u32 = 18;

/// The samples of a block, in rows, from its coefficients and their divisors, both in natural
/// order.
///
/// Arithmetic wraps: coefficients that no encoder writes give some samples, and no panic.
#[inline(always)]
pub fn inverse(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[u8; 8]; 8] {
    let columns = columns::<FIRST>(&dequantized(coefficients, quantizers));
    bytes(&self::columns::<SECOND>(&columns))
}

/// The same as [`inverse`], in loops that compilers vectorise. ([`inverse`] keeps everything in a
/// GPU thread's registers.)
#[inline(always)]
pub fn inverse_in_lanes(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[u8; 8]; 8] {
    let (mut from, mut to) = (dequantized(coefficients, quantizers), [[0; 8]; 8]);
    lanes::<FIRST>(&from, &mut to);
    for i in 0..8 {
        for k in 0..8 {
            from[i][k] = to[k][i];
        }
    }
    lanes::<SECOND>(&from, &mut to);
    transposed(bytes(&to))
}

/// The value of all samples of a block whose coefficients are zero but for the first.
#[inline(always)]
pub fn flat(first: i16, quantizer: u16) -> u8 {
    let v = i32::from(first).wrapping_mul(i32::from(quantizer));
    // What both passes come to.
    let v = v.wrapping_shl(13).wrapping_add(1 << (FIRST - 1)) >> FIRST;
    let v = v.wrapping_shl(13).wrapping_add(1 << (SECOND - 1)) >> SECOND;
    byte(v)
}

/// The first pass, on the eight dequantised coefficients of a column.
#[inline(always)]
pub fn first(column: [i32; 8]) -> [i32; 8] {
    transform::<FIRST>(column)
}

/// The second pass, on a row of what [`first`] gave. [`byte`] then gives the samples.
#[inline(always)]
pub fn second(row: [i32; 8]) -> [i32; 8] {
    transform::<SECOND>(row)
}

/// The sample of a number of [`second`].
#[inline(always)]
pub fn byte(v: i32) -> u8 {
    v.wrapping_add(128).clamp(0, 255) as u8
}

/// The samples of a row of [`second`].
#[inline(always)]
pub fn bytes_of_row([a, b, c, d, e, f, g, h]: [i32; 8]) -> [u8; 8] {
    [
        byte(a),
        byte(b),
        byte(c),
        byte(d),
        byte(e),
        byte(f),
        byte(g),
        byte(h),
    ]
}

/// One pass over eight numbers. The constants have 13 bits of fraction.
#[inline(always)]
fn transform<const SHIFT: u32>(x: [i32; 8]) -> [i32; 8] {
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;
    let mul = i32::wrapping_mul;

    let z = mul(add(x[2], x[6]), 4433);
    let t2 = add(z, mul(x[6], -15137));
    let t3 = add(z, mul(x[2], 6270));
    let t0 = add(x[0], x[4]) << 13;
    let t1 = sub(x[0], x[4]) << 13;
    let (a0, a3) = (add(t0, t3), sub(t0, t3));
    let (a1, a2) = (add(t1, t2), sub(t1, t2));

    let [p0, p1, p2, p3] = [x[7], x[5], x[3], x[1]];
    let (z3, z4) = (add(p0, p2), add(p1, p3));
    let z5 = mul(add(z3, z4), 9633);
    let z1 = mul(add(p0, p3), -7373);
    let z2 = mul(add(p1, p2), -20995);
    let z3 = add(mul(z3, -16069), z5);
    let z4 = add(mul(z4, -3196), z5);
    let b0 = add(mul(p0, 2446), add(z1, z3));
    let b1 = add(mul(p1, 16819), add(z2, z4));
    let b2 = add(mul(p2, 25172), add(z2, z3));
    let b3 = add(mul(p3, 12299), add(z1, z4));

    let round = |v: i32| add(v, 1 << (SHIFT - 1)) >> SHIFT;
    [
        round(add(a0, b3)),
        round(add(a1, b2)),
        round(add(a2, b1)),
        round(add(a3, b0)),
        round(sub(a3, b0)),
        round(sub(a2, b1)),
        round(sub(a1, b2)),
        round(sub(a0, b3)),
    ]
}

#[inline(always)]
fn dequantized(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[i32; 8]; 8] {
    let mut rows = [[0; 8]; 8];
    let pairs = coefficients.iter().zip(quantizers);
    for (to, (&c, &q)) in rows.as_flattened_mut().iter_mut().zip(pairs) {
        *to = i32::from(c).wrapping_mul(i32::from(q));
    }
    rows
}

/// Transforms all columns, each to a row.
#[inline(always)]
fn columns<const SHIFT: u32>(x: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    // Written out: a loop would keep the numbers in memory.
    [
        column::<SHIFT, 0>(x),
        column::<SHIFT, 1>(x),
        column::<SHIFT, 2>(x),
        column::<SHIFT, 3>(x),
        column::<SHIFT, 4>(x),
        column::<SHIFT, 5>(x),
        column::<SHIFT, 6>(x),
        column::<SHIFT, 7>(x),
    ]
}

#[inline(always)]
fn column<const SHIFT: u32, const I: usize>(x: &[[i32; 8]; 8]) -> [i32; 8] {
    transform::<SHIFT>([
        x[0][I], x[1][I], x[2][I], x[3][I], x[4][I], x[5][I], x[6][I], x[7][I],
    ])
}

/// Transforms all columns, each to a column.
#[inline(always)]
fn lanes<const SHIFT: u32>(x: &[[i32; 8]; 8], out: &mut [[i32; 8]; 8]) {
    for i in 0..8 {
        let y = transform::<SHIFT>([
            x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i], x[6][i], x[7][i],
        ]);
        for k in 0..8 {
            out[k][i] = y[k];
        }
    }
}

#[inline(always)]
fn bytes(rows: &[[i32; 8]; 8]) -> [[u8; 8]; 8] {
    let mut out = [[0; 8]; 8];
    let all = rows.as_flattened().iter();
    for (to, &v) in out.as_flattened_mut().iter_mut().zip(all) {
        *to = byte(v);
    }
    out
}

/// The transpose, in three steps that swap halves, quarters and eighths of rows.
#[inline(always)]
fn transposed(rows: [[u8; 8]; 8]) -> [[u8; 8]; 8] {
    let words = rows.map(u64::from_le_bytes);
    let words = swapped::<4>(words, 0x0000_0000_ffff_ffff);
    let words = swapped::<2>(words, 0x0000_ffff_0000_ffff);
    let words = swapped::<1>(words, 0x00ff_00ff_00ff_00ff);
    words.map(u64::to_le_bytes)
}

/// One step of a transpose: swaps bytes between words that are `N` apart. `low` masks the bytes
/// that stay in the first of two.
#[inline(always)]
fn swapped<const N: usize>(words: [u64; 8], low: u64) -> [u64; 8] {
    let mut out = words;
    let mut i = 0;
    while i < 8 {
        if i & N == 0 {
            let (a, b) = (words[i], words[i + N]);
            out[i] = (a & low) | (b & low) << (8 * N);
            out[i + N] = (a >> (8 * N) & low) | (b & !low);
        }
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The definition, in doubles.
    fn exact(block: &[i16; 64]) -> Vec<f64> {
        let cosine = |x: usize, u: usize| {
            let scale = if u == 0 { 0.125f64.sqrt() } else { 0.5 };
            scale * (core::f64::consts::PI * (2 * x + 1) as f64 * u as f64 / 16.0).cos()
        };
        let sample = |place: usize| {
            let (x, y) = (place % 8, place / 8);
            let terms = (0..64).map(|k| f64::from(block[k]) * cosine(x, k % 8) * cosine(y, k / 8));
            (terms.sum::<f64>() + 128.0).clamp(0.0, 255.0)
        };
        (0..64).map(sample).collect()
    }

    fn noise(seed: u32) -> u32 {
        let seed = seed.wrapping_mul(0x9e37_79b9).wrapping_add(1) ^ (seed >> 7);
        seed.wrapping_mul(0x85eb_ca6b) >> 8
    }

    #[test]
    fn is_close_to_the_definition() {
        for round in 0..200u32 {
            let mut block = [0i16; 64];
            let mut seed = round;
            for _ in 0..=round % 20 {
                seed = noise(seed);
                block[seed as usize % 64] = (seed / 64 % 400) as i16 - 200;
            }
            let samples = inverse(&block, &[1; 64]);
            assert_eq!(samples, inverse_in_lanes(&block, &[1; 64]));
            for (&ours, exact) in samples.as_flattened().iter().zip(exact(&block)) {
                assert!((f64::from(ours) - exact).abs() < 0.6, "{ours} {exact}");
            }
        }
    }

    #[test]
    fn flat_is_the_same() {
        let mut block = [0; 64];
        for first in (i16::MIN..=i16::MAX).step_by(7) {
            for quantizer in [0, 1, 3, 16, 255] {
                block[0] = first;
                let all = inverse(&block, &[quantizer; 64]);
                assert_eq!(all, [[flat(first, quantizer); 8]; 8], "{first} {quantizer}");
            }
        }
    }

    #[test]
    fn nonsense_gives_something() {
        for c in [i16::MIN, -1, i16::MAX] {
            for q in [0, 1, u16::MAX] {
                let some = inverse(&[c; 64], &[q; 64]);
                assert_eq!(some, inverse_in_lanes(&[c; 64], &[q; 64]));
                flat(c, q);
            }
        }
    }
}
