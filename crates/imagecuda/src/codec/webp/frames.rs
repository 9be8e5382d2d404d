//! The frames of an animated WebP.

use super::{
    compose::Animation,
    demux::{Held, whole_frames},
};
use crate::{
    Result,
    codec::{
        Decode,
        composed::{Bytes, Composed},
        sequence::Sequence,
    },
    error::cut_short,
    picture::Header,
};
use imagecuda_kernels::layout::Layout;
use std::{num::NonZeroU32, time::Duration};

pub(super) struct Frames {
    bytes: Bytes,
    header: Header,
    animation: Animation<'static>,
    /// The delay of the frame on the canvas, until the frame is taken.
    delay: Option<Duration>,
    /// Whether frames are missing after the last one.
    cut: bool,
}

impl Frames {
    pub(super) fn new(bytes: Bytes, header: Header, damaged: bool) -> Result<Self> {
        let animation = Animation::new(Held::Shared(bytes.clone()));
        let cut = damaged && animation.is_err();
        let animation = match cut {
            true => Animation::new(whole_frames(bytes.as_ref())?.into()),
            false => animation,
        }?;
        Ok(Self {
            bytes,
            header,
            animation,
            delay: None,
            cut,
        })
    }

    fn compose(&mut self) -> Result<bool> {
        if self.delay.is_none() {
            self.delay = self.animation.advance()?;
        }
        if self.cut && self.delay.is_none() {
            return Err(cut_short());
        }
        Ok(self.delay.is_some())
    }
}

impl Sequence for Frames {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        self.compose()?;
        let Some((canvas, delay)) = self.animation.canvas().zip(self.delay) else {
            return Ok(None);
        };
        let frame = Composed {
            first: self.header,
            layout: Layout::Rgba8,
            canvas,
        };
        Ok(Some((Box::new(frame), delay)))
    }

    fn bytes(&mut self) -> &[u8] {
        self.bytes.as_ref()
    }

    fn skip(&mut self) -> Result<Option<Duration>> {
        self.compose()?;
        Ok(self.delay.take())
    }

    fn loop_count(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.animation.info().loop_count)
    }
}
