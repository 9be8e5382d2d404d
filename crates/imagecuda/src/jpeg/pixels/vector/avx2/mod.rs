//! The inverse DCT and the packing of pixels, with AVX2's instructions.

mod reduced;

use super::{Band, Blocks, STEP, Vectors};
use bytemuck::cast;
use imagecuda_kernels::jpeg::idct;
use std::arch::x86_64::{
    __m256i, _mm_adds_epu16, _mm_or_si128, _mm_set1_epi16, _mm_subs_epu16, _mm_testz_si128,
    _mm256_abs_epi16, _mm256_add_epi32, _mm256_adds_epi16, _mm256_adds_epu16,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_mulhi_epu16,
    _mm256_mullo_epi16, _mm256_or_si256, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute2x128_si256, _mm256_permutevar8x32_epi32, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_shuffle_epi8, _mm256_sign_epi16, _mm256_srai_epi32, _mm256_sub_epi32,
    _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32,
};

/// These functions may only be called by functions that are compiled for the same features.
#[derive(Clone, Copy)]
struct Functions<I, F, T, P> {
    inverse: I,
    inverse_4: F,
    inverse_2: T,
    pack: P,
}

impl<I, F, T, P> Vectors for Functions<I, F, T, P>
where
    I: Fn(&[i16; 64], &[u16; 64]) -> [[u8; 8]; 8] + Copy,
    F: Fn(&[i16; 64], &[u16; 64]) -> [[u8; 4]; 4] + Copy,
    T: Fn(&[i16; 64], &[u16; 64]) -> [[u8; 2]; 2] + Copy,
    P: Fn([u32; STEP]) -> [u8; 3 * STEP] + Copy,
{
    #[inline(always)]
    fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
        (self.inverse)(coefficients, quantizers)
    }

    #[inline(always)]
    fn inverse_4(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 4]; 4] {
        (self.inverse_4)(coefficients, quantizers)
    }

    #[inline(always)]
    fn inverse_2(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 2]; 2] {
        (self.inverse_2)(coefficients, quantizers)
    }

    #[inline(always)]
    fn pack(self, words: [u32; STEP]) -> [u8; 3 * STEP] {
        (self.pack)(words)
    }
}

/// All of them.
macro_rules! functions {
    () => {
        Functions {
            inverse: |block: &_, quantizers: &_| inverse(block, quantizers),
            inverse_4: |block: &_, quantizers: &_| reduced::inverse_4(block, quantizers),
            inverse_2: |block: &_, quantizers: &_| reduced::inverse_2(block, quantizers),
            pack: |words| pack(words),
        }
    };
}

#[target_feature(enable = "avx2")]
pub(super) fn paint(band: &mut Band<'_>, blocks: Blocks<'_>, rows: u32, out: &mut [u8]) -> usize {
    band.paint(blocks, rows, out, functions!())
}

#[target_feature(enable = "avx2")]
pub(super) fn begin_below(band: &mut Band<'_>, above: Blocks<'_>) {
    band.begin_below(above, functions!());
}

#[target_feature(enable = "avx2")]
#[inline]
fn inverse(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
    match dequantized(coefficients, quantizers) {
        Some(rows) => inverse_of_words(rows),
        None => inverse_of_any(coefficients, quantizers),
    }
}

/// The dequantized coefficients, two rows in each register. `None` if they, or the values between
/// the two passes, may need more than 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn dequantized(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> Option<[__m256i; 4]> {
    /// The bound for the sum of the absolute values in a column. The first pass multiplies each by
    /// 1.39 * 2^13 at most, and divides by 2^11.
    const MOST: i16 = 5900;
    let (coefficients, _) = coefficients.as_chunks::<16>();
    let (quantizers, _) = quantizers.as_chunks::<16>();
    let mut rows: [__m256i; 4] = [cast([0u64; 4]); 4];
    let (mut high, mut sums) = (rows[0], rows[0]);
    for ((row, &c), &q) in rows.iter_mut().zip(coefficients).zip(quantizers) {
        let (c, q): (__m256i, __m256i) = (cast(c), cast(q));
        let absolute = _mm256_abs_epi16(c);
        let product = _mm256_mullo_epi16(absolute, q);
        high = _mm256_or_si256(high, _mm256_mulhi_epu16(absolute, q));
        sums = _mm256_adds_epu16(sums, product);
        *row = _mm256_sign_epi16(product, c);
    }
    let (left, right) = (
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    let above = _mm_subs_epu16(_mm_adds_epu16(left, right), _mm_set1_epi16(MOST));
    let (left, right) = (
        _mm256_castsi256_si128(high),
        _mm256_extracti128_si256::<1>(high),
    );
    let above = _mm_or_si128(above, _mm_or_si128(left, right));
    (_mm_testz_si128(above, above) == 1).then_some(rows)
}

