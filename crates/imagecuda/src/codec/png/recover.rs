//! The rows of a PNG until its data end, checksums unchecked. Of an interlaced one the coarse
//! picture that its passes have made by then.

use super::frames as apng;
use crate::{Error, Limits, Result, codec::Decode, picture::Header};
use ::png::{
    BitDepth, ColorType, Decoder, InterlaceInfo, Reader, Transformations, splat_interlaced_row,
};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::io::Cursor;

struct Png<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    header: Header,
}

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    if apng::hides_default(bytes) {
        return Err(Error::decode("the first frame is damaged or cut short"));
    }
    let limits = ::png::Limits {
        bytes: usize::try_from(limits.bytes).unwrap_or(usize::MAX),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.ignore_checksums(true);
    // What else they may hold is none of the picture.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(Error::decode)?;
    let (color, depth) = reader.output_color_type();
    let layout = match (color, depth == BitDepth::Sixteen) {
        (ColorType::Grayscale, false) => Layout::L8,
        (ColorType::GrayscaleAlpha, false) => Layout::La8,
        (ColorType::Rgb, false) => Layout::Rgb8,
        (ColorType::Rgba, false) => Layout::Rgba8,
        (ColorType::Grayscale, true) => Layout::L16,
        (ColorType::GrayscaleAlpha, true) => Layout::La16,
        (ColorType::Rgb, true) => Layout::Rgb16,
        (ColorType::Rgba, true) => Layout::Rgba16,
        (ColorType::Indexed, _) => return Err(Error::decode("there is no palette")),
    };
    let (width, height) = reader.info().size();
    let header = Header {
        width,
        height,
        layout,
        curve: Curve::Encoded,
    };
    Ok(Box::new(Png { reader, header }))
}

impl Decode for Png<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(mut self: Box<Self>, out: &mut [u8]) -> Result<()> {
        out.fill(0);
        let pixel = self.header.layout.bytes_per_pixel();
        let stride = self.header.width as usize * pixel;
        let mut row = vec![0; stride];
        let mut rows = 0;
        // An error ends it as the last row does.
        while let Ok(Some(place)) = self.reader.read_row(&mut row) {
            match place {
                InterlaceInfo::Null(_) => {
                    let Some(to) = out.chunks_exact_mut(stride).nth(rows) else {
                        break;
                    };
                    to.copy_from_slice(&row);
                }
                InterlaceInfo::Adam7(place) => {
                    splat_interlaced_row(out, stride, &row, &place, pixel as u8 * 8);
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Err(Error::nothing_decoded());
        }
        if self.header.layout.bits() == 16 {
            for sample in out.as_chunks_mut().0 {
                *sample = u16::from_be_bytes(*sample).to_ne_bytes();
            }
        }
        Ok(())
    }
}
