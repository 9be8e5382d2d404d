//! File ↔ host pixels. A codec reads a header, then decodes straight into memory that the
//! caller gives; or frames and compresses pixels that the caller has prepared. This module
//! chooses the codec, and keeps the limits.

// With codecs left out, what only they use is dead.
#![cfg_attr(
    not(all(
        feature = "bmp",
        feature = "exr",
        feature = "gif",
        feature = "hdr",
        feature = "ico",
        feature = "jpeg",
        feature = "png",
        feature = "pnm",
        feature = "qoi",
        feature = "tga",
        feature = "tiff",
        feature = "webp",
    )),
    allow(dead_code, unused_imports, unused_variables)
)]

use crate::{Channels, Depth, Error, ErrorKind, Format, Limits, Result, SaveOptions};
use imagecuda_kernels::{expand::Curve, layout::Layout};

mod damaged;
mod exif;
pub(crate) mod frames;
#[cfg(feature = "gif")]
mod gif;
#[cfg(feature = "heif")]
mod heif;
#[cfg(any(feature = "png", feature = "tiff"))]
mod in_order;
#[cfg(feature = "jpeg")]
pub(crate) mod jpeg;
mod metadata;
mod options;
#[cfg(feature = "pnm")]
mod pfm;
#[cfg(feature = "png")]
mod png;
#[cfg(feature = "png")]
mod png_chunks;
#[cfg(any(
    feature = "bmp",
    feature = "exr",
    feature = "gif",
    feature = "hdr",
    feature = "ico",
    feature = "pnm",
    feature = "qoi",
    feature = "tga",
))]
mod raster;
#[cfg(feature = "webp")]
mod riff;
mod sink;
#[cfg(feature = "tiff")]
mod tiff;
#[cfg(feature = "webp")]
mod webp;
#[cfg(feature = "webp")]
mod webp_anim;

pub(crate) use damaged::open as open_damaged;
pub(crate) use metadata::Metadata;
pub(crate) use sink::Sink;

/// What a header says, once checked against the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How [`Decode::read_into`] lays the pixels.
    pub(crate) layout: Layout,
    /// What their numbers mean.
    pub(crate) curve: Curve,
}

impl Header {
    /// The bytes of all pixels. Fits, as the limits were checked.
    pub(crate) fn bytes(&self) -> usize {
        self.layout
            .bytes(self.width, self.height)
            .unwrap_or(usize::MAX)
    }
}

/// A file whose header has been read.
pub(crate) trait Decode {
    fn header(&self) -> Header;

    /// Decodes all pixels into `out`, which has exactly [`Header::bytes`] bytes (of any
    /// alignment, and with anything in them). On an error `out` may hold anything.
    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()>;

    /// The file, if it is one that a device can make pixels of.
    #[cfg(feature = "jpeg")]
    fn jpeg(&self) -> Option<&jpeg::Jpeg<'_>> {
        None
    }
}

/// Pixels ready for an encoder: packed rows in `layout`, as [`plan`] asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) data: &'a [u8],
}

/// The pixels that an encoder wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) layout: Layout,
    pub(crate) curve: Curve,
}

/// Reads the header of `bytes`, which are in `format`, and holds it against `limits`.
pub(crate) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    checked(format, open_unchecked(format, bytes, limits), limits)
}

/// Holds a header against `limits`, and has all errors name the format.
fn checked<'a>(
    format: Format,
    decoder: Result<Box<dyn Decode + 'a>>,
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    decoder
        .and_then(|decoder| {
            check(&decoder.header(), limits)?;
            Ok(Box::new(WithFormat(format, decoder)) as _)
        })
        .map_err(|error| error.with_format(format))
}

/// Every codec's errors name the format, wherever they happen.
struct WithFormat<'a>(Format, Box<dyn Decode + 'a>);

impl Decode for WithFormat<'_> {
    fn header(&self) -> Header {
        self.1.header()
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let Self(format, decoder) = *self;
        let expected = decoder.header().bytes();
        if out.len() != expected {
            let actual = out.len();
            return Err(ErrorKind::WrongLength { expected, actual }.into());
        }
        decoder
            .read_into(out)
            .map_err(|error| error.with_format(format))
    }

    #[cfg(feature = "jpeg")]
    fn jpeg(&self) -> Option<&jpeg::Jpeg<'_>> {
        self.1.jpeg()
    }
}

