//! Progressive pictures of a batch whose scans are followed together.

use super::{
    super::Context,
    Coefficients,
    followed::{Flight, FollowedJpeg, STREAMS},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long a group waits for more pictures at a time. It waits no longer once none have come. To
/// follow a scan takes many times as long.
const NAP: Duration = Duration::from_millis(2);

/// The most pictures of a group.
const MOST: usize = 64;

/// Groups of pictures, each of which comes back with its value of `T`.
pub(crate) struct JpegFollowers<T> {
    context: Arc<Context>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: Vec<(FollowedJpeg, T)>,
    /// Whether no more pictures come.
    is_closed: bool,
}

impl<T: Send> JpegFollowers<T> {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            state: Mutex::new(State {
                waiting: Vec::new(),
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a picture.
    pub(crate) fn add(&self, jpeg: FollowedJpeg, with: T) {
        self.lock().waiting.push((jpeg, with));
        self.changed.notify_one();
    }

    /// Says that no more pictures come.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Follows pictures until [`close`](Self::close) is called and all is done. Calls `deliver` with
    /// each picture, and what is needed to make its coefficients, unless the host has to decode it.
    pub(crate) fn run(&self, mut deliver: impl FnMut(T, Option<Coefficients>)) {
        // So that no call has to make it current. This thread is ours.
        let _ = self.context.make_current();
        let (mut flights, mut launched) = (VecDeque::new(), 0);
        loop {
            let group = self.next_group(flights.len());
            if !group.is_empty() {
                launched += 1;
                match Flight::launch(&self.context, group, launched) {
                    Ok(flight) => flights.push_back(flight),
                    Err(all) => all.into_iter().for_each(|with| deliver(with, None)),
                }
                continue;
            }
            match flights.pop_front() {
                None => return,
                Some(flight) => {
                    for (with, found) in flight.finish(&self.context) {
                        deliver(with, found);
                    }
                }
            }
        }
    }

    /// The pictures to follow next. None if a flight has to end first, or no more come.
    fn next_group(&self, flights: usize) -> Vec<(FollowedJpeg, T)> {
        let mut state = self.lock();
        if flights >= STREAMS {
            return Vec::new();
        }
        while state.waiting.is_empty() {
            if state.is_closed || flights > 0 {
                return Vec::new();
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut seen = 0;
        while state.waiting.len() > seen && state.waiting.len() < MOST && !state.is_closed {
            seen = state.waiting.len();
            drop(state);
            thread::sleep(NAP);
            state = self.lock();
        }
        let count = state.waiting.len().min(MOST);
        state.waiting.drain(..count).collect()
    }
}
