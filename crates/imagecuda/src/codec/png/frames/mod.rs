//! Animated PNG, through the `png` crate. (The `image` crate refuses 16 bits, misplaces
//! interlaced frames, and restores what it should have cleared.)

mod control;

use self::control::{Control, Start, check_sequence_number};
use super::{
    chunks::{Data, Head, chunks_from},
    decode::{self, cut_short},
};
use crate::{
    Error, Limits, Result,
    codec::{
        Decode,
        canvas::{Blend, Canvas, Region, Sample},
        composed::{Bytes, Composed},
        sequence::Sequence,
    },
    limits::check_limit,
    memory,
    picture::Header,
};
use ::png::Transformations;
use imagecuda_kernels::layout::Layout;
use std::{num::NonZeroU32, time::Duration};

pub(super) fn is_animated(bytes: &[u8]) -> bool {
    count(bytes) > 0
}

/// How many frames an animation claims to have; 0 for other files.
pub(super) fn count(bytes: &[u8]) -> u32 {
    let head = Head::read(bytes);
    let start = head.ok().and_then(|head| Start::read(bytes, &head));
    start.map_or(0, |start| start.frames)
}

pub(super) struct Frames {
    bytes: Bytes,
    header: Header,
    animation: Animation,
}

impl Frames {
    pub(super) fn new(bytes: Bytes, limits: Limits, header: Header) -> Result<Self> {
        let animation = Animation::new(bytes.clone(), &limits)?;
        Ok(Self {
            bytes,
            header,
            animation,
        })
    }
}

impl Sequence for Frames {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        self.animation.compose()?;
        let Some(delay) = self.animation.delay else {
            return Ok(None);
        };
        let frame = Composed {
            first: self.header,
            layout: self.animation.layout(),
            canvas: self.animation.canvas(),
        };
        Ok(Some((Box::new(frame), delay)))
    }

    fn bytes(&mut self) -> &[u8] {
        self.bytes.as_ref()
    }

    fn skip(&mut self) -> Result<Option<Duration>> {
        self.animation.compose()?;
        Ok(self.animation.delay.take())
    }

    fn loop_count(&self) -> Option<NonZeroU32> {
        self.animation.plays
    }

    fn begins_with_still(&self) -> bool {
        self.animation.shows_default
    }
}

/// The canvas, and reusable memory for the pixels of one frame.
enum AnyCanvas {
    Eight(Canvas<u8>, Vec<[u8; 4]>),
    Sixteen(Canvas<u16>, Vec<[u16; 4]>),
}

impl AnyCanvas {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Eight(canvas, _) => canvas.bytes(),
            Self::Sixteen(canvas, _) => canvas.bytes(),
        }
    }
}

struct Animation {
    bytes: Bytes,
    head: Head,
    /// Whether the default image is the first frame.
    shows_default: bool,
    /// `None` before the first frame is drawn.
    canvas: Option<AnyCanvas>,
    /// The pixels of a frame in the layout of the file.
    decoded: Vec<u8>,
    /// The delay of the frame on the canvas, until it is taken.
    delay: Option<Duration>,
    /// The control of the next frame, if it was read already.
    control: Option<Control>,
    /// The offset of the next frame's chunks.
    at: usize,
    /// The sequence number of the next chunk of the animation.
    number: u32,
    is_first: bool,
    left: u32,
    plays: Option<NonZeroU32>,
}

/// A frame in the file.
struct Part {
    control: Control,
    /// The offsets of its chunks of data, and how many bytes precede the data in each.
    chunks: Vec<usize>,
    before: usize,
}

impl Animation {
    fn new(bytes: Bytes, limits: &Limits) -> Result<Self> {
        let head = Head::read(bytes.as_ref())?;
        let start = Start::read(bytes.as_ref(), &head)
            .ok_or_else(|| Error::decode("the animation's header is damaged"))?;
        let pixel = if head.depth == 16 { 8 } else { 4 };
        let pixels = u64::from(head.width) * u64::from(head.height);
        check_limit("pixels", Some(pixels), limits.pixels)?;
        check_limit("bytes", pixels.checked_mul(pixel), limits.bytes)?;
        Ok(Self {
            bytes,
            shows_default: start.first.is_some(),
            canvas: None,
            decoded: Vec::new(),
            delay: None,
            control: start.first,
            at: head.data,
            number: start.first.is_some().into(),
            head,
            is_first: true,
            left: start.frames,
            plays: NonZeroU32::new(start.plays),
        })
    }

    fn layout(&self) -> Layout {
        match self.head.depth {
            16 => Layout::Rgba16,
            _ => Layout::Rgba8,
        }
    }

    fn canvas(&self) -> &[u8] {
        self.canvas.as_ref().map_or(&[], AnyCanvas::bytes)
    }

