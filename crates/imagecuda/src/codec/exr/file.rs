//! The structure of an OpenEXR file: its parts, and where their blocks are.

use crate::{Error, Limits, Result, error::cut_short, limits::check_limit, memory::zeroed};
use exr::{
    compression::Compression,
    error::Error as ExrError,
    math::Vec2,
    meta::{
        BlockDescription, MetaData,
        attribute::{ChannelDescription, IntegerBounds},
        header::{Header, LayerAttributes},
    },
};
use std::{hint, io::Cursor};

/// A file whose headers have been read.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    /// Whether each block has the number of its part.
    has_parts: bool,
    pub(super) parts: Vec<Part>,
}

/// A part of a file, which is a picture.
pub(super) struct Part {
    pub(super) header: Header,
    /// The offset of the table of the blocks' offsets.
    table: usize,
}

/// The pixels of a block, counted from the first pixel of the data window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl<'a> File<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        // Damaged attributes that are not needed are ignored.
        let meta = MetaData::read_from_buffered(&mut cursor, false).map_err(error)?;
        let mut table = cursor.position() as usize;
        let mut parts = Vec::new();
        for header in meta.headers {
            let length = header.chunk_count.saturating_mul(8);
            parts.push(Part { header, table });
            table = table.saturating_add(length);
        }
        Ok(Self {
            bytes,
            has_parts: meta.requirements.has_multiple_layers,
            parts,
        })
    }

    /// The bytes of a part's block in the file.
    pub(super) fn block(&self, number: usize, index: usize) -> Result<&'a [u8]> {
        let part = &self.parts[number];
        let at = self.number::<8>(part.table.saturating_add(index * 8));
        let mut at = at.map(u64::from_le_bytes).ok_or_else(cut_short)? as usize;
        let mut next = || {
            let number = self.number::<4>(at).map(i32::from_le_bytes);
            at = at.saturating_add(4);
            number.ok_or_else(cut_short)
        };
        let is_of_part = !self.has_parts || next()? as usize == number;
        let rect = part.rect(index);
        let is_it = match part.header.blocks {
            BlockDescription::ScanLines => {
                let top = part.header.own_attributes.layer_position.y();
                i64::from(next()?) == i64::from(top) + rect.y as i64
            }
            BlockDescription::Tiles(tiles) => {
                let Vec2(width, height) = tiles.tile_size;
                let place = [next()?, next()?, next()?, next()?].map(|n| n as usize);
                place == [rect.x / width, rect.y / height, 0, 0]
            }
        };
        if !(is_of_part && is_it) {
            return Err(Error::decode("a block is not where its table says"));
        }
        let length = usize::try_from(next()?).map_err(|_| cut_short())?;
        let end = at.checked_add(length).ok_or_else(cut_short)?;
        self.bytes.get(at..end).ok_or_else(cut_short)
    }

    fn number<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        Some(*self.bytes.get(at..)?.first_chunk()?)
    }

    /// The number of a part's blocks whose offsets the file has.
    pub(super) fn listed(&self, part: &Part) -> usize {
        let rest = self.bytes.len().saturating_sub(part.table) / 8;
        rest.min(part.count())
    }
}

