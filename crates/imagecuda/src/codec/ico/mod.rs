//! ICO, and CUR, which is a cursor: a list of pictures, each a PNG, or a bitmap with a mask after it.

use super::{
    bmp::{Dib, PixelEncoding},
    capabilities::PLAIN,
    check_sides,
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate, png,
};
use crate::{Error, Format, Limits, Result, error::cut_short, picture::Header, sink::Sink};
use image::codecs::ico::IcoEncoder;
use imagecuda_kernels::{expand::Curve, layout::Layout};

pub(super) static CODEC: Codec = Codec {
    format: Format::Ico,
    open,
    recover,
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: PLAIN,
};

/// Sides of a picture whose list says 0.
const LARGEST: u32 = 256;

/// What the list says of a picture.
struct Entry<'a> {
    width: u32,
    height: u32,
    bits: u16,
    /// As long as the list says, as far as the file goes.
    data: &'a [u8],
    /// From there to the end of the file.
    rest: &'a [u8],
    /// Whether the file ends within the picture.
    is_cut: bool,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8], entry: &[u8; 16]) -> Self {
        let &[
            width,
            height,
            _,
            _,
            _,
            _,
            b0,
            b1,
            length @ ..,
            o0,
            o1,
            o2,
            o3,
        ] = entry;
        let side = |side| if side == 0 { LARGEST } else { u32::from(side) };
        let offset = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
        let length = u32::from_le_bytes(length) as usize;
        let rest = bytes.get(offset..).unwrap_or_default();
        Self {
            width: side(width),
            height: side(height),
            bits: u16::from_le_bytes([b0, b1]),
            data: &rest[..length.min(rest.len())],
            rest,
            is_cut: length > rest.len(),
        }
    }

    fn is_png(&self) -> bool {
        self.rest.starts_with(b"\x89PNG\r\n\x1a\n")
    }

    /// The deepest, then the largest.
    fn rank(&self) -> (u16, u32) {
        (self.depth(), self.width * self.height)
    }

    /// The depth that the list says, or that of the picture if no picture has that depth. Some writers leave it
    /// at 0, above all that of a PNG, which counts as one with alpha.
    fn depth(&self) -> u16 {
        let stored = match (self.bits, self.rest) {
            (1..=32, _) => self.bits,
            _ if self.is_png() => 32,
            (_, [12, 0, 0, 0, _, _, _, _, _, _, b0, b1, ..]) => u16::from_le_bytes([*b0, *b1]),
            _ => {
                let bits = self.rest.get(14..).and_then(|bits| bits.first_chunk());
                bits.map_or(0, |bits| u16::from_le_bytes(*bits))
            }
        };
        // A header with another depth is damaged, and no better than good ones.
        if stored <= 32 { stored } else { 0 }
    }
}

struct Ico<'a> {
    dib: Dib,
    header: Header,
    /// The pixels, and the mask after them.
    data: &'a [u8],
    is_cut: bool,
}

/// The best picture.
fn open<'a>(bytes: &'a [u8], _: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let entry = best(bytes)?;
    match entry.is_png() {
        true => png::decode::open(entry.rest),
        false => open_bitmap(&entry),
    }
}

/// A PNG has a decoder for damaged ones, and a bitmap's writes rows as it goes.
fn recover<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let entry = best(bytes)?;
    match entry.is_png() {
        true => png::recover::open(entry.rest, limits),
        false => DoubleDecode::open(open, bytes, limits),
    }
}

fn best(bytes: &[u8]) -> Result<Entry<'_>> {
    let count = bytes.get(4..).and_then(|count| count.first_chunk());
    let count = count.map_or(0, |count| u16::from_le_bytes(*count));
    let entries = bytes.get(6..).unwrap_or_default().as_chunks::<16>().0;
    let entries = entries.get(..count.into()).ok_or_else(cut_short)?;
    let entries = entries.iter().map(|entry| Entry::read(bytes, entry));
    // A cursor has the place that it points with where an icon has its depth.
    let is_cursor = bytes.get(2) == Some(&2);
    let best = entries.max_by_key(|entry| match (is_cursor, entry.rank()) {
        (true, (_, area)) => (0, area),
        (false, rank) => rank,
    });
    best.ok_or_else(|| Error::decode("the icon has no picture"))
}

fn open_bitmap<'a>(entry: &Entry<'a>) -> Result<Box<dyn Decode + 'a>> {
    let mut dib = Dib::read(entry.rest, None)?;
    if let PixelEncoding::Rle | PixelEncoding::Png | PixelEncoding::Jpeg = dib.encoding {
        return Err(Error::unsupported("a compressed bitmap in an icon"));
    }
    let pixels = entry.rest.get(dib.pixels_at..).unwrap_or_default();
    // The height is that of the pixels and the mask, unless a writer did not know. Some lists have it too.
    let is_listed = (dib.width, dib.height) == (entry.width, entry.height);
    if !is_listed || dib.pixel_bytes() > pixels.len() as u64 {
        dib.height /= 2;
    }
    // A list that gives less than the pixels knows nothing of the mask.
    let listed = entry.data.get(dib.pixels_at..).unwrap_or_default();
    let data = match dib.pixel_bytes() > listed.len() as u64 {
        true => pixels,
        false => listed,
    };
    let header = Header {
        width: dib.width,
        height: dib.height,
        layout: Layout::Rgba8,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Ico {
        dib,
        header,
        data,
        is_cut: entry.is_cut,
    }))
}

impl Decode for Ico<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(mut self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let has_alpha = self.dib.with_alpha();
        let mask = self.dib.read_pixels::<4>(self.data, out)?;
        let pixels = out.as_chunks_mut::<4>().0;
        // Alpha of nothing but zeros is that of writers who knew none. Windows and browsers go by the
        // mask then, and only then: many writers' masks are rough, or empty, where there is alpha.
        if has_alpha {
            if pixels.iter().any(|&[.., alpha]| alpha != 0) {
                return Ok(());
            }
            pixels.iter_mut().for_each(|[.., alpha]| *alpha = 255);
        }
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let bytes = width.div_ceil(8);
        // Rows are filled up to four bytes, by most writers.
        let stride = match mask.len() == bytes * height {
            true => bytes,
            false => width.div_ceil(32) * 4,
        };
        if mask.len() < stride * height && self.is_cut {
            return Err(cut_short());
        }
        // A mask may be short, or missing: pixels without one are there.
        let rows = pixels.chunks_exact_mut(width).rev();
        rows.zip(mask.chunks(stride)).for_each(cut_out);
        Ok(())
    }
}

/// Makes the pixels transparent whose bits are set.
fn cut_out((row, mask): (&mut [[u8; 4]], &[u8])) {
    let bits = mask
        .iter()
        .flat_map(|byte| (0..8).map(move |x| byte << x & 0x80));
    for ([.., alpha], bit) in row.iter_mut().zip(bits) {
        if bit != 0 {
            *alpha = 0;
        }
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&request.pixels, 256)?;
    // The PNG inside an icon must have alpha, whether the picture has or not.
    let opaque: Vec<u8>;
    let mut pixels = request.pixels;
    if pixels.layout == Layout::Rgb8 {
        let (rgb, _) = pixels.data.as_chunks();
        opaque = rgb.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        pixels.layout = Layout::Rgba8;
        pixels.data = &opaque;
    }
    image_crate::write(IcoEncoder::new(out), pixels)
}

#[cfg(test)]
mod tests;
