//! [`Band::paint`], compiled a second time for processors with AVX2.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::{
    band::{Band, Blocks},
    rows::{self, STEP},
};
use imagecuda_kernels::jpeg::{idct, idct_reduced};

/// The functions for which some processors have instructions.
pub(super) trait Vectors: Copy {
    /// See [`idct::inverse`].
    fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8];

    /// See [`idct_reduced::inverse_4`].
    fn inverse_4(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 4]; 4];

    /// See [`idct_reduced::inverse_2`].
    fn inverse_2(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 2]; 2];

    /// The lower three bytes of each word.
    fn pack(self, words: [u32; STEP]) -> [u8; 3 * STEP];
}

/// Portable functions.
#[derive(Clone, Copy)]
struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn inverse(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 8]; 8] {
        idct::inverse_in_lanes(coefficients, quantizers)
    }

    #[inline(always)]
    fn inverse_4(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 4]; 4] {
        idct_reduced::inverse_4(coefficients, quantizers)
    }

    #[inline(always)]
    fn inverse_2(self, coefficients: &[i16; 64], quantizers: &[u16; 64]) -> [[u8; 2]; 2] {
        idct_reduced::inverse_2(coefficients, quantizers)
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
        // SAFETY: the function is safe code. Its only condition is that the processor has AVX2,
        // which was tested above.
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