/// Gives the same results as `idct::inverse`, as its sums of products are exact.
#[target_feature(enable = "avx2")]
#[inline]
fn inverse_of_words([r01, r23, r45, r67]: [__m256i; 4]) -> [[u8; 8]; 8] {
    // Pairs of rows; each half has four columns.
    let interleave = |a, b| {
        let (low, high) = (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
        (
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        )
    };
    let (r04, r15) = interleave(r01, r45);
    let (r26, r37) = interleave(r23, r67);
    let [a, b, c, d, e, f, g, h] = transform::<11>([r04, r26, r15, r37]);
    // To columns of four rows each.
    let transpose = |a, b, c, d| {
        let (ab, cd) = (_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        let (ac, bd) = (_mm256_unpacklo_epi16(ab, cd), _mm256_unpackhi_epi16(ab, cd));
        (_mm256_unpacklo_epi16(ac, bd), _mm256_unpackhi_epi16(ac, bd))
    };
    let (top_01, top_23) = transpose(a, b, c, d);
    let (low_01, low_23) = transpose(e, f, g, h);
    // To pairs of columns; each half has four rows.
    let pair = |top, low| {
        let left = _mm256_permute2x128_si256::<0x20>(top, low);
        let right = _mm256_permute2x128_si256::<0x31>(top, low);
        (
            _mm256_unpacklo_epi16(left, right),
            _mm256_unpackhi_epi16(left, right),
        )
    };
    let (c04, c15) = pair(top_01, low_01);
    let (c26, c37) = pair(top_23, low_23);
    rows_of(transform::<18>([c04, c26, c15, c37]))
}

/// One pass over eight values in each of eight lanes. The values come in pairs: first and fifth,
/// third and seventh, second and sixth, fourth and eighth.
#[target_feature(enable = "avx2")]
#[inline]
fn transform<const SHIFT: i32>([x04, x26, x15, x37]: [__m256i; 4]) -> [__m256i; 8] {
    // Products of `idct`'s constants, multiplied out.
    let products = |pair, first: i32, second: i32| {
        let factors = _mm256_set1_epi32(second << 16 | first & 0xffff);
        _mm256_madd_epi16(pair, factors)
    };
    let rounding = _mm256_set1_epi32(1 << (SHIFT - 1));
    let t0 = _mm256_add_epi32(products(x04, 1 << 13, 1 << 13), rounding);
    let t1 = _mm256_add_epi32(products(x04, 1 << 13, -(1 << 13)), rounding);
    let t2 = products(x26, 4433, 4433 - 15137);
    let t3 = products(x26, 4433 + 6270, 4433);
    let (a0, a3) = (_mm256_add_epi32(t0, t3), _mm256_sub_epi32(t0, t3));
    let (a1, a2) = (_mm256_add_epi32(t1, t2), _mm256_sub_epi32(t1, t2));
    let odd =
        |[x1, x3, x5, x7]: [i32; 4]| _mm256_add_epi32(products(x15, x1, x5), products(x37, x3, x7));
    let (z1, z2, z3, z4, z5) = (-7373, -20995, -16069, -3196, 9633);
    let b0 = odd([z1 + z5, z3 + z5, z5, 2446 + z1 + z3 + z5]);
    let b1 = odd([z4 + z5, z2 + z5, 16819 + z2 + z4 + z5, z5]);
    let b2 = odd([z5, 25172 + z2 + z3 + z5, z2 + z5, z3 + z5]);
    let b3 = odd([12299 + z1 + z4 + z5, z5, z4 + z5, z1 + z5]);
    let sum = |a, b| _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(a, b));
    let difference = |a, b| _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(a, b));
    [
        sum(a0, b3),
        sum(a1, b2),
        sum(a2, b1),
        sum(a3, b0),
        difference(a3, b0),
        difference(a2, b1),
        difference(a1, b2),
        difference(a0, b3),
    ]
}

