//! Blocks of masks and values.

use super::part::{Masks, Part};
use imagecuda_kernels::jpeg::{picture::BLOCK, scan};

/// [`scan::NATURAL`], and the place for what is no coefficient.
const NATURAL: [u8; BLOCK + 1] = {
    let mut places = [BLOCK as u8; BLOCK + 1];
    let mut k = 0;
    while k < BLOCK {
        places[k] = scan::NATURAL[k];
        k += 1;
    }
    places
};

/// For each byte of a mask, highest first, its coefficients in natural order, lowest first.
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

/// Makes the blocks of a row, in natural order. `dc` are their first coefficients, of blocks that
/// only fill MCUs, too; `refined` are the bits that have planes.
#[inline(always)]
pub(super) fn row(
    part: &Part,
    row: usize,
    dc: &[i16],
    refined: &[u8],
    out: &mut [[i16; BLOCK]],
) -> Option<()> {
    let start = row * part.across;
    let masks = part
        .masks
        .get(start..start + part.across)
        .unwrap_or_default();
    let (mut at, count) = ([0; 63], part.streams.len().min(63));
    if !masks.is_empty() {
        for (at, stream) in at.iter_mut().zip(&part.streams) {
            *at = *stream.rows.get(row)? as usize;
        }
    }
    let at = &mut at[..count];
    for (x, (block, &dc)) in out.iter_mut().zip(dc).enumerate() {
        match masks.get(x) {
            Some(masks) if masks.nonzero | masks.first != 0 => {
                let values = values(part, masks, at)?;
                let (values, _) = values.split_first_chunk()?;
                match refined.is_empty() {
                    true => *block = *values,
                    false => refine(part, start + x, masks, refined, values, block),
                }
            }
            _ => *block = [0; BLOCK],
        }
        block[0] = dc;
    }
    Some(())
}

/// The values of first scans where they belong. `at` is where each scan's are.
#[inline(always)]
fn values(part: &Part, masks: &Masks, at: &mut [usize]) -> Option<[i16; BLOCK + 1]> {
    let mut block = [0; BLOCK + 1];
    for (at, stream) in at.iter_mut().zip(&part.streams) {
        let mut mask = masks.first & stream.band;
        let mut values = stream.values.get(*at..)?;
        *at += mask.count_ones() as usize;
        // By four, as the end cannot be foreseen. Those behind it fall where nothing is.
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
    Some(block)
}

/// Adds what refinements brought to the `values` of first scans.
#[inline(always)]
fn refine(
    part: &Part,
    place: usize,
    masks: &Masks,
    refined: &[u8],
    values: &[i16; BLOCK],
    block: &mut [i16; BLOCK],
) {
    let mut added = [0; BLOCK];
    for (plane, &low) in part.planes.iter().zip(refined) {
        let plane = words(plane.get(place).copied().unwrap_or(0));
        let one = 1i16 << low;
        // Loops over all coefficients, which compilers vectorise.
        for ((added, &word), &bit) in added.iter_mut().zip(&plane).zip(&BITS) {
            *added |= if word & bit == bit { one } else { 0 };
        }
    }
    let negative = words(masks.negative);
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

/// Coefficients that have their bits in a word.
const LANES: usize = 16;

/// The bit of each coefficient in its word.
static BITS: [u16; BLOCK] = {
    let mut all = [0; BLOCK];
    let mut k = 0;
    while k < BLOCK {
        all[k] = 1 << (k % LANES);
        k += 1;
    }
    all
};

/// For each coefficient in natural order, the word of a mask that has its bit.
#[inline(always)]
fn words(mask: u64) -> [u16; BLOCK] {
    let mask = in_natural_order(mask);
    let mut words = [0; BLOCK];
    for (group, words) in words.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        *words = [(mask >> (LANES * group)) as u16; LANES];
    }
    words
}
