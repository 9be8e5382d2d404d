//! The inverse DCT to fewer samples: 4 × 4, 2 × 2 or one for a block, as libjpeg's `jidctred`
//! computes them. Coefficients of high frequencies are left out.

use super::{idct::byte, picture::BLOCK};

/// The 4 × 4 samples of a block, in rows, from its coefficients and their divisors, both in natural
/// order. Arithmetic wraps.
#[inline(always)]
pub fn inverse_4(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[u8; 4]; 4] {
    let at = |row: usize, column: usize| dequantized(coefficients, quantizers, row * 8 + column);
    let mut columns = [[0; 4]; 8];
    // All eight columns, of which seven are used, so that compilers make vectors of them.
    for (x, column) in columns.iter_mut().enumerate() {
        *column = first_4([
            at(0, x),
            at(1, x),
            at(2, x),
            at(3, x),
            at(5, x),
            at(6, x),
            at(7, x),
        ]);
    }
    let mut samples = [[0; 4]; 4];
    for (y, row) in samples.iter_mut().enumerate() {
        let at = |x: usize| columns[x][y];
        *row = second_4([at(0), at(1), at(2), at(3), at(5), at(6), at(7)]);
    }
    samples
}

/// The 2 × 2 samples of a block.
#[inline(always)]
pub fn inverse_2(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK]) -> [[u8; 2]; 2] {
    let at = |row: usize, column: usize| dequantized(coefficients, quantizers, row * 8 + column);
    // All eight columns, of which five are used, so that compilers make vectors of them.
    let (mut upper, mut lower) = ([0; 8], [0; 8]);
    for x in 0..8 {
        [upper[x], lower[x]] = first_2([at(0, x), at(1, x), at(3, x), at(5, x), at(7, x)]);
    }
    let row = |r: [i32; 8]| second_2([r[0], r[1], r[3], r[5], r[7]]);
    [row(upper), row(lower)]
}

/// The one sample of a block: its mean.
#[inline(always)]
pub fn inverse_1(first: i16, quantizer: u16) -> u8 {
    mean(i32::from(first).wrapping_mul(i32::from(quantizer)))
}

/// A column of a block, of the frequencies 0 to 3 and 5 to 7, as four numbers.
#[inline(always)]
pub fn first_4(column: [i32; 7]) -> [i32; 4] {
    four::<12>(column)
}

/// A row of what [`first_4`] made, without the fifth column, as four samples.
#[inline(always)]
pub fn second_4(row: [i32; 7]) -> [u8; 4] {
    four::<19>(row).map(byte)
}

/// A column of a block, of the frequencies 0, 1, 3, 5 and 7, as two numbers.
#[inline(always)]
pub fn first_2(column: [i32; 5]) -> [i32; 2] {
    two::<13>(column)
}

/// A row of what [`first_2`] made, without the third, fifth and seventh columns, as two samples.
#[inline(always)]
pub fn second_2(row: [i32; 5]) -> [u8; 2] {
    two::<20>(row).map(byte)
}

/// The one sample of a block whose first coefficient, dequantized, is this.
#[inline(always)]
pub fn mean(first: i32) -> u8 {
    byte(first.wrapping_add(4) >> 3)
}

#[inline(always)]
fn dequantized(coefficients: &[i16; BLOCK], quantizers: &[u16; BLOCK], at: usize) -> i32 {
    i32::from(coefficients[at]).wrapping_mul(i32::from(quantizers[at]))
}

/// The sum of products.
#[inline(always)]
fn sum<const N: usize>(numbers: [i32; N], factors: [i32; N]) -> i32 {
    let mut sum = 0i32;
    let mut i = 0;
    while i < N {
        sum = sum.wrapping_add(numbers[i].wrapping_mul(factors[i]));
        i += 1;
    }
    sum
}

#[inline(always)]
fn rounded<const SHIFT: u32>(v: i32) -> i32 {
    v.wrapping_add(1 << (SHIFT - 1)) >> SHIFT
}

