//! Writes animated WebP. libwebp compresses the frames, and this module writes the container.
//!
//! libwebp's own animation encoder merges equal frames and tries several encodings of each. Here
//! every frame stays a frame, and a lossless frame comes back bit for bit. Only the rectangle that
//! differs from the previous frame is compressed.

use super::riff::{ALPHA, ANIMATION, chunks, extended, has_alpha, put_chunk, three};
use crate::{
    Metadata, Result, SaveOptions,
    codec::{
        animation::{self, Clock, Rect, sixteen_bits},
        check_sides, webp,
    },
    limits::check_limit,
    picture::Pixels,
};
use std::{io::Cursor, num::NonZeroU32, time::Duration};

/// The frame replaces the canvas, including alpha.
const NO_BLEND: u8 = 0x02;

pub(super) struct Writer {
    options: SaveOptions,
    metadata: Metadata,
    loops: u16,
    clock: Clock,
    size: (u32, u32),
    /// The previous frame.
    before: Vec<u8>,
    has_alpha: bool,
    /// The chunks of all frames.
    frames: Vec<u8>,
}

impl Writer {
    pub(super) fn new(options: &SaveOptions, loop_count: Option<NonZeroU32>) -> Result<Self> {
        Ok(Self {
            // The file has the metadata once, not in each frame.
            options: options.clone().metadata(Metadata::new()),
            metadata: options.metadata.clone(),
            loops: sixteen_bits(loop_count.map_or(0, NonZeroU32::get))?,
            clock: Clock::new(Duration::from_millis(1), 0xff_ffff),
            size: (0, 0),
            before: Vec::new(),
            has_alpha: false,
            frames: Vec::new(),
        })
    }
}

impl animation::AnimationWriter for Writer {
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
        let mut alpha = self.has_alpha;
        for (kind, data) in chunks(&file) {
            if matches!(kind, b"ALPH" | b"VP8 " | b"VP8L") {
                alpha |= has_alpha(kind, data);
                put_chunk(&mut frame, kind, data);
            }
        }
        let length = self.frames.len() as u64 + frame.len() as u64;
        check_limit("bytes", Some(length), u64::from(u32::MAX) - 1024)?;

        let mut before = std::mem::take(&mut self.before);
        before.clear();
        before.extend_from_slice(pixels.data);
        put_chunk(&mut self.frames, b"ANMF", &frame);
        self.before = before;
        self.size = (pixels.width, pixels.height);
        self.has_alpha = alpha;
        self.clock.now = end;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let alpha = if self.has_alpha { ALPHA } else { 0 };
        // The background is transparent. No viewer uses it.
        let mut animation = vec![0; 4];
        animation.extend(self.loops.to_le_bytes());
        let mut body = Vec::with_capacity(self.frames.len() + 32);
        put_chunk(&mut body, b"ANIM", &animation);
        body.extend(self.frames);
        extended(ANIMATION | alpha, self.size, &self.metadata, &body)
    }
}
