//! Animated PNG, through the `png` crate. (The `image` crate refuses 16 bits, misplaces
//! interlaced frames, and restores what it should have cleared.)

use super::chunks as png_chunks;
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
use ::png::{
    BitDepth, BlendOp, ColorType, Decoder, DecodingError, DisposeOp, Reader, Transformations,
};
use imagecuda_kernels::layout::Layout;
use std::{
    io::{Cursor, ErrorKind as IoErrorKind},
    num::NonZeroU32,
    time::Duration,
};

/// What the chunks in front of the image data say.
#[derive(Default)]
struct Chunks {
    /// Of an animation; 0 for others.
    frames: u32,
    /// The picture that simple viewers show is the first frame.
    default_is_first: bool,
}

fn chunks(bytes: &[u8]) -> Chunks {
    if !png_chunks::head(bytes).any(|chunk| chunk.kind == b"acTL") {
        return Chunks::default();
    }
    // A chunk that is damaged is none, which the decoder is to judge.
    let Ok(reader) = decoder(bytes, u64::MAX).read_info() else {
        return Chunks::default();
    };
    let info = reader.info();
    Chunks {
        frames: info
            .animation_control
            .map_or(0, |control| control.num_frames),
        default_is_first: info.frame_control.is_some(),
    }
}

fn decoder<B: AsRef<[u8]>>(bytes: B, most_bytes: u64) -> Decoder<Cursor<B>> {
    let limits = ::png::Limits {
        bytes: usize::try_from(most_bytes).unwrap_or(usize::MAX),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Metadata are read elsewhere.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder
}

pub(super) fn is_animated(bytes: &[u8]) -> bool {
    count(bytes) > 0
}

/// How many frames an animation claims to have; 0 for other files.
pub(super) fn count(bytes: &[u8]) -> u32 {
    chunks(bytes).frames
}

/// Whether the default image is a stand-in, and no frame.
pub(super) fn hides_default(bytes: &[u8]) -> bool {
    let chunks = chunks(bytes);
    chunks.frames > 0 && !chunks.default_is_first
}

/// The picture to show of a PNG: the first frame of an animation, which need not be the default
/// image (`still`): that may be a stand-in for viewers that know no animations.
pub(super) fn first_frame<'a>(
    still: Box<dyn Decode + 'a>,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Decode + 'a>> {
    if !hides_default(bytes) {
        return Ok(still);
    }
    Ok(Box::new(FirstFrame {
        animation: Animation::new(bytes, limits)?,
        still,
    }))
}

struct FirstFrame<'a> {
    animation: Animation<&'a [u8]>,
    still: Box<dyn Decode + 'a>,
}

impl Decode for FirstFrame<'_> {
    fn header(&self) -> Header {
        Header {
            layout: self.animation.layout(),
            ..self.still.header()
        }
    }

    fn read_into(mut self: Box<Self>, out: &mut [u8]) -> Result<()> {
        self.animation.compose()?;
        out.copy_from_slice(self.animation.canvas());
        Ok(())
    }
}

pub(super) struct Frames {
    bytes: Bytes,
    header: Header,
    animation: Animation<Bytes>,
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

struct Animation<B: AsRef<[u8]>> {
    reader: Reader<Cursor<B>>,
    /// Whether samples have 16 bits, not 8.
    sixteen: bool,
    /// Once there is a frame on it.
    canvas: Option<AnyCanvas>,
    /// What the decoder writes.
    decoded: Vec<u8>,
    /// Of the frame on the canvas, if it is not yet taken.
    delay: Option<Duration>,
    count: u32,
    left: u32,
    plays: Option<NonZeroU32>,
    /// The first picture is no frame.
    hidden: bool,
}

impl<B: AsRef<[u8]>> Animation<B> {
    fn new(bytes: B, limits: &Limits) -> Result<Self> {
        let mut decoder = decoder(bytes, limits.bytes);
        decoder.set_transformations(Transformations::EXPAND | Transformations::ALPHA);
        let reader = decoder.read_info().map_err(error)?;
        let info = reader.info();
        let (width, height) = info.size();
        let control = info
            .animation_control
            .ok_or_else(|| Error::decode("the animation's header is damaged"))?;
        let hidden = info.frame_control.is_none();
        let (_, depth) = reader.output_color_type();
        let sixteen = depth == BitDepth::Sixteen;
        let pixel = if sixteen { 8 } else { 4 };
        let pixels = u64::from(width) * u64::from(height);
        check_limit("pixels", Some(pixels), limits.pixels)?;
        check_limit("bytes", pixels.checked_mul(pixel), limits.bytes)?;
        Ok(Self {
            reader,
            sixteen,
            canvas: None,
            decoded: Vec::new(),
            delay: None,
            count: control.num_frames,
            left: control.num_frames,
            plays: NonZeroU32::new(control.num_plays),
            hidden,
        })
    }

