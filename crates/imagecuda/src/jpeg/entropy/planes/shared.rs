//! Decodes the bands of a picture on several threads.
//!
//! Each scan reads the bands in order, and the scans of a chain read each band in the chain's
//! order. Apart from that any thread may take any task. Only the calling thread waits, and only for
//! tasks that run on other threads. A rayon thread that finds no task leaves, and another one is
//! spawned when there are tasks again.

use super::Decoder;
use crate::parallel::lock;
use rayon::Scope;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See [`Decoder::shared`].
pub(super) fn run(
    decoder: &Decoder<'_>,
    finish: &(impl Fn(usize) -> Option<()> + Sync),
) -> Option<()> {
    let work = Work {
        decoder,
        finish,
        most: rayon::current_num_threads().saturating_sub(1),
        state: Mutex::new(State {
            read: decoder
                .chains
                .iter()
                .map(|c| vec![(0, false); c.len()])
                .collect(),
            begun: 0,
            finished: 0,
            helpers: 0,
            failed: false,
        }),
        changed: Condvar::new(),
    };
    // `in_place_scope` keeps the calling thread here. If it is not a rayon thread, it waits at the
    // end without taking other work.
    rayon::in_place_scope(|scope| work.all(scope));
    let state = work.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    (!state.failed).then_some(())
}

struct Work<'a, 'd, F> {
    decoder: &'a Decoder<'d>,
    finish: &'a F,
    /// The most rayon threads at a time.
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// For each scan of each chain: how many bands it has read, and whether a thread is reading
    /// one.
    read: Vec<Vec<(usize, bool)>>,
    /// How many bands have begun to be finished, and how many are finished.
    begun: usize,
    finished: usize,
    /// Rayon threads that are spawned or at work.
    helpers: usize,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    /// The chain and the scan's number in it, and the band to read.
    Read(usize, usize, usize),
    Finish(usize),
}

impl State {
    /// The next task that can start. The scan with the most data left comes first, so that no long
    /// scan is left for the end.
    fn next(&mut self, decoder: &Decoder<'_>) -> Option<Task> {
        let bands = decoder.bands;
        let mut best = None;
        for (c, (chain, links)) in self.read.iter().zip(&decoder.chains).enumerate() {
            let mut before = bands;
            for (place, (&(read, reads), link)) in chain.iter().zip(links).enumerate() {
                let left = (bands - read) * link.weight.max(1);
                if !reads && read < before && best.is_none_or(|(most, _)| left > most) {
                    best = Some((left, Task::Read(c, place, read)));
                }
                before = read;
            }
        }
        if let Some((_, task @ Task::Read(chain, place, _))) = best {
            self.read[chain][place].1 = true;
            return Some(task);
        }
        // A band can be finished once the last scan of every chain has read it.
        let last = self.read.iter().filter_map(|chain| chain.last());
        let ready = last.map(|&(read, _)| read).min().unwrap_or(bands);
        (self.begun < ready).then(|| {
            self.begun += 1;
            Task::Finish(self.begun - 1)
        })
    }

    fn is_over(&self, decoder: &Decoder<'_>) -> bool {
        self.failed || self.finished == decoder.bands
    }
}

impl<F: Fn(usize) -> Option<()> + Sync> Work<'_, '_, F> {
    /// Works until the picture is done. Waits while there is no task.
    fn all<'s>(&'s self, scope: &Scope<'s>) {
        let mut state = lock(&self.state);
        while !state.is_over(self.decoder) {
            state = match state.next(self.decoder) {
                Some(task) => self.act(task, state, scope),
                None => {
                    let state = self.changed.wait(state);
                    state.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Works while there are tasks.
    fn some<'s>(&'s self, scope: &Scope<'s>) {
        let mut state = lock(&self.state);
        while !state.is_over(self.decoder)
            && let Some(task) = state.next(self.decoder)
        {
            state = self.act(task, state, scope);
        }
        state.helpers -= 1;
    }

    fn act<'s>(
        &'s self,
        task: Task,
        mut state: MutexGuard<'s, State>,
        scope: &Scope<'s>,
    ) -> MutexGuard<'s, State> {
        // Another thread is spawned before there is more to do, as spawning takes time.
        if state.helpers < self.most {
            state.helpers += 1;
            scope.spawn(|scope| self.some(scope));
        }
        drop(state);
        let _for_others = OnPanic(self);
        let done = match task {
            Task::Read(chain, place, band) => {
                self.decoder.read(&self.decoder.chains[chain][place], band)
            }
            Task::Finish(band) => (self.finish)(band),
        };
        let mut state = lock(&self.state);
        match task {
            Task::Read(chain, place, band) => state.read[chain][place] = (band + 1, false),
            Task::Finish(_) => state.finished += 1,
        }
        state.failed |= done.is_none();
        self.changed.notify_all();
        state
    }
}

/// Marks the work as failed when a thread panics. Otherwise the caller would wait for ever.
struct OnPanic<'s, 'a, 'd, F>(&'s Work<'a, 'd, F>);

impl<F> Drop for OnPanic<'_, '_, '_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.state).failed = true;
            self.0.changed.notify_all();
        }
    }
}
