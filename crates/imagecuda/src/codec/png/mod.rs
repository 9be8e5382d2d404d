//! Writing PNG, on all cores: the rows are cut into bands, each of which is filtered and
//! compressed for itself. Joined they are one stream.
//!
//! How the rows are cut does not depend on the threads, and so neither does the file.

mod chunk;
pub(super) mod decode;
mod deflate;
mod filter;
mod zlib;

use super::{Pixels, Sink, check_sides, in_order::in_order};
use crate::{Compression, Error, Metadata, Result, SaveOptions};
use imagecuda_kernels::layout::Layout;
use std::{borrow::Cow, io::Write};

/// Bytes of a band that is coded by [`deflate`]: some for each of many threads even of a small
/// picture, and many for the codes that a band has of its own.
const QUICK_BAND: usize = 256 * 1024;

/// And of one that is coded by [`zlib`], which has 32 KB of the band before filtered once more.
const BAND: usize = 512 * 1024;

/// Of zlib-rs, for the bands of drawings: the first at which codes are made for the data.
const QUICK_LEVEL: u32 = 2;

/// Of so many blocks of a row one is weighed for its filter.
const SPARSE: usize = 4;

/// How bands are compressed.
#[derive(Clone, Copy, Debug)]
enum Coder {
    Stored,
    Quick,
    /// By zlib's methods, with this level.
    Zlib(u32),
}

pub(super) fn write(pixels: Pixels<'_>, options: &SaveOptions, out: &mut dyn Sink) -> Result<()> {
    check_sides(&pixels, i32::MAX as u32)?;
    let color = match pixels.layout {
        Layout::L8 | Layout::L16 => 0,
        Layout::Rgb8 | Layout::Rgb16 => 2,
        Layout::La8 | Layout::La16 => 4,
        Layout::Rgba8 | Layout::Rgba16 => 6,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    let coder = match options.compression {
        Some(Compression::Uncompressed) => Coder::Stored,
        Some(Compression::Balanced) => Coder::Zlib(6),
        Some(Compression::Small) => Coder::Zlib(9),
        _ => Coder::Quick,
    };
    out.write_all(b"\x89PNG\r\n\x1a\n")?;
    let mut header = [0; 13];
    header[..4].copy_from_slice(&pixels.width.to_be_bytes());
    header[4..8].copy_from_slice(&pixels.height.to_be_bytes());
    header[8..10].copy_from_slice(&[pixels.layout.bits() as u8, color]);
    chunk::write(out, *b"IHDR", &header)?;
    write_metadata(&options.metadata, out)?;
    write_pixels(pixels, coder, out)?;
    chunk::write(out, *b"IEND", &[])
}

fn write_metadata(metadata: &Metadata, out: &mut dyn Sink) -> Result<()> {
    if let Some(icc) = metadata.icc_profile() {
        // A name, and the one method of compression.
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

/// What a thread uses again for each band.
#[derive(Default)]
struct Scratch {
    filtered: Vec<u8>,
    finder: deflate::Finder,
}

/// The checksum of a band, and the bytes that it is of.
type Sum = (u32, usize);

fn write_pixels(pixels: Pixels<'_>, coder: Coder, out: &mut dyn Sink) -> Result<()> {
    let bands = Bands::new(pixels, coder);
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
    // Of no bytes it is 1.
    let mut checksum = 1;
    for sum in sums {
        let (adler32, len) = sum?;
        checksum = zlib::adler32_of_both(checksum, adler32, len);
    }
    chunk::write(out, *b"IDAT", &checksum.to_be_bytes())
}

/// A picture, cut into bands of whole rows.
struct Bands<'a> {
    pixels: &'a [u8],
    coder: Coder,
    /// Whether samples are 16-bit numbers, which have their high bytes first in a file.
    deep: bool,
    bytes_per_pixel: usize,
    /// Bytes of a row.
    stride: usize,
    /// Bytes of a band, but for the last.
    len: usize,
}

impl<'a> Bands<'a> {
    fn new(pixels: Pixels<'a>, coder: Coder) -> Self {
        let bytes_per_pixel = pixels.layout.bytes_per_pixel();
        let stride = pixels.width as usize * bytes_per_pixel;
        let bytes = match coder {
            Coder::Stored | Coder::Quick => QUICK_BAND,
            Coder::Zlib(_) => BAND,
        };
        Self {
            pixels: pixels.data,
            coder,
            deep: pixels.layout.bits() == 16,
            bytes_per_pixel,
            stride,
            len: (bytes / stride).max(1) * stride,
        }
    }

    fn count(&self) -> usize {
        self.pixels.len().div_ceil(self.len)
    }

    /// Appends band `band`, filtered and compressed, to `out`.
    fn compress(&self, band: usize, scratch: &mut Scratch, out: &mut Vec<u8>) -> Result<Sum> {
        let Scratch { filtered, finder } = scratch;
        let start = band * self.len;
        let end = self.pixels.len().min(start + self.len);
        let last = end == self.pixels.len();
        filtered.clear();
        // What is of the band before.
        let mut before = 0;
        match self.coder {
            Coder::Stored => filter::unfiltered(&self.rows(start, end), self.stride, filtered),
            Coder::Quick => self.filter(start, end, SPARSE, filtered),
            Coder::Zlib(_) => {
                let rows = zlib::WINDOW.div_ceil(self.stride + 1);
                let from = start.saturating_sub(rows * self.stride);
                self.filter(from, end, 1, filtered);
                before = (start - from) / self.stride * (self.stride + 1);
            }
        }
        let (before, data) = filtered.split_at(before);
        match self.coder {
            Coder::Stored => deflate::store(data, last, out),
            Coder::Quick => {
                let sequences = finder.find(data);
                // Where there are hardly any literals to be quick with, matches are all, and zlib
                // is better at them, and as quick.
                if deflate::Sequence::are_matches(sequences) {
                    zlib::compress(QUICK_LEVEL, data, &[], last, out).map_err(Error::encode)?;
                } else {
                    deflate::compress(data, sequences, last, out);
                }
            }
            Coder::Zlib(level) => {
                zlib::compress(level, data, before, last, out).map_err(Error::encode)?;
            }
        }
        Ok((simd_adler32::adler32(&data), data.len()))
    }

    /// Appends the rows of these bytes of the picture, each with its filter.
    fn filter(&self, start: usize, end: usize, sparse: usize, out: &mut Vec<u8>) {
        let above = start.checked_sub(self.stride);
        let rows = self.rows(above.unwrap_or(0), end);
        let (above, rows) = match above {
            Some(_) => {
                let (above, rows) = rows.split_at(self.stride);
                (Some(above), rows)
            }
            None => (None, &rows[..]),
        };
        filter::filter(rows, above, self.stride, self.bytes_per_pixel, sparse, out);
    }

    /// These bytes as a file has them.
    fn rows(&self, start: usize, end: usize) -> Cow<'a, [u8]> {
        let rows = &self.pixels[start..end];
        if !self.deep || cfg!(target_endian = "big") {
            return rows.into();
        }
        let samples = rows.as_chunks::<2>().0.iter();
        samples.flat_map(|&[low, high]| [high, low]).collect()
    }
}

#[cfg(test)]
mod tests;
