//! BMP, and the bitmaps without a file's header that icons hold.

mod dib;
mod rle;

pub(super) use self::dib::{Coding, Dib};

use super::{Decode, Header};
use crate::{Error, Limits, Result};
use imagecuda_kernels::{expand::Curve, layout::Layout};

/// The file's own header, in front of the bitmap's.
const FILE_HEADER: usize = 14;

struct Bmp<'a> {
    dib: Dib,
    header: Header,
    pixels: &'a [u8],
}

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let offset = bytes.get(10..).and_then(|at| at.first_chunk());
    let (Some(&offset), true) = (offset, bytes.starts_with(b"BM")) else {
        return Err(cut_short());
    };
    let offset = u32::from_le_bytes(offset) as usize;
    let bitmap = bytes.get(FILE_HEADER..).unwrap_or_default();
    let dib = Dib::read(bitmap, offset.checked_sub(FILE_HEADER))?;
    let pixels = bitmap.get(dib.pixels_at..).unwrap_or_default();
    match dib.coding {
        #[cfg(feature = "png")]
        Coding::Png => return super::raster::png(pixels, limits),
        #[cfg(feature = "jpeg")]
        Coding::Jpeg => return super::jpeg::open(pixels),
        #[allow(unreachable_patterns)] // with both codecs in, neither is left
        Coding::Png | Coding::Jpeg => {
            return Err(Error::unsupported("a PNG or JPEG in a BMP, in this build"));
        }
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

fn cut_short() -> Error {
    Error::decode("the file is cut short")
}

#[cfg(test)]
mod tests;
