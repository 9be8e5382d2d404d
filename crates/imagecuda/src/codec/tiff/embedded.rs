//! Files of other formats that are strips and tiles. The crate decodes each as large as it says it is,
//! whatever the page is.

use super::{Page, Reader, chunks, error};
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

/// What a file says of itself.
struct Said {
    width: u64,
    height: u64,
    /// Samples a pixel, if the decoder does not make them as many as the page has.
    components: Option<usize>,
}

/// Reads that of a file, before which tables are put; `None` if it has no header, which is for the
/// decoder to refuse.
type Header = fn(&[u8], &[u8]) -> Result<Option<Said>>;

fn header(decoder: &mut Reader<'_>) -> Result<Option<Header>> {
    let compression = super::tag(decoder, Tag::Compression)?;
    Ok(
        match compression.map(CompressionMethod::from_u16_exhaustive) {
            Some(CompressionMethod::ModernJPEG) => Some(jpeg),
            Some(CompressionMethod::WebP) => Some(webp),
            _ => None,
        },
    )
}

/// Whether strips and tiles are such files.
pub(super) fn is_there(decoder: &mut Reader<'_>) -> Result<bool> {
    Ok(header(decoder)?.is_some())
}

/// Holds the files that are strips or tiles against those, and `limits`.
pub(super) fn check(
    bytes: &[u8],
    decoder: &mut Reader<'_>,
    page: &Page,
    limits: &Limits,
) -> Result<()> {
    let Some(header) = header(decoder)? else {
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
    let samples = if page.planar { 1 } else { page.samples };
    for place in chunks::distinct(decoder)? {
        let Some(said) = header(&tables, &bytes[chunks::range_in_file(place, bytes)])? else {
            continue;
        };
        let pixels = said.width * said.height;
        if said.width > most[0] || said.height > most[1] || pixels > most_pixels {
            return Err(Error::decode(
                "a file in a strip or tile is larger than that",
            ));
        }
        check_limit("pixels", Some(pixels), limits.pixels)?;
        // The crate would take its rows, or its pixels, for others.
        if said.width != u64::from(across) || said.components.is_some_and(|n| n != samples) {
            return Err(Error::decode(
                "a file in a strip or tile has another width or other samples than that",
            ));
        }
    }
    Ok(())
}

/// By the decoder that the crate has for them, of the data that it gives it.
fn jpeg(tables: &[u8], file: &[u8]) -> Result<Option<Said>> {
    let said = |file: &[u8]| -> Result<_> {
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
        let found = decoder.info().map(|info| Said {
            width: info.width.into(),
            height: info.height.into(),
            components: is_whole.then_some(info.components.into()),
        });
        Ok((is_whole, found))
    };
    let (is_whole, found) = said(&file[..file.len().min(HEAD)])?;
    match is_whole || file.len() <= HEAD {
        true => Ok(found),
        false => said(file).map(|(_, found)| found),
    }
}

fn webp(_: &[u8], file: &[u8]) -> Result<Option<Said>> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(file)).ok();
    let size = decoder.map(|decoder| decoder.dimensions());
    Ok(size.map(|(width, height)| Said {
        width: width.into(),
        height: height.into(),
        components: None,
    }))
}