    fn layout(&self) -> Layout {
        match self.sixteen {
            true => Layout::Rgba16,
            false => Layout::Rgba8,
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
        if std::mem::replace(&mut self.hidden, false) {
            self.decode()?;
        }
        let (color, width) = self.decode()?;
        let info = self.reader.info();
        let control = info
            .frame_control
            .ok_or_else(|| Error::decode("a frame has no header"))?;
        let first = self.left == self.count;
        let region = Region {
            x: control.x_offset as usize,
            y: control.y_offset as usize,
            width: control.width as usize,
            height: control.height as usize,
        };
        let dispose = match control.dispose_op {
            DisposeOp::None => Dispose::Keep,
            DisposeOp::Background => Dispose::Clear,
            DisposeOp::Previous => Dispose::Restore,
        };
        let blend = match control.blend_op {
            BlendOp::Over if !first => Blend::Over,
            _ => Blend::Source,
        };
        // The crate spaces the rows of interlaced frames as it does the canvas's.
        let stride = if info.interlaced {
            info.width as usize
        } else {
            width
        };
        let pixels = stride * region.height;
        let canvas = match &mut self.canvas {
            Some(canvas) => canvas,
            None => {
                let (width, height) = (info.width as usize, info.height as usize);
                self.canvas.insert(match self.sixteen {
                    true => AnyCanvas::Sixteen(Canvas::new(width, height)?, Vec::new()),
                    false => AnyCanvas::Eight(Canvas::new(width, height)?, Vec::new()),
                })
            }
        };
        match canvas {
            AnyCanvas::Eight(canvas, frame) => {
                let samples = &self.decoded[..pixels * color.samples()];
                to_rgba(samples, color, frame)?;
                canvas.draw(region, dispose, blend, frame, stride)?;
            }
            AnyCanvas::Sixteen(canvas, frame) => {
                let samples = &self.decoded[..pixels * color.samples() * 2];
                let (samples, _) = samples.as_chunks();
                to_rgba(samples, color, frame)?;
                canvas.draw(region, dispose, blend, frame, stride)?;
            }
        }
        self.left -= 1;
        self.delay = Some(delay(control.delay_num, control.delay_den));
        Ok(true)
    }

    /// Decodes the next picture. The kind of its pixels, and its width.
    fn decode(&mut self) -> Result<(ColorType, usize)> {
        // As for a picture of the canvas's size, whatever this one's is.
        let length = self.reader.output_buffer_size();
        memory::resize(&mut self.decoded, length.unwrap_or(usize::MAX))?;
        let info = self.reader.next_frame(&mut self.decoded).map_err(error)?;
        Ok((info.color_type, info.width as usize))
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

fn to_rgba<T: Stored>(
    samples: &[T],
    color: ColorType,
    out: &mut Vec<[T::Sample; 4]>,
) -> Result<()> {
    let opaque = T::Sample::narrow(T::Sample::MAX);
    let pixels = samples.chunks_exact(color.samples());
    out.clear();
    memory::reserve(out, pixels.len())?;
    out.extend(pixels.map(|pixel| match *pixel {
        [l] => [l.sample(), l.sample(), l.sample(), opaque],
        [l, a] => [l.sample(), l.sample(), l.sample(), a.sample()],
        [r, g, b] => [r.sample(), g.sample(), b.sample(), opaque],
        [r, g, b, a, ..] => [r, g, b, a].map(Stored::sample),
        [] => [opaque; 4],
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

fn error(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Error::decode("the file is cut short")
        }
        error => Error::decode(error),
    }
}
