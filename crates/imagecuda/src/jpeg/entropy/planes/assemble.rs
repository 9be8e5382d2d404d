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
    (0..8).fold(0, |all, i| {
        all | IN_NATURAL_ORDER[i][usize::from(bytes[i])]
    })
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
        *block = [0; BLOCK];
        if let Some(masks) = masks.get(x) {
            if masks.first != 0 {
                place_values(part, masks, at, block)?;
            }
            if !refined.is_empty() && masks.nonzero != 0 {
                add_planes(part, start + x, masks, refined, block);
            }
        }
        block[0] = dc;
    }
    Some(())
}

/// Puts the values of first scans where they belong. `at` is where each scan's are.
#[inline(always)]
fn place_values(
    part: &Part,
    masks: &Masks,
    at: &mut [usize],
    block: &mut [i16; BLOCK],
) -> Option<()> {
    let mut room = [0; BLOCK + 1];
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
                room[usize::from(NATURAL[k as usize % 65]) % 65] = value;
                mask &= !((1 << 63) >> (k & 63));
            }
        }
    }
    block.copy_from_slice(&room[..BLOCK]);
    Some(())
}

/// Adds what refinements brought.
#[inline(always)]
fn add_planes(
    part: &Part,
    place: usize,
    masks: &Masks,
    refined: &[u8],
    block: &mut [i16; BLOCK],
) {
    const LANES: usize = 16;
    let lanes = |mask: u64, group: usize| -> [i16; LANES] {
        let bits = (mask >> (LANES * group)) as u16;
        std::array::from_fn(|lane| -i16::from(bits & 1 << lane != 0))
    };
    let mut added = [0i16; BLOCK];
    for (plane, &low) in part.planes.iter().zip(refined) {
        let mask = in_natural_order(plane.get(place).copied().unwrap_or(0));
        for (group, added) in added.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            for (added, lane) in added.iter_mut().zip(lanes(mask, group)) {
                *added |= lane & 1 << low;
            }
        }
    }
    let negative = in_natural_order(masks.negative);
    let groups = block.as_chunks_mut::<LANES>().0.iter_mut();
    for (group, (block, added)) in groups.zip(added.as_chunks::<LANES>().0).enumerate() {
        let signs = lanes(negative, group);
        for ((value, &added), sign) in block.iter_mut().zip(added).zip(signs) {
            let sign = *value >> 15 | sign;
            *value += (added ^ sign) - sign;
        }
    }
}
