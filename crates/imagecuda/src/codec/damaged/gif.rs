//! The first frame of a GIF, as far as it goes.

use super::nothing;
use crate::{
    Error, Limits, Result,
    backend::cpu::zeroed,
    codec::{Decode, Header, raster, within},
};
use ::gif::{ColorOutput, DecodeOptions, MemoryLimit};
use std::io::Cursor;

struct Gif<'a> {
    bytes: &'a [u8],
    limits: Limits,
    header: Header,
}

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(Gif {
        bytes,
        limits: *limits,
        header: raster::gif(bytes, limits)?.header(),
    }))
}

impl Decode for Gif<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        // The frame goes to memory of ours, held against the limits below.
        options.set_memory_limit(MemoryLimit::Unlimited);
        let mut decoder = options
            .read_info(Cursor::new(self.bytes))
            .map_err(Error::decode)?;
        let frame = decoder.next_frame_info().map_err(Error::decode)?;
        let frame = frame.ok_or_else(nothing)?;
        let [left, top, width, height] =
            [frame.left, frame.top, frame.width, frame.height].map(usize::from);
        if width == 0 || height == 0 {
            return Err(nothing());
        }
        let pixels = width as u64 * height as u64;
        within("pixels", Some(pixels), self.limits.pixels)?;
        within("bytes", Some(pixels * 4), self.limits.bytes)?;
        let mut frame: Vec<u8> = zeroed(pixels as usize * 4)?;
        // Rows that it does not come to stay clear.
        let _ = decoder.read_into_buffer(&mut frame);

        out.fill(0);
        let canvas = self.header.width as usize;
        let seen = width.min(canvas.saturating_sub(left)) * 4;
        let rows = out.chunks_exact_mut(canvas * 4).skip(top);
        for (out, row) in rows.zip(frame.chunks_exact(width * 4)) {
            if seen > 0 {
                out[left * 4..][..seen].copy_from_slice(&row[..seen]);
            }
        }
        if out.iter().all(|&byte| byte == 0) {
            return Err(nothing());
        }
        Ok(())
    }
}
