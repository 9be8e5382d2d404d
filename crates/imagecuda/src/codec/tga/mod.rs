//! TGA: a header without a magic number, a palette, and pixels or runs of them.

mod write;

use super::{
    capabilities::PLAIN,
    contract::{Codec, Decode, no_metadata},
    double_decode::DoubleDecode,
};
use crate::{Error, Format, Limits, Result, error::cut_short, picture::Header};
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) static CODEC: Codec = Codec {
    format: Format::Tga,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode: write::encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: PLAIN,
};

struct Tga<'a> {
    header: Header,
    kind: Kind,
    /// The bytes of a pixel in the file.
    bytes: usize,
    runs: bool,
    top_down: bool,
    right_to_left: bool,
    palette: Palette<'a>,
    data: &'a [u8],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gray,
    GrayAlpha,
    /// 5 bits a channel, the last for alpha.
    Rgb16,
    Rgb24,
    Rgb32,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha | Self::Rgb16 => 2,
            Self::Rgb24 => 3,
            Self::Rgb32 => 4,
        }
    }

    /// Red, green, blue, alpha; of gray the first and the last.
    #[inline]
    fn color(self, bytes: &[u8]) -> [u8; 4] {
        match (self, bytes) {
            (Self::Rgb24, &[b, g, r]) => [r, g, b, 255],
            (Self::Rgb32, &[b, g, r, alpha]) => [r, g, b, alpha],
            (Self::GrayAlpha, &[gray, alpha]) => [gray, 0, 0, alpha],
            (Self::Rgb16, &[low, high]) => {
                let pixel = u16::from_le_bytes([low, high]);
                let channel = |shift: u16| {
                    let value = pixel >> shift & 31;
                    ((value * 255 + 15) / 31) as u8
                };
                let alpha = if pixel >> 15 == 1 { 255 } else { 0 };
                [channel(10), channel(5), channel(0), alpha]
            }
            _ => [bytes[0], 0, 0, 255],
        }
    }
}

/// The colours that pixels are numbers of, if they are.
#[derive(Default)]
struct Palette<'a> {
    is_there: bool,
    /// The number of the first.
    first: usize,
    colors: &'a [u8],
}

fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let (header, rest) = bytes.split_first_chunk::<18>().ok_or_else(cut_short)?;
    let &[
        id,
        map,
        kind,
        f0,
        f1,
        n0,
        n1,
        map_bits,
        ..,
        w0,
        w1,
        h0,
        h1,
        bits,
        descriptor,
    ] = header;
    let [first, colors, width, height] =
        [[f0, f1], [n0, n1], [w0, w1], [h0, h1]].map(|two| u16::from_le_bytes(two).into());
    // Rows may be in the order of two or four passes. No program is known to write that, and version 2 of
    // the format has it no more.
    if descriptor >> 6 != 0 {
        return Err(Error::unsupported("interleaved rows"));
    }
    // Bits of a pixel, or of the palette's colours, that are no colour.
    let attributes = descriptor & 15;
    let mapped = matches!(kind, 1 | 9);
    let color_bits = if mapped { map_bits } else { bits };
    let color = match (kind, color_bits) {
        (1 | 2 | 9 | 10, 15 | 16) => Kind::Rgb16,
        (1 | 2 | 9 | 10, 24) => Kind::Rgb24,
        (1 | 2 | 9 | 10, 32) => Kind::Rgb32,
        (3 | 11, 8) => Kind::Gray,
        (3 | 11, 16) => Kind::GrayAlpha,
        (1..=3 | 9..=11, _) => {
            return Err(Error::unsupported(format!("{color_bits} bits a pixel")));
        }
        _ => return Err(Error::unsupported(format!("pictures of type {kind}"))),
    };
    if mapped && (map != 1 || !matches!(bits, 8 | 16)) {
        return Err(Error::decode(
            "a palette without colours or numbers of them",
        ));
    }
    // A 15-bit pixel has none, and where the header says so a 16-bit or 32-bit one neither.
    let alpha = attributes != 0 && matches!(color_bits, 16 | 32);
    let layout = match (color, alpha) {
        (Kind::Gray, _) => Layout::L8,
        (Kind::GrayAlpha, _) => Layout::La8,
        (_, true) => Layout::Rgba8,
        (_, false) => Layout::Rgb8,
    };
    let rest = rest.get(id.into()..).ok_or_else(cut_short)?;
    // There may be one of which nothing is used.
    let map_length = match map {
        1 => colors * usize::from(map_bits).div_ceil(8),
        _ => 0,
    };
    let (colors, data) = rest.split_at_checked(map_length).ok_or_else(cut_short)?;
    let palette = match mapped {
        true => Palette {
            is_there: true,
            first,
            colors,
        },
        false => Palette::default(),
    };
    let header = Header {
        width: width as u32,
        height: height as u32,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Tga {
        header,
        kind: color,
        bytes: if mapped {
            usize::from(bits) / 8
        } else {
            color.bytes()
        },
        runs: kind >= 9,
        top_down: descriptor & 0x20 != 0,
        right_to_left: descriptor & 0x10 != 0,
        palette,
        data,
    }))
}

impl Decode for Tga<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let Header { width, height, .. } = self.header;
        let channels = self.header.layout.channels();
        let mut packets = Packets {
            data: self.data,
            bytes: self.bytes,
            left: if self.runs { 0 } else { usize::MAX },
            repeated: None,
        };
        let row_bytes = width as usize * channels;
        for y in 0..height as usize {
            let y = if self.top_down {
                y
            } else {
                height as usize - 1 - y
            };
            let row = &mut out[y * row_bytes..][..row_bytes];
            for x in 0..width as usize {
                let x = if self.right_to_left {
                    width as usize - 1 - x
                } else {
                    x
                };
                let [first @ .., alpha] = self.color(packets.next()?)?;
                let pixel = &mut row[x * channels..][..channels];
                match pixel {
                    [gray] => *gray = first[0],
                    [gray, a] => [*gray, *a] = [first[0], alpha],
                    [r, g, b] => [*r, *g, *b] = first,
                    _ => pixel.copy_from_slice(&[first[0], first[1], first[2], alpha]),
                }
            }
        }
        Ok(())
    }
}

impl Tga<'_> {
    #[inline]
    fn color(&self, pixel: &[u8]) -> Result<[u8; 4]> {
        let mut color = pixel;
        if self.palette.is_there {
            let number = pixel
                .iter()
                .rev()
                .fold(0, |n, &byte| n << 8 | usize::from(byte));
            let size = self.kind.bytes();
            let found = number.checked_sub(self.palette.first);
            let found = found.and_then(|at| self.palette.colors.get(at * size..(at + 1) * size));
            color = found.ok_or_else(|| Error::decode("the palette lacks a colour"))?;
        }
        Ok(self.kind.color(color))
    }
}

/// The pixels of the file, one by one. A packet is up to 128 of them, or one for as many.
struct Packets<'a> {
    data: &'a [u8],
    bytes: usize,
    /// Pixels that are left of the packet.
    left: usize,
    repeated: Option<&'a [u8]>,
}

impl<'a> Packets<'a> {
    #[inline]
    fn next(&mut self) -> Result<&'a [u8]> {
        if self.left == 0 {
            let head = self.take(1)?[0];
            self.left = usize::from(head & 127) + 1;
            self.repeated = match head & 128 {
                0 => None,
                _ => Some(self.take(self.bytes)?),
            };
        }
        self.left -= 1;
        match self.repeated {
            Some(pixel) => Ok(pixel),
            None => self.take(self.bytes),
        }
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.data.split_at_checked(count).ok_or_else(cut_short)?;
        self.data = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
