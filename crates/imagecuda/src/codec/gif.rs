//! The first frame of a GIF, through the `gif` crate. (The `image` crate refuses an empty one, and
//! leaves what was in memory where the palette has no colour.)

mod blocks;

pub(super) use self::blocks::{IMAGE, blocks, regular};

use super::{Decode, Header, within};
use crate::{Error, Limits, Result, backend::cpu::zeroed};
use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, MemoryLimit};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::{
    borrow::Cow,
    io::{Cursor, ErrorKind as IoErrorKind},
};

struct Gif<'a> {
    bytes: Cow<'a, [u8]>,
    limits: Limits,
    header: Header,
    /// Whether data may be missing.
    damaged: bool,
}

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(read_header(bytes, limits)?))
}

/// As far as the frame goes.
pub(super) fn open_damaged<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let mut gif = read_header(bytes, limits)?;
    gif.damaged = true;
    Ok(Box::new(gif))
}

fn read_header<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Gif<'a>> {
    let bytes = regular(bytes)?;
    let decoder = decoder(&*bytes)?;
    let header = Header {
        width: decoder.width().into(),
        height: decoder.height().into(),
        layout: Layout::Rgba8,
        curve: Curve::Encoded,
    };
    drop(decoder);
    Ok(Gif {
        bytes,
        limits: *limits,
        header,
        damaged: false,
    })
}

/// One that gives frames as RGBA.
pub(super) fn decoder<B: AsRef<[u8]>>(bytes: B) -> Result<Decoder<Cursor<B>>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Frames go to memory of ours, held against the limits before.
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.read_info(Cursor::new(bytes)).map_err(error)
}

/// The pixels of a frame, which may be larger than the canvas, held against `limits`.
pub(super) fn frame_pixels(width: usize, height: usize, limits: &Limits) -> Result<usize> {
    let pixels = width as u64 * height as u64;
    within("pixels", Some(pixels), limits.pixels)?;
    within("bytes", Some(pixels * 4), limits.bytes)?;
    Ok(pixels as usize)
}

impl Decode for Gif<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut decoder = decoder(&*self.bytes)?;
        let frame = decoder.next_frame_info().map_err(error)?;
        let frame = frame.ok_or_else(|| Error::decode("there is no frame"))?;
        let [left, top, width, height] =
            [frame.left, frame.top, frame.width, frame.height].map(usize::from);
        let pixels = frame_pixels(width, height, &self.limits)?;
        // What the frame does not cover is clear, and so are pixels of colours that the palette
        // lacks, which the crate leaves out.
        out.fill(0);
        let canvas = self.header.width as usize;
        let mut read = |out: &mut [u8]| match decoder.read_into_buffer(out) {
            Err(cause) if !self.damaged => Err(error(cause)),
            _ => Ok(()),
        };
        if pixels == 0 {
            // Nothing is to be seen of it.
        } else if left == 0 && width == canvas && top + height <= self.header.height as usize {
            read(&mut out[top * canvas * 4..][..pixels * 4])?;
        } else {
            let mut frame: Vec<u8> = zeroed(pixels * 4)?;
            read(&mut frame)?;
            let seen = width.min(canvas.saturating_sub(left)) * 4;
            let rows = out.chunks_exact_mut(canvas * 4).skip(top);
            for (out, row) in rows.zip(frame.chunks_exact(width * 4)) {
                if seen > 0 {
                    out[left * 4..][..seen].copy_from_slice(&row[..seen]);
                }
            }
        }
        if self.damaged && out.iter().all(|&byte| byte == 0) {
            return Err(super::damaged::nothing());
        }
        Ok(())
    }
}

pub(super) fn error(error: DecodingError) -> Error {
    let eof = match &error {
        DecodingError::UnexpectedEof => true,
        DecodingError::Io(error) => error.kind() == IoErrorKind::UnexpectedEof,
        _ => false,
    };
    match eof {
        true => Error::decode("the file is cut short"),
        false => Error::decode(error),
    }
}
