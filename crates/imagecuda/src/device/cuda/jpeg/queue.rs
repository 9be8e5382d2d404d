//! The queue of pictures that one thread launches for all threads.

use super::{STREAMS, Ticket};
use crate::Result;
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Pictures that wait for a launch, and results that their threads have not taken yet.
pub(crate) struct Queue {
    state: Mutex<Waiting>,
    pub(super) changed: Condvar,
}

pub(super) struct Waiting {
    pub(super) next: u64,
    pub(super) waiting: Vec<(u64, Ticket)>,
    pub(super) done: BTreeMap<u64, Result<u32>>,
    /// Streams without a launch in flight.
    pub(super) free: Vec<usize>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(Waiting {
                next: 0,
                waiting: Vec::new(),
                done: BTreeMap::new(),
                free: (0..STREAMS).collect(),
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
