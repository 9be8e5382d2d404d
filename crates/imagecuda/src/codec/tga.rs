//! Truevision TGA, through the `image` crate.

use super::{
    capabilities::PLAIN,
    check_sides,
    contract::{Codec, Decode, EncodeRequest},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Error, Format, Limits, Result, picture::Header, sink::Sink};
use image::codecs::tga::{TgaDecoder, TgaEncoder};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Tga,
    open,
    recover,
    encode,
    sequence: None,
    capabilities: PLAIN,
};

/// Both values that are made up are pixels, and begin packets of pixels.
fn recover<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    // Of a palette they may be two alike.
    if let [_, _, 1 | 9, ..] = bytes {
        return Err(Error::nothing_decoded());
    }
    DoubleDecode::with(open, bytes, limits, Some([&[0], &[255]]))
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let decoder = TgaDecoder::new(Cursor::new(bytes));
    let decoder = image_crate::open(decoder, limits, Curve::Encoded)?;
    // The decoder above got past these: an image type, a depth, and a count of alpha bits.
    let &[_, _, kind, .., depth, descriptor] = bytes.first_chunk::<18>().unwrap_or(&[0; 18]);
    let opaque = matches!(kind, 2 | 10) && depth == 32 && descriptor & 15 == 0;
    Ok(if opaque {
        Box::new(OpaqueTga(decoder))
    } else {
        decoder
    })
}

/// A TGA file whose fourth channel is not alpha, which the `image` crate takes it for.
struct OpaqueTga<'a>(Box<dyn Decode + 'a>);

impl Decode for OpaqueTga<'_> {
    fn header(&self) -> Header {
        self.0.header()
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let rgba = self.header().layout == Layout::Rgba8;
        self.0.read_into(out)?;
        if rgba {
            let alphas = out.iter_mut().skip(3).step_by(4);
            alphas.for_each(|alpha| *alpha = 255);
        }
        Ok(())
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&request.pixels, 65_535)?;
    image_crate::write(TgaEncoder::new(out), request.pixels)
}
