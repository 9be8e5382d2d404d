//! The interface between a format and the rest of the library.

use super::{animation::AnimationWriter, capabilities::Capabilities, sequence::Sequence};
use crate::{
    ColorPolicy, Device, Format, JpegDecoder, Limits, PngDecoder, Result, SaveOptions,
    VideoDecoder,
    device::{NewImage, Payload, Staging, UploadedJpeg},
    metadata::embedded::Embedded,
    picture::{Area, Header, Pixels},
    sink::Sink,
};
use std::num::NonZeroU32;

/// A function that reads the header of a file.
pub(crate) type Open = for<'a> fn(&'a [u8], &Limits) -> Result<Box<dyn Decode + 'a>>;

/// A function that reads the header of the layer with a name. With `damaged`, which has this meaning
/// in all codecs, the file may be damaged, and the part that decodes is wanted.
pub(crate) type OpenLayer =
    for<'a> fn(&'a [u8], &str, &Limits, damaged: bool) -> Result<Box<dyn Decode + 'a>>;

/// A function that opens a file with several pictures.
pub(crate) type OpenSequence =
    fn(Vec<u8>, &Limits, Header, damaged: bool) -> Result<Box<dyn Sequence>>;

/// A function that starts to write an animation.
pub(crate) type OpenAnimation =
    fn(&SaveOptions, Option<NonZeroU32>) -> Result<Box<dyn AnimationWriter>>;

/// The implementation of a file format.
pub(crate) struct Codec {
    pub(crate) format: Format,
    pub(crate) open: Open,
    /// Opens a damaged file, as `open` does for a sound one. [`Decode::read_into`] then writes what
    /// decodes. The rest becomes transparent black, or black if the layout has no alpha, or what
    /// decoders of the format usually show. It fails if nothing decodes.
    pub(crate) recover: Open,
    pub(crate) encode: fn(EncodeRequest<'_>, &mut dyn Sink) -> Result<()>,
    /// Reads the metadata of a file.
    pub(crate) metadata: fn(&[u8]) -> Embedded,
    /// For formats whose files may have several pictures.
    pub(crate) sequence: Option<SequenceCodec>,
    pub(crate) capabilities: Capabilities,
}

/// How a format stores animations, or documents of several pages.
pub(crate) struct SequenceCodec {
    /// Whether a file has several pictures.
    pub(crate) is_sequence: fn(&[u8]) -> bool,
    /// Opens a file whose first header has been read. If the file is damaged, pictures may be
    /// missing.
    pub(crate) open: OpenSequence,
    /// How many pictures the structure of a file has. If the file is cut short, those count that
    /// begin in it.
    pub(crate) count: fn(&[u8]) -> u32,
    /// Starts an animation. The second argument is how often it is played; `None` means for ever.
    pub(crate) write: Option<OpenAnimation>,
}

/// A file whose header has been read.
pub(crate) trait Decode {
    fn header(&self) -> Header;

    /// Asks for a picture whose sides are divided by `divisor` (2, 4 or 8), and rounded up. `false` if
    /// the decoder cannot make that at less cost than the whole. If it can, all other methods are then
    /// about that picture.
    fn reduce(&mut self, _divisor: u32) -> bool {
        false
    }

    /// Tells the decoder that only `area` of the picture is needed. The decoder returns an area that
    /// contains it. All other methods are then about that area, as if it were the whole picture. By
    /// default it is.
    fn narrow(&mut self, _area: Area, _target: PayloadTarget<'_>) -> Area {
        let Header { width, height, .. } = self.header();
        Area::whole((width, height))
    }

    /// Decodes all pixels into `out`, whose length is [`Header::bytes`]. `out` has any alignment
    /// and any content. After an error its content is undefined.
    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()>;

    /// Makes the payload for a device. By default that is the decoded pixels. Formats that a device
    /// can decode itself override this.
    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        pixel_payload(self, target)
    }
}

/// Decodes the pixels straight into staging memory.
pub(super) fn pixel_payload<D: Decode + ?Sized>(
    decoder: Box<D>,
    target: PayloadTarget<'_>,
) -> Result<Payload> {
    let mut pixels = target.device.staging(decoder.header().bytes())?;
    decoder.read_into(&mut pixels)?;
    Ok(Payload::Pixels(pixels))
}

/// The device that a [`Payload`] is for, and how to make it.
#[derive(Clone, Copy)]
pub(crate) struct PayloadTarget<'a> {
    pub(crate) device: &'a Device,
    /// The staging memory that holds the file's bytes, if any.
    pub(crate) file: Option<&'a Staging>,
    /// The same bytes on the device, of a JPEG.
    pub(crate) uploaded: Option<&'a UploadedJpeg>,
    /// Set if the pixels go to a new float image. The payload may then be [`Payload::Image`].
    pub(crate) new_image: Option<NewImage<'a>>,
    pub(crate) jpeg_decoder: JpegDecoder,
    /// Whether the payload may be [`Payload::Planned`].
    pub(crate) in_group: bool,
    /// Whether the payload may be [`Payload::Progressive`].
    pub(crate) may_wait: bool,
    #[cfg_attr(
        not(feature = "exr"),
        allow(dead_code, reason = "for OpenEXR's primaries")
    )]
    pub(crate) color_policy: ColorPolicy,
    #[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
    pub(crate) png_decoder: PngDecoder,
    #[cfg_attr(
        not(any(feature = "heif", feature = "webp")),
        allow(dead_code, reason = "for HEIF and WebP")
    )]
    pub(crate) video_decoder: VideoDecoder,
}

/// A picture to encode, with the options.
#[derive(Clone, Copy)]
pub(crate) struct EncodeRequest<'a> {
    /// In the layout that [`encoder_input`](super::encoder_input) asked for.
    pub(crate) pixels: Pixels<'a>,
    pub(crate) options: &'a SaveOptions,
    /// The extension of the file, if it has a name.
    #[allow(dead_code, reason = "for PNM, which a build may lack")]
    pub(crate) extension: Option<&'a str>,
}

#[cfg(test)]
impl<'a> EncodeRequest<'a> {
    /// A request for a file without a name.
    pub(crate) fn new(pixels: Pixels<'a>, options: &'a SaveOptions) -> Self {
        let extension = None;
        Self {
            pixels,
            options,
            extension,
        }
    }
}

/// The `metadata` of formats whose files have none.
#[allow(dead_code, reason = "for codecs, which a build may lack")]
pub(super) fn no_metadata(_: &[u8]) -> Embedded {
    Embedded::default()
}
