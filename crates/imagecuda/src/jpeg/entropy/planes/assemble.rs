//! Assembles blocks of coefficients from masks and values.

use super::part::{Masks, Part};
use imagecuda_kernels::jpeg::{picture::BLOCK, scan};

/// [`scan::NATURAL`], and one more place that takes the values of no coefficient.
const NATURAL: [u8; BLOCK + 1] = {
    let mut places = [BLOCK as u8; BLOCK + 1];
    let mut k = 0;
    while k < BLOCK {
        places[k] = scan::NATURAL[k];
        k += 1;
    }
    places
};

/// For each byte of a zigzag mask, highest byte first: the same coefficients as a mask in natural
/// order, lowest bit first.
static IN_NATURAL_ORDER: [[u64; 256]; 8] = {
    let mut all = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 8 {
        let mut bits = 0;
        while bits < 256 {
            let mut k = 0;
            while k < 8 {
                if bits >> (7 - k) & 1 == 1 {
                    all[byte][bits] |= 1 << scan::NATURAL[8 * byte + k];
                }
                k += 1;
            }
            bits += 1;
        }
        byte += 1;
    }
    all
};

#[inline(always)]
fn in_natural_order(mask: u64) -> u64 {
    let bytes = mask.to_be_bytes();
    (0..8).fold(0, |all, i| all | IN_NATURAL_ORDER[i][usize::from(bytes[i])])
}

/// Combines the values of first scans with the bits of refinements. The arguments are: for each
/// refinement a mask of the coefficients that have its bit, and the bit's position; a mask of the
/// coefficients that appeared in a refinement and are negative; the values; and the block to write.
/// All masks are in natural order.
pub(super) trait Combine:
    Fn(&[(u64, u8)], u64, &[i16; BLOCK], &mut [i16; BLOCK]) + Copy
{
}

impl<F: Fn(&[(u64, u8)], u64, &[i16; BLOCK], &mut [i16; BLOCK]) + Copy> Combine for F {}

/// The most bit positions that refinements can have.
const MOST_PLANES: usize = 13;

/// A row of blocks to assemble.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) part: &'a Part<'a>,
    /// The row's number in the part.
    pub(super) number: usize,
    /// The DC coefficients, including those of blocks that only fill MCUs.
    pub(super) dc: &'a [i16],
    /// The bit positions of the part's planes.
    pub(super) refined: &'a [u8],
}

/// Assembles the blocks of a row, in natural order. `None` if the masks and values do not fit.
#[inline(always)]
pub(super) fn row(row: Row<'_>, out: &mut [[i16; BLOCK]], combine: impl Combine) -> Option<()> {
    let Row {
        part,
        number: row,
        dc,
        refined,
    } = row;
    let start = row * part.across;
    let masks = part.masks.get(start..start + part.across);
    let masks = masks.unwrap_or_default();
    let (mut at, count) = ([0; 63], part.streams.len().min(63));
    if !masks.is_empty() {
        for (at, stream) in at.iter_mut().zip(&part.streams) {
            *at = *stream.rows.get(row)? as usize;
        }
    }
    let at = &mut at[..count];
    let mut planes = [(0, 0); MOST_PLANES];
    let planes = planes.get_mut(..refined.len())?;
    for (x, (block, &dc)) in out.iter_mut().zip(dc).enumerate() {
        match masks.get(x) {
            Some(masks) if masks.nonzero | masks.first != 0 => {
                let mut values = [0; BLOCK + 1];
                place_values(part, masks, at, &mut values)?;
                let (values, _) = values.split_first_chunk()?;
                if refined.is_empty() {
                    *block = *values;
                } else {
                    for ((to, plane), &low) in planes.iter_mut().zip(&part.planes).zip(refined) {
                        *to = (in_natural_order(*plane.get(start + x)?), low);
                    }
                    combine(planes, in_natural_order(masks.negative), values, block);
                }
            }
            _ => *block = [0; BLOCK],
        }
        block[0] = dc;
    }
    Some(())
}

