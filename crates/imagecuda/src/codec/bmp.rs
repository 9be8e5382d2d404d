//! Windows bitmaps, through the `image` crate.

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, EncodeRequest},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Format, Limits, Result, sink::Sink};
use image::codecs::bmp::{BmpDecoder, BmpEncoder};
use imagecuda_kernels::expand::Curve;
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Bmp,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    sequence: None,
    capabilities: PLAIN,
};

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    image_crate::open(BmpDecoder::new(Cursor::new(bytes)), limits, Curve::Encoded)
}

fn encode(request: EncodeRequest<'_>, mut out: &mut dyn Sink) -> Result<()> {
    image_crate::write(BmpEncoder::new(&mut out), request.pixels)
}
