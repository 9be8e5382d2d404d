//! Writes the strips of a TIFF, and compresses them on all cores. The crate's own picture encoder uses one
//! core, and names a predictor in files without compression, of which libtiff warns.

use super::{
    metadata::Described,
    write::{encode_error, samples},
};
use crate::{Result, codec::par_ordered::in_order, picture::Pixels, sink::Sink};
use bytemuck::Pod;
use flate2::{Compression, write::ZlibEncoder};
use std::{
    io::{self, Write},
    mem,
};
use tiff::{
    TiffResult,
    encoder::{
        Compression as Method, DeflateLevel, DirectoryEncoder, Predictor, Rational, TiffKind,
        TiffValue,
        colortype::ColorType,
        compression::{CompressionAlgorithm, Lzw, Packbits},
    },
    tags::{CompressionMethod, ExtraSamples, ResolutionUnit, Tag},
};

/// The size in bytes of every strip but the last is at least this.
const STRIP: usize = 1_000_000;

/// Writes the picture whose directory is `picture`, and the directories that describe it.
pub(super) fn write<C: ColorType, K: TiffKind + Send>(
    mut picture: DirectoryEncoder<'_, &mut dyn Sink, K>,
    described: Described<'_, K>,
    method: Method,
    pixels: Pixels<'_>,
) -> Result<()>
where
    C::Inner: Pod,
    [C::Inner]: TiffValue,
{
    let stride = pixels.width as usize * pixels.layout.bytes_per_pixel();
    let rows = match method {
        // Runs end with their row.
        Method::Packbits => 1,
        _ => STRIP.div_ceil(stride),
    };
    // Differences of neighbours compress better. But the crate has no predictor for floats, and
    // differences break the runs that PackBits looks for.
    let is_predicted =
        pixels.layout.bits() < 32 && matches!(method, Method::Lzw | Method::Deflate(_));
    put_tags::<C, K>(&mut picture, pixels, rows, method, is_predicted).map_err(encode_error)?;
    // The last one, as a resolution that the metadata state takes precedence.
    described.finish(&mut picture).map_err(encode_error)?;

    let (mut offsets, mut counts) = (Vec::new(), Vec::new());
    let mut put = |bytes: &[u8]| {
        offsets.push(picture.write_data(bytes).map_err(encode_error)?);
        counts.push(bytes.len() as u64);
        Ok(())
    };
    if method == Method::Uncompressed {
        pixels.data.chunks(rows * stride).try_for_each(put)?;
    } else {
        let make = |predicted: &mut Vec<C::Inner>, strip: usize, out: &mut Vec<u8>| {
            let start = strip * rows * stride;
            let mut bytes = &pixels.data[start..pixels.data.len().min(start + rows * stride)];
            if is_predicted {
                predicted.clear();
                // The crate leaves out what does not fit.
                predicted.reserve(bytes.len() / size_of::<C::Inner>());
                for row in bytes.chunks_exact(stride) {
                    C::horizontal_predict(&samples(row), predicted);
                }
                bytes = bytemuck::cast_slice(predicted);
            }
            compress(method, bytes, out)
        };
        let made: Vec<io::Result<()>> = in_order(
            pixels.data.len().div_ceil(rows * stride),
            make,
            |_, bytes| put(bytes),
        )?;
        made.into_iter().collect::<io::Result<()>>()?;
    }

    let finish = || {
        for (tag, numbers) in [(Tag::StripOffsets, offsets), (Tag::StripByteCounts, counts)] {
            let numbers = numbers.into_iter().map(K::convert_offset);
            let numbers = numbers.collect::<TiffResult<Vec<_>>>()?;
            picture.write_tag(tag, K::convert_slice(&numbers))?;
        }
        Ok(())
    };
    finish().map_err(encode_error)?;
    picture.finish().map_err(encode_error)
}

fn compress(method: Method, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    match method {
        Method::Uncompressed => out.write_all(bytes),
        Method::Lzw => Lzw.write_to(out, bytes).map(|_| ()),
        Method::Packbits => Packbits.write_to(out, bytes).map(|_| ()),
        Method::Deflate(level) => {
            // At level 1, zlib-rs uses fixed codes, which are not adapted to the data.
            let level = Compression::new(match level {
                DeflateLevel::Fast => 2,
                other => other as u32,
            });
            let mut coder = ZlibEncoder::new(mem::take(out), level);
            coder.write_all(bytes)?;
            *out = coder.finish()?;
            Ok(())
        }
    }
}

/// Writes the tags that the crate's own picture encoder writes.
fn put_tags<C: ColorType, K: TiffKind>(
    picture: &mut DirectoryEncoder<'_, &mut dyn Sink, K>,
    pixels: Pixels<'_>,
    rows: usize,
    method: Method,
    is_predicted: bool,
) -> TiffResult<()> {
    let compression = match method {
        Method::Uncompressed => CompressionMethod::None,
        Method::Lzw => CompressionMethod::LZW,
        Method::Packbits => CompressionMethod::PackBits,
        Method::Deflate(_) => CompressionMethod::Deflate,
    };
    let formats: Vec<u16> = C::SAMPLE_FORMAT.iter().map(|f| f.to_u16()).collect();
    picture.write_tag(Tag::ImageWidth, pixels.width)?;
    picture.write_tag(Tag::ImageLength, pixels.height)?;
    picture.write_tag(Tag::Compression, compression.to_u16())?;
    if is_predicted {
        picture.write_tag(Tag::Predictor, Predictor::Horizontal.to_u16())?;
    }
    picture.write_tag(Tag::PhotometricInterpretation, C::TIFF_VALUE.to_u16())?;
    picture.write_tag(Tag::BitsPerSample, C::BITS_PER_SAMPLE)?;
    picture.write_tag(Tag::SampleFormat, &formats[..])?;
    picture.write_tag(Tag::SamplesPerPixel, C::BITS_PER_SAMPLE.len() as u16)?;
    picture.write_tag(Tag::RowsPerStrip, u32::try_from(rows)?)?;
    picture.write_tag(Tag::XResolution, Rational { n: 1, d: 1 })?;
    picture.write_tag(Tag::YResolution, Rational { n: 1, d: 1 })?;
    picture.write_tag(Tag::ResolutionUnit, ResolutionUnit::None.to_u16())?;
    if pixels.layout.has_alpha() {
        let straight = [ExtraSamples::UnassociatedAlpha.to_u16()];
        picture.write_tag(Tag::ExtraSamples, &straight[..])?;
    }
    Ok(())
}
