//! Writes animated GIF, through the `gif` crate. A frame has its own palette. It contains only the
//! part that differs from the frame before, unless it has transparent pixels: the frame before
//! would show through those. Then that one must be cleared first, which only its own control can
//! ask for, and it must be a full frame.

use super::{encode_error, palette, threshold_alpha};
use crate::{
    Error, Result,
    codec::{
        animation::{self, Clock, Rect, sixteen_bits},
        check_sides,
    },
    memory,
    picture::Pixels,
};
use gif::{DisposalMethod, Encoder, Repeat};
use imagecuda_kernels::layout::Layout;
use std::{num::NonZeroU32, time::Duration};

pub(super) struct Writer {
    encoder: Option<Encoder<Vec<u8>>>,
    /// `None` if the file says nothing of repeating, which means once.
    repeat: Option<Repeat>,
    clock: Clock,
    /// The frame that is not written yet. The next frame decides how it is disposed of.
    last: Option<Last>,
}

struct Last {
    width: u32,
    height: u32,
    layout: Layout,
    data: Vec<u8>,
    /// The part that has to be written.
    part: Rect,
    ticks: u16,
}

impl Last {
    fn pixels(&self) -> Pixels<'_> {
        Pixels {
            width: self.width,
            height: self.height,
            layout: self.layout,
            data: &self.data,
        }
    }
}

impl Writer {
    pub(super) fn new(loop_count: Option<NonZeroU32>) -> Result<Self> {
        // The file has the number of repetitions, which is one less than the plays.
        let repeat = match loop_count.map(|count| count.get() - 1) {
            None => Some(Repeat::Infinite),
            Some(0) => None,
            Some(again) => Some(Repeat::Finite(sixteen_bits(again)?)),
        };
        Ok(Self {
            encoder: None,
            repeat,
            clock: Clock::new(Duration::from_millis(10), u16::MAX.into()),
            last: None,
        })
    }

    /// Writes the pending frame. If it must be cleared, writes all of it.
    fn write_last(&mut self, clear: bool) -> Result<()> {
        let Some(last) = &self.last else {
            return Ok(());
        };
        let whole = Rect::whole(&last.pixels());
        let part = if clear { &whole } else { &last.part };
        let pixels = part.crop(&last.pixels())?;
        let mut frame = palette::frame(&Pixels {
            width: part.width,
            height: part.height,
            layout: last.layout,
            data: &pixels,
        })?;
        (frame.left, frame.top) = (part.x as u16, part.y as u16);
        frame.delay = last.ticks;
        frame.dispose = match clear {
            true => DisposalMethod::Background,
            false => DisposalMethod::Keep,
        };
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => {
                let (width, height) = (last.width as u16, last.height as u16);
                let mut encoder =
                    Encoder::new(Vec::new(), width, height, &[]).map_err(encode_error)?;
                if let Some(repeat) = self.repeat {
                    encoder.set_repeat(repeat).map_err(encode_error)?;
                }
                none.insert(encoder)
            }
        };
        encoder.write_frame(&frame).map_err(encode_error)
    }
}

impl animation::AnimationWriter for Writer {
    fn push(&mut self, pixels: Pixels<'_>, delay: Duration) -> Result<()> {
        check_sides(&pixels, u16::MAX.into())?;
        let (ticks, end) = self.clock.ticks(delay)?;
        let Pixels {
            width,
            height,
            layout,
            ..
        } = pixels;
        let mut data = memory::copied(pixels.data)?;
        let clear = match layout {
            Layout::Rgba8 => {
                threshold_alpha(&mut data);
                data.iter().skip(3).step_by(4).any(|&alpha| alpha == 0)
            }
            Layout::Rgb8 => false,
            other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
        };
        let pixels = Pixels {
            data: &data,
            ..pixels
        };
        let part = match &self.last {
            Some(last) if !clear => Rect::of_change(&pixels, &last.data),
            _ => Rect::whole(&pixels),
        };
        self.write_last(clear)?;
        self.last = Some(Last {
            width,
            height,
            layout,
            data,
            part,
            ticks: ticks as u16,
        });
        self.clock.now = end;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>> {
        self.write_last(false)?;
        let encoder = self.encoder.ok_or_else(|| Error::encode("no frames"))?;
        encoder.into_inner().map_err(encode_error)
    }
}
