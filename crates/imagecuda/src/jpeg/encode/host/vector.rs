//! Rows of MCUs and their codes once more, for processors with AVX2.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::{
    rows::{CodedUnit, Part, Planes, Quantizer, STEP, Transform},
    scan::{Coder, Counter, Scan},
};
use imagecuda_kernels::{
    jpeg::encode::{fdct, sample},
    texel::Rgb8,
};

/// What processors have instructions of their own for.
pub(super) trait Vectors: Copy {
    /// Luma, Cb and Cr of pixels.
    fn ycc(self, pixels: &[u8; 3 * STEP]) -> [[u8; STEP]; 3];

    /// The averages of pairs of samples.
    fn halves(self, samples: &[u8; 2 * STEP]) -> [u8; STEP];

    /// The averages of pairs of samples in two rows.
    fn quarters(self, upper: &[u8; 2 * STEP], lower: &[u8; 2 * STEP]) -> [u8; STEP];

    /// The quantised coefficients of two blocks side by side.
    fn blocks(self, rows: &[[u8; 16]; 8], quantizer: &Quantizer, units: [&mut CodedUnit; 2]);
}

/// The functions of the kernels.
#[derive(Clone, Copy)]
struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn ycc(self, pixels: &[u8; 3 * STEP]) -> [[u8; STEP]; 3] {
        let mut samples = [[0; STEP]; 3];
        for (x, &pixel) in pixels.as_chunks().0.iter().enumerate() {
            let [y, b, r, _] = sample::ycc(Rgb8(pixel)).to_le_bytes();
            (samples[0][x], samples[1][x], samples[2][x]) = (y, b, r);
        }
        samples
    }

    #[inline(always)]
    fn halves(self, samples: &[u8; 2 * STEP]) -> [u8; STEP] {
        std::array::from_fn(|x| {
            let [a, b] = [samples[2 * x], samples[2 * x + 1]].map(u32::from);
            sample::half(a, b, x as u32) as u8
        })
    }

    #[inline(always)]
    fn quarters(self, upper: &[u8; 2 * STEP], lower: &[u8; 2 * STEP]) -> [u8; STEP] {
        std::array::from_fn(|x| {
            let of = |row: &[u8; 2 * STEP]| u32::from(row[2 * x]) + u32::from(row[2 * x + 1]);
            sample::quarter(of(upper) + of(lower), x as u32) as u8
        })
    }

    #[inline(always)]
    fn blocks(self, rows: &[[u8; 16]; 8], quantizer: &Quantizer, units: [&mut CodedUnit; 2]) {
        for (side, unit) in units.into_iter().enumerate() {
            let samples = rows.map(|row| row.as_chunks::<8>().0[side]);
            *unit = fdct::block(&samples, &quantizer.divisors);
        }
    }
}

/// Whether the processor has what the functions of `avx2` are compiled for. A hypervisor may hide any of
/// these.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
}

/// See [`Planes::transform`].
pub(super) fn transform(
    planes: &mut Planes,
    picture: &Transform<'_>,
    part: &Part,
    blocks: &mut [CodedUnit],
) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: a function of safe code, whose only condition is that the processor has what was asked
        // for above. Without LZCNT its instruction is another one (BSR), which would silently count
        // wrong.
        return unsafe { avx2::transform(planes, picture, part, blocks) };
    }
    planes.transform(picture, part, blocks, Portable);
}

/// See [`Scan::each`].
pub(super) fn code(scan: &mut Scan<'_>, blocks: &[CodedUnit], coder: &mut Coder<'_>) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::code(scan, blocks, coder) };
    }
    scan.each(blocks, coder);
}

/// See [`Scan::each`].
pub(super) fn count(scan: &mut Scan<'_>, blocks: &[CodedUnit], counter: &mut Counter) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::count(scan, blocks, counter) };
    }
    scan.each(blocks, counter);
}
