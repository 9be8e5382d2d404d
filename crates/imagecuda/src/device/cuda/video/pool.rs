//! Decoders, which are made when they are needed, used again, and kept: to make one takes 31 to 83 ms,
//! one after the other, and to end one 17 to 240 ms.

use super::{
    Context,
    engine::Engine,
    kind::{Attempt, Kind, Refusal},
    library::Library,
};
use crate::{VideoDecoder, device::video::VideoCodec};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Decoders of all classes.
const MOST_IN_ALL: usize = 24;

/// The most decoders of one class, on a GPU of so many engines. The GPU deals frames to its engines in
/// turn, so that some wait while others have nothing to do. With twice as many decoders all have work,
/// where frames are small. Of large ones each takes so long that one more is enough.
fn most(class: Class, engines: usize) -> usize {
    let most = match class.largest.iter().all(|&side| side <= LARGEST[0]) {
        true => 2 * engines,
        false => engines + 1,
    };
    most.min(16)
}

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
    /// How many may be of use.
    most: usize,
    /// Pictures that the host decoded since there was no decoder, one after the other.
    passed: usize,
    /// Whether a thread makes more.
    is_growing: bool,
    /// Whether one more could not be made. It is not tried again until decoders were ended.
    is_full: bool,
    /// When the class was used last.
    used: u64,
}

#[derive(Default)]
struct State {
    classes: BTreeMap<Class, Members>,
    clock: u64,
}

impl Members {
    fn begin(&mut self, need: Need) {
        self.frames += need.frames;
        self.pictures += 1;
        self.most = most(need.class, need.engines);
        // A lone picture uses one for each engine.
        let of_use = self.frames.min(need.engines).max(self.pictures);
        self.wanted = self.wanted.max(of_use.min(self.most));
    }

    fn end(&mut self, frames: usize) {
        self.frames -= frames;
        self.pictures -= 1;
    }

    /// A picture's share of the free decoders. A lone picture gets one for each engine. In a batch each gets
    /// one: threads that each drive one decoder are faster than one that drives all.
    fn share(&mut self, need: Need) -> Vec<Engine> {
        let most = need.frames.min(need.engines).max(1);
        let share = (self.alive / self.pictures).clamp(1, most);
        let rest = self.free.len().saturating_sub(share);
        self.free.split_off(rest)
    }

    fn wants_more(&self) -> bool {
        !self.is_full
            && self.alive < self.most
            && (self.wanted > self.alive || self.passed >= PATIENCE)
    }
}

impl State {
    /// Decoders are ended, so one more may be made again.
    fn may_grow(&mut self) {
        for members in self.classes.values_mut() {
            members.is_full = false;
        }
    }

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
    /// The GPU's engines.
    pub(super) engines: usize,
    pub(super) pixels: u64,
    pub(super) choice: VideoDecoder,
}

/// Decoders that a picture has taken. They go back when this is dropped.
pub(super) struct Taken<'a> {
    pool: &'a Pool,
    class: Class,
    frames: usize,
    pub(super) engines: Vec<Engine>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.pool
            .put(self.class, self.frames, std::mem::take(&mut self.engines));
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes at least one decoder, and as many free ones as there are frames.
    pub(super) fn take<'a>(
        context: &'a Arc<Context>,
        library: &'static Library,
        need: Need,
    ) -> Attempt<Taken<'a>> {
        let pool = &context.videos;
        let taken = |engines| Taken {
            pool,
            class: need.class,
            frames: need.frames,
            engines,
        };
        let mut state = pool.lock();
        state.clock += 1;
        let clock = state.clock;
        let members = state.of(need.class);
        members.used = clock;
        members.begin(need);
        loop {
            let members = state.of(need.class);
            if !members.free.is_empty() {
                members.passed = 0;
                let engines = members.share(need);
                Self::grow(context, library, state, need);
                return Ok(taken(engines));
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
                let made = Engine::new(context, library, need.class, need.coded);
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
                return made.map(|engine| taken(vec![engine]));
            }
            state = pool
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives decoders back. Those that failed are ended.
    fn put(&self, class: Class, frames: usize, engines: Vec<Engine>) {
        let (mut broken, mut sound) = (Vec::new(), Vec::new());
        for mut engine in engines {
            // After a panic, of another thread too, frames may still be in work.
            let is_sound = !engine.decoder.is_broken && !engine.decoder.has_work();
            match is_sound && !thread::panicking() {
                true => sound.push(engine),
                false => broken.push(engine),
            }
        }
        let mut state = self.lock();
        if !broken.is_empty() {
            state.may_grow();
        }
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
            members.is_full = false;
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
        let ended = oldest.free.pop();
        state.may_grow();
        ended
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
            let made = Engine::new(context, library, need.class, need.coded);
            state = pool.lock();
            let members = state.of(need.class);
            match made {
                Ok(engine) => members.free.push(engine),
                Err(_) => {
                    members.alive -= 1;
                    members.is_full = true;
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