    /// Draws the next frame, if there is one and it is not drawn yet.
    fn compose(&mut self) -> Result<bool> {
        if self.delay.is_some() {
            return Ok(true);
        }
        if self.left == 0 {
            return Ok(false);
        }
        let part = self.part()?;
        self.decode(&part)?;
        let Control {
            region,
            dispose,
            blend,
            delay,
        } = part.control;
        // The canvas below the first frame is empty.
        let blend = match std::mem::replace(&mut self.is_first, false) {
            true => Blend::Source,
            false => blend,
        };
        let canvas = match &mut self.canvas {
            Some(canvas) => canvas,
            None => {
                let (width, height) = (self.head.width as usize, self.head.height as usize);
                self.canvas.insert(match self.head.depth {
                    16 => AnyCanvas::Sixteen(Canvas::new(width, height)?, Vec::new()),
                    _ => AnyCanvas::Eight(Canvas::new(width, height)?, Vec::new()),
                })
            }
        };
        let has_color = self.head.has_color();
        match canvas {
            AnyCanvas::Eight(canvas, frame) => {
                to_rgba(&self.decoded, has_color, frame)?;
                canvas.draw(region, dispose, blend, frame, region.width)?;
            }
            AnyCanvas::Sixteen(canvas, frame) => {
                let (samples, _) = self.decoded.as_chunks::<2>();
                to_rgba(samples, has_color, frame)?;
                canvas.draw(region, dispose, blend, frame, region.width)?;
            }
        }
        self.left -= 1;
        self.delay = Some(delay);
        Ok(true)
    }

    /// Finds the next frame.
    fn part(&mut self) -> Result<Part> {
        let is_default = self.is_first && self.shows_default;
        let mut control = self.control.take();
        let mut places = Vec::new();
        for chunk in chunks_from(self.bytes.as_ref(), self.at) {
            match (chunk.kind, control) {
                (b"IDAT", Some(_)) if is_default => places.push(self.at),
                (b"fcTL", Some(_)) if !places.is_empty() => break,
                (b"fcTL", Some(_)) => return Err(Error::decode("a frame without data")),
                (b"fcTL", None) => {
                    control = Some(Control::read(&chunk, &self.head, self.number)?);
                    self.number += 1;
                }
                (b"fdAT", Some(_)) if !is_default => {
                    let found = chunk.data.first_chunk().ok_or_else(cut_short)?;
                    check_sequence_number(u32::from_be_bytes(*found), self.number)?;
                    self.number += 1;
                    places.push(self.at);
                }
                (b"fdAT", _) if !places.is_empty() => break,
                (b"fdAT", _) => return Err(Error::decode("a frame without a header")),
                _ => {}
            }
            self.at = chunk.after;
        }
        let control = control.filter(|_| !places.is_empty());
        Ok(Part {
            control: control.ok_or_else(cut_short)?,
            chunks: places,
            before: if is_default { 0 } else { 4 },
        })
    }

    /// Decodes a frame: gray and alpha, or RGBA.
    fn decode(&mut self, part: &Part) -> Result<()> {
        let bytes = self.bytes.as_ref();
        let mut data = Data::default();
        for &at in &part.chunks {
            if let Some(chunk) = chunks_from(bytes, at).next() {
                data.push(&chunk, part.before);
            }
        }
        let Region { width, height, .. } = part.control.region;
        let channels = if self.head.has_color() { 4 } else { 2 };
        let sample = if self.head.depth == 16 { 2 } else { 1 };
        let length = width * height * channels * sample;
        memory::resize(&mut self.decoded, length)?;
        let size = (width as u32, height as u32);
        let as_alpha = Transformations::EXPAND | Transformations::ALPHA;
        decode::read(&self.head, size, data, as_alpha, &mut self.decoded)
    }
}

/// A sample in the file's byte order.
trait Stored: Copy {
    type Sample: Sample;
    fn sample(self) -> Self::Sample;
}

impl Stored for u8 {
    type Sample = u8;
    fn sample(self) -> u8 {
        self
    }
}

impl Stored for [u8; 2] {
    type Sample = u16;
    fn sample(self) -> u16 {
        u16::from_be_bytes(self)
    }
}

fn to_rgba<T: Stored>(samples: &[T], has_color: bool, out: &mut Vec<[T::Sample; 4]>) -> Result<()> {
    let channels = if has_color { 4 } else { 2 };
    let pixels = samples.chunks_exact(channels);
    out.clear();
    memory::reserve(out, pixels.len())?;
    out.extend(pixels.map(|pixel| match *pixel {
        [r, g, b, a] => [r, g, b, a].map(Stored::sample),
        [l, .., a] => [l, l, l, a].map(Stored::sample),
        // A pixel never has another size.
        _ => [T::Sample::narrow(0); 4],
    }));
    Ok(())
}
