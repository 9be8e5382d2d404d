//! Bounds on a batch: how many images and how many bytes are in flight. Also keeps returned images,
//! so that later files use their memory again.

use super::CancelToken;
use crate::{Device, Image, Result};
use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How often a waiting thread checks for cancellation.
const LOOK: Duration = Duration::from_millis(50);

/// The bounds of a batch, and the counts that they apply to.
///
/// Sources are admitted in order. A source first reserves a slot for an image. Once its header has
/// told its size, it reserves the bytes. An admitted source never waits for more resources, so a
/// batch cannot deadlock while the consumer returns images. If the consumer keeps all images and
/// waits for another, one more source is admitted, as long as no other image is on its way.
#[derive(Debug)]
pub(super) struct Budget {
    most_images: usize,
    most_bytes: u64,
    cancel: CancelToken,
    counts: Mutex<Counts>,
    changed: Condvar,
    idle: Mutex<Vec<Image>>,
    made: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    /// Reserved slots. A slot is free again when its image is returned.
    images: usize,
    /// Admitted bytes. They are free again when their image is returned.
    bytes: u64,
    /// Reserved slots whose images the consumer does not have yet.
    images_on_the_way: usize,
    /// Admitted sources whose images the consumer does not have yet.
    sized_on_the_way: usize,
    /// The index of the source whose bytes are admitted next.
    turn: usize,
    /// Whether the consumer waits for an image.
    is_waited_for: bool,
    stopped: bool,
}

