//! Encodes PNG on all cores. The rows are split into parts, which are filtered and compressed
//! separately, and joined to one stream.
//!
//! The split does not depend on the number of threads, so the file does not either.
//!
//! [`quick`] writes `Compression::Fast`, like the kernels. This module has the other levels: bands
//! of whole rows, which end at whole bytes.

mod chunk;
mod deflate;
mod filter;
mod quick;
mod zlib;

use crate::{
    Compression, Error, Metadata, Result,
    codec::{EncodeRequest, check_sides, par_ordered::in_order},
    picture::Pixels,
    sink::Sink,
};
use imagecuda_kernels::{
    layout::Layout,
    png::encode::{checksum::crc32, scanlines::IDAT},
};
use std::{borrow::Cow, io::Write};

/// The size in bytes of a band that is stored.
const STORED_BAND: usize = 256 * 1024;

/// The size in bytes of a band for [`zlib`]. Each band filters the last 32 KB of the band before
/// once more.
const BAND: usize = 512 * 1024;

/// How bands are compressed.
#[derive(Clone, Copy, Debug)]
enum Coder {
    Stored,
    /// Zlib's methods at this level.
    Zlib(u32),
}

pub(in crate::codec) fn encode(
    EncodeRequest {
        pixels, options, ..
    }: EncodeRequest<'_>,
    out: &mut dyn Sink,
) -> Result<()> {
    check_sides(&pixels, i32::MAX as u32)?;
    let coder = match options.compression {
        Some(Compression::Uncompressed) => Some(Coder::Stored),
        Some(Compression::Balanced) => Some(Coder::Zlib(6)),
        Some(Compression::Small) => Some(Coder::Zlib(9)),
        _ => None,
    };
    write_start(&pixels, &options.metadata, out)?;
    let rows = Rows::new(pixels);
    match coder {
        Some(coder) => write_bands(rows, coder, out)?,
        None => quick::write(&rows, out)?,
    }
    chunk::write(out, *b"IEND", &[])
}

/// Writes the file of a picture whose stream the kernels have made. `remainders` are the CRC
/// remainders of the data of its IDAT chunks. The pixels of `picture` are not used.
pub(crate) fn write_encoded(
    picture: Pixels<'_>,
    metadata: &Metadata,
    (stream, remainders): (&[u8], &[u32]),
    out: &mut dyn Sink,
) -> Result<()> {
    write_start(&picture, metadata, out)?;
    let begun = crc32fast::hash(b"IDAT");
    let data = stream.chunks(IDAT as usize);
    let frames = data.clone().zip(remainders).map(|(data, &remainder)| {
        let len = data.len() as u32;
        (
            len.to_be_bytes(),
            crc32(begun, remainder, len).to_be_bytes(),
        )
    });
    let frames: Vec<_> = frames.collect();
    let chunks = data.zip(&frames);
    let parts = chunks.flat_map(|(data, (len, crc))| [&len[..], b"IDAT", data, crc]);
    out.write_parts(&parts.collect::<Vec<_>>())?;
    chunk::write(out, *b"IEND", &[])
}

/// Writes everything before the pixels.
fn write_start(pixels: &Pixels<'_>, metadata: &Metadata, out: &mut dyn Sink) -> Result<()> {
    let color = match pixels.layout {
        Layout::L8 | Layout::L16 => 0,
        Layout::Rgb8 | Layout::Rgb16 => 2,
        Layout::La8 | Layout::La16 => 4,
        Layout::Rgba8 | Layout::Rgba16 => 6,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    out.write_all(b"\x89PNG\r\n\x1a\n")?;
    let mut header = [0; 13];
    header[..4].copy_from_slice(&pixels.width.to_be_bytes());
    header[4..8].copy_from_slice(&pixels.height.to_be_bytes());
    header[8..10].copy_from_slice(&[pixels.layout.bits() as u8, color]);
    chunk::write(out, *b"IHDR", &header)?;
    write_metadata(metadata, out)
}

fn write_metadata(metadata: &Metadata, out: &mut dyn Sink) -> Result<()> {
    if let Some(icc) = metadata.icc_profile() {
        // The name and its zero, and the number of the only compression method.
        let named = b"ICC Profile\0\0".to_vec();
        let mut coder = flate2::write::ZlibEncoder::new(named, flate2::Compression::default());
        coder.write_all(icc)?;
        chunk::write(out, *b"iCCP", &coder.finish()?)?;
    }
    if let Some(exif) = metadata.exif() {
        chunk::write(out, *b"eXIf", exif)?;
    }
    Ok(())
}

/// Memory that a thread reuses for each band.
#[derive(Default)]
struct Scratch {
    filtered: Vec<u8>,
}

/// The Adler-32 of a band, and the number of bytes that it covers.
type Sum = (u32, usize);

fn write_bands(rows: Rows<'_>, coder: Coder, out: &mut dyn Sink) -> Result<()> {
    let bands = Bands::new(rows, coder);
    let make = |scratch: &mut Scratch, band, bytes: &mut Vec<u8>| -> Result<Sum> {
        chunk::begin(bytes, *b"IDAT");
        if band == 0 {
            bytes.extend(zlib::HEADER);
        }
        let sum = bands.compress(band, scratch, bytes)?;
        chunk::end(bytes);
        Ok(sum)
    };
    let sums = in_order(bands.count(), make, |_, bytes| Ok(out.write_all(bytes)?))?;
    // The Adler-32 of no bytes.
    let mut checksum = 1;
    for sum in sums {
        let (adler32, len) = sum?;
        checksum = zlib::adler32_of_both(checksum, adler32, len);
    }
    chunk::write(out, *b"IDAT", &checksum.to_be_bytes())
}

/// A picture's rows.
struct Rows<'a> {
    pixels: &'a [u8],
    /// Whether samples have 16 bits. A file stores their high byte first.
    deep: bool,
    bytes_per_pixel: usize,
    /// The size of a row in bytes.
    stride: usize,
}

