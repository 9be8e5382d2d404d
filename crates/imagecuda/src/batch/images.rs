//! What a loader has loaded, for its consumer.

use super::{
    loader::{Outcome, Shared, lock},
    pooled_image::PooledImage,
    source::{Content, Source},
    times::LoadTimes,
};
use crate::{Error, Result};
use std::{
    fmt, io,
    iter::FusedIterator,
    panic,
    sync::{Arc, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

/// Images as they are loaded, with their sources: what [`Loader::load`](super::Loader::load) returns.
///
/// Dropping it ends the batch: what has begun is finished and thrown away, nothing more is
/// begun. Images that the consumer has stay as they are.
///
/// # Panics
///
/// [`next`](Iterator::next) if the iterator of the sources did, with the same message.
pub struct Images<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Why there are fewer threads than asked for.
    pub(super) no_thread: Option<io::ErrorKind>,
}

impl<S> Images<S> {
    /// Images that were allocated so far. The number stands still once as many are there as are
    /// in flight at a time.
    pub fn allocated(&self) -> u64 {
        self.shared.budget.made()
    }

    pub(super) fn times(&self) -> &LoadTimes {
        &self.shared.times
    }
}

impl<S: Source> Iterator for Images<S> {
    type Item = (S, Result<PooledImage>);

    fn next(&mut self) -> Option<Self::Item> {
        let Shared {
            loader,
            budget,
            ready,
            arrived,
            ..
        } = &*self.shared;
        let mut ready = lock(ready);
        loop {
            if budget.is_stopped() && ready.panic.is_none() {
                return None;
            }
            let next = ready.next;
            let found = match loader.ordered {
                true => ready.results.remove(&next),
                false => ready.results.pop_first().map(|(_, outcome)| outcome),
            };
            if let Some(Outcome {
                source, mut result, ..
            }) = found
            {
                ready.next += 1;
                if let Ok(image) = &mut result {
                    image.deliver();
                }
                return Some((source, result));
            }
            if ready.working == 0 {
                if let Some(payload) = ready.panic.take() {
                    drop(ready);
                    panic::resume_unwind(payload);
                }
                drop(ready);
                // Some are left if nobody could take them.
                let kind = self.no_thread?;
                let (_, source) = self.shared.take_source()?;
                let mut error = Error::from(io::Error::from(kind));
                if let Content::File(path) = source.content() {
                    error = error.with_path(path);
                }
                return Some((source, Err(error)));
            }
            budget.set_waited_for(true);
            ready = arrived
                .wait_timeout(ready, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            budget.set_waited_for(false);
        }
    }
}

impl<S: Source> FusedIterator for Images<S> {}

impl<S> Drop for Images<S> {
    fn drop(&mut self) {
        self.shared.budget.stop();
        for thread in self.threads.drain(..) {
            // Its panics were caught.
            let _ = thread.join();
        }
    }
}

impl<S> fmt::Debug for Images<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images")
            .field("loader", &self.shared.loader)
            .finish_non_exhaustive()
    }
}
