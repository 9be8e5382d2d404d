//! Strips and tiles that are files of other formats: JPEG and WebP.

use super::{compression::Compression, ifd::cut_short, page::Page, tag};
use crate::{
    Error, Limits, Result,
    jpeg::Jpeg,
    limits::check_limit,
    memory::{reserve, zeroed},
};
use imagecuda_kernels::jpeg::picture::Color;
use std::{borrow::Cow, io::Cursor};

/// The most bytes of shared tables, which precede each strip. Real tables have some kB.
const MOST_TABLES: usize = 1 << 16;

/// Embedded files may have this many pixels in all, however small the picture is.
const FEW_PIXELS: u64 = 4096 * 4096;

/// Decodes the embedded files of a page.
pub(super) struct Files {
    /// The pixels that further files may have.
    left: u64,
    /// The most bytes of one file.
    bytes: u64,
    damaged: bool,
}

/// The space of a strip or tile.
pub(super) struct Space {
    /// The pixels of a row, and how many of them are in the picture.
    pub(super) width: u32,
    pub(super) used: u32,
    /// The size of a row in bytes.
    pub(super) row: usize,
}

impl Files {
    pub(super) fn new(page: &Page<'_>, limits: &Limits, damaged: bool) -> Self {
        let pixels = u64::from(page.width) * u64::from(page.height);
        let planes = page.planes() as u64;
        // Tiles and MCUs extend over the picture's edges.
        let most = pixels.saturating_mul(4 * planes).max(FEW_PIXELS);
        let left = most.min(limits.pixels.saturating_mul(4 * planes));
        Self {
            left,
            bytes: limits.bytes,
            damaged,
        }
    }

    /// Fills the rows of `out` with those of an embedded file. Returns how many bytes are good, and
    /// the reason if not all are.
    pub(super) fn decode(
        &mut self,
        page: &Page<'_>,
        data: &[u8],
        space: &Space,
        out: &mut [u8],
    ) -> (usize, Result<()>) {
        let rows = match page.compression {
            Compression::WebP => self.webp(page, data, space, out),
            Compression::OldJpeg => self.old_jpeg(page, space, out),
            _ => self.tabled_jpeg(page, data, space, out),
        };
        let (good, result) = match rows {
            Ok(rows) => (rows * space.row, Ok(())),
            Err(error) => (0, Err(error)),
        };
        match good == out.len() {
            true => (good, result),
            false => (good, result.and_then(|()| Err(cut_short()))),
        }
    }

    /// Subtracts a file's pixels from those that are left.
    fn count(&mut self, page: &Page<'_>, width: u32, height: u32) -> Result<()> {
        let pixels = u64::from(width) * u64::from(height);
        check_limit("bytes", pixels.checked_mul(4), self.bytes)?;
        // A JPEG decodes whole MCUs.
        let most = page.chunks.height.checked_next_multiple_of(64);
        if page.compression != Compression::OldJpeg && most.is_some_and(|most| height > most) {
            return Err(Error::decode(
                "a file in a strip or tile is larger than that",
            ));
        }
        check_limit("pixels", Some(pixels), self.left)
            .map_err(|_| Error::decode("a file in a strip or tile is larger than that"))?;
        self.left -= pixels;
        Ok(())
    }

