//! QOI, through the `image` crate.

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Format, Limits, Result, sink::Sink};
use image::codecs::qoi::{QoiDecoder, QoiEncoder};
use imagecuda_kernels::expand::Curve;
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Qoi,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: PLAIN,
};

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    image_crate::open(QoiDecoder::new(Cursor::new(bytes)), limits, Curve::Encoded)
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    image_crate::write(QoiEncoder::new(out), request.pixels)
}
