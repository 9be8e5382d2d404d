//! Rows of MCUs and their codes once more, for processors with AVX2.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::{
    super::{
        huffman::Table,
        progressive::{Row, ScanCoder, Tokens, gathered},
    },
    rows::{CodedUnit, Masks, Part, Planes, Quantizer, STEP, Samples, Transform},
    scan::{Coder, Counter, Scan},
};
use imagecuda_kernels::{
    jpeg::{
        encode::{fdct, sample},
        picture::BLOCK,
    },
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
    fn blocks(self, samples: Samples<'_>, quantizer: &Quantizer, units: [&mut CodedUnit; 2]);
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
    fn blocks(self, samples: Samples<'_>, quantizer: &Quantizer, units: [&mut CodedUnit; 2]) {
        for (side, unit) in units.into_iter().enumerate() {
            let samples = std::array::from_fn(|y| samples.row(y).as_chunks::<8>().0[side]);
            let (coefficients, mask) = fdct::block(&samples, &quantizer.divisors);
            *unit = CodedUnit(coefficients, mask);
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
        && std::arch::is_x86_feature_detected!("popcnt")
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

/// The masks of data units, whose coefficients are `stride` words apart.
pub(in super::super) fn masks_of(words: &[i16], stride: usize, masks: &mut [Masks]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::masks_of(words, stride, masks) };
    }
    for (unit, masks) in words.chunks(stride).zip(masks) {
        *masks = portable_masks(&unit[..BLOCK]);
    }
}

fn portable_masks(coefficients: &[i16]) -> Masks {
    let mut masks = Masks::default();
    for (place, &coefficient) in coefficients.iter().enumerate() {
        let magnitude = coefficient.unsigned_abs();
        let bit = |is: bool| u64::from(is) << (BLOCK - 1 - place);
        masks.some[0] |= bit(magnitude > 0);
        masks.some[1] |= bit(magnitude > 1);
        masks.some[2] |= bit(magnitude > 3);
        masks.bits[0] |= bit(magnitude & 1 != 0);
        masks.bits[1] |= bit(magnitude & 2 != 0);
        masks.negative |= bit(coefficient < 0);
    }
    masks
}

/// See [`ScanCoder::row`].
pub(in super::super) fn run_scan(row: &Row<'_>, scan: &mut ScanCoder) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::run_scan(row, scan) };
    }
    scan.row(row, gathered);
}

/// See [`Tokens::write`].
pub(in super::super) fn write_tokens(
    tokens: &Tokens,
    tables: &[Option<Table>; 2],
    file: &mut Vec<u8>,
) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: as above.
        return unsafe { avx2::write_tokens(tokens, tables, file) };
    }
    tokens.write(tables, file);
}
