//! Draws the frames of an animated WebP on a canvas, as libwebp's animation decoder does. That one
//! looks for each frame from the first one on, so its time grows with the square of their number.
#![allow(unsafe_code)] // a C interface: decoding into a part of the canvas

use super::demux::{Held, Info, frame_after};
use crate::{Error, Result, memory::zeroed};
use libwebp_sys::{VP8StatusCode, WEBP_CSP_MODE, WebPDecode, WebPDecoderConfig, WebPRGBABuffer};
use std::{ops::Range, time::Duration};

/// A frame in the file, and what it does to the canvas.
#[derive(Clone)]
pub(super) struct Frame {
    /// The chunks of the picture, alpha included.
    pub(super) picture: Range<usize>,
    /// Its pixels on the canvas.
    pub(super) x: Range<usize>,
    pub(super) y: Range<usize>,
    pub(super) has_alpha: bool,
    /// Whether it lets through what is below it.
    pub(super) is_blended: bool,
    /// Whether its rectangle becomes transparent before the next frame.
    pub(super) is_disposed: bool,
    pub(super) delay: Duration,
}

/// An animation, and the canvas with its current frame.
pub(super) struct Animation<'a> {
    bytes: Held<'a>,
    info: Info,
    /// RGBA of the file's width and height: as the current frame leaves it, and what the next one is
    /// drawn on.
    canvas: Vec<u8>,
    below: Vec<u8>,
    /// Whether the canvas has a whole frame.
    is_drawn: bool,
    /// The frame drawn last, and whether nothing before it shows.
    last: Option<(Frame, bool)>,
    /// Where the chunks after it are, and how many frames are left.
    at: usize,
    left: u32,
}

impl<'a> Animation<'a> {
    pub(super) fn new(bytes: Held<'a>) -> Result<Self> {
        let info = Info::read(bytes.as_ref())?;
        let length = info.width as usize * info.height as usize * PIXEL;
        Ok(Self {
            canvas: zeroed(length)?,
            below: zeroed(length)?,
            is_drawn: false,
            last: None,
            at: super::demux::RIFF,
            left: info.frames,
            info,
            bytes,
        })
    }

    pub(super) fn info(&self) -> &Info {
        &self.info
    }

    /// Draws the next frame, and returns how long it is shown. `None` after the last.
    pub(super) fn advance(&mut self) -> Result<Option<Duration>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.is_drawn = false;
        let damage = || Error::decode("a frame is damaged or cut short");
        let file = self.bytes.as_ref();
        let (frame, after) = frame_after(file, self.at).ok_or_else(damage)?;
        let is_whole = |frame: &Frame| {
            let size = [frame.x.len(), frame.y.len()];
            size == [self.info.width as usize, self.info.height as usize]
        };
        let is_key = match &self.last {
            None => true,
            Some(_) if (!frame.has_alpha || !frame.is_blended) && is_whole(&frame) => true,
            Some((last, was_key)) => last.is_disposed && (is_whole(last) || *was_key),
        };
        match is_key {
            true => self.canvas.fill(0),
            false => self.canvas.copy_from_slice(&self.below),
        }
        let picture = file.get(frame.picture.clone()).ok_or_else(damage)?;
        let stride = self.info.width as usize * PIXEL;
        let place = frame.y.start * stride + frame.x.start * PIXEL
            ..(frame.y.end - 1) * stride + frame.x.end * PIXEL;
        let out = self.canvas.get_mut(place).ok_or_else(damage)?;
        decode(picture, stride, out)?
            .then_some(())
            .ok_or_else(damage)?;
        if frame.is_blended && !is_key {
            self.blend(&frame);
        }
        self.below.copy_from_slice(&self.canvas);
        if frame.is_disposed {
            let row = frame.x.start * PIXEL..frame.x.end * PIXEL;
            let rows = self.below.chunks_exact_mut(stride).take(frame.y.end);
            rows.skip(frame.y.start)
                .for_each(|below| below[row.clone()].fill(0));
        }
        let delay = frame.delay;
        self.last = Some((frame, is_key));
        (self.at, self.left, self.is_drawn) = (after, self.left - 1, true);
        Ok(Some(delay))
    }

    /// Puts a frame on what is below it. Nothing is below where the last frame was disposed of.
    fn blend(&mut self, frame: &Frame) {
        let stride = self.info.width as usize * PIXEL;
        let hole = match &self.last {
            Some((last, _)) if last.is_disposed => (last.x.clone(), last.y.clone()),
            _ => (0..0, 0..0),
        };
        for y in frame.y.clone() {
            let row = y * stride + frame.x.start * PIXEL..y * stride + frame.x.end * PIXEL;
            let canvas = self.canvas[row.clone()].as_chunks_mut().0;
            let below = self.below[row].as_chunks().0;
            for ((x, over), &below) in frame.x.clone().zip(canvas).zip(below) {
                if over[3] != 255 && !(hole.0.contains(&x) && hole.1.contains(&y)) {
                    *over = blended(*over, below);
                }
            }
        }
    }

    /// The canvas with the last frame: RGBA of the file's width and height.
    pub(super) fn canvas(&self) -> Option<&[u8]> {
        self.is_drawn.then_some(&self.canvas)
    }
}

/// The bytes of RGBA.
const PIXEL: usize = 4;

/// One pixel over another, neither of them premultiplied, with libwebp's rounding: the share of the lower one
/// is a 256th, and one factor of 24 bits stands for the division by the alpha of both.
#[inline]
fn blended(over: [u8; PIXEL], below: [u8; PIXEL]) -> [u8; PIXEL] {
    let alpha = u32::from(over[3]);
    if alpha == 0 {
        return below;
    }
    let rest = (u32::from(below[3]) * (256 - alpha)) >> 8;
    let factor = (1 << 24) / (alpha + rest);
    let mut both = [0, 1, 2, 3].map(|i| {
        let sum = u32::from(over[i]) * alpha + u32::from(below[i]) * rest;
        ((sum * factor) >> 24) as u8
    });
    both[3] = (alpha + rest) as u8;
    both
}

/// Decodes a picture as RGBA into `out`, whose rows are `stride` bytes apart. `false` if it is damaged.
fn decode(picture: &[u8], stride: usize, out: &mut [u8]) -> Result<bool> {
    let mut config = WebPDecoderConfig::new()
        .map_err(|()| Error::decode("libwebp is of another version than its bindings"))?;
    config.options.use_threads = 1;
    config.output.colorspace = WEBP_CSP_MODE::MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = WebPRGBABuffer {
        rgba: out.as_mut_ptr(),
        stride: i32::try_from(stride).map_err(Error::decode)?,
        size: out.len(),
    };
    // SAFETY: the input is one slice, and `config` was initialised by libwebp. The output is `out`, borrowed
    // mutably for the whole call, with its true length as its size: libwebp checks that the picture's rows,
    // `stride` apart, end within that size before it writes, and frees no external memory.
    let status = unsafe { WebPDecode(picture.as_ptr(), picture.len(), &mut config) };
    Ok(status == VP8StatusCode::VP8_STATUS_OK)
}

#[cfg(test)]
mod tests;