fn open_unchecked<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    match format {
        #[cfg(feature = "heif")]
        Format::Avif | Format::Heif => heif::open(format, bytes, limits),
        #[cfg(feature = "bmp")]
        Format::Bmp => raster::bmp(bytes, limits),
        #[cfg(feature = "exr")]
        Format::Exr => raster::exr(bytes, limits),
        #[cfg(feature = "gif")]
        Format::Gif => gif::open(bytes, limits),
        #[cfg(feature = "hdr")]
        Format::Hdr => raster::hdr(bytes, limits),
        #[cfg(feature = "ico")]
        Format::Ico => raster::ico(bytes, limits),
        #[cfg(feature = "jpeg")]
        Format::Jpeg => jpeg::open(bytes),
        #[cfg(feature = "png")]
        Format::Png => png::decode::open(bytes),
        #[cfg(feature = "pnm")]
        Format::Pnm if pfm::is_pfm(bytes) => pfm::open(bytes),
        #[cfg(feature = "pnm")]
        Format::Pnm => raster::pnm(bytes, limits),
        #[cfg(feature = "qoi")]
        Format::Qoi => raster::qoi(bytes, limits),
        #[cfg(feature = "tga")]
        Format::Tga => raster::tga(bytes, limits),
        #[cfg(feature = "tiff")]
        Format::Tiff => tiff::open(bytes, limits),
        #[cfg(feature = "webp")]
        Format::WebP => webp::open(bytes),
        #[allow(unreachable_patterns)] // with every codec in, nothing is left
        _ => Err(no_codec(format)),
    }
}

/// The one place where a file's size is held against the limits.
fn check(header: &Header, limits: &Limits) -> Result<()> {
    let Header { width, height, .. } = *header;
    if width == 0 || height == 0 {
        return Err(Error::decode(format!("the picture is {width}x{height}")));
    }
    let pixels = u64::from(width) * u64::from(height);
    within("pixels", Some(pixels), limits.pixels)?;
    let bytes = pixels.checked_mul(header.layout.bytes_per_pixel() as u64);
    within("bytes", bytes, limits.bytes.min(isize::MAX as u64))
}

/// That `requested` (`None`: more than can be counted) is at most `limit`.
pub(crate) fn within(what: &'static str, requested: Option<u64>, limit: u64) -> Result<()> {
    match requested {
        Some(requested) if requested <= limit => Ok(()),
        _ => Err(ErrorKind::LimitExceeded {
            what,
            requested: requested.unwrap_or(u64::MAX),
            limit,
        }
        .into()),
    }
}

/// Which pixels the device must prepare for `format`, whose file will have `extension`, and
/// whether every option can be honoured.
pub(crate) fn plan(format: Format, extension: Option<&str>, options: &SaveOptions) -> Result<Plan> {
    plan_for(format, extension, options).map_err(|error| error.with_format(format))
}

fn plan_for(format: Format, extension: Option<&str>, options: &SaveOptions) -> Result<Plan> {
    if !format.can_save() {
        return Err(no_codec(format));
    }
    let depth = options::check(format, options)?;
    let alpha = match format {
        Format::Hdr | Format::Jpeg => false,
        Format::Pnm => netpbm_is_pam(extension)?,
        _ => true,
    };
    let all = match alpha && options.background.is_none() {
        true => Channels::Rgba,
        false => Channels::Rgb,
    };
    let layout = layout(options.channels.unwrap_or(all), all, depth);
    let curve = match format {
        Format::Exr | Format::Hdr => Curve::Linear,
        _ => Curve::Encoded,
    };
    Ok(Plan { layout, curve })
}

/// That of so many channels, `all` for [`Channels::Auto`]. There is no gray of floats.
fn layout(channels: Channels, all: Channels, depth: Depth) -> Layout {
    use Channels::*;
    let channels = match channels {
        Auto => all,
        known => known,
    };
    match (depth, channels) {
        (Depth::U8, Gray) => Layout::L8,
        (Depth::U8, GrayAlpha) => Layout::La8,
        (Depth::U8, Rgb) => Layout::Rgb8,
        (Depth::U8, Rgba | Auto) => Layout::Rgba8,
        (Depth::U16, Gray) => Layout::L16,
        (Depth::U16, GrayAlpha) => Layout::La16,
        (Depth::U16, Rgb) => Layout::Rgb16,
        (Depth::U16, Rgba | Auto) => Layout::Rgba16,
        (Depth::F32, Gray | Rgb) => Layout::Rgb32F,
        (Depth::F32, GrayAlpha | Rgba | Auto) => Layout::Rgba32F,
    }
}

