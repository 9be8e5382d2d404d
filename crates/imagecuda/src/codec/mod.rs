//! The file formats. Each format is one [`Codec`], and [`CODECS`] is the only list of them. This
//! module finds the codec of a format, checks files against the limits, and adds the format to
//! errors.

pub(crate) mod animation;
#[cfg(feature = "bmp")]
mod bmp;
#[cfg(any(feature = "gif", feature = "png"))]
mod canvas;
mod capabilities;
#[cfg(any(feature = "gif", feature = "png", feature = "webp"))]
mod composed;
mod contract;
#[cfg(feature = "image")]
#[allow(dead_code, reason = "some formats recover without it")]
mod double_decode;
#[cfg(feature = "exr")]
mod exr;
#[cfg(feature = "gif")]
mod gif;
#[cfg(feature = "hdr")]
mod hdr;
#[cfg(feature = "heif")]
mod heif;
#[cfg(feature = "ico")]
mod ico;
#[cfg(feature = "image")]
#[allow(dead_code, reason = "some formats only read or only write through it")]
mod image_crate;
mod jpeg;
mod panics;
#[cfg(any(feature = "exr", feature = "png", feature = "tiff"))]
mod par_ordered;
#[cfg(feature = "png")]
mod png;
#[cfg(feature = "pnm")]
mod pnm;
#[cfg(feature = "qoi")]
mod qoi;
pub(crate) mod sequence;
#[cfg(feature = "tga")]
mod tga;
#[cfg(feature = "tiff")]
mod tiff;
#[cfg(feature = "webp")]
mod webp;

pub(crate) use self::{
    contract::{Codec, Decode, EncodeRequest, PayloadTarget},
    panics::caught,
    sequence::{Sequence, count as count_frames, open as open_sequence},
};

pub(crate) use self::capabilities::Alpha;
#[cfg(test)]
pub(crate) use self::capabilities::Capabilities;
use crate::{
    Channels, Depth, Error, ErrorKind, Format, Limits, Result, SaveOptions,
    device::{Payload, encode_webp::WebpSamples},
    jpeg::{Jpeg, LookedAt},
    limits::check_limit,
    metadata::{Metadata, embedded::Embedded},
    picture::{Area, Header, Pixels},
    sink::{self, Sink},
};
use imagecuda_kernels::{expand::Curve, layout::Layout};

/// The codecs of this build.
static CODECS: &[&Codec] = &[
    #[cfg(feature = "heif")]
    &heif::AVIF,
    #[cfg(feature = "bmp")]
    &bmp::CODEC,
    #[cfg(feature = "exr")]
    &exr::CODEC,
    #[cfg(feature = "gif")]
    &gif::CODEC,
    #[cfg(feature = "hdr")]
    &hdr::CODEC,
    #[cfg(feature = "heif")]
    &heif::HEIF,
    #[cfg(feature = "ico")]
    &ico::CODEC,
    &jpeg::CODEC,
    #[cfg(feature = "png")]
    &png::CODEC,
    #[cfg(feature = "pnm")]
    &pnm::CODEC,
    #[cfg(feature = "qoi")]
    &qoi::CODEC,
    #[cfg(feature = "tga")]
    &tga::CODEC,
    #[cfg(feature = "tiff")]
    &tiff::CODEC,
    #[cfg(feature = "webp")]
    &webp::CODEC,
];

/// The codecs that this build has enabled. JPEG's code is always compiled.
pub(crate) fn all() -> impl Iterator<Item = &'static Codec> {
    CODECS
        .iter()
        .copied()
        .filter(|codec| codec.format.can_load())
}

fn codec_of(format: Format) -> Result<&'static Codec> {
    all().find(|codec| codec.format == format).ok_or_else(|| {
        let feature = format.feature();
        Error::unsupported(format!(
            "this build has no {format} codec (feature `{feature}`)"
        ))
    })
}

/// The layout and the curve of the pixels that an encoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EncoderInput {
    pub(crate) layout: Layout,
    pub(crate) curve: Curve,
}

