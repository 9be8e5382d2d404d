//! The video engines of a GPU, behind libnvcuvid. They decode the frames that some image files are.
//!
//! A picture is refused if the engines do not decode its kind, or if anything at all is not as
//! expected. The host decodes it then, to the same pixels and with its own errors.

mod abi;
mod decoder;
mod kind;
mod library;
mod pool;
mod session;
#[cfg(test)]
mod tests;

pub(super) use self::pool::Pool;
use self::{
    abi::{DecoderCaps, Zero},
    decoder::{Frame, IN_WORK, SURFACES},
    kind::{Attempt, Kind, Refusal},
    library::{Library, library},
    pool::{Class, Engine, FrameStream, Need},
    session::Format,
};
use super::{Buffer, Context, scratch::Scratch};
use crate::{
    Result, VideoDecoder,
    device::{
        DevicePixel, ExpandSpec, Staging,
        planes::viewed,
        video::{Canvas, Video, VideoCodec, VideoSignal},
    },
    trace::span,
};
use cust::{memory::DevicePointer, sys};
use imagecuda_kernels::planes::Picture;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// A picture in device memory, as engines decoded it.
pub(crate) struct VideoFrames {
    memory: Scratch,
    bytes: usize,
    pub(crate) picture: Picture,
    #[cfg_attr(not(feature = "heif"), allow(dead_code, reason = "for HEIF"))]
    pub(crate) signal: VideoSignal,
    alpha: Option<Staging>,
}

impl VideoFrames {
    /// Adds the samples of alpha, which the host decoded, for the room that the picture has for them.
    #[cfg_attr(
        not(any(feature = "heif", feature = "webp")),
        allow(dead_code, reason = "for HEIF and WebP")
    )]
    pub(crate) fn add_alpha(&mut self, samples: Staging) {
        self.alpha = Some(samples);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for VideoFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of frames", self.bytes)
    }
}

/// What the engines of a GPU can do with a kind of pictures.
#[derive(Clone, Copy, Debug)]
struct Abilities {
    least: [u32; 2],
    most: [u32; 2],
    most_macroblocks: u32,
}

impl Context {
    /// Decodes a picture by the engines. `None` if they refuse it.
    pub(crate) fn decode_video(
        self: &Arc<Self>,
        video: &Video<'_>,
        choice: VideoDecoder,
    ) -> Option<VideoFrames> {
        match self.attempt(video, choice) {
            Ok(frames) => Some(frames),
            Err(_refusal) => {
                span!("refused by the video engines", refusal = %_refusal);
                None
            }
        }
    }

    /// Ends the decoders that are not in use, and says how many there were.
    pub(crate) fn trim_videos(&self) -> usize {
        let Ok(_current) = self.enter() else { return 0 };
        self.videos.trim()
    }

    fn attempt(self: &Arc<Self>, video: &Video<'_>, choice: VideoDecoder) -> Attempt<VideoFrames> {
        let library = library().map_err(Refusal::NoLibrary)?;
        let _current = self.enter().map_err(|_| NO_CONTEXT)?;
        let kind = Kind {
            codec: video.codec,
            is_444: video.is_444,
            bits: video.bits,
            has_segments: video.has_segments,
        };
        let abilities = abilities(self, library, kind)?;
        let coded = video.tile.map(|side| side.next_multiple_of(16));
        let macroblocks = u64::from(coded[0]) * u64::from(coded[1]) / 256;
        let fits = (0..2).all(|i| coded[i] >= abilities.least[i])
            && macroblocks <= u64::from(abilities.most_macroblocks);
        let class = Class::of(kind, video.tile, abilities.most).filter(|_| fits);
        let frames = video.packets.len();
        let need = Need {
            class: class.ok_or(Refusal::Unsupported)?,
            coded,
            frames,
            pixels: u64::from(video.size[0]) * u64::from(video.size[1]),
            choice,
        };
        let mut engines = Pool::take(self, library, need)?;
        let decoded = self.decode_frames(video, &mut engines);
        self.videos.put(need.class, frames, engines);
        decoded
    }

