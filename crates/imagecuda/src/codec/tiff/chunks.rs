//! The strips and tiles of a page, and where they are in the file.

use super::{
    compression::Compression,
    ifd::{Directory, Integers, cut_short},
    tag,
};
use crate::{Error, Limits, Result, limits::check_limit, memory::reserve};
use std::ops::Range;

/// The strips or tiles of a page, row by row. With planes, those of the first plane come first.
pub(super) struct Chunks<'a> {
    /// The size of each in pixels. The last strip may have fewer rows.
    pub(super) width: u32,
    pub(super) height: u32,
    /// How many there are side by side, and one below the other.
    pub(super) across: u32,
    pub(super) down: u32,
    /// A damaged file may lack some.
    pub(super) places: Places<'a>,
}

/// The offset and the length of each strip or tile. There may be as many as the file has bytes, so
/// they stay in the file.
pub(super) struct Places<'a> {
    offsets: Integers<'a>,
    lengths: Integers<'a>,
    /// The offsets in order, if the file has no lengths. Data then reach to the next offset.
    starts: Vec<u64>,
    /// The size of the file.
    end: u64,
}

impl<'a> Chunks<'a> {
    /// Finds the strips or tiles of a page with `planes` planes. If the file is `damaged`, some may
    /// be missing.
    pub(super) fn find(
        directory: &Directory<'a>,
        [width, height]: [u32; 2],
        planes: u64,
        compression: Compression,
        damaged: bool,
        limits: &Limits,
    ) -> Result<Self> {
        let side = |tag| -> Result<Option<u32>> {
            let number = directory.number(tag)?;
            // Larger values behave like the largest.
            Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
        };
        let is_tiled = directory.has(tag::TILE_WIDTH);
        let [chunk_width, chunk_height] = match is_tiled {
            true => [tag::TILE_WIDTH, tag::TILE_LENGTH]
                .map(|tag| side(tag).map(Option::unwrap_or_default)),
            false => [
                Ok(width),
                side(tag::ROWS_PER_STRIP).map(Option::unwrap_or_default),
            ],
        };
        let (chunk_width, mut chunk_height) = (chunk_width?, chunk_height?);
        let tags = [
            [tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS],
            [tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS],
        ];
        // Some writers use the tags of strips for tiles.
        let [own, others] = [tags[usize::from(is_tiled)], tags[usize::from(!is_tiled)]];
        let pick = |index: usize| match directory.has(own[index]) {
            true => own[index],
            false => others[index],
        };
        let (offsets, counts) = (pick(0), pick(1));
        if !is_tiled {
            if chunk_height == 0 {
                // Either one strip has all rows, or all strips have the same height.
                let most = usize::try_from(planes * u64::from(height)).unwrap_or(usize::MAX);
                let strips = directory.integers(offsets, most)?;
                let strips = strips.map_or(1, |strips| strips.len() as u64 / planes);
                chunk_height = u64::from(height).div_ceil(strips.max(1)) as u32;
            }
            chunk_height = chunk_height.min(height);
        }
        if chunk_width == 0 || chunk_height == 0 {
            return Err(Error::decode("strips or tiles without a size"));
        }
        let (across, down) = (width.div_ceil(chunk_width), height.div_ceil(chunk_height));
        let count = (u64::from(across) * u64::from(down)).saturating_mul(planes);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let offsets = directory.integers(offsets, count)?;
        let offsets = offsets.unwrap_or_default();
        if offsets.len() < count && !damaged && compression != Compression::OldJpeg {
            return Err(Error::decode("places of strips or tiles are missing"));
        }
        let lengths = directory.integers(counts, count)?;
        let end = directory.bytes().len() as u64;
        Ok(Self {
            width: chunk_width,
            height: chunk_height,
            across,
            down,
            places: Places::new(offsets, lengths.unwrap_or_default(), end, limits)?,
        })
    }

    /// Refuses strips and tiles that overlap, as a small file could be read thousands of times.
    /// Empty ones may share a place, but are then not larger than their pixels, which have `pixels`
    /// bytes.
    pub(super) fn check(&self, bytes: &[u8], pixels: Option<u64>) -> Result<()> {
        let pixels = pixels.unwrap_or(u64::MAX);
        let overhead = OVERHEAD * self.places.len() as u64;
        let most = (pixels.saturating_add(bytes.len() as u64)).saturating_add(overhead);
        let lengths = self.places.iter();
        let lengths = lengths.map(|place| range_in_file(place, bytes).len() as u64);
        // Twice the size, as compressed data may be larger than their pixels.
        match lengths.sum::<u64>() / 2 > most {
            true => Err(Error::decode("strips or tiles lie over each other")),
            false => Ok(()),
        }
    }

    /// Checks that a tile, which may be larger than the picture, is within the limit.
    pub(super) fn check_limit(&self, row_bytes: Option<u64>, limit: u64) -> Result<()> {
        let bytes = row_bytes.and_then(|row| row.checked_mul(self.height.into()));
        check_limit("bytes", bytes, limit)
    }
}

/// The size of the headers and tables of a strip or tile, which even a tiny one may have.
const OVERHEAD: u64 = 1 << 10;

impl<'a> Places<'a> {
    fn new(
        offsets: Integers<'a>,
        lengths: Integers<'a>,
        end: u64,
        limits: &Limits,
    ) -> Result<Self> {
        let mut starts = Vec::new();
        if lengths.iter().all(|length| length == 0) {
            let bytes = (offsets.len() as u64).checked_mul(size_of::<u64>() as u64);
            check_limit("bytes", bytes, limits.bytes)?;
            reserve(&mut starts, offsets.len())?;
            starts.extend(offsets.iter());
            starts.sort_unstable();
        }
        Ok(Self {
            offsets,
            lengths,
            starts,
            end,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<(u64, u64)> {
        let offset = self.offsets.get(index)?;
        let said = self.lengths.get(index).filter(|_| self.starts.is_empty());
        let length = said.unwrap_or_else(|| {
            let next = self.starts.partition_point(|&start| start <= offset);
            let next = self.starts.get(next).copied().unwrap_or(self.end);
            next.saturating_sub(offset)
        });
        Some((offset, length))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Clips a place to the file.
pub(super) fn range_in_file((offset, count): (u64, u64), bytes: &[u8]) -> Range<usize> {
    let end = bytes
        .len()
        .min(usize::try_from(offset.saturating_add(count)).unwrap_or(usize::MAX));
    end.min(usize::try_from(offset).unwrap_or(usize::MAX))..end
}

/// The data of a place.
pub(super) fn data(place: Option<(u64, u64)>, bytes: &[u8]) -> Result<&[u8]> {
    let place = place.ok_or_else(|| Error::decode("places of strips or tiles are missing"))?;
    bytes.get(range_in_file(place, bytes)).ok_or_else(cut_short)
}
