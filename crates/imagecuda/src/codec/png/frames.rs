//! Animated PNG, through the `png` crate. (The `image` crate refuses 16 bits, misplaces
//! interlaced frames, and restores what it should have cleared.)

use super::{
    chunks::{Chunk, Data, Head, chunks, chunks_from},
    decode::{self, cut_short},
};
use crate::{
    Error, Limits, Result,
    codec::{
        Decode,
        canvas::{Blend, Canvas, Dispose, Region, Sample},
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

/// What the chunks in front of the image data say of an animation.
struct Start {
    frames: u32,
    plays: u32,
    /// Of the picture that simple viewers show, if that is the first frame.
    first: Option<Control>,
}

impl Start {
    /// `None` if there is no animation, or anything is wrong with these chunks: the file is then a
    /// still picture, as the specification has it.
    fn read(bytes: &[u8], head: &Head) -> Option<Self> {
        let (mut numbers, mut first) = (None, None);
        let mut at = 8;
        for chunk in chunks(bytes) {
            let is_known = match chunk.kind {
                _ if at >= head.data => break,
                b"acTL" => numbers.is_none() && first.is_none(),
                b"fcTL" => first.is_none(),
                b"fdAT" => false,
                _ => {
                    at = chunk.after;
                    continue;
                }
            };
            if !is_known || !chunk.is_right() {
                return None;
            }
            if chunk.kind == b"acTL" {
                let (words, []) = chunk.data.as_chunks() else {
                    return None;
                };
                let &[frames, plays] = words else {
                    return None;
                };
                numbers = Some((u32::from_be_bytes(frames), u32::from_be_bytes(plays)));
            } else {
                let control = Control::read(&chunk, head, 0).ok()?;
                if !control.is_whole(head) {
                    return None;
                }
                first = Some(control);
            }
            at = chunk.after;
        }
        let (frames, plays) = numbers?;
        let is_sound = (1..1 << 31).contains(&frames) && plays < 1 << 31;
        is_sound.then_some(Self {
            frames,
            plays,
            first,
        })
    }
}

/// How a frame is shown.
#[derive(Clone, Copy)]
struct Control {
    region: Region,
    dispose: Dispose,
    blend: Blend,
    delay: Duration,
}

impl Control {
    /// Reads an fcTL chunk, which must have this number among the animation's chunks.
    fn read(chunk: &Chunk<'_>, head: &Head, number: u32) -> Result<Self> {
        let damaged = || Error::decode("a frame's header is damaged");
        let Some((fixed, &[dispose, blend])) = chunk.data.split_first_chunk::<24>() else {
            return Err(damaged());
        };
        let word = |i: usize| u32::from_be_bytes([0, 1, 2, 3].map(|byte| fixed[4 * i + byte]));
        let half = |i: usize| u16::from_be_bytes([fixed[2 * i], fixed[2 * i + 1]]);
        let [width, height, x, y] = [1, 2, 3, 4].map(word);
        let fits = |at: u32, size: u32, all| size > 0 && at.checked_add(size) <= Some(all);
        if !chunk.is_right() || !fits(x, width, head.width) || !fits(y, height, head.height) {
            return Err(damaged());
        }
        in_order(word(0), number)?;
        Ok(Self {
            region: Region {
                x: x as usize,
                y: y as usize,
                width: width as usize,
                height: height as usize,
            },
            dispose: match dispose {
                0 => Dispose::Keep,
                1 => Dispose::Clear,
                2 => Dispose::Restore,
                _ => return Err(damaged()),
            },
            blend: match blend {
                0 => Blend::Source,
                1 => Blend::Over,
                _ => return Err(damaged()),
            },
            delay: delay(half(10), half(11)),
        })
    }

    /// Whether the frame is as large as the canvas.
    fn is_whole(&self, head: &Head) -> bool {
        (self.region.width, self.region.height) == (head.width as usize, head.height as usize)
    }
}

fn in_order(found: u32, expected: u32) -> Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(Error::decode(format!(
            "a frame's chunk is number {found}, and {expected} is next"
        ))),
    }
}

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

    fn skip(&mut self) -> Result<bool> {
        let found = self.animation.compose()?;
        self.animation.delay = None;
        Ok(found)
    }

    fn loop_count(&self) -> Option<NonZeroU32> {
        self.animation.plays
    }

    fn begins_with_still(&self) -> bool {
        self.animation.shows_default
    }
}

/// A canvas, and one frame's pixels, kept for the next.
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
    /// Once there is a frame on it.
    canvas: Option<AnyCanvas>,
    /// A frame as it is decoded.
    decoded: Vec<u8>,
    /// Of the frame on the canvas, if it is not yet taken.
    delay: Option<Duration>,
    /// Of the next frame, if it is known.
    control: Option<Control>,
    /// Where the chunks of the next frame are.
    at: usize,
    /// Which of the animation's chunks is next.
    number: u32,
    is_first: bool,
    left: u32,
    plays: Option<NonZeroU32>,
}

/// A frame in the file.
struct Part {
    control: Control,
    /// Where its chunks are, and how many bytes of each come before the data.
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

    /// Draws the next frame, if there is one and it is not yet drawn.
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
        // Nothing is below the first.
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
                    in_order(u32::from_be_bytes(*found), self.number)?;
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

/// A sample in a file.
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
        // There are no such pieces.
        _ => [T::Sample::narrow(0); 4],
    }));
    Ok(())
}

/// A fraction of a second; hundredths if it has no denominator.
fn delay(numerator: u16, denominator: u16) -> Duration {
    let denominator = match denominator {
        0 => 100,
        other => u64::from(other),
    };
    Duration::from_nanos(u64::from(numerator) * 1_000_000_000 / denominator)
}