    /// Deals the frames to decoders, and copies each to its place.
    fn decode_frames(
        self: &Arc<Self>,
        video: &Video<'_>,
        engines: &mut [Engine],
    ) -> Attempt<VideoFrames> {
        let canvas = video.canvas();
        let mut memory = self.scratch(canvas.bytes).map_err(|_| Refusal::NoMemory)?;
        memory.wait().map_err(|_| NO_CONTEXT)?;
        let hand = Hand {
            video,
            canvas: &canvas,
            to: memory.pointer().as_raw(),
            next: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
        };
        let (own, others) = engines.split_first_mut().ok_or(Refusal::Unsupported)?;
        // Each decoder has a thread: one thread takes as long for a tile as a decoder does.
        let outcomes = thread::scope(|scope| {
            let work = |engine| {
                let _current = self.enter().map_err(|_| NO_CONTEXT)?;
                hand.play(engine)
            };
            let others: Vec<_> = others
                .iter_mut()
                .map(|engine| scope.spawn(move || work(engine)))
                .collect();
            let mut outcomes = vec![hand.play(own)];
            outcomes.extend(others.into_iter().map(|other| {
                let panicked = |_| Err(Refusal::Unexpected("a thread panicked"));
                other.join().unwrap_or_else(panicked)
            }));
            outcomes
        });
        // The copies were waited for.
        memory.mark_idle();
        let mut signals = Vec::new();
        for outcome in outcomes {
            signals.extend(outcome?);
        }
        let signal = signals.first().copied();
        let signal = signal.ok_or(Refusal::Unexpected("there are no frames"))?;
        if signals.iter().any(|other| *other != signal) {
            return Err(OTHER_COLOURS);
        }
        Ok(VideoFrames {
            memory,
            bytes: canvas.bytes,
            picture: canvas.picture,
            signal,
            alpha: None,
        })
    }
}

/// The frames of a picture, which threads take one by one.
struct Hand<'a> {
    video: &'a Video<'a>,
    canvas: &'a Canvas,
    /// The canvas in device memory.
    to: u64,
    next: AtomicUsize,
    has_failed: AtomicBool,
}

impl Hand<'_> {
    /// Decodes frames until there are no more, and returns what their headers say. Whatever fails, every
    /// frame that was given to a decoder is taken from it again.
    fn play(&self, engine: &mut Engine) -> Attempt<Option<VideoSignal>> {
        let mut in_work = VecDeque::new();
        let mut outcome = Ok(None);
        let mut surfaces = (0..SURFACES).cycle();
        let mut is_more = true;
        loop {
            let is_full = in_work.len() == IN_WORK;
            if is_more && !is_full && !self.has_failed.load(Ordering::Relaxed) {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let next = self.video.packets.get(number).zip(surfaces.next());
                let Some((packet, surface)) = next else {
                    is_more = false;
                    continue;
                };
                match engine.decoder.start(packet, surface) {
                    Ok(format) => in_work.push_back((number, surface, format)),
                    Err(refusal) => {
                        self.has_failed.store(true, Ordering::Relaxed);
                        outcome = Err(refusal);
                    }
                }
                continue;
            }
            let Some((number, surface, format)) = in_work.pop_front() else {
                break;
            };
            let taken = self.take(engine, number, surface, format);
            if taken.is_err() {
                self.has_failed.store(true, Ordering::Relaxed);
            }
            outcome = outcome.and_then(|signal| {
                taken?;
                match signal {
                    Some(signal) if signal != format.signal => Err(OTHER_COLOURS),
                    _ => Ok(Some(format.signal)),
                }
            });
        }
        let released = engine.release();
        outcome.and_then(|signal| released.map(|()| signal))
    }

    /// Waits for a frame, and starts to copy it.
    fn take(
        &self,
        engine: &mut Engine,
        number: usize,
        surface: usize,
        format: Format,
    ) -> Attempt<()> {
        // The copy of the frame before is done, mostly.
        engine.release()?;
        let Engine { decoder, stream } = engine;
        decoder.finish(surface, stream.raw().cast(), |frame| {
            let corner = corner(self.video, format)?;
            self.copy(number, frame, corner, stream)
        })
    }

    /// Starts to copy what is shown of a frame to its place.
    fn copy(
        &self,
        number: usize,
        frame: Frame,
        corner: [u32; 2],
        stream: &FrameStream,
    ) -> Attempt<()> {
        let rows = self
            .video
            .copies(self.canvas, number, frame.pitch, frame.rows, corner);
        for rows in rows {
            let copy = sys::CUDA_MEMCPY2D {
                srcXInBytes: 0,
                srcY: 0,
                srcMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE,
                srcHost: std::ptr::null(),
                srcDevice: frame.address + rows.from as u64,
                srcArray: std::ptr::null_mut(),
                srcPitch: frame.pitch,
                dstXInBytes: 0,
                dstY: 0,
                dstMemoryType: sys::CUmemorytype_enum::CU_MEMORYTYPE_DEVICE,
                dstHost: std::ptr::null_mut(),
                dstDevice: self.to + rows.to as u64,
                dstArray: std::ptr::null_mut(),
                dstPitch: rows.to_pitch,
                WidthInBytes: rows.width,
                Height: rows.height,
            };
            // SAFETY: the rows lie within the frame, which is mapped, and within the canvas; the driver
            // reads the description before it returns.
            match unsafe { sys::cuMemcpy2DAsync_v2(&copy, stream.raw()) } {
                sys::CUresult::CUDA_SUCCESS => {}
                code => {
                    return Err(Refusal::Failed {
                        call: "cuMemcpy2DAsync",
                        code: code as i32,
                    });
                }
            }
        }
        Ok(())
    }
}

