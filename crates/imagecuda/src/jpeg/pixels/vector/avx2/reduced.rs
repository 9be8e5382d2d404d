//! The inverse DCT to 4 × 4 and to 2 × 2 samples, with AVX2's instructions. The results are those of
//! `idct_reduced`, as sums of products are exact.

use super::dequantized;
use bytemuck::cast;
use imagecuda_kernels::jpeg::idct_reduced;
use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_adds_epi16, _mm_hadd_epi32, _mm_packs_epi32,
    _mm_packus_epi16, _mm_set1_epi16, _mm_set1_epi32, _mm_srai_epi32, _mm_srli_si128,
    _mm_sub_epi32, _mm_unpackhi_epi16, _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm256_add_epi32,
    _mm256_adds_epi16, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_cvtepi16_epi32, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_packs_epi32,
    _mm256_packus_epi16, _mm256_permute2x128_si256, _mm256_set_m128i, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_shuffle_ps, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_sub_epi32,
};

/// The samples of a block, 4 on a side.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn inverse_4(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 4]; 4] {
    match dequantized(coefficients, quantizers) {
        Some(rows) => four_of_words(rows),
        None => four_of_any(coefficients, quantizers),
    }
}

/// The samples of a block, 2 on a side.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn inverse_2(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 2]; 2] {
    match dequantized(coefficients, quantizers) {
        Some(rows) => two_of_words(rows),
        None => two_of_any(coefficients, quantizers),
    }
}

/// The same for coefficients of any size.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn four_of_any(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 4]; 4] {
    idct_reduced::inverse_4(coefficients, quantizers)
}

/// The same for coefficients of any size.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn two_of_any(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 2]; 2] {
    idct_reduced::inverse_2(coefficients, quantizers)
}

/// Two factors of a pair of numbers.
const fn factors(first: i32, second: i32) -> i32 {
    second << 16 | first & 0xffff
}

/// The first and the second row of two.
#[target_feature(enable = "avx2")]
#[inline]
fn split(rows: __m256i) -> (__m128i, __m128i) {
    (
        _mm256_castsi256_si128(rows),
        _mm256_extracti128_si256::<1>(rows),
    )
}

/// The numbers of two rows, column by column.
#[target_feature(enable = "avx2")]
#[inline]
fn pairs(a: __m128i, b: __m128i) -> __m256i {
    _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b))
}

/// The sums of the products of pairs.
#[target_feature(enable = "avx2")]
#[inline]
fn products(pairs: __m256i, first: i32, second: i32) -> __m256i {
    _mm256_madd_epi16(pairs, _mm256_set1_epi32(factors(first, second)))
}

/// The first pass multiplies by 5.2 at most, so there are 16 bits between the passes.
#[target_feature(enable = "avx2")]
#[inline]
fn four_of_words([r01, r23, r45, r67]: [__m256i; 4]) -> [[u8; 4]; 4] {
    let ((r0, r1), (r2, r3), (_, r5), (r6, r7)) = (split(r01), split(r23), split(r45), split(r67));
    let (p13, p26, p57) = (pairs(r1, r3), pairs(r2, r6), pairs(r5, r7));
    let mean = _mm256_slli_epi32::<14>(_mm256_cvtepi16_epi32(r0));
    let mean = _mm256_add_epi32(mean, _mm256_set1_epi32(1 << 11));
    let even = products(p26, 15137, -6270);
    let a = _mm256_add_epi32(products(p13, 20995, 7373), products(p57, -4926, -4176));
    let b = _mm256_add_epi32(products(p13, 8697, -17799), products(p57, 11893, -1730));
    let (outer, inner) = (_mm256_add_epi32(mean, even), _mm256_sub_epi32(mean, even));
    let [a, b, c, d] = [
        _mm256_add_epi32(outer, a),
        _mm256_add_epi32(inner, b),
        _mm256_sub_epi32(inner, b),
        _mm256_sub_epi32(outer, a),
    ]
    .map(|row| _mm256_srai_epi32::<12>(row));
    // Pairs of columns of four rows: 0 and 1 in one half, 4 and 5 in the other; and those after them.
    let (ab, cd) = (_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    let (ab, cd) = (_mm256_castsi256_ps(ab), _mm256_castsi256_ps(cd));
    let c0145 = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(ab, cd));
    let c2367 = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(ab, cd));
    let sum = |[x0, x1, x2, x3, x5, x6, x7]: [i32; 7]| {
        let halves = |low: i32, high: i32| -> __m256i { cast([[low; 4], [high; 4]]) };
        let first = halves(factors(x0, x1), factors(0, x5));
        let second = halves(factors(x2, x3), factors(x6, x7));
        _mm256_add_epi32(
            _mm256_madd_epi16(c0145, first),
            _mm256_madd_epi16(c2367, second),
        )
    };
    let columns = [
        sum([16384, 20995, 15137, 7373, -4926, -6270, -4176]),
        sum([16384, 8697, -15137, -17799, 11893, 6270, -1730]),
        sum([16384, -8697, -15137, 17799, -11893, 6270, 1730]),
        sum([16384, -20995, 15137, -7373, 4926, -6270, 4176]),
    ];
    // The two halves of each sum, so that one half has the first of two columns.
    let whole = |a, b| {
        let left = _mm256_permute2x128_si256::<0x20>(a, b);
        let right = _mm256_permute2x128_si256::<0x31>(a, b);
        let sum = _mm256_add_epi32(_mm256_add_epi32(left, right), _mm256_set1_epi32(1 << 18));
        _mm256_srai_epi32::<19>(sum)
    };
    let [c0, c1, c2, c3] = columns;
    let samples = _mm256_packs_epi32(whole(c0, c1), whole(c2, c3));
    let samples = _mm256_adds_epi16(samples, _mm256_set1_epi16(128));
    let (c02, c13) = split(_mm256_packus_epi16(samples, samples));
    let columns = _mm_unpacklo_epi8(c02, c13);
    cast(_mm_unpacklo_epi16(columns, _mm_srli_si128::<8>(columns)))
}

