//! Where strips and tiles are.

use super::{Page, Reader, error};
use crate::{Error, Result};
use std::ops::Range;
use tiff::tags::Tag;

/// The places of all strips and tiles, and their lengths.
pub(super) fn all(decoder: &mut Reader<'_>) -> Result<Vec<(u64, u64)>> {
    let mut places = Vec::new();
    for (offsets, counts) in [
        (Tag::StripOffsets, Tag::StripByteCounts),
        (Tag::TileOffsets, Tag::TileByteCounts),
    ] {
        let offsets = decoder
            .find_tag_unsigned_vec::<u64>(offsets)
            .map_err(error)?;
        let counts = decoder
            .find_tag_unsigned_vec::<u64>(counts)
            .map_err(error)?;
        let counts = counts.into_iter().flatten();
        places.extend(offsets.into_iter().flatten().zip(counts));
    }
    Ok(places)
}

/// The places with something in them, each once: tiles that are alike may all be the same one.
pub(super) fn distinct(decoder: &mut Reader<'_>) -> Result<Vec<(u64, u64)>> {
    let mut places = all(decoder)?;
    places.retain(|&(offset, _)| offset != 0);
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// As much of a place as the file has.
pub(super) fn range_in_file((offset, count): (u64, u64), bytes: &[u8]) -> Range<usize> {
    let end = bytes.len().min(offset.saturating_add(count) as usize);
    end.min(offset as usize)..end
}

/// Headers and tables of a strip or tile, however few its pixels are.
const OVERHEAD: u64 = 1 << 10;

/// Refuses strips and tiles that lie over each other: a small file would be read thousands of times.
/// Empty ones may all be the same, but are then no larger than their pixels.
pub(super) fn check(bytes: &[u8], decoder: &mut Reader<'_>, page: &Page) -> Result<()> {
    let (width, height) = decoder.dimensions().map_err(error)?;
    let (across, down) = decoder.chunk_dimensions();
    let up = |side: u32, to: u32| u64::from(side).next_multiple_of(to.max(1).into());
    let row = page.row_bytes(up(width, across).try_into().unwrap_or(u32::MAX));
    let planes = if page.planar { page.samples as u64 } else { 1 };
    let places = all(decoder)?;
    let pixels = [up(height, down), planes]
        .into_iter()
        .fold(row.unwrap_or(u64::MAX), u64::saturating_mul);
    let most =
        (pixels.saturating_add(bytes.len() as u64)).saturating_add(OVERHEAD * places.len() as u64);
    let lengths = places
        .into_iter()
        .map(|at| range_in_file(at, bytes).len() as u64);
    // Twice that, as what is coded may be larger than what it was.
    match lengths.sum::<u64>() / 2 > most {
        true => Err(Error::decode("strips or tiles lie over each other")),
        false => Ok(()),
    }
}
