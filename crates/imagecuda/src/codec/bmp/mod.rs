//! BMP, and the bitmaps without a file's header that icons hold. Written through the `image` crate.

mod dib;
mod rle;

pub(super) use self::dib::{Dib, PixelEncoding};

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Format, Limits, Result, error::cut_short, picture::Header, sink::Sink};
use image::codecs::bmp::BmpEncoder;
use imagecuda_kernels::{expand::Curve, layout::Layout};

/// The file's own header, in front of the bitmap's.
const FILE_HEADER: usize = 14;

pub(super) static CODEC: Codec = Codec {
    format: Format::Bmp,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: PLAIN,
};

struct Bmp<'a> {
    dib: Dib,
    header: Header,
    pixels: &'a [u8],
}

fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let offset = bytes.get(10..).and_then(|at| at.first_chunk());
    let (Some(&offset), true) = (offset, bytes.starts_with(b"BM")) else {
        return Err(cut_short());
    };
    let offset = u32::from_le_bytes(offset) as usize;
    let bitmap = bytes.get(FILE_HEADER..).unwrap_or_default();
    let dib = Dib::read(bitmap, offset.checked_sub(FILE_HEADER))?;
    let pixels = bitmap.get(dib.pixels_at..).unwrap_or_default();
    match dib.encoding {
        PixelEncoding::Png => return super::png::decode::open(pixels),
        PixelEncoding::Jpeg => return Ok(Box::new(crate::jpeg::Jpeg::read(pixels, false)?)),
        _ => {}
    }
    let layout = match dib.has_alpha() {
        true => Layout::Rgba8,
        false => Layout::Rgb8,
    };
    let header = Header {
        width: dib.width,
        height: dib.height,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Bmp {
        dib,
        header,
        pixels,
    }))
}

impl Decode for Bmp<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        match self.header.layout {
            Layout::Rgba8 => self.dib.read_pixels::<4>(self.pixels, out),
            _ => self.dib.read_pixels::<3>(self.pixels, out),
        }
        .map(|_| ())
    }
}

fn encode(request: EncodeRequest<'_>, mut out: &mut dyn Sink) -> Result<()> {
    image_crate::write(BmpEncoder::new(&mut out), request.pixels)
}

#[cfg(test)]
mod tests;
