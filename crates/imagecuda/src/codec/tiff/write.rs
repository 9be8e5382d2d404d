//! Writing TIFF.

use super::{metadata::Described, strips};
use crate::{
    Compression, Error, Metadata, Result, codec::EncodeRequest, picture::Pixels, sink::Sink,
};
use bytemuck::Pod;
use imagecuda_kernels::layout::Layout;
use std::borrow::Cow;
use tiff::{
    TiffError,
    encoder::{
        Compression as Method, DeflateLevel, TiffEncoder, TiffKind, TiffValue,
        colortype::{
            ColorType, Gray8, Gray16, RGB8, RGB16, RGB32Float, RGBA8, RGBA16, RGBA32Float,
        },
    },
};

pub(super) fn encode(
    EncodeRequest {
        pixels, options, ..
    }: EncodeRequest<'_>,
    out: &mut dyn Sink,
) -> Result<()> {
    // The default is uncompressed: the crate's compressions take seconds for a large photo and save
    // a third of it.
    let method = match options.compression {
        None | Some(Compression::Uncompressed) => Method::Uncompressed,
        Some(Compression::Fast) => Method::Deflate(DeflateLevel::Fast),
        Some(Compression::Balanced) => Method::Deflate(DeflateLevel::Balanced),
        Some(Compression::Small) => Method::Deflate(DeflateLevel::Best),
        Some(Compression::Lzw) => Method::Lzw,
        Some(Compression::PackBits) => Method::Packbits,
    };
    // TIFF has 32-bit offsets. This leaves room for the tables of strips, and for LZW, which needs
    // 12 bits for a byte at worst.
    let small = match method {
        Method::Uncompressed => 0xfff0_0000,
        _ => 0xa000_0000,
    };
    if pixels.data.len() < small {
        let file = TiffEncoder::new(out).map_err(encode_error)?;
        write_as(file, method, pixels, &options.metadata)
    } else {
        let file = TiffEncoder::new_big(out).map_err(encode_error)?;
        write_as(file, method, pixels, &options.metadata)
    }
}

fn write_as<K: TiffKind + Send>(
    file: TiffEncoder<&mut dyn Sink, K>,
    method: Method,
    pixels: Pixels<'_>,
    metadata: &Metadata,
) -> Result<()> {
    match pixels.layout {
        Layout::L8 => write_page::<Gray8, K>(file, method, pixels, metadata),
        Layout::L16 => write_page::<Gray16, K>(file, method, pixels, metadata),
        Layout::Rgb8 => write_page::<RGB8, K>(file, method, pixels, metadata),
        Layout::Rgba8 => write_page::<RGBA8, K>(file, method, pixels, metadata),
        Layout::Rgb16 => write_page::<RGB16, K>(file, method, pixels, metadata),
        Layout::Rgba16 => write_page::<RGBA16, K>(file, method, pixels, metadata),
        Layout::Rgb32F => write_page::<RGB32Float, K>(file, method, pixels, metadata),
        Layout::Rgba32F => write_page::<RGBA32Float, K>(file, method, pixels, metadata),
        other => Err(Error::encode(format!("the encoder takes no {other:?}"))),
    }
}

fn write_page<C: ColorType, K: TiffKind + Send>(
    mut file: TiffEncoder<&mut dyn Sink, K>,
    method: Method,
    pixels: Pixels<'_>,
    metadata: &Metadata,
) -> Result<()>
where
    C::Inner: Pod,
    [C::Inner]: TiffValue,
{
    let described = Described::begin(metadata, &mut file).map_err(encode_error)?;
    let picture = file.image_directory().map_err(encode_error)?;
    strips::write::<C, K>(picture, described, method, pixels)
}

/// Staging memory is aligned for any sample. Other bytes are copied.
pub(super) fn samples<T: Pod>(bytes: &[u8]) -> Cow<'_, [T]> {
    match bytemuck::try_cast_slice(bytes) {
        Ok(samples) => samples.into(),
        Err(_) => bytemuck::pod_collect_to_vec(bytes).into(),
    }
}

pub(super) fn encode_error(error: TiffError) -> Error {
    match error {
        TiffError::IoError(error) => error.into(),
        error => Error::encode(error),
    }
}