    fn tabled_jpeg(
        &mut self,
        page: &Page<'_>,
        data: &[u8],
        space: &Space,
        out: &mut [u8],
    ) -> Result<usize> {
        let tables = page.directory.data(tag::JPEG_TABLES).unwrap_or_default();
        if tables.len() > MOST_TABLES {
            return Err(Error::decode("tables of JPEG that are too long"));
        }
        let joined = match tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables) {
            [] => Cow::Borrowed(data),
            tables => {
                let data = data.strip_prefix(&[0xff, 0xd8]).unwrap_or(data);
                let mut joined = Vec::new();
                reserve(&mut joined, tables.len() + data.len())?;
                joined.extend(tables);
                joined.extend(data);
                joined.into()
            }
        };
        self.jpeg(page, &joined, space, out)
    }

    fn old_jpeg(&mut self, page: &Page<'_>, space: &Space, out: &mut [u8]) -> Result<usize> {
        let mut first = None;
        for stream in super::old_jpeg::streams(page)? {
            match self.jpeg(page, &stream, space, out) {
                Ok(rows) => return Ok(rows),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(cut_short))
    }

    /// Returns the number of rows that the file has.
    fn jpeg(
        &mut self,
        page: &Page<'_>,
        data: &[u8],
        space: &Space,
        out: &mut [u8],
    ) -> Result<usize> {
        let jpeg = match Jpeg::read(data, false) {
            Err(error) if !self.damaged => return Err(error),
            Err(_) => Jpeg::read(data, true)?,
            Ok(jpeg) => jpeg,
        };
        let header = jpeg.header();
        let samples = if page.planar { 1 } else { page.samples };
        let is_old = page.compression == Compression::OldJpeg;
        if header.layout.channels() != samples || u64::from(jpeg.bits()) != page.kind.bits() {
            return Err(Error::decode("a JPEG in a strip or tile has other samples"));
        }
        check_width(header.width, space, is_old)?;
        self.count(page, header.width, header.height)?;
        let color = page.jpeg_color.unwrap_or(Color::Gray);
        let row = page.row_bytes(header.width).unwrap_or(u64::MAX) as usize;
        let mut pixels: Vec<u8> = zeroed(row.saturating_mul(header.height as usize))?;
        let mut decode = |jpeg: Jpeg<'_>| {
            let jpeg = jpeg.with_color(color);
            match jpeg.has_bytes() {
                true => jpeg.decode(&mut pixels),
                false => jpeg.decode_samples(&mut pixels, row, |samples, row| {
                    page.kind.pack(samples, row)
                }),
            }
        };
        let result = decode(jpeg);
        if result.is_err() && self.damaged {
            decode(Jpeg::read(data, true)?)?;
        } else {
            result?;
        }
        Ok(put(&pixels, row, space, out))
    }

    /// Returns the number of rows that the file has.
    fn webp(
        &mut self,
        page: &Page<'_>,
        data: &[u8],
        space: &Space,
        out: &mut [u8],
    ) -> Result<usize> {
        let mut decoder = image_webp::WebPDecoder::new(Cursor::new(data)).map_err(Error::decode)?;
        let (width, height) = decoder.dimensions();
        let samples = if decoder.has_alpha() { 4 } else { 3 };
        check_width(width, space, false)?;
        self.count(page, width, height)?;
        let mut pixels: Vec<u8> = zeroed(width as usize * height as usize * samples)?;
        decoder.read_image(&mut pixels).map_err(Error::decode)?;
        let pixels = match (samples, page.samples) {
            (4, 4) | (3, 3) => pixels,
            // WebP leaves out alpha if all pixels are opaque.
            (3, 4) => {
                let mut wide: Vec<u8> = zeroed(pixels.len() / 3 * 4)?;
                for (wide, pixel) in wide.as_chunks_mut().0.iter_mut().zip(pixels.as_chunks().0) {
                    let [r, g, b] = *pixel;
                    *wide = [r, g, b, 255];
                }
                wide
            }
            _ => return Err(Error::decode("a WebP in a strip or tile has other samples")),
        };
        Ok(put(&pixels, width as usize * page.samples, space, out))
    }
}

/// A tile's file may have only the columns in the picture. An old-style JPEG may be wider than the
/// picture.
fn check_width(width: u32, space: &Space, is_old: bool) -> Result<()> {
    match width >= space.used && (is_old || width <= space.width) {
        true => Ok(()),
        false => Err(Error::decode(
            "a file in a strip or tile has another width than that",
        )),
    }
}

/// Copies a file's rows, of `row` bytes each. Returns how many there are.
fn put(pixels: &[u8], row: usize, space: &Space, out: &mut [u8]) -> usize {
    let common = row.min(space.row);
    let rows = out
        .chunks_exact_mut(space.row)
        .zip(pixels.chunks_exact(row));
    rows.map(|(out, row)| out[..common].copy_from_slice(&row[..common]))
        .count()
}
