//! jpeg-encoder writes.

use crate::{
    Error, Metadata, Result, SaveOptions, Subsampling,
    codec::{Pixels, Sink, check_sides, options::JPEG_ICC_PIECE},
};
use imagecuda_kernels::layout::Layout;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

pub(in crate::codec) fn write(
    pixels: Pixels<'_>,
    options: &SaveOptions,
    out: &mut dyn Sink,
) -> Result<()> {
    check_sides(&pixels, 65_535)?;
    let color = match pixels.layout {
        Layout::L8 => ColorType::Luma,
        Layout::Rgb8 => ColorType::Rgb,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    let quality = options.quality.unwrap_or(100);
    let mut encoder = Encoder::new(out, quality);
    let by_quality = match quality {
        ..90 => Subsampling::Yuv420,
        _ => Subsampling::Yuv444,
    };
    encoder.set_sampling_factor(match options.subsampling.unwrap_or(by_quality) {
        Subsampling::Yuv444 => SamplingFactor::R_4_4_4,
        Subsampling::Yuv422 => SamplingFactor::R_4_2_2,
        Subsampling::Yuv420 => SamplingFactor::R_4_2_0,
    });
    encoder.set_progressive(options.progressive);
    // With the standard's tables, made for baseline, progressive files would be the larger ones.
    encoder.set_optimized_huffman_tables(options.progressive);
    // Its default takes one chroma sample of four, and drops the rest.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    add_metadata(&mut encoder, &options.metadata).map_err(encode_error)?;
    // Fits, as the sides were checked.
    let (width, height) = (pixels.width as u16, pixels.height as u16);
    encoder
        .encode(pixels.data, width, height, color)
        .map_err(encode_error)
}

/// Segments, whose lengths [`options::check`](crate::codec::options::check) has checked.
fn add_metadata<W: jpeg_encoder::JfifWrite>(
    encoder: &mut Encoder<W>,
    metadata: &Metadata,
) -> Result<(), EncodingError> {
    if let Some(exif) = metadata.exif() {
        encoder.add_app_segment(1, [b"Exif\0\0", exif].concat())?;
    }
    // The crate's own function for profiles takes one piece less than there may be.
    let pieces = metadata.icc_profile().unwrap_or_default();
    let pieces = pieces.chunks(JPEG_ICC_PIECE);
    let count = pieces.len() as u8;
    for (number, piece) in (1..=count).zip(pieces) {
        let segment = [b"ICC_PROFILE\0", &[number, count][..], piece].concat();
        encoder.add_app_segment(2, segment)?;
    }
    Ok(())
}

fn encode_error(error: EncodingError) -> Error {
    match error {
        EncodingError::IoError(error) => error.into(),
        error => Error::encode(error),
    }
}