impl Budget {
    pub(super) fn new(most_images: usize, most_bytes: u64, cancel: CancelToken) -> Self {
        Self {
            most_images: most_images.max(1),
            most_bytes,
            cancel,
            counts: Mutex::default(),
            changed: Condvar::new(),
            idle: Mutex::default(),
            made: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` holds, and then lets `act` change the counts. Returns `None` if the
    /// batch stops first.
    fn when<T>(
        &self,
        ready: impl Fn(&Counts) -> bool,
        act: impl FnOnce(&mut Counts) -> T,
    ) -> Option<T> {
        let mut counts = self.lock();
        loop {
            if counts.stopped || self.cancel.is_cancelled() {
                return None;
            }
            if ready(&counts) {
                let result = act(&mut counts);
                drop(counts);
                self.changed.notify_all();
                return Some(result);
            }
            counts = self
                .changed
                .wait_timeout(counts, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn change<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        let result = act(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for a slot for an image. Returns `None` if the batch stops first.
    pub(super) fn reserve_slot(self: &Arc<Self>) -> Option<Slot> {
        let ready = |counts: &Counts| {
            let starves = counts.is_waited_for && counts.images_on_the_way == 0;
            counts.images < self.most_images || starves
        };
        self.when(ready, |counts| {
            counts.images += 1;
            counts.images_on_the_way += 1;
        })?;
        Some(Slot {
            budget: Arc::clone(self),
            bytes: 0,
            is_sized: false,
            is_delivered: false,
        })
    }

    /// Sets whether the consumer waits for an image.
    pub(super) fn set_waited_for(&self, is_waited_for: bool) {
        self.change(|counts| counts.is_waited_for = is_waited_for);
    }

    /// Stops the batch and wakes all waiting threads.
    pub(super) fn stop(&self) {
        self.change(|counts| counts.stopped = true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.cancel.is_cancelled() || self.lock().stopped
    }

    /// How many images were allocated.
    pub(super) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// An image on `device` with room for `width` × `height`. It is a returned image if one is
    /// large enough, else a new one, which replaces a returned one.
    pub(super) fn image(&self, device: &Device, width: u32, height: u32) -> Result<Image> {
        let pixels = width as usize * height as usize;
        let found = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let here = |i: &usize| idle[*i].device() == device;
            let fitting = (0..idle.len())
                .filter(here)
                .filter(|&i| idle[i].capacity() >= pixels)
                .min_by_key(|&i| idle[i].capacity());
            // If no image is large enough, the largest is replaced.
            let largest = || {
                (0..idle.len())
                    .filter(here)
                    .max_by_key(|&i| idle[i].capacity())
            };
            fitting.or_else(largest).map(|i| idle.swap_remove(i))
        };
        if let Some(image) = found
            && image.capacity() >= pixels
        {
            return Ok(image);
        } // else the old one is freed here, before the new one is had
        self.made.fetch_add(1, Ordering::Relaxed);
        Image::for_overwrite(device, width, height)
    }
}

/// A slot for an image in flight. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Slot {
    budget: Arc<Budget>,
    bytes: u64,
    is_sized: bool,
    is_delivered: bool,
}

impl Slot {
    /// Waits until it is the turn of source `index` and `bytes` are free. Returns `None` if the
    /// batch stops first. Every source must call this once, or all later sources wait for ever.
    pub(super) fn size(&mut self, index: usize, bytes: u64) -> Option<()> {
        let most = self.budget.most_bytes;
        let ready = |counts: &Counts| {
            let starves = counts.is_waited_for && counts.sized_on_the_way == 0;
            let fits = counts.bytes.saturating_add(bytes) <= most || counts.bytes == 0;
            counts.turn == index && (fits || starves || bytes == 0)
        };
        self.budget.when(ready, |counts| {
            counts.turn += 1;
            counts.bytes = counts.bytes.saturating_add(bytes);
            counts.sized_on_the_way += 1;
        })?;
        (self.bytes, self.is_sized) = (bytes, true);
        Some(())
    }

    pub(super) fn is_sized(&self) -> bool {
        self.is_sized
    }

    /// Takes an image that the consumer returned, for a later source.
    pub(super) fn give_back(&self, image: Image) {
        let idle = &self.budget.idle;
        idle.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(image);
    }

    /// Notes that the consumer has the image.
    pub(super) fn deliver(&mut self) {
        let (is_delivered, is_sized) = (self.is_delivered, self.is_sized);
        self.is_delivered = true;
        if !is_delivered {
            self.budget.change(|counts| {
                counts.images_on_the_way -= 1;
                counts.sized_on_the_way -= usize::from(is_sized);
            });
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.deliver();
        self.budget.change(|counts| {
            counts.images -= 1;
            counts.bytes = counts.bytes.saturating_sub(self.bytes);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::VecDeque,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        thread,
    };

    fn noise(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *state >> 33
    }

    /// Simulates the loader's threads and its consumer. The threads take random times; the consumer
    /// keeps some images and returns others in any order. The batch must end, and must never have
    /// more in flight than allowed, except what a waiting consumer is given.
    fn model(threads: usize, most_images: usize, most_bytes: u64, keep: usize, seed: u64) {
        const SOURCES: usize = 300;
        let budget = Arc::new(Budget::new(most_images, most_bytes, CancelToken::new()));
        let next = AtomicUsize::new(0);
        let ready: Mutex<Vec<Option<Slot>>> = Mutex::new((0..SOURCES).map(|_| None).collect());
        let arrived = Condvar::new();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (budget, next, ready, arrived) = (&budget, &next, &ready, &arrived);
                scope.spawn(move || {
                    let mut state = seed + thread as u64;
                    while let Some(mut slot) = budget.reserve_slot() {
                        let index = next.fetch_add(1, SeqCst);
                        if index >= SOURCES {
                            return;
                        }
                        for _ in 0..noise(&mut state) % 50 {
                            thread::yield_now();
                        }
                        let bytes = noise(&mut state) % 100;
                        slot.size(index, bytes).expect("nobody stops it");
                        for _ in 0..noise(&mut state) % 50 {
                            thread::yield_now();
                        }
                        ready.lock().unwrap()[index] = Some(slot);
                        arrived.notify_all();
                    }
                });
            }
            let mut kept: VecDeque<Slot> = VecDeque::new();
            let mut state = seed;
            for index in 0..SOURCES {
                let mut ready = ready.lock().unwrap();
                let mut slot = loop {
                    if let Some(slot) = ready[index].take() {
                        break slot;
                    }
                    budget.set_waited_for(true);
                    ready = arrived.wait_timeout(ready, LOOK).unwrap().0;
                    budget.set_waited_for(false);
                };
                drop(ready);
                slot.deliver();
                kept.push_back(slot);
                while kept.len() > keep {
                    let at = noise(&mut state) as usize % kept.len();
                    kept.swap_remove_back(at);
                }
                let counts = budget.lock();
                assert!(
                    counts.images <= most_images.max(kept.len() + 1),
                    "{counts:?}"
                );
                let on_the_way = counts.bytes - kept.iter().map(|p| p.bytes).sum::<u64>();
                assert!(
                    counts.bytes <= most_bytes || on_the_way <= 100,
                    "{counts:?}"
                );
            }
            budget.stop();
        });
        drop(ready);
        let counts = budget.lock();
        assert_eq!((counts.images_on_the_way, counts.sized_on_the_way), (0, 0));
        assert_eq!((counts.images, counts.bytes), (0, 0));
    }

    #[test]
    fn every_batch_comes_to_an_end() {
        for seed in 0..4 {
            for (threads, images, bytes, keep) in [
                (1, 1, 1000, 0),
                (2, 1, 1000, 5),
                (4, 2, 50, 3),
                (8, 20, 300, 0),
                (8, 3, 0, 10),
                (3, 5, u64::MAX, 300),
            ] {
                model(threads, images, bytes, keep, seed);
            }
        }
    }
}
