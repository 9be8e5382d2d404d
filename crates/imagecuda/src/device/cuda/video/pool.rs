//! Decoders, which are made when they are needed, used again, and kept: to make one takes 31 to 83 ms,
//! one after the other, and to end one 17 to 240 ms.

use super::{
    Context,
    decoder::Decoder,
    kind::{Attempt, Kind, Refusal},
    library::Library,
};
use crate::{VideoDecoder, device::video::VideoCodec};
use cust::sys;
use std::{
    collections::BTreeMap,
    ptr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Decoders of one class. More than there are engines are of no use; the largest GPUs have eight.
const MOST: usize = 8;

/// Decoders of all classes.
const MOST_IN_ALL: usize = 16;

/// The sides up to which the decoders of a class go. Smaller classes take less memory and time to make:
/// most tiles are of the first one.
const LARGEST: [u32; 3] = [1024, 4096, 8192];

/// Decoders that replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    pub(super) kind: Kind,
    /// The largest coded sides.
    pub(super) largest: [u32; 2],
}

impl Class {
    /// The class of pictures of this size. `None` if they are too large. The picture as it is coded may
    /// be larger, by up to 64 pixels.
    pub(super) fn of(kind: Kind, size: [u32; 2], most: [u32; 2]) -> Option<Self> {
        let fits = |largest: [u32; 2]| (0..2).all(|i| size[i].next_multiple_of(64) <= largest[i]);
        LARGEST
            .map(|side| most.map(|most| side.min(most)))
            .into_iter()
            .find(|&largest| fits(largest))
            .map(|largest| Self { kind, largest })
    }
}

/// A decoder and the stream in which its frames are copied.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) decoder: Decoder,
    pub(super) stream: FrameStream,
}

impl Engine {
    /// Gives the mapped frame back, when its copy is done.
    pub(super) fn release(&mut self) -> Attempt<()> {
        if !self.decoder.is_mapped() {
            return Ok(());
        }
        // SAFETY: the stream is alive.
        let copied = match unsafe { sys::cuStreamSynchronize(self.stream.raw()) } {
            sys::CUresult::CUDA_SUCCESS => Ok(()),
            code => Err(Refusal::Failed {
                call: "cuStreamSynchronize",
                code: code as i32,
            }),
        };
        let unmapped = self.decoder.unmap();
        self.decoder.is_broken |= copied.is_err();
        copied.and(unmapped)
    }
}

/// The stream of a decoder's frames.
#[derive(Debug)]
pub(super) struct FrameStream(sys::CUstream);

// SAFETY: a handle, tied to a context and to no thread.
unsafe impl Send for FrameStream {}

impl FrameStream {
    fn new() -> Attempt<Self> {
        let mut stream = ptr::null_mut();
        let flags = sys::CUstream_flags_enum::CU_STREAM_DEFAULT as u32;
        // SAFETY: the driver writes one handle, to a local that has room for it.
        match unsafe { sys::cuStreamCreate(&mut stream, flags) } {
            sys::CUresult::CUDA_SUCCESS => Ok(Self(stream)),
            code => Err(Refusal::Failed {
                call: "cuStreamCreate",
                code: code as i32,
            }),
        }
    }

    pub(super) fn raw(&self) -> sys::CUstream {
        self.0
    }
}

impl Drop for FrameStream {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed here alone, and what was in the stream was waited for.
        let _ = unsafe { sys::cuStreamDestroy_v2(self.0) };
    }
}

#[derive(Default)]
struct Members {
    free: Vec<Engine>,
    /// The free ones, those in use, and those that are being made.
    alive: usize,
    /// Frames that are to be decoded.
    frames: usize,
    /// Pictures that have decoders or wait for some.
    pictures: usize,
    /// How many decoders would have been of use at the busiest time.
    wanted: usize,
    /// Pictures that the host decoded since there was no decoder, one after the other.
    passed: usize,
    /// Whether a thread makes more.
    is_growing: bool,
    /// When the class was used last.
    used: u64,
}

#[derive(Default)]
struct State {
    classes: BTreeMap<Class, Members>,
    clock: u64,
}

impl Members {
    fn begin(&mut self, frames: usize) {
        self.frames += frames;
        self.pictures += 1;
        self.wanted = self.wanted.max(self.frames.min(MOST));
    }

    fn end(&mut self, frames: usize) {
        self.frames -= frames;
        self.pictures -= 1;
    }

    /// A picture's share of the free decoders. A lone picture gets all. In a batch each gets one: threads
    /// that each drive one decoder are faster than one that drives all.
    fn share(&mut self, frames: usize) -> Vec<Engine> {
        let share = (self.alive / self.pictures).clamp(1, frames.max(1));
        let rest = self.free.len().saturating_sub(share);
        self.free.split_off(rest)
    }

    fn wants_more(&self) -> bool {
        self.alive < MOST && (self.wanted > self.alive || self.passed >= PATIENCE)
    }
}

impl State {
    fn of(&mut self, class: Class) -> &mut Members {
        self.classes.entry(class).or_default()
    }

    fn alive(&self) -> usize {
        self.classes.values().map(|members| members.alive).sum()
    }
}

#[derive(Default)]
pub(in crate::device::cuda) struct Pool {
    state: Mutex<State>,
    /// A decoder was given back, or could not be made.
    returned: Condvar,
}

/// The first picture without a decoder that `Auto` makes one for, by pixels: libde265 takes 57 ms a
/// megapixel on two cores, libwebp ten.
fn pays(kind: Kind, pixels: u64) -> bool {
    kind.codec != VideoCodec::Vp8 && pixels >= 2_000_000
}

/// After so many pictures of other classes, a class's decoders may end for those.
const STALE: u64 = 64;

