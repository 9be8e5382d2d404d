//! The inverse DCT of 12-bit files, as libjpeg-turbo's `islow` computes it.

/// The bits that each pass rounds off. For 8-bit samples they are 11 and 18: with 12 bits, the first
/// pass keeps one bit less of fraction.
const FIRST: u32 = 12;
const SECOND: u32 = 17;

/// Computes the samples of a block from its coefficients and its quantization table, both in natural
/// order.
///
/// As in libjpeg-turbo, sums have 64 bits, and samples far out of range wrap.
pub(super) fn inverse(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u16; 8]; 8] {
    let mut rows = [[0i32; 8]; 8];
    let pairs = coefficients.iter().zip(quantizers);
    for (to, (&c, &q)) in rows.as_flattened_mut().iter_mut().zip(pairs) {
        *to = i32::from(c).wrapping_mul(i32::from(q));
    }
    let columns = transposed(&rows).map(transform::<FIRST>);
    let rows = transposed(&columns).map(transform::<SECOND>);
    rows.map(|row| row.map(sample))
}

/// Adds the level to a number, of which 14 bits count, and clamps it.
fn sample(v: i32) -> u16 {
    ((v << 18 >> 18) + 2048).clamp(0, 4095) as u16
}

fn transposed(rows: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}

/// One pass over eight numbers. The constants have 13 bits of fraction.
fn transform<const SHIFT: u32>(x: [i32; 8]) -> [i32; 8] {
    let x = x.map(i64::from);
    let z = (x[2] + x[6]) * 4433;
    let (t2, t3) = (z - x[6] * 15137, z + x[2] * 6270);
    let (t0, t1) = ((x[0] + x[4]) << 13, (x[0] - x[4]) << 13);
    let even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3];

    let [p0, p1, p2, p3] = [x[7], x[5], x[3], x[1]];
    let (z3, z4) = (p0 + p2, p1 + p3);
    let z5 = (z3 + z4) * 9633;
    let (z1, z2) = ((p0 + p3) * -7373, (p1 + p2) * -20995);
    let (z3, z4) = (z3 * -16069 + z5, z4 * -3196 + z5);
    let odd = [
        p3 * 12299 + z1 + z4,
        p2 * 25172 + z2 + z3,
        p1 * 16819 + z2 + z4,
        p0 * 2446 + z1 + z3,
    ];
    let round = |v: i64| ((v + (1 << (SHIFT - 1))) >> SHIFT) as i32;
    std::array::from_fn(|i| match i {
        0..4 => round(even[i] + odd[i]),
        _ => round(even[7 - i] - odd[7 - i]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in doubles.
    fn exact(block: &[i16; 64]) -> Vec<f64> {
        let cosine = |x: usize, u: usize| {
            let scale = if u == 0 { 0.125f64.sqrt() } else { 0.5 };
            scale * (std::f64::consts::PI * (2 * x + 1) as f64 * u as f64 / 16.0).cos()
        };
        let sample = |place: usize| {
            let (x, y) = (place % 8, place / 8);
            let terms = (0..64).map(|k| f64::from(block[k]) * cosine(x, k % 8) * cosine(y, k / 8));
            (terms.sum::<f64>() + 2048.0).clamp(0.0, 4095.0)
        };
        (0..64).map(sample).collect()
    }

    #[test]
    fn is_close_to_the_definition() {
        let mut seed = 1u32;
        let mut noise = move || {
            seed = seed.wrapping_mul(0x9e37_79b9).wrapping_add(1) ^ (seed >> 7);
            seed >> 8
        };
        for round in 0..200u32 {
            let mut block = [0i16; 64];
            for _ in 0..=round % 20 {
                block[noise() as usize % 64] = (noise() % 6400) as i16 - 3200;
            }
            let samples = inverse(&block, &[1; 64]);
            for (&ours, exact) in samples.as_flattened().iter().zip(exact(&block)) {
                assert!((f64::from(ours) - exact).abs() < 0.9, "{ours} {exact}");
            }
        }
    }

    #[test]
    fn nonsense_gives_something() {
        for c in [i16::MIN, -1, i16::MAX] {
            for q in [0, 1, u16::MAX] {
                inverse(&[c; 64], &[q; 64]);
            }
        }
    }
}