impl Part {
    /// Checks that the crate can decode the part, and that its blocks are within `limits`.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        let header = &self.header;
        if header.deep {
            return Err(Error::unsupported("deep OpenEXR"));
        }
        if let Compression::HTJ2K32 | Compression::HTJ2K256 = header.compression {
            return Err(Error::unsupported(
                "OpenEXR compressed by High-Throughput JPEG 2000",
            ));
        }
        let is_scanned = header.blocks == BlockDescription::ScanLines;
        let Vec2(width, height) = header.layer_size;
        let Vec2(left, top) = header.own_attributes.layer_position;
        for channel in &header.channels.list {
            let Vec2(x, y) = channel.sampling;
            if (x, y) == (1, 1) {
                continue;
            }
            let divides = |size: usize, at: i32, sampling: usize| {
                sampling > 0
                    && size.is_multiple_of(sampling)
                    && i64::from(at) % sampling as i64 == 0
            };
            if !(is_scanned && divides(width, left, x) && divides(height, top, y)) {
                return Err(Error::decode(
                    "channels are subsampled where they cannot be",
                ));
            }
        }
        let largest = self.largest();
        let bytes = (largest.width as u64)
            .checked_mul(largest.height as u64)
            .and_then(|pixels| pixels.checked_mul(header.channels.bytes_per_pixel as u64));
        check_limit("bytes", bytes, limits.bytes.min(isize::MAX as u64))
    }

    /// Checks that there is enough memory for a block, as the crate aborts otherwise. Another thread
    /// may take the memory meanwhile, but rarely does.
    pub(super) fn check_memory(&self) -> Result<()> {
        let memory = zeroed::<u8>(self.bytes(self.largest()))?;
        // A compiler may leave out an allocation that nobody uses.
        hint::black_box(&memory);
        Ok(())
    }

    /// A block of the largest size, which is the first.
    fn largest(&self) -> Rect {
        let most = self.header.max_block_pixel_size();
        let size = self.header.layer_size;
        Rect {
            x: 0,
            y: 0,
            width: most.0.min(size.0),
            height: most.1.min(size.1),
        }
    }

    /// The blocks of the full-size picture. Blocks of its smaller copies come after them.
    pub(super) fn count(&self) -> usize {
        let Vec2(columns, rows) = self.grid();
        columns * rows
    }

    fn grid(&self) -> Vec2<usize> {
        let Vec2(width, height) = self.header.max_block_pixel_size();
        let size = self.header.layer_size;
        Vec2(
            size.0.div_ceil(width.max(1)),
            size.1.div_ceil(height.max(1)),
        )
    }

    pub(super) fn rect(&self, index: usize) -> Rect {
        let Vec2(width, height) = self.header.max_block_pixel_size();
        let columns = self.grid().0.max(1);
        let (x, y) = (index % columns * width, index / columns * height);
        Rect {
            x,
            y,
            width: width.min(self.header.layer_size.0 - x),
            height: height.min(self.header.layer_size.1 - y),
        }
    }

    /// The size of a block's samples in bytes.
    pub(super) fn bytes(&self, rect: Rect) -> usize {
        let rows = |channel: &ChannelDescription| {
            let first = rect.y.next_multiple_of(channel.sampling.1);
            (rect.y + rect.height)
                .saturating_sub(first)
                .div_ceil(channel.sampling.1)
        };
        let channels = self.header.channels.list.iter();
        channels
            .map(|channel| row_bytes(channel, rect) * rows(channel))
            .sum()
    }

    /// The lines of a block, each of one channel: the channel's number, the line's number, and the
    /// samples.
    pub(super) fn lines<'b>(
        &self,
        rect: Rect,
        mut data: &'b [u8],
        mut each: impl FnMut(usize, usize, &'b [u8]),
    ) {
        for y in rect.y..rect.y + rect.height {
            for (number, channel) in self.header.channels.list.iter().enumerate() {
                if y.is_multiple_of(channel.sampling.1) {
                    let length = row_bytes(channel, rect).min(data.len());
                    let (line, rest) = data.split_at(length);
                    each(number, y, line);
                    data = rest;
                }
            }
        }
    }

    /// Decompresses a block's samples, in the machine's byte order.
    pub(super) fn decompress(&self, rect: Rect, data: &[u8]) -> Result<Vec<u8>> {
        let expected = self.bytes(rect);
        let is_block_coded = matches!(
            self.header.compression,
            Compression::B44 | Compression::B44A
        );
        let is_subsampled = |channel: &ChannelDescription| channel.sampling != Vec2(1, 1);
        let channels = &self.header.channels.list;
        let decoded =
            if is_block_coded && data.len() != expected && channels.iter().any(is_subsampled) {
                super::b44::decompress(self, rect, data)?
            } else {
                let pixels = rect.width * rect.height;
                if !expected.is_multiple_of(pixels) {
                    return Err(Error::unsupported("chroma of that many samples"));
                }
                let mut header = self.bare();
                header.channels.bytes_per_pixel = expected / pixels;
                let at = Vec2(rect.x as i32, rect.y as i32);
                let section = IntegerBounds::new(at, (rect.width, rect.height));
                (header.compression)
                    .decompress_image_section_from_le(&header, data.to_vec(), section, false)
                    .map_err(error)?
            };
        match decoded.len() == expected {
            true => Ok(decoded),
            false => Err(Error::decode("a block has another size than it should")),
        }
    }

    /// The header without the fields that a block's decoder does not use.
    pub(super) fn bare(&self) -> Header {
        let Header {
            channels,
            compression,
            blocks,
            line_order,
            layer_size,
            ..
        } = &self.header;
        let mut bare = Header::new("".into(), *layer_size, channels.list.clone());
        bare.compression = *compression;
        bare.blocks = *blocks;
        bare.line_order = *line_order;
        bare.own_attributes = LayerAttributes::default();
        bare
    }
}

fn row_bytes(channel: &ChannelDescription, rect: Rect) -> usize {
    rect.width / channel.sampling.0 * channel.sample_type.bytes_per_sample()
}

pub(super) fn error(error: ExrError) -> Error {
    match error {
        ExrError::NotSupported(cause) => Error::unsupported(cause.into_owned()),
        ExrError::Invalid(cause) => Error::decode(cause.into_owned()),
        error => Error::decode(error.to_string()),
    }
}