/// How many pictures in a row find no decoder before one is made for those that come.
const PATIENCE: usize = 4;

/// A picture's need of decoders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) class: Class,
    /// The coded size of the first decoder.
    pub(super) coded: [u32; 2],
    /// Frames to decode.
    pub(super) frames: usize,
    pub(super) pixels: u64,
    pub(super) choice: VideoDecoder,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes at least one decoder, and as many free ones as there are frames. Give them back.
    pub(super) fn take(
        context: &Arc<Context>,
        library: &'static Library,
        need: Need,
    ) -> Attempt<Vec<Engine>> {
        let pool = &context.videos;
        let mut state = pool.lock();
        state.clock += 1;
        let clock = state.clock;
        let members = state.of(need.class);
        members.used = clock;
        members.begin(need.frames);
        loop {
            let members = state.of(need.class);
            if !members.free.is_empty() {
                members.passed = 0;
                let taken = members.share(need.frames);
                Self::grow(context, library, state, need);
                return Ok(taken);
            }
            let (alive, passed) = (members.alive, members.passed);
            if alive == 0 {
                if need.choice == VideoDecoder::Auto && !pays(need.class.kind, need.pixels) {
                    members.end(need.frames);
                    members.passed += 1;
                    if passed + 1 >= PATIENCE {
                        Self::grow(context, library, state, need);
                    }
                    return Err(Refusal::NotWorthIt);
                }
                let ended = Self::make_room(&mut state, need.class, 0);
                state.of(need.class).alive += 1;
                drop(state);
                drop(ended);
                let made = Engine::new(context, library, need);
                let mut state = pool.lock();
                if let Err(refusal) = made {
                    let members = state.of(need.class);
                    members.alive -= 1;
                    members.end(need.frames);
                    drop(state);
                    pool.returned.notify_all();
                    return Err(refusal);
                }
                Self::grow(context, library, state, need);
                return made.map(|engine| vec![engine]);
            }
            state = pool
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives decoders back. Those that failed are ended.
    pub(super) fn put(&self, class: Class, frames: usize, engines: Vec<Engine>) {
        let (broken, sound): (Vec<_>, Vec<_>) = engines
            .into_iter()
            .partition(|engine| engine.decoder.is_broken);
        let mut state = self.lock();
        let members = state.of(class);
        members.alive -= broken.len();
        members.end(frames);
        members.free.extend(sound);
        drop(state);
        self.returned.notify_all();
        drop(broken);
    }

    /// Ends the free decoders, and says how many there were.
    pub(in crate::device::cuda) fn trim(&self) -> usize {
        let mut state = self.lock();
        let mut ended = Vec::new();
        for members in state.classes.values_mut() {
            members.alive -= members.free.len();
            members.wanted = 0;
            ended.append(&mut members.free);
        }
        drop(state);
        let count = ended.len();
        drop(ended);
        count
    }

    /// Takes a free decoder of the class that was used longest ago, if there are as many as may be, and so
    /// many pictures came since.
    fn make_room(state: &mut State, but: Class, since: u64) -> Option<Engine> {
        if state.alive() < MOST_IN_ALL {
            return None;
        }
        let clock = state.clock;
        let others = state.classes.iter_mut();
        let idle = others.filter(|(class, members)| {
            **class != but && !members.free.is_empty() && clock - members.used >= since
        });
        let (_, oldest) = idle.min_by_key(|(_, members)| members.used)?;
        oldest.alive -= 1;
        oldest.free.pop()
    }

    /// Lets a thread make decoders, as many as would have been of use so far.
    fn grow(
        context: &Arc<Context>,
        library: &'static Library,
        mut state: MutexGuard<'_, State>,
        need: Need,
    ) {
        let members = state.of(need.class);
        if members.is_growing || !members.wants_more() {
            return;
        }
        members.is_growing = true;
        drop(state);
        let context_too = Arc::clone(context);
        let thread = thread::Builder::new().name("imagecuda video".into());
        let spawned = thread.spawn(move || Self::make_more(&context_too, library, need));
        if spawned.is_err() {
            context.videos.lock().of(need.class).is_growing = false;
        }
    }

    fn make_more(context: &Arc<Context>, library: &'static Library, need: Need) {
        let pool = &context.videos;
        let mut state = pool.lock();
        loop {
            let is_wanted = state.of(need.class).wants_more();
            let ended = match is_wanted {
                true => Self::make_room(&mut state, need.class, STALE),
                false => None,
            };
            let has_room = state.alive() < MOST_IN_ALL;
            let members = state.of(need.class);
            if !is_wanted || !has_room {
                members.is_growing = false;
                return;
            }
            members.passed = 0;
            members.alive += 1;
            drop(state);
            drop(ended);
            let made = Engine::new(context, library, need);
            state = pool.lock();
            let members = state.of(need.class);
            match made {
                Ok(engine) => members.free.push(engine),
                Err(_) => {
                    members.alive -= 1;
                    // It is not tried again and again.
                    members.wanted = members.alive;
                    members.is_growing = false;
                    drop(state);
                    pool.returned.notify_all();
                    return;
                }
            }
            pool.returned.notify_all();
        }
    }
}

impl Engine {
    fn new(context: &Arc<Context>, library: &'static Library, need: Need) -> Attempt<Self> {
        let failed = |_| Refusal::Failed {
            call: "cuCtxSetCurrent",
            code: -1,
        };
        let _current = context.enter().map_err(failed)?;
        let Class { kind, largest } = need.class;
        Ok(Self {
            decoder: Decoder::new(library, kind, need.coded, largest)?,
            stream: FrameStream::new()?,
        })
    }
}