/// Packs columns of values of at most 14 bits to rows of bytes. Saturation does what `idct::byte`
/// does.
#[target_feature(enable = "avx2")]
#[inline]
fn rows_of([a, b, c, d, e, f, g, h]: [__m256i; 8]) -> [[u8; 8]; 8] {
    let middle = _mm256_set1_epi16(128);
    let pair = |a, b| _mm256_adds_epi16(_mm256_packs_epi32(a, b), middle);
    // From each half of the rows, four columns one after another.
    let left = _mm256_packus_epi16(pair(a, b), pair(c, d));
    let right = _mm256_packus_epi16(pair(e, f), pair(g, h));
    const ROWS: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    let rows: __m256i = cast([ROWS, ROWS]);
    let left = _mm256_shuffle_epi8(left, rows);
    let right = _mm256_shuffle_epi8(right, rows);
    let [r0, r1, r4, r5]: [[u8; 8]; 4] = cast(_mm256_unpacklo_epi32(left, right));
    let [r2, r3, r6, r7]: [[u8; 8]; 4] = cast(_mm256_unpackhi_epi32(left, right));
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// The same for coefficients of any size.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn inverse_of_any(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
    idct::inverse_in_lanes(coefficients, quantizers)
}

#[target_feature(enable = "avx2")]
#[inline]
fn pack(words: [u32; STEP]) -> [u8; 3 * STEP] {
    const NONE: u8 = 0x80;
    const LOWER: [u8; 16] = [
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, NONE, NONE, NONE, NONE,
    ];
    let lower: __m256i = cast([LOWER, LOWER]);
    let together: __m256i = cast([0, 1, 2, 4, 5, 6, 3, 7]);
    let mut out = [0; 3 * STEP];
    let halves: [__m256i; 2] = cast(words);
    for (half, out) in halves.into_iter().zip(out.as_chunks_mut::<24>().0) {
        let half = _mm256_shuffle_epi8(half, lower);
        let half: [u8; 32] = cast(_mm256_permutevar8x32_epi32(half, together));
        out.copy_from_slice(&half[..24]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients and quantizers of up to 16 bits, so that both ways are taken, and the bound between them is
    /// reached.
    pub(super) fn blocks(seed: u64) -> impl Iterator<Item = ([i16; 64], [u16; 64])> {
        let mut state = seed;
        let mut noise = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        (0..20_000u32).map(move |round| {
            let (bits, quantizer_bits) = (1 + round % 15, 1 + round / 15 % 16);
            let count = 1 + noise() % 64;
            let mut coefficients = [0; 64];
            for _ in 0..count {
                let value = (noise() as i16) >> (15 - bits);
                coefficients[noise() as usize % 64] = value;
            }
            let quantizers =
                std::array::from_fn(|_| (noise() & ((1 << quantizer_bits) - 1)) as u16);
            (coefficients, quantizers)
        })
    }

    #[test]
    fn the_inverse_is_that_of_the_kernels() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let (mut words, mut others) = (0, 0);
        for (coefficients, quantizers) in blocks(1) {
            #[allow(unsafe_code, reason = "calls of what the processor is checked for")]
            // SAFETY: the processor has AVX2, which was tested above.
            let (found, is_small) = unsafe {
                let is_small = dequantized(&coefficients, &quantizers).is_some();
                (inverse(&coefficients, &quantizers), is_small)
            };
            assert_eq!(
                found,
                idct::inverse(&coefficients, &quantizers),
                "{coefficients:?}"
            );
            *(if is_small { &mut words } else { &mut others }) += 1;
        }
        assert!(words > 2000 && others > 2000, "{words} {others}");
    }

    #[test]
    fn pixels_are_packed_as_elsewhere() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let words = std::array::from_fn(|i| 0x0001_0305 * i as u32);
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: the processor has AVX2, which was tested above.
        let found = unsafe { pack(words) };
        assert_eq!(found, super::super::rows::pack(words));
    }
}
