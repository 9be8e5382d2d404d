//! Reads the first frame of a GIF, through the `gif` crate. (The `image` crate refuses an empty
//! one, and shows old memory where the palette lacks a colour.)

mod animation;
mod blocks;
mod frames;
mod palette;

use self::blocks::{IMAGE, blocks, regular};
use super::{
    capabilities::PLAIN,
    check_sides,
    contract::{Codec, Decode, EncodeRequest, SequenceCodec, no_metadata},
};
use crate::{
    Error, Format, Limits, Result, error::cut_short, limits::check_limit, memory, memory::zeroed,
    picture::Header, sink::Sink,
};
use ::gif::{
    ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, Encoder, EncodingError,
    MemoryLimit,
};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::{
    borrow::Cow,
    io::{Cursor, ErrorKind as IoErrorKind},
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Gif,
    open,
    recover,
    encode,
    metadata: no_metadata,
    sequence: Some(SequenceCodec {
        is_sequence: |_| true,
        open: |bytes, limits, header, _| {
            Ok(Box::new(frames::Frames::new(
                bytes.into(),
                *limits,
                header,
            )?))
        },
        count: |bytes| blocks(bytes).filter(|block| block.kind == IMAGE).count() as u32,
        write: Some(|_, loop_count| Ok(Box::new(animation::Writer::new(loop_count)?))),
    }),
    capabilities: PLAIN,
};

struct Gif<'a> {
    bytes: Cow<'a, [u8]>,
    limits: Limits,
    header: Header,
    /// Whether data may be missing.
    damaged: bool,
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    Ok(Box::new(read_header(bytes, limits)?))
}

/// Reads the rows before the damage.
fn recover<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
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

/// Makes a decoder that gives frames as RGBA.
pub(super) fn decoder<B: AsRef<[u8]>>(bytes: B) -> Result<Decoder<Cursor<B>>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Frames go to our own memory, whose size was checked against the limits.
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.read_info(Cursor::new(bytes)).map_err(error)
}

/// The pixels of a frame, which may be larger than the canvas. Checks them against `limits`.
pub(super) fn frame_pixels(width: usize, height: usize, limits: &Limits) -> Result<usize> {
    let pixels = width as u64 * height as u64;
    check_limit("pixels", Some(pixels), limits.pixels)?;
    check_limit("bytes", Some(pixels * 4), limits.bytes)?;
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
        // Pixels outside the frame are transparent. So are colours that the palette lacks, for
        // which the crate writes nothing.
        out.fill(0);
        let canvas = self.header.width as usize;
        let mut read = |out: &mut [u8]| match decoder.read_into_buffer(out) {
            Err(cause) if !self.damaged => Err(error(cause)),
            _ => Ok(()),
        };
        if pixels == 0 {
            // The frame has no visible pixels.
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
            return Err(Error::nothing_decoded());
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
        true => cut_short(),
        false => Error::decode(error),
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&request.pixels, 65_535)?;
    let mut thresholded;
    let mut pixels = request.pixels;
    if pixels.layout == Layout::Rgba8 {
        thresholded = memory::copied(pixels.data)?;
        threshold_alpha(&mut thresholded);
        pixels.data = &thresholded;
    }
    let mut frame = palette::frame(&pixels)?;
    frame.dispose = DisposalMethod::Background;
    let mut encoder = Encoder::new(out, frame.width, frame.height, &[]).map_err(encode_error)?;
    encoder.write_frame(&frame).map_err(encode_error)?;
    encoder.into_inner().map_err(encode_error)?;
    Ok(())
}

fn encode_error(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => error.into(),
        error => Error::encode(error),
    }
}

/// Makes RGBA pixels opaque or transparent, as a GIF's are. Transparent ones become black.
fn threshold_alpha(pixels: &mut [u8]) {
    for [color @ .., alpha] in pixels.as_chunks_mut::<4>().0 {
        if *alpha < 128 {
            (*color, *alpha) = ([0; 3], 0);
        } else {
            *alpha = 255;
        }
    }
}

#[cfg(test)]
mod tests;