const OTHER_COLOURS: Refusal = Refusal::Unexpected("the tiles have different colours");

const NO_CONTEXT: Refusal = Refusal::Failed {
    call: "cuCtxSetCurrent",
    code: -1,
};

/// The first pixel of a frame that is shown. The frame has to be as large as its container says.
fn corner(video: &Video<'_>, format: Format) -> Attempt<[u32; 2]> {
    let [left, top, right, bottom] = format.shown;
    if video.codec == VideoCodec::Vp8 {
        // The parser rounds odd sizes down.
        let fits = (0..2).all(|i| format.coded[i] >= video.tile[i]);
        return match fits && [left, top] == [0, 0] {
            true => Ok([0, 0]),
            false => Err(WRONG_SIZE),
        };
    }
    match [right - left, bottom - top] == video.tile {
        true => Ok([left, top]),
        false => Err(WRONG_SIZE),
    }
}

const WRONG_SIZE: Refusal =
    Refusal::Unexpected("a frame is of another size than its container says");

/// What the engines can do, which is asked once.
fn abilities(context: &Context, library: &Library, kind: Kind) -> Attempt<Abilities> {
    type Known = BTreeMap<(u32, Kind), Option<Abilities>>;
    static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let ask = || {
        let mut caps = DecoderCaps::zero();
        caps.codec = kind.codec();
        caps.chroma = kind.chroma();
        caps.bits_minus_8 = u32::from(kind.bits - 8);
        // SAFETY: the pointer is to a local of the type that the library reads and writes.
        let code = unsafe { (library.cuvidGetDecoderCaps)(&mut caps) };
        let is_supported =
            code == 0 && caps.is_supported != 0 && caps.surfaces >> kind.surface() & 1 == 1;
        is_supported.then_some(Abilities {
            least: [caps.least_width, caps.least_height].map(u32::from),
            most: [caps.most_width, caps.most_height],
            most_macroblocks: caps.most_macroblocks,
        })
    };
    let found = *known.entry((context.ordinal, kind)).or_insert_with(ask);
    found.ok_or(Refusal::Unsupported)
}

impl<P: DevicePixel> Buffer<P> {
    /// Makes the first pixels of frames. Does not wait.
    pub(super) fn expand_frames(&mut self, frames: VideoFrames, spec: ExpandSpec) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let picture = viewed(frames.picture, &spec)?;
        let header: &[u8] = bytemuck::bytes_of(&picture);
        let mut pinned = context.pinned(header.len())?;
        pinned.copy_from_slice(header);
        let mut memory = frames.memory;
        memory.wait_on(&context.stream)?;
        pinned.start_upload(memory.pointer(), header.len(), &context.stream)?;
        if let Some(Staging::Pinned(mut alpha)) = frames.alpha {
            let start = picture.planes[3].start as usize * picture.sample_bytes as usize;
            let room = frames.bytes.saturating_sub(start);
            let place = DevicePointer::from_raw(memory.pointer().as_raw() + start as u64);
            alpha.start_upload(place, alpha.len().min(room), &context.stream)?;
        }
        self.expand_picture(&mut memory, frames.bytes, &picture)
    }
}
