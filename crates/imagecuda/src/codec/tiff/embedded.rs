//! Files of other formats that are strips and tiles. The crate decodes each as large as it says it is,
//! whatever the page is.

use super::{Reader, chunks, error};
use crate::{Error, Limits, Result, limits::check_limit, memory};
use std::{borrow::Cow, io::Cursor};
use tiff::{
    decoder::ChunkType,
    tags::{CompressionMethod, Tag},
};
use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

/// Tables that all strips share are put before each. They are some kB, if they are nothing else.
const MOST_TABLES: usize = 1 << 16;

/// Where a JPEG says how large it is, if it is not of a kind that nobody has seen.
const HEAD: usize = 1 << 16;

/// Pixels of a tile, of however small a picture.
const TILE: u64 = 4096 * 4096;

/// The size that a file says it has, before which tables are put; `None` if it has no header, which
/// is for the decoder to refuse.
type Size = fn(&[u8], &[u8]) -> Result<Option<[usize; 2]>>;

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
    let (width, height) = decoder.dimensions().map_err(error)?;
    // Tiles reach over the picture, strips do not.
    let down = match decoder.get_chunk_type() {
        ChunkType::Strip => down.min(height),
        ChunkType::Tile => down,
    };
    // In whole MCUs, and the last strip may be as high as the others.
    let most = [across, down].map(|side| u64::from(side).next_multiple_of(64));
    let most_pixels = TILE.max(u64::from(width) * u64::from(height));
    // Empty tiles may all be the same one.
    let mut places = chunks::all(decoder)?;
    places.sort_unstable();
    places.dedup();
    for place in places {
        let Some(size) = size(&tables, &bytes[chunks::range_in_file(place, bytes)])? else {
            continue;
        };
        let [width, height] = size.map(|side| side as u64);
        if width > most[0] || height > most[1] || width * height > most_pixels {
            return Err(Error::decode(
                "a file in a strip or tile is larger than that",
            ));
        }
        check_limit("pixels", Some(width * height), limits.pixels)?;
    }
    Ok(())
}

/// By the decoder that the crate has for them, of the data that it gives it.
fn jpeg_size(tables: &[u8], file: &[u8]) -> Result<Option<[usize; 2]>> {
    let size = |file: &[u8]| -> Result<_> {
        let joined = match tables.len().checked_sub(2) {
            Some(end) => {
                let mut joined = Vec::new();
                let file = file.get(2..).unwrap_or_default();
                memory::reserve(&mut joined, end + file.len())?;
                joined.extend(&tables[..end]);
                joined.extend(file);
                joined.into()
            }
            None => Cow::Borrowed(file),
        };
        let mut decoder = JpegDecoder::new(ZCursor::new(&joined[..]));
        // Whatever else is wrong, it may have made room by then.
        let is_whole = decoder.decode_headers().is_ok();
        Ok((is_whole, decoder.dimensions().map(|(x, y)| [x, y])))
    };
    let (is_whole, found) = size(&file[..file.len().min(HEAD)])?;
    match is_whole || file.len() <= HEAD {
        true => Ok(found),
        false => size(file).map(|(_, found)| found),
    }
}

fn webp_size(_: &[u8], file: &[u8]) -> Result<Option<[usize; 2]>> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(file)).ok();
    let size = decoder.map(|decoder| decoder.dimensions());
    Ok(size.map(|(width, height)| [width as usize, height as usize]))
}