/// Of what [`plan`] asked for with [`Channels::Auto`], what a picture needs that has colour and
/// alpha or not.
pub(crate) fn narrowed(format: Format, planned: Layout, color: bool, alpha: bool) -> Layout {
    let depth = match planned.bits() {
        8 => Depth::U8,
        _ => Depth::U16,
    };
    let fewest = options::fewest(format, color, alpha && planned.has_alpha());
    layout(fewest, Channels::Rgba, depth)
}

/// Whether a Netpbm file of that extension is a PAM, which holds alpha, or a PPM.
fn netpbm_is_pam(extension: Option<&str>) -> Result<bool> {
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("pam") => Ok(true),
        Some(other @ ("pbm" | "pgm" | "pfm")) => Err(Error::unsupported(format!(
            "writing .{other} files; write .ppm (RGB) or .pam (RGB and alpha)"
        ))),
        _ => Ok(false),
    }
}

/// Writes `pixels`, which are as [`plan`] asked for, to `out`.
pub(crate) fn encode(
    format: Format,
    extension: Option<&str>,
    pixels: Pixels<'_>,
    options: &SaveOptions,
    out: &mut dyn Sink,
) -> Result<()> {
    sink::watched(out, |out| {
        encode_as(format, extension, pixels, options, out)
    })
    .map_err(|error| error.with_format(format))
}

fn encode_as(
    format: Format,
    extension: Option<&str>,
    pixels: Pixels<'_>,
    options: &SaveOptions,
    out: &mut dyn Sink,
) -> Result<()> {
    // Encoders index by width and height, and some panic where bytes are missing.
    if Some(pixels.data.len()) != pixels.layout.bytes(pixels.width, pixels.height) {
        return Err(Error::encode(
            "the pixels have another size than the picture",
        ));
    }
    match format {
        #[cfg(feature = "heif")]
        Format::Avif | Format::Heif => heif::write(format, pixels, options, out),
        #[cfg(feature = "bmp")]
        Format::Bmp => raster::write_bmp(pixels, out),
        #[cfg(feature = "exr")]
        Format::Exr => raster::write_exr(pixels, out),
        #[cfg(feature = "gif")]
        Format::Gif => raster::write_gif(pixels, out),
        #[cfg(feature = "hdr")]
        Format::Hdr => raster::write_hdr(pixels, out),
        #[cfg(feature = "ico")]
        Format::Ico => raster::write_ico(pixels, out),
        #[cfg(feature = "jpeg")]
        Format::Jpeg => jpeg::write(pixels, options, out),
        #[cfg(feature = "png")]
        Format::Png => png::write(pixels, options, out),
        #[cfg(feature = "pnm")]
        Format::Pnm => raster::write_pnm(pixels, netpbm_is_pam(extension)?, out),
        #[cfg(feature = "qoi")]
        Format::Qoi => raster::write_qoi(pixels, out),
        #[cfg(feature = "tga")]
        Format::Tga => raster::write_tga(pixels, out),
        #[cfg(feature = "tiff")]
        Format::Tiff => tiff::write(pixels, options, out),
        #[cfg(feature = "webp")]
        Format::WebP => webp::write(pixels, options, out),
        #[allow(unreachable_patterns)]
        _ => Err(no_codec(format)),
    }
}

fn no_codec(format: Format) -> Error {
    Error::unsupported(match format {
        Format::Heif | Format::Avif => {
            "this build has no HEIF codec (feature `heif` or `heif-vendored`)".to_owned()
        }
        _ => format!(
            "this build has no {format} codec (feature `{}`)",
            format!("{format:?}").to_lowercase()
        ),
    })
}

/// That a side is at most what a format's files can say.
fn check_sides(pixels: &Pixels<'_>, limit: u32) -> Result<()> {
    let Pixels { width, height, .. } = *pixels;
    if width.max(height) > limit {
        return Err(Error::encode(format!(
            "{width}x{height} is too large: a side has at most {limit} pixels in this format"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