/// Reads the header of `bytes`, a file of `format`. The limits do not hold for the picture's size
/// yet, as a part of it may be enough: [`check`] checks that. A `damaged` file is one that could not be
/// opened or decoded.
pub(crate) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
    damaged: bool,
) -> Result<Box<dyn Decode + 'a>> {
    #[cfg(test)]
    panics::torn(if damaged { "damaged" } else { "open" }, bytes);
    let decoder = codec_of(format).and_then(|codec| match damaged {
        true => (codec.recover)(bytes, limits),
        false => (codec.open)(bytes, limits),
    });
    named(format, decoder)
}

/// As [`open`], of a JPEG whose first scan has been looked at.
pub(crate) fn open_jpeg<'a>(bytes: &'a [u8], looked_at: &LookedAt) -> Result<Box<dyn Decode + 'a>> {
    #[cfg(test)]
    panics::torn("open", bytes);
    let decoder = codec_of(Format::Jpeg).and_then(|_| Jpeg::read_known(bytes, looked_at));
    named(Format::Jpeg, decoder.map(|jpeg| Box::new(jpeg) as _))
}

/// Opens the layer that `layer` names, or what [`open`] does if it names none.
pub(crate) fn open_layer<'a>(
    format: Format,
    bytes: &'a [u8],
    layer: Option<&str>,
    limits: &Limits,
    damaged: bool,
) -> Result<Box<dyn Decode + 'a>> {
    let Some(layer) = layer else {
        return open(format, bytes, limits, damaged);
    };
    let decoder = codec_of(format).and_then(|codec| match codec.capabilities.layers {
        Some(open) => open(bytes, layer, limits, damaged),
        None => Err(Error::unsupported("layers, which only OpenEXR files have")),
    });
    named(format, decoder)
}

/// The metadata of a file. Empty if the build lacks the codec.
pub(crate) fn metadata(format: Format, bytes: &[u8]) -> Embedded {
    #[cfg(test)]
    panics::torn("metadata", bytes);
    codec_of(format).map_or_else(|_| Embedded::default(), |codec| (codec.metadata)(bytes))
}

/// Refuses a picture without pixels, and adds the format to all errors of the decoder.
fn named<'a>(
    format: Format,
    decoder: Result<Box<dyn Decode + 'a>>,
) -> Result<Box<dyn Decode + 'a>> {
    decoder
        .and_then(|decoder| {
            check_has_pixels(&decoder.header())?;
            Ok(Box::new(WithFormat(format, decoder)) as _)
        })
        .map_err(|error| error.with_format(format))
}

/// Adds the format to the errors of a decoder.
struct WithFormat<'a>(Format, Box<dyn Decode + 'a>);

impl Decode for WithFormat<'_> {
    fn header(&self) -> Header {
        self.1.header()
    }

    fn reduce(&mut self, divisor: u32) -> bool {
        self.1.reduce(divisor)
    }

    fn narrow(&mut self, area: Area, target: PayloadTarget<'_>) -> Area {
        self.1.narrow(area, target)
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

    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        let Self(format, decoder) = *self;
        decoder
            .payload(target)
            .map_err(|error| error.with_format(format))
    }
}

fn check_has_pixels(&Header { width, height, .. }: &Header) -> Result<()> {
    match width == 0 || height == 0 {
        true => Err(Error::decode(format!("the picture is {width}x{height}"))),
        false => Ok(()),
    }
}

/// Checks the size of what is decoded. This is the only place that does.
pub(crate) fn check(header: &Header, limits: &Limits) -> Result<()> {
    check_has_pixels(header)?;
    let Header { width, height, .. } = *header;
    let pixels = u64::from(width) * u64::from(height);
    check_limit("pixels", Some(pixels), limits.pixels)?;
    let bytes = pixels.checked_mul(header.layout.bytes_per_pixel() as u64);
    check_limit("bytes", bytes, limits.bytes.min(isize::MAX as u64))
}

