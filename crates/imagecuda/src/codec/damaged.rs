//! Files that are damaged or cut short: what can be had of them. Their decoders are apart from
//! the strict ones, which are tried first, so that whole files pay nothing for these.

#[cfg(any(
    feature = "bmp",
    feature = "hdr",
    feature = "ico",
    feature = "pnm",
    feature = "qoi",
    feature = "tga",
))]
use super::double_decode::DoubleDecode;
use super::{Decode, checked};
use crate::{Format, Limits, Result};

/// As [`open`](super::open), of a file that this could not open or decode.
/// [`Decode::read_into`] then gives what decodes, and leaves the rest transparent black, or
/// black, or what the format's decoders are wont to make of it; it fails if nothing decodes.
pub(crate) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    checked(format, open_unchecked(format, bytes, limits), limits)
}

fn open_unchecked<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    use super::*;
    match format {
        #[cfg(feature = "heif")]
        Format::Avif | Format::Heif => heif::open_damaged(format, bytes, limits),
        #[cfg(feature = "bmp")]
        Format::Bmp => DoubleDecode::open(image_crate::bmp, bytes, limits),
        #[cfg(feature = "exr")]
        Format::Exr => exr::open(bytes, limits),
        #[cfg(feature = "gif")]
        Format::Gif => gif::open_damaged(bytes, limits),
        #[cfg(feature = "hdr")]
        Format::Hdr => DoubleDecode::open(image_crate::hdr, bytes, limits),
        #[cfg(feature = "ico")]
        Format::Ico => DoubleDecode::open(image_crate::ico, bytes, limits),
        Format::Jpeg => jpeg::open_damaged(bytes),
        #[cfg(feature = "png")]
        Format::Png => png::recover::open(bytes, limits),
        #[cfg(feature = "pnm")]
        Format::Pnm if pnm::pfm::is_pfm(bytes) => pnm::pfm::open_damaged(bytes),
        #[cfg(feature = "pnm")]
        Format::Pnm => DoubleDecode::open_pnm(bytes, limits),
        #[cfg(feature = "qoi")]
        Format::Qoi => DoubleDecode::open(image_crate::qoi, bytes, limits),
        #[cfg(feature = "tga")]
        Format::Tga => DoubleDecode::open_tga(bytes, limits),
        #[cfg(feature = "tiff")]
        Format::Tiff => tiff::open_damaged(bytes, limits),
        #[cfg(feature = "webp")]
        Format::WebP => webp::open_damaged(bytes),
        #[allow(unreachable_patterns)] // with every codec in, nothing is left
        _ => Err(no_codec(format)),
    }
}
