//! Animated GIF, through the `gif` crate: whole frames, each with its own palette.

use super::{Clock, sixteen_bits};
use crate::{
    Error, Result,
    codec::{Pixels, check_sides},
};
use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};
use imagecuda_kernels::layout::Layout;
use std::{num::NonZeroU32, time::Duration};

/// The quantiser's speed, as for a single picture.
const SPEED: i32 = 10;

pub(super) struct Writer {
    encoder: Option<Encoder<Vec<u8>>>,
    /// `None`: no word of repeating, which is once.
    repeat: Option<Repeat>,
    clock: Clock,
}

impl Writer {
    pub(super) fn new(loop_count: Option<NonZeroU32>) -> Result<Self> {
        // The file says how often it is played again.
        let repeat = match loop_count.map(|count| count.get() - 1) {
            None => Some(Repeat::Infinite),
            Some(0) => None,
            Some(again) => Some(Repeat::Finite(sixteen_bits(again)?)),
        };
        Ok(Self {
            encoder: None,
            repeat,
            clock: Clock::new(Duration::from_millis(10), u16::MAX.into()),
        })
    }
}

impl super::Writer for Writer {
    fn push(&mut self, pixels: Pixels<'_>, delay: Duration) -> Result<()> {
        check_sides(&pixels, u16::MAX.into())?;
        let (ticks, end) = self.clock.ticks(delay)?;
        let (width, height) = (pixels.width as u16, pixels.height as u16);
        let mut frame = match pixels.layout {
            Layout::Rgba8 => {
                Frame::from_rgba_speed(width, height, &mut pixels.data.to_vec(), SPEED)
            }
            Layout::Rgb8 => Frame::from_rgb_speed(width, height, pixels.data, SPEED),
            other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
        };
        frame.delay = ticks as u16;
        // What is transparent in the next frame must not show this one.
        frame.dispose = DisposalMethod::Background;
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => {
                let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(error)?;
                if let Some(repeat) = self.repeat {
                    encoder.set_repeat(repeat).map_err(error)?;
                }
                encoder
            }
        };
        let result = encoder.write_frame(&frame).map_err(error);
        self.encoder = Some(encoder);
        result?;
        self.clock.now = end;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let encoder = self.encoder.ok_or_else(|| Error::encode("no frames"))?;
        encoder.into_inner().map_err(error)
    }
}

fn error(error: EncodingError) -> Error {
    Error::encode(error)
}