impl<'a> Rows<'a> {
    fn new(pixels: Pixels<'a>) -> Self {
        let bytes_per_pixel = pixels.layout.bytes_per_pixel();
        Self {
            pixels: pixels.data,
            deep: pixels.layout.bits() == 16,
            bytes_per_pixel,
            stride: pixels.width as usize * bytes_per_pixel,
        }
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.stride
    }

    /// These bytes of the pixels in the file's byte order. A 16-bit sample may lie partly in the
    /// range.
    fn get(&self, start: usize, end: usize) -> Cow<'a, [u8]> {
        if !self.deep || cfg!(target_endian = "big") {
            return self.pixels[start..end].into();
        }
        let first = start & !1;
        let samples = self.pixels[first..end.next_multiple_of(2)]
            .as_chunks::<2>()
            .0;
        let mut bytes: Vec<u8> = samples
            .iter()
            .flat_map(|&[low, high]| [high, low])
            .collect();
        bytes.truncate(end - first);
        bytes.drain(..start - first);
        bytes.into()
    }
}

/// A picture, cut into bands of whole rows.
struct Bands<'a> {
    rows: Rows<'a>,
    coder: Coder,
    /// The size of every band but the last, in bytes.
    len: usize,
}

impl<'a> Bands<'a> {
    fn new(rows: Rows<'a>, coder: Coder) -> Self {
        let bytes = match coder {
            Coder::Stored => STORED_BAND,
            Coder::Zlib(_) => BAND,
        };
        let len = (bytes / rows.stride).max(1) * rows.stride;
        Self { rows, coder, len }
    }

    fn count(&self) -> usize {
        self.rows.pixels.len().div_ceil(self.len)
    }

    /// Appends band `band`, filtered and compressed, to `out`.
    fn compress(&self, band: usize, scratch: &mut Scratch, out: &mut Vec<u8>) -> Result<Sum> {
        let Scratch { filtered } = scratch;
        let (rows, stride) = (&self.rows, self.rows.stride);
        let start = band * self.len;
        let end = rows.pixels.len().min(start + self.len);
        let last = end == rows.pixels.len();
        filtered.clear();
        match self.coder {
            Coder::Stored => {
                filter::unfiltered(&rows.get(start, end), stride, filtered);
                deflate::store(filtered, last, out);
                Ok((simd_adler32::adler32(&&filtered[..]), filtered.len()))
            }
            Coder::Zlib(level) => {
                let count = zlib::WINDOW.div_ceil(stride + 1);
                let from = start.saturating_sub(count * stride);
                self.filter(from, end, filtered);
                // The end of the band before, to which matches may refer.
                let before = (start - from) / stride * (stride + 1);
                let (before, data) = filtered.split_at(before);
                zlib::compress(level, data, before, last, out).map_err(Error::encode)?;
                Ok((simd_adler32::adler32(&data), data.len()))
            }
        }
    }

    /// Appends the filtered rows of this range of the pixels.
    fn filter(&self, start: usize, end: usize, out: &mut Vec<u8>) {
        let Rows {
            stride,
            bytes_per_pixel,
            ..
        } = self.rows;
        let above = start.checked_sub(stride);
        let rows = self.rows.get(above.unwrap_or(0), end);
        let (above, rows) = match above {
            Some(_) => {
                let (above, rows) = rows.split_at(stride);
                (Some(above), rows)
            }
            None => (None, &rows[..]),
        };
        filter::filter(rows, above, stride, bytes_per_pixel, out);
    }
}

#[cfg(test)]
mod tests;
