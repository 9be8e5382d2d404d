//! [`Band::paint`] once more, for processors with AVX2.

use super::{
    band::{Band, Blocks},
    rows::{self, STEP},
};
use imagecuda_kernels::jpeg::idct;

/// What processors have instructions of their own for.
pub(super) trait Vectors: Copy {
    /// See [`idct::inverse`].
    fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8];

    /// The lower three bytes of words.
    fn pack(self, words: [u32; STEP]) -> [u8; 3 * STEP];
}

/// Functions of any processor.
#[derive(Clone, Copy)]
struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
        idct::inverse_in_lanes(coefficients, quantizers)
    }

    #[inline(always)]
    fn pack(self, words: [u32; STEP]) -> [u8; 3 * STEP] {
        rows::pack(words)
    }
}

/// See [`Band::paint`].
pub(super) fn paint(band: &mut Band<'_>, blocks: Blocks<'_>, rows: u32, out: &mut [u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: a function of safe code, whose only condition is that the processor has AVX2,
        // which was asked for above.
        return unsafe { avx2::paint(band, blocks, rows, out) };
    }
    band.paint(blocks, rows, out, Portable)
}

/// See [`Band::begin_below`].
pub(super) fn begin_below(band: &mut Band<'_>, above: Blocks<'_>) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::begin_below(band, above) };
    }
    band.begin_below(above, Portable);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Band, Blocks, STEP, Vectors};
    use bytemuck::cast;
    use imagecuda_kernels::jpeg::idct;
    use std::arch::x86_64::{
        __m256i, _mm256_adds_epi16, _mm256_packs_epi32, _mm256_packus_epi16,
        _mm256_permutevar8x32_epi32, _mm256_set1_epi16, _mm256_shuffle_epi8, _mm256_unpackhi_epi32,
        _mm256_unpacklo_epi32,
    };

    /// Functions that only those call which have the same features.
    #[derive(Clone, Copy)]
    struct Functions<I, P>(I, P);

    impl<I, P> Vectors for Functions<I, P>
    where
        I: Fn(&[i16; 64], &[u16; 64]) -> [[u8; 8]; 8] + Copy,
        P: Fn([u32; STEP]) -> [u8; 3 * STEP] + Copy,
    {
        #[inline(always)]
        fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
            (self.0)(coefficients, quantizers)
        }

        #[inline(always)]
        fn pack(self, words: [u32; STEP]) -> [u8; 3 * STEP] {
            (self.1)(words)
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn paint(
        band: &mut Band<'_>,
        blocks: Blocks<'_>,
        rows: u32,
        out: &mut [u8],
    ) -> usize {
        let vectors = Functions(
            |block: &_, quantizers: &_| inverse(block, quantizers),
            |words| pack(words),
        );
        band.paint(blocks, rows, out, vectors)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn begin_below(band: &mut Band<'_>, above: Blocks<'_>) {
        let vectors = Functions(
            |block: &_, quantizers: &_| inverse(block, quantizers),
            |words| pack(words),
        );
        band.begin_below(above, vectors);
    }

    /// As `idct::inverse_in_lanes`, but for the way back to rows.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn inverse(coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
        let (mut from, mut to) = ([[0; 8]; 8], [[0; 8]; 8]);
        let pairs = coefficients.iter().zip(quantizers);
        for (to, (&c, &q)) in from.as_flattened_mut().iter_mut().zip(pairs) {
            *to = i32::from(c).wrapping_mul(i32::from(q));
        }
        lanes(&from, &mut to, idct::first);
        for i in 0..8 {
            for k in 0..8 {
                from[i][k] = to[k][i];
            }
        }
        lanes(&from, &mut to, idct::second);
        // Columns of numbers of 14 bits at most, to which packing does what `idct::byte` does.
        let [a, b, c, d, e, f, g, h]: [__m256i; 8] = to.map(|column: [i32; 8]| cast(column));
        let middle = _mm256_set1_epi16(128);
        let pairs = |a, b| _mm256_adds_epi16(_mm256_packs_epi32(a, b), middle);
        // Of each half of the rows, four columns one after another.
        let left = _mm256_packus_epi16(pairs(a, b), pairs(c, d));
        let right = _mm256_packus_epi16(pairs(e, f), pairs(g, h));
        const ROWS: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
        let rows: __m256i = cast([ROWS, ROWS]);
        let (left, right) = (
            _mm256_shuffle_epi8(left, rows),
            _mm256_shuffle_epi8(right, rows),
        );
        let [r0, r1, r4, r5]: [[u8; 8]; 4] = cast(_mm256_unpacklo_epi32(left, right));
        let [r2, r3, r6, r7]: [[u8; 8]; 4] = cast(_mm256_unpackhi_epi32(left, right));
        [r0, r1, r2, r3, r4, r5, r6, r7]
    }

    /// Transforms all columns, each to a column.
    #[inline(always)]
    fn lanes(x: &[[i32; 8]; 8], out: &mut [[i32; 8]; 8], transform: impl Fn([i32; 8]) -> [i32; 8]) {
        for i in 0..8 {
            let y = transform([
                x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i], x[6][i], x[7][i],
            ]);
            for k in 0..8 {
                out[k][i] = y[k];
            }
        }
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
}
