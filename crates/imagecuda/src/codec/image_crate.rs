//! Adapters for the decoders and encoders of the `image` crate. The formats' own files use them.

use super::Decode;
use crate::{
    Error, Limits, Result,
    error::cut_short,
    picture::{Header, Pixels},
};
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::io::ErrorKind as IoErrorKind;

struct Raster<D> {
    decoder: D,
    header: Header,
}

/// Adapts a decoder of the `image` crate that has read its header.
pub(super) fn open<'a, D: ImageDecoder + 'a>(
    decoder: Result<D, ImageError>,
    limits: &Limits,
    curve: Curve,
) -> Result<Box<dyn Decode + 'a>> {
    let mut decoder = decoder.map_err(decode_error)?;
    let (width, height) = decoder.dimensions();
    let layout = match decoder.color_type() {
        ColorType::L8 => Layout::L8,
        ColorType::La8 => Layout::La8,
        ColorType::Rgb8 => Layout::Rgb8,
        ColorType::Rgba8 => Layout::Rgba8,
        ColorType::L16 => Layout::L16,
        ColorType::La16 => Layout::La16,
        ColorType::Rgb16 => Layout::Rgb16,
        ColorType::Rgba16 => Layout::Rgba16,
        ColorType::Rgb32F => Layout::Rgb32F,
        ColorType::Rgba32F => Layout::Rgba32F,
        other => return Err(Error::unsupported(format!("pixels of type {other:?}"))),
    };
    decoder.set_limits(inner(limits)).map_err(decode_error)?;
    let header = Header {
        width,
        height,
        layout,
        curve,
    };
    Ok(Box::new(Raster { decoder, header }))
}

/// What a decoder may allocate itself. The pixels are the caller's.
pub(super) fn inner(limits: &Limits) -> image::Limits {
    let mut inner = image::Limits::no_limits();
    inner.max_alloc = Some(limits.bytes);
    inner
}

impl<D: ImageDecoder> Decode for Raster<D> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.decoder.read_image(out).map_err(decode_error)
    }
}

pub(super) fn decode_error(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(cause) => Error::unsupported(cause.to_string()),
        // The file is in memory, so the only error of reading is its end.
        ImageError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => cut_short(),
        error => Error::decode(error),
    }
}

pub(super) fn encode_error(error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) => error.into(),
        error => Error::encode(error),
    }
}

pub(super) fn write(encoder: impl ImageEncoder, pixels: Pixels<'_>) -> Result<()> {
    let color = match pixels.layout {
        Layout::Rgb8 => ExtendedColorType::Rgb8,
        Layout::Rgba8 => ExtendedColorType::Rgba8,
        Layout::Rgb16 => ExtendedColorType::Rgb16,
        Layout::Rgba16 => ExtendedColorType::Rgba16,
        Layout::Rgb32F => ExtendedColorType::Rgb32F,
        Layout::Rgba32F => ExtendedColorType::Rgba32F,
        other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
    };
    encoder
        .write_image(pixels.data, pixels.width, pixels.height, color)
        .map_err(encode_error)
}
