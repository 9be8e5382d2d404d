//! The images of a loader, as an iterator for the consumer.

use super::{
    loading::{Outcome, Ready, Shared, lock},
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

/// The loaded images with their sources, from [`Loader::load`](super::Loader::load).
///
/// Dropping the iterator ends the batch: files that are being loaded are finished and discarded,
/// and no further file is started. Images that the consumer has stay valid.
///
/// # Panics
///
/// [`next`](Iterator::next) panics if the iterator of the sources panicked, with the same message.
pub struct Images<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Why there are fewer threads than requested.
    pub(super) no_thread: Option<io::ErrorKind>,
}

impl<S> Images<S> {
    /// How many images were allocated so far. The number stops rising once there are as many as are
    /// in flight at a time.
    pub fn allocated(&self) -> u64 {
        self.shared.budget.made()
    }

    pub(super) fn times(&self) -> &LoadTimes {
        &self.shared.times
    }
}

impl<S: Source> Images<S> {
    /// The next image if it is there already.
    pub(super) fn next_if_ready(&mut self) -> Option<(S, Result<PooledImage>)> {
        let Shared { loader, budget, .. } = &*self.shared;
        let mut ready = lock(&self.shared.ready);
        if budget.is_stopped() {
            return None;
        }
        take(&mut ready, loader.ordered)
    }
}

/// Takes the result that comes next, if it is there.
fn take<S>(ready: &mut Ready<S>, is_ordered: bool) -> Option<(S, Result<PooledImage>)> {
    let next = ready.next;
    let Outcome {
        source, mut result, ..
    } = match is_ordered {
        true => ready.results.remove(&next),
        false => ready.results.pop_first().map(|(_, outcome)| outcome),
    }?;
    ready.next += 1;
    if let Ok(image) = &mut result {
        image.deliver();
    }
    Some((source, result))
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
            if let Some(found) = take(&mut ready, loader.ordered) {
                return Some(found);
            }
            if ready.working == 0 {
                if let Some(payload) = ready.panic.take() {
                    drop(ready);
                    panic::resume_unwind(payload);
                }
                drop(ready);
                // Sources remain if no thread could be started.
                let kind = self.no_thread?;
                let (_, source) = self.shared.take_source()?;
                let mut error = Error::from(io::Error::from(kind));
                if let Content::File(path) = source.content() {
                    error = error.with_path(path);
                }
                return Some((source, Err(error)));
            }
            budget.set_waited_for(true);
            ready.is_waited_for = true;
            ready = arrived
                .wait_timeout(ready, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            ready.is_waited_for = false;
            budget.set_waited_for(false);
        }
    }
}

impl<S: Source> FusedIterator for Images<S> {}

impl<S> Drop for Images<S> {
    fn drop(&mut self) {
        self.shared.budget.stop();
        for thread in self.threads.drain(..) {
            // The thread has caught all panics.
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
