//! Bands on several threads.
//!
//! A scan reads one band after another, and a band is read by the scans of a chain in order; else
//! any thread may do anything. Only the thread that asks waits, and only for others that are at
//! work: one of rayon's that finds nothing to do leaves, and another is called when there is.

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
    // In place: a thread that is not one of rayon's waits without taking on work.
    rayon::in_place_scope(|scope| work.all(scope));
    let state = work.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    (!state.failed).then_some(())
}

struct Work<'a, 'd, F> {
    decoder: &'a Decoder<'d>,
    finish: &'a F,
    /// Threads that may be called.
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// For each scan of each chain, the bands that it has read, and whether it reads one.
    read: Vec<Vec<(usize, bool)>>,
    /// The bands whose end is begun, and those that are at their end.
    begun: usize,
    finished: usize,
    /// Threads of rayon's that are called or at work.
    helpers: usize,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    /// A scan, by chain and place, reads a band.
    Read(usize, usize, usize),
    Finish(usize),
}

impl State {
    /// What can be done now: first what most is left of, so that no scan is left alone at last.
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
        // A band is at its end when the last scans of all chains have read it.
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
    /// Works until all is done, and waits where there is nothing to do.
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

    /// Works while there is something to do.
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
        // Called before there is more to do, or they would come too late.
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

/// The one that waits would wait for ever for what a thread that panics had taken on.
struct OnPanic<'s, 'a, 'd, F>(&'s Work<'a, 'd, F>);

impl<F> Drop for OnPanic<'_, '_, '_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.state).failed = true;
            self.0.changed.notify_all();
        }
    }
}
