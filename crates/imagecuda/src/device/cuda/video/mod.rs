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
    decoder::{Frame, IN_WORK},
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
    sync::{Arc, Mutex, PoisonError},
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
    #[cfg_attr(not(feature = "heif"), allow(dead_code, reason = "for HEIF"))]
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
        let count = engines.len();
        let mut in_work: VecDeque<(usize, Format)> = VecDeque::new();
        let mut outcome: Attempt<Option<VideoSignal>> = Ok(None);
        let mut next = 0;
        // Whatever fails, every frame that was given to a decoder is taken from it again.
        loop {
            let is_full = in_work.len() == count * IN_WORK;
            if next < video.packets.len() && !is_full && outcome.is_ok() {
                let surface = next / count % IN_WORK;
                match engines[next % count]
                    .decoder
                    .start(&video.packets[next], surface)
                {
                    Ok(format) => in_work.push_back((next, format)),
                    Err(refusal) => outcome = Err(refusal),
                }
                next += 1;
                continue;
            }
            let Some((number, format)) = in_work.pop_front() else {
                break;
            };
            let Engine { decoder, stream } = &mut engines[number % count];
            let surface = number / count % IN_WORK;
            let taken = decoder.finish(surface, stream.raw().cast(), |frame| {
                let corner = corner(video, format)?;
                copy(
                    video,
                    &canvas,
                    number,
                    frame,
                    corner,
                    memory.pointer().as_raw(),
                    stream,
                )
            });
            outcome = outcome.and_then(|signal| {
                taken?;
                match signal {
                    Some(signal) if signal != format.signal => {
                        Err(Refusal::Unexpected("the tiles have different colours"))
                    }
                    _ => Ok(Some(format.signal)),
                }
            });
        }
        // The copies were waited for.
        memory.mark_idle();
        match outcome? {
            Some(signal) => Ok(VideoFrames {
                memory,
                bytes: canvas.bytes,
                picture: canvas.picture,
                signal,
                alpha: None,
            }),
            None => Err(Refusal::Unexpected("there are no frames")),
        }
    }
}

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

/// Copies what is shown of a frame to its place, and waits.
fn copy(
    video: &Video<'_>,
    canvas: &Canvas,
    number: usize,
    frame: Frame,
    corner: [u32; 2],
    to: u64,
    stream: &FrameStream,
) -> Attempt<()> {
    let check = |call, code: sys::CUresult| match code {
        sys::CUresult::CUDA_SUCCESS => Ok(()),
        code => Err(Refusal::Failed {
            call,
            code: code as i32,
        }),
    };
    for rows in video.copies(canvas, number, frame.pitch, frame.rows, corner) {
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
            dstDevice: to + rows.to as u64,
            dstArray: std::ptr::null_mut(),
            dstPitch: rows.to_pitch,
            WidthInBytes: rows.width,
            Height: rows.height,
        };
        // SAFETY: the rows lie within the frame, which is mapped, and within the canvas; the driver reads
        // the description before it returns.
        let result = unsafe { sys::cuMemcpy2DAsync_v2(&copy, stream.raw()) };
        check("cuMemcpy2DAsync", result)?;
    }
    // SAFETY: the stream is alive.
    check("cuStreamSynchronize", unsafe {
        sys::cuStreamSynchronize(stream.raw())
    })
}

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