/// Four numbers of the frequencies 0 to 3 and 5 to 7. The constants have 13 bits of fraction.
#[inline(always)]
fn four<const SHIFT: u32>([x0, x1, x2, x3, x5, x6, x7]: [i32; 7]) -> [i32; 4] {
    let mean = x0.wrapping_shl(14);
    let even = sum([x2, x6], [15137, -6270]);
    let (outer, inner) = (mean.wrapping_add(even), mean.wrapping_sub(even));
    let odd = [x7, x5, x3, x1];
    let b = sum(odd, [-1730, 11893, -17799, 8697]);
    let a = sum(odd, [-4176, -4926, 7373, 20995]);
    [
        rounded::<SHIFT>(outer.wrapping_add(a)),
        rounded::<SHIFT>(inner.wrapping_add(b)),
        rounded::<SHIFT>(inner.wrapping_sub(b)),
        rounded::<SHIFT>(outer.wrapping_sub(a)),
    ]
}

/// Two numbers of the frequencies 0, 1, 3, 5 and 7.
#[inline(always)]
fn two<const SHIFT: u32>([x0, x1, x3, x5, x7]: [i32; 5]) -> [i32; 2] {
    let mean = x0.wrapping_shl(15);
    let odd = sum([x7, x5, x3, x1], [-5906, 6967, -10426, 29692]);
    [
        rounded::<SHIFT>(mean.wrapping_add(odd)),
        rounded::<SHIFT>(mean.wrapping_sub(odd)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_block_is_flat_at_every_size() {
        // Without overflow, all samples are the mean.
        for first in (-8191i16..8192).step_by(13) {
            let mut block = [0; BLOCK];
            block[0] = first;
            let exact = mean(first.into());
            assert_eq!(inverse_4(&block, &[1; BLOCK]), [[exact; 4]; 4]);
            assert_eq!(inverse_2(&block, &[1; BLOCK]), [[exact; 2]; 2]);
        }
        for first in (-1100i16..1100).step_by(7) {
            for quantizer in [1, 3, 16] {
                let mut block = [0; BLOCK];
                block[0] = first;
                let quantizers = [quantizer; BLOCK];
                let mean = f64::from(first) * f64::from(quantizer) / 8.0 + 128.0;
                // What is further out wraps, as libjpeg's does.
                if !(-384.0..639.0).contains(&mean) {
                    continue;
                }
                let mean = mean.clamp(0.0, 255.0);
                let close = |v: u8| assert!((f64::from(v) - mean).abs() <= 0.5, "{v} {mean}");
                let four = inverse_4(&block, &quantizers);
                four.as_flattened().iter().for_each(|&v| close(v));
                let two = inverse_2(&block, &quantizers);
                two.as_flattened().iter().for_each(|&v| close(v));
                close(inverse_1(first, quantizer));
            }
        }
    }

    /// With one low frequency, a reduced block is about the mean of the full one's samples: a cosine's
    /// mean over a few samples is near its value in their middle.
    #[test]
    fn a_low_frequency_keeps_its_shape() {
        for at in [1, 8, 9] {
            let mut block = [0; BLOCK];
            block[0] = 40;
            block[at] = 300;
            let full = super::super::idct::inverse(&block, &[1; BLOCK]);
            let mean = |x: usize, y: usize, n: usize| {
                let all = (0..n * n).map(|i| f64::from(full[y * n + i / n][x * n + i % n]));
                all.sum::<f64>() / (n * n) as f64
            };
            for y in 0..4 {
                for x in 0..4 {
                    let four = inverse_4(&block, &[1; BLOCK])[y][x];
                    assert!((f64::from(four) - mean(x, y, 2)).abs() < 3.0, "{at}");
                    let two = inverse_2(&block, &[1; BLOCK])[y / 2][x / 2];
                    assert!((f64::from(two) - mean(x / 2, y / 2, 4)).abs() < 9.0, "{at}");
                }
            }
        }
    }

    #[test]
    fn nonsense_gives_something() {
        for c in [i16::MIN, -1, i16::MAX] {
            for q in [0, 1, u16::MAX] {
                inverse_4(&[c; BLOCK], &[q; BLOCK]);
                inverse_2(&[c; BLOCK], &[q; BLOCK]);
                inverse_1(c, q);
            }
        }
    }
}
