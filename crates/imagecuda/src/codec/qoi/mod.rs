//! QOI. Written through the `image` crate. (Its decoder does not remember the pixel of a run, and
//! takes no alpha in files of three channels.)

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Error, Format, Limits, Result, error::cut_short, picture::Header, sink::Sink};
use image::codecs::qoi::QoiEncoder;
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) static CODEC: Codec = Codec {
    format: Format::Qoi,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: PLAIN,
};

/// The most pixels of a file, as in the reference decoder.
const MOST_PIXELS: u64 = 400_000_000;

/// The bytes after the last pixel.
const END: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

struct Qoi<'a> {
    header: Header,
    data: &'a [u8],
}

fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let (head, data) = bytes.split_first_chunk::<14>().ok_or_else(cut_short)?;
    let [b'q', b'o', b'i', b'f', size @ .., channels, color_space] = *head else {
        return Err(Error::decode("no QOI signature"));
    };
    let [width, height] = [0, 4].map(|at| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|byte| size[at + byte]);
        u32::from_be_bytes([a, b, c, d])
    });
    let layout = match channels {
        3 => Layout::Rgb8,
        4 => Layout::Rgba8,
        _ => return Err(Error::decode(format!("{channels} channels"))),
    };
    if color_space > 1 {
        return Err(Error::decode(format!("colour space {color_space}")));
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Error::decode(format!("more than {MOST_PIXELS} pixels")));
    }
    let header = Header {
        width,
        height,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Qoi { header, data }))
}

impl Decode for Qoi<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let rest = match self.header.layout {
            Layout::Rgb8 => pixels::<3>(self.data, out.as_chunks_mut().0)?,
            _ => pixels::<4>(self.data, out.as_chunks_mut().0)?,
        };
        match rest.first_chunk() {
            Some(&END) => Ok(()),
            Some(_) => Err(Error::decode("the end marker is damaged")),
            None => Err(cut_short()),
        }
    }
}

/// Decodes pixels of N channels into `out`. Returns the data after them.
fn pixels<'a, const N: usize>(mut data: &'a [u8], mut out: &mut [[u8; N]]) -> Result<&'a [u8]> {
    let mut pixel = [0, 0, 0, 255];
    // Each pixel is remembered at its hash, that of a run too.
    let mut seen = [[0; 4]; 64];
    while !out.is_empty() {
        let [r, g, b, a]: [u8; 4] = pixel;
        let mut count = 1;
        (pixel, data) = match *data {
            [0xfe, r, g, b, ref rest @ ..] => ([r, g, b, a], rest),
            [0xff, r, g, b, a, ref rest @ ..] => ([r, g, b, a], rest),
            [number @ ..0x40, ref rest @ ..] => (seen[usize::from(number)], rest),
            [op @ 0x40..0x80, ref rest @ ..] => {
                let add = |v: u8, shift: u8| v.wrapping_add((op >> shift) & 3).wrapping_sub(2);
                ([add(r, 4), add(g, 2), add(b, 0), a], rest)
            }
            [op @ 0x80..0xc0, other, ref rest @ ..] => {
                let green = (op & 63).wrapping_sub(32);
                let add = |v: u8, more: u8| v.wrapping_add(green).wrapping_add(more);
                let [red, blue] = [other >> 4, other & 15].map(|more| more.wrapping_sub(8));
                ([add(r, red), add(g, 0), add(b, blue), a], rest)
            }
            [op @ 0xc0..0xfe, ref rest @ ..] => {
                count = usize::from(op & 63) + 1;
                (pixel, rest)
            }
            _ => return Err(cut_short()),
        };
        let hash = pixel.iter().zip([3, 5, 7, 11]);
        let hash = hash.fold(0, |sum: u8, (v, by)| sum.wrapping_add(v.wrapping_mul(by)));
        seen[usize::from(hash % 64)] = pixel;
        let (run, rest) = out.split_at_mut(count.min(out.len()));
        if let Some(pixel) = pixel.first_chunk() {
            run.fill(*pixel);
        }
        out = rest;
    }
    Ok(data)
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    image_crate::write(QoiEncoder::new(out), request.pixels)
}

#[cfg(test)]
mod tests;
