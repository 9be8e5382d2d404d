//! Files that are damaged or cut short: what can be had of them. Their decoders are apart from
//! the strict ones, which are tried first, so that whole files pay nothing for these.

#[cfg(feature = "exr")]
mod exr;
#[cfg(feature = "png")]
mod png;
#[cfg(any(
    feature = "bmp",
    feature = "hdr",
    feature = "ico",
    feature = "pnm",
    feature = "qoi",
    feature = "tga",
))]
mod twice;

#[cfg(any(
    feature = "bmp",
    feature = "hdr",
    feature = "ico",
    feature = "pnm",
    feature = "qoi",
    feature = "tga",
))]
use self::twice::Twice;
use super::{Decode, checked};
use crate::{Error, Format, Limits, Result};

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
        Format::Bmp => Twice::open(raster::bmp, bytes, limits),
        #[cfg(feature = "exr")]
        Format::Exr => self::exr::open(bytes, limits),
        #[cfg(feature = "gif")]
        Format::Gif => gif::open_damaged(bytes, limits),
        #[cfg(feature = "hdr")]
        Format::Hdr => Twice::open(raster::hdr, bytes, limits),
        #[cfg(feature = "ico")]
        Format::Ico => Twice::open(raster::ico, bytes, limits),
        #[cfg(feature = "jpeg")]
        Format::Jpeg => jpeg::open_damaged(bytes),
        #[cfg(feature = "png")]
        Format::Png => self::png::open(bytes),
        #[cfg(feature = "pnm")]
        Format::Pnm if pfm::is_pfm(bytes) => pfm::open_damaged(bytes),
        #[cfg(feature = "pnm")]
        Format::Pnm => Twice::open_pnm(bytes, limits),
        #[cfg(feature = "qoi")]
        Format::Qoi => Twice::open(raster::qoi, bytes, limits),
        #[cfg(feature = "tga")]
        Format::Tga => Twice::open_tga(bytes, limits),
        #[cfg(feature = "tiff")]
        Format::Tiff => tiff::open_damaged(bytes, limits),
        #[cfg(feature = "webp")]
        Format::WebP => webp::open_damaged(bytes),
        #[allow(unreachable_patterns)] // with every codec in, nothing is left
        _ => Err(no_codec(format)),
    }
}

/// What a decoder says that found nothing.
pub(in crate::codec) fn nothing() -> Error {
    Error::decode("nothing of the picture is left")
}
