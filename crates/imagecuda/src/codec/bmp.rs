//! Windows bitmaps, through the `image` crate.

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, EncodeRequest},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Format, Limits, Result, limits::check_limit, sink::Sink};
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
    // The decoder takes no side of more than 65,535, and says so of files that are just too large.
    if let Some((width, height)) = size(bytes) {
        check_limit("pixels", Some(width * height), limits.pixels)?;
    }
    image_crate::open(BmpDecoder::new(Cursor::new(bytes)), limits, Curve::Encoded)
}

/// Width and height as a header of 40 bytes and more says them.
fn size(bytes: &[u8]) -> Option<(u64, u64)> {
    let int = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as i32);
    // Rows from top to bottom are a negative height.
    let (width, height) = (u64::try_from(int(18)?).ok()?, int(22)?.unsigned_abs());
    (int(14)? >= 40).then_some((width, height.into()))
}

fn encode(request: EncodeRequest<'_>, mut out: &mut dyn Sink) -> Result<()> {
    image_crate::write(BmpEncoder::new(&mut out), request.pixels)
}
