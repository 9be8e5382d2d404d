//! What a format is to the rest of the library.

use super::{animation::AnimationWriter, capabilities::Capabilities, sequence::Sequence};
use crate::{
    Device, Format, JpegDecoder, Limits, PngDecoder, Result, SaveOptions,
    device::{Payload, Staging},
    metadata::embedded::Embedded,
    picture::{Header, Pixels},
    sink::Sink,
};
use std::num::NonZeroU32;

/// Reads the header of a file.
pub(crate) type Open = for<'a> fn(&'a [u8], &Limits) -> Result<Box<dyn Decode + 'a>>;

/// Reads a file of several pictures.
pub(crate) type OpenSequence =
    fn(Vec<u8>, &Limits, Header, damaged: bool) -> Result<Box<dyn Sequence>>;

/// Begins an animation.
pub(crate) type OpenAnimation =
    fn(&SaveOptions, Option<NonZeroU32>) -> Result<Box<dyn AnimationWriter>>;

/// All that the library knows of a format's files.
pub(crate) struct Codec {
    pub(crate) format: Format,
    pub(crate) open: Open,
    /// As `open`, for a file that is damaged. [`Decode::read_into`] then gives what decodes, and leaves
    /// the rest transparent black, or black, or what the format's decoders usually make of it. It fails
    /// if nothing decodes.
    pub(crate) recover: Open,
    pub(crate) encode: fn(EncodeRequest<'_>, &mut dyn Sink) -> Result<()>,
    /// Reads what a file says beside its pixels.
    pub(crate) metadata: fn(&[u8]) -> Embedded,
    /// Of a format whose files may have several pictures.
    pub(crate) sequence: Option<SequenceCodec>,
    pub(crate) capabilities: Capabilities,
}

/// The animations of a format, or its documents of several pages.
pub(crate) struct SequenceCodec {
    /// Whether a file is one. Any other has a single picture.
    pub(crate) is_sequence: fn(&[u8]) -> bool,
    /// Opens one whose first header has been read. Of a damaged one, pictures may be missing.
    pub(crate) open: OpenSequence,
    /// How many pictures one has by its structure: of a file that is cut short, those that begin in it.
    pub(crate) count: fn(&[u8]) -> u32,
    /// Begins an animation that is played so often; `None` is for ever.
    pub(crate) write: Option<OpenAnimation>,
}

/// A file whose header has been read.
pub(crate) trait Decode {
    fn header(&self) -> Header;

    /// Decodes all pixels into `out`, which has exactly [`Header::bytes`] bytes (of any
    /// alignment, and with anything in them). On an error `out` may hold anything.
    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()>;

    /// Makes what the device of `target` expands. By default that is pixels. Formats override this that
    /// a device can decode itself.
    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        pixel_payload(self, target)
    }
}

/// Pixels, decoded straight into staging memory.
pub(super) fn pixel_payload<D: Decode + ?Sized>(
    decoder: Box<D>,
    target: PayloadTarget<'_>,
) -> Result<Payload> {
    let mut pixels = target.device.staging(decoder.header().bytes())?;
    decoder.read_into(&mut pixels)?;
    Ok(Payload::Pixels(pixels))
}

/// Whom a [`Payload`] is for.
#[derive(Clone, Copy)]
pub(crate) struct PayloadTarget<'a> {
    pub(crate) device: &'a Device,
    /// The staging memory that holds the file, if any does.
    pub(crate) file: Option<&'a Staging>,
    pub(crate) jpeg_decoder: JpegDecoder,
    #[cfg_attr(not(feature = "png"), allow(dead_code, reason = "for PNG"))]
    pub(crate) png_decoder: PngDecoder,
}

/// A picture to encode.
#[derive(Clone, Copy)]
pub(crate) struct EncodeRequest<'a> {
    /// In the layout that [`encoder_input`](super::encoder_input) asked for.
    pub(crate) pixels: Pixels<'a>,
    pub(crate) options: &'a SaveOptions,
    /// Of the file's name.
    #[allow(dead_code, reason = "for PNM, which a build may lack")]
    pub(crate) extension: Option<&'a str>,
}

#[cfg(test)]
impl<'a> EncodeRequest<'a> {
    /// Of a file without a name.
    pub(crate) fn new(pixels: Pixels<'a>, options: &'a SaveOptions) -> Self {
        let extension = None;
        Self {
            pixels,
            options,
            extension,
        }
    }
}

/// Of a format whose files say nothing beside their pixels.
#[allow(dead_code, reason = "for codecs, which a build may lack")]
pub(super) fn no_metadata(_: &[u8]) -> Embedded {
    Embedded::default()
}
