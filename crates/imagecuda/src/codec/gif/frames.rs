//! Reads animated GIF, through the `gif` crate. (The `image` crate's iterator treats a file without
//! a loop count as looping for ever, and allocates two canvases for each frame.)

use super::error;
use crate::{
    Limits, Result,
    codec::{
        Decode,
        canvas::{Blend, Canvas, Dispose, Region},
        composed::{Bytes, Composed},
        gif,
        sequence::Sequence,
    },
    memory,
    picture::Header,
};
use ::gif::{Decoder, DisposalMethod, Repeat};
use imagecuda_kernels::layout::Layout;
use std::{borrow::Cow, io::Cursor, num::NonZeroU32, time::Duration};

pub(super) struct Frames {
    bytes: Bytes,
    limits: Limits,
    header: Header,
    decoder: Decoder<Cursor<Bytes>>,
    canvas: Canvas<u8>,
    /// Reusable memory for the pixels of one frame.
    frame: Vec<u8>,
    /// The delay of the frame on the canvas, until it is taken.
    delay: Option<Duration>,
    first: bool,
}

impl Frames {
    pub(super) fn new(bytes: Bytes, limits: Limits, header: Header) -> Result<Self> {
        let bytes = match gif::regular(bytes.as_ref())? {
            Cow::Borrowed(_) => bytes,
            Cow::Owned(regular) => regular.into(),
        };
        let decoder = gif::decoder(bytes.clone())?;
        let canvas = Canvas::new(decoder.width().into(), decoder.height().into())?;
        Ok(Self {
            bytes,
            limits,
            header,
            decoder,
            canvas,
            frame: Vec::new(),
            delay: None,
            first: true,
        })
    }

    fn compose(&mut self) -> Result<bool> {
        if self.delay.is_some() {
            return Ok(true);
        }
        let Some(frame) = self.decoder.next_frame_info().map_err(error)? else {
            return Ok(false);
        };
        let region = Region {
            x: frame.left.into(),
            y: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
        };
        let dispose = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Dispose::Keep,
            DisposalMethod::Background => Dispose::Clear,
            DisposalMethod::Previous => Dispose::Restore,
        };
        let delay = Duration::from_millis(10 * u64::from(frame.delay));
        let pixels = gif::frame_pixels(region.width, region.height, &self.limits)?;
        // The crate writes nothing for colours that the palette lacks.
        self.frame.clear();
        memory::resize(&mut self.frame, pixels * 4)?;
        if pixels > 0 {
            self.decoder
                .read_into_buffer(&mut self.frame)
                .map_err(error)?;
        }
        // The canvas below the first frame is empty. Drawn directly, the frame keeps its colours
        // where alpha is 0.
        let blend = match std::mem::replace(&mut self.first, false) {
            true => Blend::Source,
            false => Blend::Over,
        };
        let (frame, _) = self.frame.as_chunks();
        self.canvas
            .draw(region, dispose, blend, frame, region.width.max(1))?;
        self.delay = Some(delay);
        Ok(true)
    }
}

impl Sequence for Frames {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        self.compose()?;
        let Some(delay) = self.delay else {
            return Ok(None);
        };
        let frame = Composed {
            first: self.header,
            layout: Layout::Rgba8,
            canvas: self.canvas.bytes(),
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

    /// The file has the number of repetitions, which is one less than the plays.
    fn loop_count(&self) -> Option<NonZeroU32> {
        match self.decoder.repeat() {
            Repeat::Infinite => None,
            Repeat::Finite(again) => Some(NonZeroU32::MIN.saturating_add(again.into())),
        }
    }
}
