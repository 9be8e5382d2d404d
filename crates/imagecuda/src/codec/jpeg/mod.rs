//! JPEG files, read and written by [`crate::jpeg`].

mod metadata;

use super::{
    capabilities::{Alpha, Capabilities, PLAIN},
    contract::{Codec, Decode, PayloadTarget, pixel_payload},
};
use crate::{
    Channels, Format, Result,
    device::Payload,
    jpeg::{self, Jpeg},
    metadata::embedded::JPEG_ICC_PIECE,
    picture::Header,
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Jpeg,
    open: |bytes, _| Ok(Box::new(Jpeg::read(bytes, false)?)),
    // What does not decode becomes gray, and of a progressive file all is as fine as it is there.
    recover: |bytes, _| Ok(Box::new(Jpeg::read(bytes, true)?)),
    encode: |request, out| jpeg::encode::write(request.pixels, request.options, out),
    metadata: metadata::metadata,
    sequence: None,
    capabilities: Capabilities {
        channels: &[Channels::Auto, Channels::Gray, Channels::Rgb],
        alpha: Alpha::Flattened,
        quality: true,
        subsampling: true,
        progressive: true,
        optimize_huffman: true,
        restart_interval: true,
        metadata: true,
        // Segments have 16-bit lengths, and a profile at most 255 of them.
        max_metadata: (65_527, 255 * JPEG_ICC_PIECE),
        ..PLAIN
    },
};

impl Decode for Jpeg<'_> {
    fn header(&self) -> Header {
        Jpeg::header(self)
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.decode(out)
    }

    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        let PayloadTarget {
            device,
            file,
            jpeg_decoder,
            ..
        } = target;
        match device.decode_jpeg(&self, jpeg_decoder, file)? {
            Some(payload) => Ok(payload),
            None => pixel_payload(self, target),
        }
    }
}
