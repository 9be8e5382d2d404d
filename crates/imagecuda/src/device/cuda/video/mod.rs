//! The video engines of a GPU, behind libnvcuvid. They decode the frames that some image files are.
//!
//! A picture is refused if the engines do not decode its kind, or if anything at all is not as
//! expected. The host decodes it then, to the same pixels and with its own errors.

mod abi;
mod decoder;
mod engine;
mod hand;
mod kind;
mod library;
mod members;
mod pool;
mod session;
#[cfg(test)]
mod tests;

use self::{
    abi::{DecoderCaps, Zero},
    engine::Engine,
    hand::{Hand, OTHER_COLOURS},
    kind::{Attempt, Kind, Refusal},
    library::{Library, library},
    members::{Class, Need},
};
use super::{Buffer, Context, scratch::Scratch};
use crate::{
    Result, VideoDecoder,
    device::{
        DevicePixel, ExpandSpec, Staging,
        planes::viewed,
        video::{Video, VideoSignal},
    },
    trace::span,
};
use cust::memory::DevicePointer;
use imagecuda_kernels::planes::Picture;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize},
    },
    thread,
};

/// The decoders of a context.
pub(super) type Pool = pool::Pool<Engine>;

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
    engines: u8,
}

impl Context {
    /// Decodes a picture by the engines. `None` if they refuse it.
    pub(crate) fn decode_video(
        self: &Arc<Self>,
        video: &Video<'_>,
        choice: VideoDecoder,
    ) -> Option<VideoFrames> {
        let attempt = self.attempt(video, choice);
        if let Err(_refusal) = &attempt {
            span!("refused by the video engines", refusal = %_refusal);
        }
        attempt.ok()
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
        let class = class.ok_or(Refusal::Unsupported)?;
        let need = Need {
            class,
            frames,
            engines: usize::from(abilities.engines).max(1),
            pixels: u64::from(video.size[0]) * u64::from(video.size[1]),
            choice,
        };
        let context = Arc::clone(self);
        let make = move || Engine::new(&context, library, class, coded);
        let mut taken = self.videos.take(need, make)?;
        self.decode_frames(video, &mut taken.engines)
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
        // The GPU deals frames to its engines in turn, whatever each has to do. Of one after the other
        // by length, all get as much.
        let mut order: Vec<usize> = (0..video.packets.len()).collect();
        order.sort_by_key(|&number| Reverse(video.packets[number].len()));
        let hand = Hand {
            video,
            order,
            canvas: &canvas,
            to: memory.pointer().as_raw(),
            next: AtomicUsize::new(0),
            decoders: engines.len(),
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
                .filter_map(|engine| {
                    let thread = thread::Builder::new().name("imagecuda video".into());
                    // Without a thread, the other decoders take its frames.
                    thread.spawn_scoped(scope, move || work(engine)).ok()
                })
                .collect();
            let mut outcomes = vec![hand.play(own)];
            outcomes.extend(others.into_iter().map(|other| {
                let panicked = |_| Err(Refusal::Unexpected("a thread panicked"));
                other.join().unwrap_or_else(panicked)
            }));
            outcomes
        });
        // The copies were waited for, if no thread panicked. After that, too, nothing may write to the
        // memory of another picture.
        for engine in others.iter_mut().chain([&mut *own]) {
            let _ = engine.release();
        }
        let has_work = |engine: &mut Engine| engine.decoder.has_work();
        if !has_work(own) && !others.iter_mut().any(has_work) {
            memory.mark_idle();
        }
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

const NO_CONTEXT: Refusal = Refusal::Failed {
    call: "cuCtxSetCurrent",
    code: -1,
};

/// What the engines can do, which is asked once.
fn abilities(context: &Context, library: &Library, kind: Kind) -> Attempt<Abilities> {
    type Known = BTreeMap<(u32, Kind), Option<Abilities>>;
    static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&(context.ordinal, kind)) {
        return found.ok_or(Refusal::Unsupported);
    }
    let mut caps = DecoderCaps::zero();
    caps.codec = kind.codec();
    caps.chroma = kind.chroma();
    caps.bits_minus_8 = u32::from(kind.bits - 8);
    // SAFETY: the pointer is to a local of the type that the library reads and writes.
    let code = unsafe { (library.cuvidGetDecoderCaps)(&mut caps) };
    if code != 0 {
        // Asked again next time: memory may have been short.
        return Err(Refusal::Unsupported);
    }
    let is_supported = caps.is_supported != 0 && caps.surfaces >> kind.surface() & 1 == 1;
    let found = is_supported.then_some(Abilities {
        least: [caps.least_width, caps.least_height].map(u32::from),
        most: [caps.most_width, caps.most_height],
        most_macroblocks: caps.most_macroblocks,
        engines: caps.engines,
    });
    known.insert((context.ordinal, kind), found);
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
        memory.wait_on(&context.stream.work())?;
        pinned.start_upload(memory.pointer(), header.len(), &context.stream.work())?;
        if let Some(Staging::Pinned(mut alpha)) = frames.alpha {
            let start = picture.planes[3].start as usize * picture.sample_bytes as usize;
            let room = frames.bytes.saturating_sub(start);
            let place = DevicePointer::from_raw(memory.pointer().as_raw() + start as u64);
            alpha.start_upload(place, alpha.len().min(room), &context.stream.work())?;
        }
        self.expand_picture(&mut memory, frames.bytes, &picture)
    }
}
