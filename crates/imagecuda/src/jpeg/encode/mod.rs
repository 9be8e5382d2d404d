//! Encoding, with the bytes of libjpeg-turbo. This module has the tables and the headers.
//! `imagecuda_kernels` computes coefficients and codes, on the host or on a GPU.

mod header;
mod host;
mod huffman;
mod progressive;

use self::huffman::Table;
use crate::{ErrorKind, Result, SaveOptions, Subsampling, picture::Pixels, sink::Sink};
use imagecuda_kernels::{
    jpeg::{
        encode::{
            coding::{Tables, codes},
            fdct::Divisors,
            frame::Frame,
        },
        picture::BLOCK,
    },
    layout::Layout,
};

/// How often each symbol occurs: for luma and for chroma, for DC and for AC.
pub(crate) type Counts = [[[u32; 256]; 2]; 2];

/// The parameters of a file to be written.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    pub(crate) frame: Frame,
    /// The quantization tables of luma and chroma, in natural order.
    quantizers: [[u8; BLOCK]; 2],
    /// The Huffman tables: DC and AC for luma, then for chroma.
    tables: [[Table; 2]; 2],
    /// Whether Huffman tables are made for the picture.
    pub(crate) is_optimized: bool,
    /// Whether the file is progressive. The kernels make coefficients for such files, but no codes.
    pub(crate) is_progressive: bool,
}

impl Encoding {
    pub(crate) fn new(
        (width, height): (u32, u32),
        is_gray: bool,
        options: &SaveOptions,
    ) -> Result<Self> {
        let quality = options.quality.unwrap_or(100);
        let by_quality = match quality {
            ..90 => Subsampling::Yuv420,
            _ => Subsampling::Yuv444,
        };
        let factors = match options.subsampling.unwrap_or(by_quality) {
            Subsampling::Yuv444 => (1, 1),
            Subsampling::Yuv422 => (2, 1),
            Subsampling::Yuv420 => (2, 2),
        };
        let interval = options.restart_interval;
        let frame = Frame::new((width, height), is_gray, factors, interval).ok_or_else(|| {
            let (what, limit) = ("pixels on a side", u64::from(u16::MAX));
            let requested = u64::from(width.max(height));
            ErrorKind::LimitExceeded {
                what,
                requested,
                limit,
            }
        })?;
        Ok(Self {
            frame,
            quantizers: header::quantizers(quality),
            tables: huffman::standard(),
            is_optimized: options.optimize_huffman,
            is_progressive: options.progressive,
        })
    }

    /// The bytes of all data units' coefficients.
    pub(crate) fn coefficient_bytes(&self) -> u64 {
        u64::from(self.frame.units()) * size_of::<[i16; BLOCK]>() as u64
    }

    /// The divisors of luma and chroma.
    pub(crate) fn divisors(&self) -> [Divisors; 2] {
        self.quantizers.each_ref().map(Divisors::new)
    }

    /// Makes Huffman tables for a picture from the counts of its symbols.
    pub(crate) fn optimize(&mut self, counts: &Counts) {
        for (tables, counts) in self.tables.iter_mut().zip(counts) {
            for (table, counts) in tables.iter_mut().zip(counts) {
                *table = Table::optimal(counts);
            }
        }
    }

    /// The scans of a progressive file with their tables, from the quantised coefficients of all data
    /// units, in zigzag order.
    pub(crate) fn scans_of(&self, coefficients: &[i16]) -> Result<Vec<u8>> {
        progressive::encode_coefficients(self, coefficients)
    }

    /// The codes of luma and chroma.
    pub(crate) fn codes(&self) -> [Tables; 2] {
        self.tables.each_ref().map(|[dc, ac]| Tables {
            dc: codes(&dc.counts, &dc.symbols),
            ac: codes(&ac.counts, &ac.symbols),
        })
    }
}

/// Writes `pixels`, gray or RGB, as a file.
pub(crate) fn write(pixels: Pixels<'_>, options: &SaveOptions, out: &mut dyn Sink) -> Result<()> {
    let size = (pixels.width, pixels.height);
    let mut encoding = Encoding::new(size, pixels.layout == Layout::L8, options)?;
    let data = match encoding.is_progressive {
        true => progressive::encode(&encoding, pixels)?,
        false => encoding.encode(pixels)?,
    };
    Ok(encoding.write(&data, &options.metadata, out)?)
}

#[cfg(test)]
mod tests;
