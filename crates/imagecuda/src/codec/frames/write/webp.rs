//! Animated WebP: libwebp compresses, and the container, a dozen numbers, is written here.
//!
//! libwebp's own animation encoder merges frames that are alike, and tries several encodings of
//! each; here a frame is a frame, lossless ones come back bit for bit, and what is compressed is
//! the rectangle in which a frame differs from the one before.

use super::{Clock, Rect, sixteen_bits};
use crate::{
    Error, Result, SaveOptions,
    codec::{Pixels, check_sides, webp},
};
use std::{io::Cursor, num::NonZeroU32, time::Duration};

/// Flags of the extended header.
const ANIMATION: u8 = 0x02;
const ALPHA: u8 = 0x10;
/// A frame that replaces what is below, alpha included.
const NO_BLEND: u8 = 0x02;

pub(super) struct Writer {
    options: SaveOptions,
    loops: u16,
    clock: Clock,
    size: (u32, u32),
    /// The frame before.
    before: Vec<u8>,
    has_alpha: bool,
    /// The chunks of the frames.
    frames: Vec<u8>,
}

impl Writer {
    pub(super) fn new(options: &SaveOptions, loop_count: Option<NonZeroU32>) -> Result<Self> {
        Ok(Self {
            options: options.clone(),
            loops: sixteen_bits(loop_count.map_or(0, NonZeroU32::get))?,
            clock: Clock::new(Duration::from_millis(1), 0xff_ffff),
            size: (0, 0),
            before: Vec::new(),
            has_alpha: false,
            frames: Vec::new(),
        })
    }
}

impl super::Writer for Writer {
    fn push(&mut self, pixels: Pixels<'_>, delay: Duration) -> Result<()> {
        check_sides(&pixels, 16_383)?;
        let (ticks, end) = self.clock.ticks(delay)?;
        let part = match self.before.is_empty() {
            true => Rect::whole(&pixels),
            false => Rect::of_change(&pixels, &self.before),
        };
        let cropped = part.crop(&pixels)?;
        let picture = Pixels {
            width: part.width,
            height: part.height,
            data: &cropped,
            ..pixels
        };
        let mut file = Cursor::new(Vec::new());
        webp::write(picture, &self.options, &mut file)?;
        let file = file.into_inner();

        let mut frame = Vec::with_capacity(file.len() + 32);
        for number in [
            part.x / 2,
            part.y / 2,
            part.width - 1,
            part.height - 1,
            ticks,
        ] {
            frame.extend(three(number));
        }
        frame.push(NO_BLEND);
        let mut has_alpha = self.has_alpha;
        for (kind, data) in chunks(&file) {
            match kind {
                b"ALPH" => has_alpha = true,
                b"VP8 " => {}
                // A signature, then 14 bits of width, 14 of height, one of alpha.
                b"VP8L" => has_alpha |= data.get(4).is_some_and(|bits| bits & 0x10 != 0),
                _ => continue,
            }
            put_chunk(&mut frame, kind, data);
        }
        if self.frames.len() + frame.len() > u32::MAX as usize - 1024 {
            return Err(Error::encode("the file would exceed 4 GB"));
        }

        let mut before = std::mem::take(&mut self.before);
        before.clear();
        before.extend_from_slice(pixels.data);
        put_chunk(&mut self.frames, b"ANMF", &frame);
        self.before = before;
        self.size = (pixels.width, pixels.height);
        self.has_alpha = has_alpha;
        self.clock.now = end;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let alpha = if self.has_alpha { ALPHA } else { 0 };
        let mut header = vec![ANIMATION | alpha, 0, 0, 0];
        let (width, height) = self.size;
        header.extend(three(width - 1));
        header.extend(three(height - 1));
        // A transparent background, which nobody heeds.
        let mut animation = vec![0; 4];
        animation.extend(self.loops.to_le_bytes());

        let mut body = b"WEBP".to_vec();
        put_chunk(&mut body, b"VP8X", &header);
        put_chunk(&mut body, b"ANIM", &animation);
        let mut file = b"RIFF".to_vec();
        file.extend(((body.len() + self.frames.len()) as u32).to_le_bytes());
        file.extend(body);
        file.extend(self.frames);
        Ok(file)
    }
}

fn three(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.to_le_bytes();
    [a, b, c]
}

fn put_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend(kind);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

/// The chunks of a file that libwebp wrote.
fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = file.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, tail) = rest.split_first_chunk()?;
        let (&length, tail) = tail.split_first_chunk()?;
        let length = u32::from_le_bytes(length) as usize;
        let data = tail.get(..length)?;
        rest = tail.get(length + length % 2..).unwrap_or_default();
        Some((kind, data))
    })
}
