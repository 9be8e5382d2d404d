//! Radiance HDR, through the `image` crate.

use super::{
    capabilities::{Alpha, Capabilities, PLAIN},
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Depth, Error, Format, Limits, Result, memory, picture::Pixels, sink::Sink};
use image::codecs::hdr::{HdrDecoder, HdrEncoder};
use imagecuda_kernels::expand::Curve;
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Hdr,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: Capabilities {
        depths: &[Depth::F32],
        alpha: Alpha::Flattened,
        curve: Curve::Linear,
        ..PLAIN
    },
};

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder holds all lines, each in many times its bytes.
    const MOST_HEADER: usize = 1 << 20;
    let header = &bytes[..bytes.len().min(MOST_HEADER)];
    if bytes.len() > MOST_HEADER && !header.windows(2).any(|two| two == b"\n\n") {
        return Err(Error::decode("the header is too long"));
    }
    // Strict is for the one signature of two that files have.
    let decoder = match bytes.starts_with(b"#?RADIANCE") {
        true => HdrDecoder::new(Cursor::new(bytes)),
        false => HdrDecoder::new_nonstrict(Cursor::new(bytes)),
    };
    image_crate::open(decoder, limits, Curve::Linear)
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    // What three bytes and an exponent hold. The encoder's exponent wraps beyond, so that the
    // brightest would be black, and the darkest bright.
    const LEAST: f32 = f32::MIN_POSITIVE / 4.0;
    const MOST: f32 = 255.0 / 256.0 * (f32::MAX / 2.0);
    let mut data = memory::copied(request.pixels.data)?;
    for sample in data.as_chunks_mut().0 {
        let v = f32::from_ne_bytes(*sample);
        let held = if v >= LEAST { v.min(MOST) } else { 0.0 };
        *sample = held.to_ne_bytes();
    }
    let data = &data[..];
    let pixels = Pixels {
        data,
        ..request.pixels
    };
    image_crate::write(HdrEncoder::new(out), pixels)
}
