//! Files of other formats that are strips and tiles. The crate decodes each as large as it says it is,
//! whatever the page is.

use super::{Reader, error};
use crate::{Error, Limits, Result, codec::within};
use std::io::Cursor;
use tiff::tags::{CompressionMethod, Tag};
use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

/// Tables that all strips share are put before each. They are some kB, if they are nothing else.
const MOST_TABLES: usize = 1 << 16;

/// The size that a file says it has, before which tables are put.
type Size = fn(&[u8], &[u8]) -> Option<[usize; 2]>;

fn size(decoder: &mut Reader<'_>) -> Result<Option<Size>> {
    let compression = super::tag(decoder, Tag::Compression)?;
    Ok(
        match compression.map(CompressionMethod::from_u16_exhaustive) {
            Some(CompressionMethod::ModernJPEG) => Some(jpeg_size),
            Some(CompressionMethod::WebP) => Some(webp_size),
            _ => None,
        },
    )
}

/// Whether strips and tiles are such files.
pub(super) fn is_there(decoder: &mut Reader<'_>) -> Result<bool> {
    Ok(size(decoder)?.is_some())
}

/// Holds the files that are strips or tiles against those, and `limits`.
pub(super) fn check(bytes: &[u8], decoder: &mut Reader<'_>, limits: &Limits) -> Result<()> {
    let Some(size) = size(decoder)? else {
        return Ok(());
    };
    let tables = decoder.find_tag(Tag::JPEGTables).map_err(error)?;
    let tables = tables.map(|tables| tables.into_u8_vec().map_err(error));
    let tables = tables.transpose()?.unwrap_or_default();
    if tables.len() > MOST_TABLES {
        return Err(Error::decode("tables of JPEG that are too long"));
    }
    let (across, down) = decoder.chunk_dimensions();
    let (_, height) = decoder.dimensions().map_err(error)?;
    // In whole MCUs, and the last strip may be as high as the others.
    let most = [across, down.min(height)].map(|side| u64::from(side).next_multiple_of(64));
    for (offset, count) in places(decoder)? {
        let start = bytes.len().min(offset as usize);
        let end = bytes.len().min(offset.saturating_add(count) as usize);
        // What has no header is for the decoder to refuse.
        let Some(size) = size(&tables, &bytes[start..end.max(start)]) else {
            continue;
        };
        let [width, height] = size.map(|side| side as u64);
        if width > most[0] || height > most[1] {
            return Err(Error::decode(
                "a file in a strip or tile is larger than that",
            ));
        }
        within("pixels", Some(width * height), limits.pixels)?;
    }
    Ok(())
}

/// The places of all strips and tiles, and their lengths.
pub(super) fn places(decoder: &mut Reader<'_>) -> Result<Vec<(u64, u64)>> {
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

/// By the decoder that the crate has for them, of the data that it gives it.
fn jpeg_size(tables: &[u8], file: &[u8]) -> Option<[usize; 2]> {
    let joined;
    let file = match tables.len().checked_sub(2) {
        Some(end) => {
            joined = [&tables[..end], file.get(2..)?].concat();
            &joined[..]
        }
        None => file,
    };
    let mut decoder = JpegDecoder::new(ZCursor::new(file));
    // Whatever else is wrong, it may have made room by then.
    let _ = decoder.decode_headers();
    let (width, height) = decoder.dimensions()?;
    Some([width, height])
}

fn webp_size(_: &[u8], file: &[u8]) -> Option<[usize; 2]> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(file)).ok()?;
    let (width, height) = decoder.dimensions();
    Some([width as usize, height as usize])
}
