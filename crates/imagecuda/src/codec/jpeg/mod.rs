//! JPEG files, read and written by [`crate::jpeg`].

mod metadata;

use super::{
    capabilities::{Alpha, Capabilities, PLAIN},
    contract::{Codec, Decode, PayloadTarget, pixel_payload},
};
use crate::{
    Channels, Format, JpegDecoder, Result,
    device::{JpegRequest, Payload},
    jpeg::{self, Jpeg},
    metadata::embedded::JPEG_ICC_PIECE,
    picture::{Area, Header},
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Jpeg,
    open: |bytes, _| Ok(Box::new(Jpeg::read(bytes, false)?)),
    // Blocks that do not decode become gray. A progressive file is decoded as finely as its data
    // allow.
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
        // Segments have 16-bit lengths, and a profile has at most 255 segments.
        max_metadata: (65_527, 255 * JPEG_ICC_PIECE),
        ..PLAIN
    },
};

impl Decode for Jpeg<'_> {
    fn header(&self) -> Header {
        Jpeg::header(self)
    }

    fn reduce(&mut self, divisor: u32) -> bool {
        let can = self.has_bytes();
        if can {
            Jpeg::reduce(self, 8 / divisor);
        }
        can
    }

    fn narrow(&mut self, needed: Area, target: PayloadTarget<'_>) -> Area {
        // Kernels decode all of a picture. At a reduced size the host decodes what they cannot.
        let by_kernels = match target.jpeg_decoder {
            JpegDecoder::Kernels => true,
            _ if self.is_full_size() => target.device.is_cuda(),
            JpegDecoder::Auto => target.device.is_cuda() && self.may_have_plan(),
            JpegDecoder::Host => false,
        };
        match self.is_damaged() || !self.has_bytes() || by_kernels {
            true => {
                let Header { width, height, .. } = self.header();
                Area::whole((width, height))
            }
            false => Jpeg::narrow(self, needed),
        }
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.decode(out)
    }

    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        let PayloadTarget {
            device,
            jpeg_decoder,
            in_group,
            ..
        } = target;
        if in_group
            && Jpeg::is_all(&self)
            && let Some(planned) = device.plan_jpeg(&self, jpeg_decoder)
        {
            return Ok(planned);
        }
        if target.may_wait
            && Jpeg::is_all(&self)
            && let Some(progressive) = device.prepare_progressive(&self, jpeg_decoder)
        {
            return Ok(progressive);
        }
        let request = JpegRequest {
            decoder: jpeg_decoder,
            file: target.file,
            uploaded: target.uploaded,
            new_image: target.new_image,
        };
        match device.decode_jpeg(&self, request)? {
            Some(payload) => Ok(payload),
            None => pixel_payload(self, target),
        }
    }
}
