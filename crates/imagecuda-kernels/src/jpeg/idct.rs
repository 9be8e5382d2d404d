//! The inverse DCT, as libjpeg's `islow` does it.

use super::picture::BLOCK;

/// Numbers that go the same way: of one row, each of another column.
type Lanes<const N: usize> = [i32; N];

/// What is rounded away after the first pass, and after the second.
const FIRST: u32 = 11;
const SECOND: u32 = 18;

/// The samples of a block, in rows, of its coefficients and their divisors, both in natural order.
///
/// Coefficients that no encoder writes wrap around somewhere; they give some samples, and no
/// panic.
#[inline(always)]
pub fn inverse(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[u8; 8]; 8] {
    let mut rows = [[0i32; 8]; 8];
    let (blocks, _) = coefficients.as_chunks::<8>();
    let (divisors, _) = quantizers.as_chunks::<8>();
    for (row, (coefficients, divisors)) in rows.iter_mut().zip(blocks.iter().zip(divisors)) {
        for (lane, (&c, &q)) in row.iter_mut().zip(coefficients.iter().zip(divisors)) {
            *lane = i32::from(c).wrapping_mul(i32::from(q));
        }
    }
    let columns = transposed(pass::<8, FIRST>(rows));
    let samples = transposed(pass::<8, SECOND>(columns));
    let mut out = [[0; 8]; 8];
    for (row, lanes) in out.iter_mut().zip(&samples) {
        for (sample, &v) in row.iter_mut().zip(lanes) {
            *sample = byte(v);
        }
    }
    out
}

/// A column of a block after the first of the two passes, of its coefficients times their
/// divisors.
#[inline(always)]
pub fn column(x: [i32; 8]) -> [i32; 8] {
    pass::<1, FIRST>(x.map(|x| [x])).map(|[x]| x)
}

/// A row of a block's samples, of the eight [`column`]s' numbers for it.
#[inline(always)]
pub fn row(x: [i32; 8]) -> [u8; 8] {
    pass::<1, SECOND>(x.map(|x| [x])).map(|[x]| byte(x))
}

/// A sample, from around zero.
#[inline(always)]
fn byte(v: i32) -> u8 {
    v.wrapping_add(128).clamp(0, 255) as u8
}

/// The one sample that all of a block are if all of its coefficients but the first are zero.
#[inline(always)]
pub fn flat(first: i16, quantizer: u16) -> u8 {
    let v = i32::from(first).wrapping_mul(i32::from(quantizer));
    // What is left of both passes.
    let v = v.wrapping_shl(13).wrapping_add(1 << (FIRST - 1)) >> FIRST;
    let v = v.wrapping_shl(13).wrapping_add(1 << (SECOND - 1)) >> SECOND;
    byte(v)
}

#[inline(always)]
fn each<const N: usize>(f: impl Fn(usize) -> i32) -> Lanes<N> {
    core::array::from_fn(f)
}

#[inline(always)]
fn add<const N: usize>(a: Lanes<N>, b: Lanes<N>) -> Lanes<N> {
    each(|i| a[i].wrapping_add(b[i]))
}

#[inline(always)]
fn sub<const N: usize>(a: Lanes<N>, b: Lanes<N>) -> Lanes<N> {
    each(|i| a[i].wrapping_sub(b[i]))
}

#[inline(always)]
fn mul<const N: usize>(a: Lanes<N>, by: i32) -> Lanes<N> {
    each(|i| a[i].wrapping_mul(by))
}

/// Transforms of eight numbers, one in each lane. The constants have 13 bits of fraction.
#[inline(always)]
fn pass<const N: usize, const SHIFT: u32>(x: [Lanes<N>; 8]) -> [Lanes<N>; 8] {
    let z = mul(add(x[2], x[6]), 4433);
    let t2 = add(z, mul(x[6], -15137));
    let t3 = add(z, mul(x[2], 6270));
    let t0 = mul(add(x[0], x[4]), 1 << 13);
    let t1 = mul(sub(x[0], x[4]), 1 << 13);
    let even = [add(t0, t3), add(t1, t2), sub(t1, t2), sub(t0, t3)];

    let [p0, p1, p2, p3] = [x[7], x[5], x[3], x[1]];
    let (z3, z4) = (add(p0, p2), add(p1, p3));
    let z5 = mul(add(z3, z4), 9633);
    let z1 = mul(add(p0, p3), -7373);
    let z2 = mul(add(p1, p2), -20995);
    let z3 = add(mul(z3, -16069), z5);
    let z4 = add(mul(z4, -3196), z5);
    let odd = [
        add(mul(p3, 12299), add(z1, z4)),
        add(mul(p2, 25172), add(z2, z3)),
        add(mul(p1, 16819), add(z2, z4)),
        add(mul(p0, 2446), add(z1, z3)),
    ];

    let mut out = [[0; N]; 8];
    for k in 0..4 {
        out[k] = rounded::<N, SHIFT>(add(even[k], odd[k]));
        out[7 - k] = rounded::<N, SHIFT>(sub(even[k], odd[k]));
    }
    out
}

#[inline(always)]
fn rounded<const N: usize, const SHIFT: u32>(v: Lanes<N>) -> Lanes<N> {
    each(|i| v[i].wrapping_add(1 << (SHIFT - 1)) >> SHIFT)
}

#[inline(always)]
fn transposed(m: [Lanes<8>; 8]) -> [Lanes<8>; 8] {
    core::array::from_fn(|i| each(|j| m[j][i]))
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
                inverse(&[c; 64], &[q; 64]);
                flat(c, q);
            }
        }
    }
}