/// The first pass multiplies by 4 at most, so there are 16 bits between the passes.
#[target_feature(enable = "avx2")]
#[inline]
fn two_of_words([r01, r23, r45, r67]: [__m256i; 4]) -> [[u8; 2]; 2] {
    let ((r0, r1), (_, r3), (_, r5), (_, r7)) = (split(r01), split(r23), split(r45), split(r67));
    let mean = _mm256_slli_epi32::<15>(_mm256_cvtepi16_epi32(r0));
    let mean = _mm256_add_epi32(mean, _mm256_set1_epi32(1 << 12));
    let odd = _mm256_add_epi32(
        products(pairs(r1, r3), 29692, -10426),
        products(pairs(r5, r7), 6967, -5906),
    );
    let upper = _mm256_srai_epi32::<13>(_mm256_add_epi32(mean, odd));
    let lower = _mm256_srai_epi32::<13>(_mm256_sub_epi32(mean, odd));
    // In each half, four columns of the upper row and then of the lower one. The factor of the mean is
    // 32768, which only fits with the other sign. So all have it.
    let rows = _mm256_packs_epi32(upper, lower);
    let sum = |x1: i32, x3: i32, x5: i32, x7: i32| {
        let [x01, x23] = [factors(-32768, x1), factors(0, x3)];
        let [x45, x67] = [factors(0, x5), factors(0, x7)];
        let factors = cast([x01, x23, x01, x23, x45, x67, x45, x67]);
        let (low, high) = split(_mm256_madd_epi16(rows, factors));
        _mm_add_epi32(low, high)
    };
    let left = sum(-29692, 10426, -6967, 5906);
    let right = sum(29692, -10426, 6967, -5906);
    let sums = _mm_sub_epi32(_mm_set1_epi32(1 << 19), _mm_hadd_epi32(left, right));
    let samples = _mm_srai_epi32::<20>(sums);
    let samples = _mm_packs_epi32(samples, samples);
    let samples = _mm_adds_epi16(samples, _mm_set1_epi16(128));
    let samples: [u8; 16] = cast(_mm_packus_epi16(samples, samples));
    let [upper_left, lower_left, upper_right, lower_right, ..] = samples;
    [[upper_left, upper_right], [lower_left, lower_right]]
}

#[cfg(test)]
mod tests {
    use super::{super::tests::blocks, *};

    #[test]
    fn the_inverse_to_fewer_samples_is_that_of_the_kernels() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let (mut words, mut others) = (0, 0);
        for (coefficients, quantizers) in blocks(7) {
            #[allow(unsafe_code, reason = "calls of what the processor is checked for")]
            // SAFETY: the processor has AVX2, which was tested above.
            let (four, two, is_small) = unsafe {
                let is_small = dequantized(&coefficients, &quantizers).is_some();
                let four = inverse_4(&coefficients, &quantizers);
                (four, inverse_2(&coefficients, &quantizers), is_small)
            };
            let expected = idct_reduced::inverse_4(&coefficients, &quantizers);
            assert_eq!(four, expected, "{coefficients:?} {quantizers:?}");
            let expected = idct_reduced::inverse_2(&coefficients, &quantizers);
            assert_eq!(two, expected, "{coefficients:?} {quantizers:?}");
            *(if is_small { &mut words } else { &mut others }) += 1;
        }
        assert!(words > 2000 && others > 2000, "{words} {others}");
    }
}