/// Writes the values of first scans to their places. `at` is the next value of each scan.
#[inline(always)]
fn place_values(
    part: &Part<'_>,
    masks: &Masks,
    at: &mut [usize],
    block: &mut [i16; BLOCK + 1],
) -> Option<()> {
    for (at, stream) in at.iter_mut().zip(&part.streams) {
        let mut mask = masks.first & stream.band;
        let mut values = stream.values.get(*at..)?;
        *at += mask.count_ones() as usize;
        // Four at a time, as the branch predictor cannot foresee the end. Values after the end go
        // to the extra place.
        while mask != 0 {
            let (four, rest) = values.split_first_chunk::<4>()?;
            values = rest;
            for &value in four {
                let k = mask.leading_zeros();
                *block.get_mut(usize::from(NATURAL[k as usize]))? = value;
                mask &= !((1 << 63) >> (k & 63));
            }
        }
    }
    Some(())
}

/// Coefficients whose mask bits share one 16-bit word.
const LANES: usize = 16;

/// [`Combine`] in portable code.
#[inline(always)]
pub(super) fn combine(
    planes: &[(u64, u8)],
    negative: u64,
    values: &[i16; BLOCK],
    block: &mut [i16; BLOCK],
) {
    /// The bit of each coefficient within its word.
    static BITS: [u16; BLOCK] = {
        let mut all = [0; BLOCK];
        let mut k = 0;
        while k < BLOCK {
            all[k] = 1 << (k % LANES);
            k += 1;
        }
        all
    };
    let words = |mask: u64| -> [u16; BLOCK] {
        let mut words = [0; BLOCK];
        for (group, words) in words.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            *words = [(mask >> (LANES * group)) as u16; LANES];
        }
        words
    };
    let mut added = [0; BLOCK];
    for &(plane, low) in planes {
        let (plane, one) = (words(plane), 1i16 << low);
        // These loops run over all coefficients, so that compilers vectorise them.
        for ((added, &word), &bit) in added.iter_mut().zip(&plane).zip(&BITS) {
            *added |= if word & bit == bit { one } else { 0 };
        }
    }
    let negative = words(negative);
    for k in 0..BLOCK {
        let negative = if negative[k] & BITS[k] == BITS[k] {
            -1
        } else {
            0
        };
        let sign = values[k] >> 15 | negative;
        block[k] = values[k] + ((added[k] ^ sign) - sign);
    }
}

/// [`Combine`] for processors with AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn combine_avx2(
    planes: &[(u64, u8)],
    negative: u64,
    values: &[i16; BLOCK],
    block: &mut [i16; BLOCK],
) {
    use bytemuck::cast;
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_and_si256, _mm256_cmpeq_epi16, _mm256_or_si256,
        _mm256_set1_epi16, _mm256_setzero_si256, _mm256_srai_epi16, _mm256_sub_epi16,
        _mm256_xor_si256,
    };
    const BITS: [u16; LANES] = {
        let mut all = [0; LANES];
        let mut lane = 0;
        while lane < LANES {
            all[lane] = 1 << lane;
            lane += 1;
        }
        all
    };
    let bits: __m256i = cast(BITS);
    let (values, _) = values.as_chunks::<LANES>();
    let blocks = block.as_chunks_mut::<LANES>().0.iter_mut();
    for (group, (block, &values)) in blocks.zip(values).enumerate() {
        // All bits of each lane whose coefficient is in the mask.
        let lanes = |mask: u64| {
            let word = _mm256_set1_epi16((mask >> (LANES * group)) as i16);
            _mm256_cmpeq_epi16(_mm256_and_si256(word, bits), bits)
        };
        let mut added = _mm256_setzero_si256();
        for &(plane, low) in planes {
            let one = _mm256_set1_epi16(1 << low);
            added = _mm256_or_si256(added, _mm256_and_si256(lanes(plane), one));
        }
        let values: __m256i = cast(values);
        let sign = _mm256_or_si256(_mm256_srai_epi16::<15>(values), lanes(negative));
        let added = _mm256_sub_epi16(_mm256_xor_si256(added, sign), sign);
        *block = cast(_mm256_add_epi16(values, added));
    }
}
