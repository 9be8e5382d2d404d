//! Decoders, which are made when they are needed, used again, and kept: to make one takes 31 to 83 ms,
//! one after the other, and to end one 17 to 240 ms.

use super::{
    kind::{Attempt, Refusal},
    members::{Class, MOST_IN_ALL, Need, PATIENCE, STALE, State, pays},
};
use crate::VideoDecoder;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// What is pooled: a decoder, or a test's.
pub(in crate::device::cuda) trait Pooled: Send + 'static {
    /// Whether it may be used again: it has not failed, and has no frames in work.
    fn is_sound(&mut self) -> bool;
}

pub(in crate::device::cuda) struct Pool<E> {
    state: Mutex<State<E>>,
    /// A decoder was given back, or could not be made.
    returned: Condvar,
}

impl<E> Default for Pool<E> {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }
}

/// Decoders that a picture has taken, or waits for. They go back when this is dropped.
pub(super) struct Taken<'a, E: Pooled> {
    pool: &'a Pool<E>,
    class: Class,
    frames: usize,
    pub(super) engines: Vec<E>,
}

impl<E: Pooled> Drop for Taken<'_, E> {
    fn drop(&mut self) {
        let engines = std::mem::take(&mut self.engines);
        self.pool.put(self.class, self.frames, engines);
    }
}

/// The place of a decoder that is being made. If that fails or panics, nobody counts on it any longer.
struct Unmade<'a, E> {
    pool: &'a Pool<E>,
    class: Class,
}

impl<E> Drop for Unmade<'_, E> {
    fn drop(&mut self) {
        self.pool.lock().of(self.class).alive -= 1;
        self.pool.returned.notify_all();
    }
}

/// A thread that makes decoders, until one cannot be made.
struct Growing<'a, E> {
    pool: &'a Pool<E>,
    class: Class,
}

impl<E> Drop for Growing<'_, E> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        let members = state.of(self.class);
        members.is_full = true;
        members.is_growing = false;
    }
}

impl<E> Pool<E> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a decoder, whose place is counted. First ends one that has to go for it.
    fn make(&self, class: Class, ended: Option<E>, make: &impl Fn() -> Attempt<E>) -> Attempt<E> {
        let place = Unmade { pool: self, class };
        drop(ended);
        let engine = make()?;
        std::mem::forget(place);
        Ok(engine)
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
}

impl<E: Pooled> Pool<E> {
    /// Takes at least one decoder, and as many free ones as there are frames. `make` makes one.
    pub(super) fn take(
        self: &Arc<Self>,
        need: Need,
        make: impl Fn() -> Attempt<E> + Send + 'static,
    ) -> Attempt<Taken<'_, E>> {
        let class = need.class;
        // Dropped after the lock, whatever happens.
        let mut taken = Taken {
            pool: self,
            class,
            frames: need.frames,
            engines: Vec::new(),
        };
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        let members = state.of(class);
        members.used = clock;
        members.begin(need);
        loop {
            let members = state.of(class);
            if !members.free.is_empty() {
                members.passed = 0;
                taken.engines = members.share(need);
                break;
            }
            if members.alive == 0 {
                if need.choice == VideoDecoder::Auto && !pays(class.kind, need.pixels) {
                    members.passed += 1;
                    if members.passed >= PATIENCE {
                        self.grow(state, class, make);
                    }
                    return Err(Refusal::NotWorthIt);
                }
                let ended = state.make_room(class, 0);
                state.of(class).alive += 1;
                drop(state);
                taken.engines.push(self.make(class, ended, &make)?);
                state = self.lock();
                break;
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.grow(state, class, make);
        Ok(taken)
    }

    /// Gives decoders back. Those that failed are ended.
    fn put(&self, class: Class, frames: usize, engines: Vec<E>) {
        let (mut broken, mut sound) = (Vec::new(), Vec::new());
        for mut engine in engines {
            // After a panic, of another thread too, frames may still be in work.
            match engine.is_sound() && !thread::panicking() {
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

    /// Lets a thread make decoders, as many as would have been of use so far.
    fn grow(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<E>>,
        class: Class,
        make: impl Fn() -> Attempt<E> + Send + 'static,
    ) {
        let members = state.of(class);
        if members.is_growing || !members.wants_more() {
            return;
        }
        members.is_growing = true;
        drop(state);
        let pool = Arc::clone(self);
        let thread = thread::Builder::new().name("imagecuda video".into());
        let spawned = thread.spawn(move || pool.make_more(class, &make));
        if spawned.is_err() {
            self.lock().of(class).is_growing = false;
        }
    }

    fn make_more(&self, class: Class, make: &impl Fn() -> Attempt<E>) {
        let growing = Growing { pool: self, class };
        loop {
            let mut state = self.lock();
            let is_wanted = state.of(class).wants_more();
            let ended = match is_wanted {
                true => state.make_room(class, STALE),
                false => None,
            };
            let has_room = state.alive() < MOST_IN_ALL;
            let members = state.of(class);
            if !is_wanted || !has_room {
                // At once, for the next picture that wants more.
                members.is_growing = false;
                drop(state);
                std::mem::forget(growing);
                return;
            }
            members.passed = 0;
            members.alive += 1;
            drop(state);
            let Ok(engine) = self.make(class, ended, make) else {
                return;
            };
            self.lock().of(class).free.push(engine);
            self.returned.notify_all();
        }
    }
}