/// The pixels that the device must make for `format`, with a file of `extension`. Fails if the
/// format does not honour every option.
pub(crate) fn encoder_input(
    format: Format,
    extension: Option<&str>,
    options: &SaveOptions,
) -> Result<EncoderInput> {
    codec_of(format)
        .and_then(|codec| input_of(codec, extension, options))
        .map_err(|error| error.with_format(format))
}

fn input_of(codec: &Codec, extension: Option<&str>, options: &SaveOptions) -> Result<EncoderInput> {
    let depth = capabilities::check(codec, options)?;
    let alpha = match codec.capabilities.alpha {
        Alpha::Kept => true,
        Alpha::Flattened => false,
        Alpha::ByExtension(has_alpha) => has_alpha(extension)?,
    };
    let all = match alpha && options.background.is_none() {
        true => Channels::Rgba,
        false => Channels::Rgb,
    };
    Ok(EncoderInput {
        layout: layout(options.channels.unwrap_or(all), all, depth),
        curve: codec.capabilities.curve,
    })
}

/// The layout with these channels. `all` replaces [`Channels::Auto`]. There is no gray layout of
/// floats.
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

/// The layout with the fewest channels for a picture that has colour and alpha or not. `planned` is
/// the layout that [`encoder_input`] gave for [`Channels::Auto`].
pub(crate) fn minimal_layout(
    format: Format,
    planned: Layout,
    color: bool,
    alpha: bool,
) -> Result<Layout> {
    let depth = match planned.bits() {
        8 => Depth::U8,
        _ => Depth::U16,
    };
    let codec = codec_of(format)?;
    let minimal = capabilities::minimal_channels(codec, color, alpha && planned.has_alpha());
    Ok(layout(minimal, Channels::Rgba, depth))
}

/// Writes a file of `format` to `out`.
pub(crate) fn encode(format: Format, request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    let Pixels {
        width,
        height,
        layout,
        data,
    } = request.pixels;
    // Encoders index by width and height, and some panic if pixels are missing.
    let encoded = match Some(data.len()) == layout.bytes(width, height) {
        true => codec_of(format)
            .and_then(|codec| sink::watched(out, |out| (codec.encode)(request, out))),
        false => Err(Error::encode(
            "the pixels have another size than the picture",
        )),
    };
    encoded.map_err(|error| error.with_format(format))
}

/// Whether a WebP with these options is lossy.
pub(crate) fn is_lossy_webp(options: &SaveOptions) -> bool {
    !options.lossless.unwrap_or(options.quality.is_none())
}

/// Writes the lossy WebP of planes that a kernel has made.
pub(crate) fn write_webp_planes(
    planes: &WebpSamples,
    options: &SaveOptions,
    out: &mut dyn Sink,
) -> Result<()> {
    #[cfg(feature = "webp")]
    return sink::watched(out, |out| webp::write_planes(planes, options, out));
    #[cfg(not(feature = "webp"))]
    {
        let _ = (planes, options, out);
        codec_of(Format::WebP).map(|_| ())
    }
}

/// Writes the PNG of a picture that kernels have encoded: the stream of its IDAT chunks, and what
/// the data of each leave of CRC-32. The pixels of `picture` are not looked at.
pub(crate) fn write_encoded_png(
    picture: Pixels<'_>,
    metadata: &Metadata,
    encoded: (&[u8], &[u32]),
    out: &mut dyn Sink,
) -> Result<()> {
    #[cfg(feature = "png")]
    return sink::watched(out, |out| {
        png::encode::write_encoded(picture, metadata, encoded, out)
    });
    #[cfg(not(feature = "png"))]
    {
        let _ = (picture, metadata, encoded, out);
        codec_of(Format::Png).map(|_| ())
    }
}

/// Fails if a side is larger than the format's files can state.
#[allow(dead_code, reason = "for codecs, which a build may lack")]
fn check_sides(pixels: &Pixels<'_>, limit: u32) -> Result<()> {
    check_side(pixels.width.max(pixels.height), limit)
}

fn check_side(side: u32, limit: u32) -> Result<()> {
    check_limit("pixels on a side", Some(side.into()), limit.into())
}

#[cfg(test)]
mod tests;
