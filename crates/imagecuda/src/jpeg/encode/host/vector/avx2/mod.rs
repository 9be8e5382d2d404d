//! Samples, coefficients and codes with the instructions of AVX2.

use super::{
    CodedUnit, Coder, Counter, Masks, Part, Planes, Quantizer, Row, STEP, Samples, Scan, ScanCoder,
    Table, Tokens, Transform, Vectors,
};
use crate::jpeg::{encode::progressive::gathered, entropy::planes::processor::has_fast_deposits};
use bytemuck::cast;
use imagecuda_kernels::jpeg::scan::NATURAL;
use std::arch::x86_64::{
    __m256i, _mm256_abs_epi16, _mm256_add_epi16, _mm256_add_epi32, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi16, _mm256_cvtepu8_epi16, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_movemask_epi8, _mm256_mulhi_epu16, _mm256_or_si256, _mm256_packs_epi16,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_packus_epi32, _mm256_permute4x64_epi64,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_sign_epi16,
    _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srai_epi32, _mm256_srli_epi16, _mm256_srli_epi32,
    _mm256_sub_epi16, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _pext_u64,
};

/// Functions that only those call which have the same features.
#[derive(Clone, Copy)]
struct Functions<Y, H, Q, B>(Y, H, Q, B);

impl<Y, H, Q, B> Vectors for Functions<Y, H, Q, B>
where
    Y: Fn(&[u8; 3 * STEP]) -> [[u8; STEP]; 3] + Copy,
    H: Fn(&[u8; 2 * STEP]) -> [u8; STEP] + Copy,
    Q: Fn(&[u8; 2 * STEP], &[u8; 2 * STEP]) -> [u8; STEP] + Copy,
    B: Fn(Samples<'_>, &Quantizer, [&mut CodedUnit; 2]) + Copy,
{
    #[inline(always)]
    fn ycc(self, pixels: &[u8; 3 * STEP]) -> [[u8; STEP]; 3] {
        (self.0)(pixels)
    }

    #[inline(always)]
    fn halves(self, samples: &[u8; 2 * STEP]) -> [u8; STEP] {
        (self.1)(samples)
    }

    #[inline(always)]
    fn quarters(self, upper: &[u8; 2 * STEP], lower: &[u8; 2 * STEP]) -> [u8; STEP] {
        (self.2)(upper, lower)
    }

    #[inline(always)]
    fn blocks(self, samples: Samples<'_>, quantizer: &Quantizer, units: [&mut CodedUnit; 2]) {
        (self.3)(samples, quantizer, units);
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn transform(
    planes: &mut Planes,
    picture: &Transform<'_>,
    part: &Part,
    blocks: &mut [CodedUnit],
) {
    let vectors = Functions(
        |pixels: &_| ycc(pixels),
        |samples: &_| halves(samples),
        |upper: &_, lower: &_| quarters(upper, lower),
        |samples: Samples<'_>, quantizer: &_, units: [&mut _; 2]| {
            two_blocks(samples, quantizer, units)
        },
    );
    planes.transform(picture, part, blocks, vectors);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn code(scan: &mut Scan<'_>, blocks: &[CodedUnit], coder: &mut Coder<'_>) {
    scan.each(blocks, coder);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn count(scan: &mut Scan<'_>, blocks: &[CodedUnit], counter: &mut Counter) {
    scan.each(blocks, counter);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run_scan(row: &Row<'_>, scan: &mut ScanCoder) {
    if !has_fast_deposits() {
        return scan.row(row, gathered);
    }
    scan.row(row, |bits, places| _pext_u64(bits, places));
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn write_tokens(tokens: &Tokens, tables: &[Option<Table>; 2], file: &mut Vec<u8>) {
    tokens.write(tables, file);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn masks_of(words: &[i16], stride: usize, masks: &mut [Masks]) {
    for (unit, masks) in words.chunks(stride).zip(masks) {
        if let Some(coefficients) = unit.first_chunk() {
            *masks = masks_of_one(coefficients);
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn masks_of_one(coefficients: &[i16; 64]) -> Masks {
    // The last coefficients first, as the first ones become the highest bits.
    let [a, b, c, d] = cast::<_, [__m256i; 4]>(*coefficients).map(|row| reversed(row));
    let rows = [d, c, b, a];
    let magnitudes = rows.map(|row| _mm256_abs_epi16(row));
    // Bits of the signs.
    let signs = |words: [__m256i; 4]| {
        let half = |a, b| {
            let bytes: __m256i = cast(in_order(_mm256_packs_epi16(a, b)));
            u64::from(_mm256_movemask_epi8(bytes) as u32)
        };
        half(words[0], words[1]) | half(words[2], words[3]) << 32
    };
    let above = |v: i16| signs(magnitudes.map(|m| _mm256_cmpgt_epi16(m, _mm256_set1_epi16(v))));
    Masks {
        some: [above(0), above(1), above(3)],
        bits: [
            signs(magnitudes.map(|m| _mm256_slli_epi16::<15>(m))),
            signs(magnitudes.map(|m| _mm256_slli_epi16::<14>(m))),
        ],
        negative: signs(rows),
    }
}

/// Sixteen words in the opposite order.
#[target_feature(enable = "avx2")]
#[inline]
fn reversed(words: __m256i) -> __m256i {
    const WORDS: [u8; 16] = [14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1];
    let halves = _mm256_shuffle_epi8(words, cast(const { both(WORDS) }));
    _mm256_permute4x64_epi64::<0b01_00_11_10>(halves)
}

/// No byte, in a shuffle.
const NONE: u8 = 0x80;

/// A shuffle of 16 bytes in both halves.
const fn both(bytes: [u8; 16]) -> [u8; 32] {
    let mut shuffle = [0; 32];
    let mut i = 0;
    while i < 32 {
        shuffle[i] = bytes[i % 16];
        i += 1;
    }
    shuffle
}

/// The shuffle that makes pairs of words of four pixels, which begin at byte `start`: their channels
/// `first` and `second`.
const fn channels(start: u8, first: u8, second: u8) -> [u8; 32] {
    let mut bytes = [NONE; 16];
    let mut pixel = 0;
    while pixel < 4 {
        let at = start + pixel * 3;
        bytes[pixel as usize * 4] = at + first;
        bytes[pixel as usize * 4 + 2] = at + second;
        pixel += 1;
    }
    both(bytes)
}

/// Pairs of factors for `_mm256_madd_epi16`.
#[target_feature(enable = "avx2")]
#[inline]
fn factors(first: i32, second: i32) -> __m256i {
    _mm256_set1_epi32(second << 16 | first & 0xffff)
}

/// The numbers of `sample::ycc`: sums of products with the same factors, of which those above 16 bits
/// are in two parts.
#[target_feature(enable = "avx2")]
#[inline]
fn ycc(pixels: &[u8; 3 * STEP]) -> [[u8; STEP]; 3] {
    const HALF: i32 = 1 << 15;
    const CENTER: i32 = (128 << 16) + HALF - 1;
    // Eight pixels: four from the first half, and four from the second. So packing brings them in
    // order.
    let eight = |start: usize, skipped: usize| {
        let four = |at: usize| *pixels[at..].first_chunk::<16>().expect("within 96 bytes");
        let bytes: __m256i = cast([four(start - skipped), four(start - skipped + 48)]);
        let pairs = |shuffles: [[u8; 32]; 2]| {
            _mm256_shuffle_epi8(bytes, cast(shuffles[usize::from(skipped > 0)]))
        };
        let red_green = pairs(const { [channels(0, 0, 1), channels(4, 0, 1)] });
        let green_blue = pairs(const { [channels(0, 1, 2), channels(4, 1, 2)] });
        let red_blue = pairs(const { [channels(0, 0, 2), channels(4, 0, 2)] });
        let sum = |(a, by_a), (b, by_b), rounding| {
            let products = _mm256_add_epi32(_mm256_madd_epi16(a, by_a), _mm256_madd_epi16(b, by_b));
            _mm256_srli_epi32::<16>(_mm256_add_epi32(products, _mm256_set1_epi32(rounding)))
        };
        [
            sum(
                (red_green, factors(19_595, 38_470 - 16_384)),
                (green_blue, factors(16_384, 7_471)),
                HALF,
            ),
            sum(
                (red_blue, factors(-11_059, 16_384)),
                (green_blue, factors(-21_709, 16_384)),
                CENTER,
            ),
            sum(
                (red_blue, factors(16_384, -5_329)),
                (red_green, factors(16_384, -27_439)),
                CENTER,
            ),
        ]
    };
    // The last four pixels are read from before them, as 16 bytes would be too many.
    let [a, b, c, d] = [eight(0, 0), eight(12, 0), eight(24, 0), eight(36, 4)];
    [0, 1, 2].map(|i| {
        let (ab, cd) = (
            _mm256_packus_epi32(a[i], b[i]),
            _mm256_packus_epi32(c[i], d[i]),
        );
        cast(_mm256_packus_epi16(ab, cd))
    })
}

#[target_feature(enable = "avx2")]
#[inline]
fn halves(samples: &[u8; 2 * STEP]) -> [u8; STEP] {
    let rounding = _mm256_set1_epi32(1 << 16);
    let [left, right] = cast::<_, [__m256i; 2]>(*samples).map(|samples| {
        let sums = _mm256_maddubs_epi16(samples, _mm256_set1_epi8(1));
        _mm256_srli_epi16::<1>(_mm256_add_epi16(sums, rounding))
    });
    in_order(_mm256_packus_epi16(left, right))
}

#[target_feature(enable = "avx2")]
#[inline]
fn quarters(upper: &[u8; 2 * STEP], lower: &[u8; 2 * STEP]) -> [u8; STEP] {
    let rounding = factors(1, 2);
    let (upper, lower): ([__m256i; 2], [__m256i; 2]) = (cast(*upper), cast(*lower));
    let [left, right] = [0, 1].map(|i| {
        let sums = |samples| _mm256_maddubs_epi16(samples, _mm256_set1_epi8(1));
        let sums = _mm256_add_epi16(sums(upper[i]), sums(lower[i]));
        _mm256_srli_epi16::<2>(_mm256_add_epi16(sums, rounding))
    });
    in_order(_mm256_packus_epi16(left, right))
}

/// What two registers were packed to, one after the other.
#[target_feature(enable = "avx2")]
#[inline]
fn in_order(packed: __m256i) -> [u8; 32] {
    cast(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed))
}

/// The numbers of `fdct::block` of two blocks, one in each half of the registers.
#[target_feature(enable = "avx2")]
#[inline]
fn two_blocks(samples: Samples<'_>, quantizer: &Quantizer, units: [&mut CodedUnit; 2]) {
    let middle = _mm256_set1_epi16(128);
    let row = |y| _mm256_sub_epi16(_mm256_cvtepu8_epi16(cast(samples.row(y))), middle);
    let rows = [0, 1, 2, 3, 4, 5, 6, 7].map(row);
    // The first pass has rounding errors of its own, so rows must come first.
    let columns = transposed(pass::<true>(transposed(rows)));
    let rows = pass::<false>(columns);
    let mut quantized = rows;
    for (y, row) in quantized.iter_mut().enumerate() {
        let half = cast(quantizer.half[y]);
        let magnitude = _mm256_add_epi16(_mm256_abs_epi16(*row), half);
        let quotient = _mm256_mulhi_epu16(magnitude, cast(quantizer.reciprocal[y]));
        // A half is positive, so this changes nothing. Without it the compiler makes 32 bits of both
        // products.
        let quotient = _mm256_sign_epi16(quotient, half);
        let quotient = _mm256_mulhi_epu16(quotient, cast(quantizer.scale[y]));
        *row = _mm256_sign_epi16(quotient, *row);
    }
    let zigzag = in_zigzag(quantized);
    let [left, right] = units;
    for (i, &row) in zigzag.iter().enumerate() {
        let [of_left, of_right]: [[i16; 8]; 2] = cast(row);
        left.0[i * 8..][..8].copy_from_slice(&of_left);
        right.0[i * 8..][..8].copy_from_slice(&of_right);
    }
    // 16 coefficients of both blocks.
    let zeros = |i: usize| {
        let bytes = _mm256_packs_epi16(zigzag[i], zigzag[i + 1]);
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0))) as u32
    };
    let [a, b, c, d] = [zeros(0), zeros(2), zeros(4), zeros(6)];
    let low = |a: u32, b: u32| a & 0xffff | b << 16;
    let high = |a: u32, b: u32| a >> 16 | b & 0xffff_0000;
    left.1 = !(u64::from(low(a, b)) | u64::from(low(c, d)) << 32);
    right.1 = !(u64::from(high(a, b)) | u64::from(high(c, d)) << 32);
}

/// Rows to columns, in each half.
#[target_feature(enable = "avx2")]
#[inline]
fn transposed(r: [__m256i; 8]) -> [__m256i; 8] {
    let words = |a, b| (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
    let ((a0, a1), (a2, a3)) = (words(r[0], r[1]), words(r[2], r[3]));
    let ((a4, a5), (a6, a7)) = (words(r[4], r[5]), words(r[6], r[7]));
    let pairs = |a, b| (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let ((b0, b1), (b2, b3)) = (pairs(a0, a2), pairs(a1, a3));
    let ((b4, b5), (b6, b7)) = (pairs(a4, a6), pairs(a5, a7));
    let fours = |a, b| [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)];
    let ([c0, c1], [c2, c3]) = (fours(b0, b4), fours(b1, b5));
    let ([c4, c5], [c6, c7]) = (fours(b2, b6), fours(b3, b7));
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// One pass of `fdct`. Sums of products are in 32 bits; all other numbers fit 16.
#[target_feature(enable = "avx2")]
#[inline]
fn pass<const IS_FIRST: bool>([a, b, c, d, e, f, g, h]: [__m256i; 8]) -> [__m256i; 8] {
    let (sum, difference) = (|a, b| _mm256_add_epi16(a, b), |a, b| _mm256_sub_epi16(a, b));
    let (s0, s1, s2, s3) = (sum(a, h), sum(b, g), sum(c, f), sum(d, e));
    let (d0, d1, d2, d3) = (
        difference(a, h),
        difference(b, g),
        difference(c, f),
        difference(d, e),
    );
    let pairs = |a, b| [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
    let products = |pairs: [__m256i; 2], first: i32, second: i32| {
        pairs.map(|pair| _mm256_madd_epi16(pair, factors(first, second)))
    };
    let rounding = _mm256_set1_epi32(if IS_FIRST { 1 << 10 } else { 1 << 14 });
    let rounded = |numbers: [__m256i; 2]| numbers.map(|v| _mm256_add_epi32(v, rounding));
    let add = |a: [__m256i; 2], b: [__m256i; 2]| {
        [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
    };
    let high = |numbers: [__m256i; 2]| {
        let [low, high] = numbers.map(|v| match IS_FIRST {
            true => _mm256_srai_epi32::<11>(v),
            false => _mm256_srai_epi32::<15>(v),
        });
        _mm256_packs_epi32(low, high)
    };
    let low = |v| match IS_FIRST {
        true => _mm256_slli_epi16::<2>(v),
        false => _mm256_srai_epi16::<2>(_mm256_add_epi16(v, _mm256_set1_epi16(2))),
    };
    let (outer, inner) = (sum(s0, s3), sum(s1, s2));
    let even = pairs(difference(s0, s3), difference(s1, s2));
    // The products of `fdct`'s constants, multiplied out.
    let (z1, z2, z3, z4, z5) = (-7_373, -20_995, -16_069, -3_196, 9_633);
    let sums = pairs(sum(d1, d3), sum(d0, d2));
    let odd = rounded(products(sums, z3 + z5, z5));
    let even_of_odd = rounded(products(sums, z5, z4 + z5));
    let (ends, middles) = (pairs(d0, d3), pairs(d1, d2));
    let first = add(products(ends, 12_299 + z1, z1), even_of_odd);
    let second = add(products(middles, 25_172 + z2, z2), odd);
    let third = add(products(middles, z2, 16_819 + z2), even_of_odd);
    let fourth = add(products(ends, z1, 2_446 + z1), odd);
    [
        low(sum(outer, inner)),
        high(first),
        high(rounded(products(even, 4_433 + 6_270, 4_433))),
        high(second),
        low(difference(outer, inner)),
        high(third),
        high(rounded(products(even, 4_433, 4_433 - 15_137))),
        high(fourth),
    ]
}

/// The shuffle that takes what eight coefficients from `start` on in zigzag order have of a row.
const fn of_row(start: usize, row: u8) -> [u8; 32] {
    let mut bytes = [NONE; 16];
    let mut i = 0;
    while i < 8 {
        let place = NATURAL[start + i];
        if place / 8 == row {
            bytes[i * 2] = place % 8 * 2;
            bytes[i * 2 + 1] = place % 8 * 2 + 1;
        }
        i += 1;
    }
    both(bytes)
}

/// Coefficients in zigzag order, of rows.
#[target_feature(enable = "avx2")]
#[inline]
fn in_zigzag(rows: [__m256i; 8]) -> [__m256i; 8] {
    macro_rules! eight {
        ($start:literal: $first:literal $($row:literal)*) => {{
            let of = |row: usize, shuffle: [u8; 32]| _mm256_shuffle_epi8(rows[row], cast(shuffle));
            let all = of($first, const { of_row($start, $first) });
            $(let all = _mm256_or_si256(all, of($row, const { of_row($start, $row) }));)*
            all
        }};
    }
    [
        eight!(0: 0 1 2),
        eight!(8: 0 1 2 3 4),
        eight!(16: 1 2 3 4 5 6),
        eight!(24: 0 1 2 3),
        eight!(32: 4 5 6 7),
        eight!(40: 1 2 3 4 5 6),
        eight!(48: 3 4 5 6 7),
        eight!(56: 5 6 7),
    ]
}

#[cfg(test)]
mod tests;
