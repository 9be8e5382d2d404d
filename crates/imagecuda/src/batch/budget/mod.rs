//! Bounds on a batch: how many images and how many bytes are in flight. Also keeps returned images,
//! so that later files use their memory again.

use super::CancelToken;
use crate::{Device, ErrorKind, Image, Result};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How often a waiting thread checks for cancellation.
const LOOK: Duration = Duration::from_millis(50);

/// Bytes that all images take together to count as small.
const SMALL: u64 = 1 << 30;

/// The bounds of a batch, and the counts that they apply to.
///
/// A source first reserves a slot for an image. Once its header has told its size, it reserves the
/// bytes. Sources get these in order, or at once while three quarters of the memory are free. An
/// admitted source never waits for more resources, so a batch cannot deadlock while the consumer
/// returns images. If the consumer keeps all images and waits for another, one more source is
/// admitted, as long as no image of an earlier source is on its way.
#[derive(Debug)]
pub(super) struct Budget {
    most_images: usize,
    /// The same while they take less than [`SMALL`] bytes.
    most_small: usize,
    /// With so many bytes in flight images may wait for a kernel, if they are counted by their bytes alone while they do,
    /// and so are those that are finished meanwhile.
    most_waiting: Option<u64>,
    /// The images that wait for a kernel.
    waiting_for_kernel: AtomicUsize,
    most_bytes: u64,
    cancel: CancelToken,
    counts: Mutex<Counts>,
    /// For threads that wait for a slot, and for those that wait for bytes.
    slots: Changed,
    bytes: Changed,
    idle: Mutex<Vec<Image>>,
    made: AtomicU64,
}

/// A change that threads wait for, and how many do.
#[derive(Debug, Default)]
struct Changed {
    condvar: Condvar,
    waiting: AtomicUsize,
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
    /// The index of the first source whose bytes are not admitted.
    turn: usize,
    /// Later sources that are admitted, and whether the consumer has their images.
    early: BTreeMap<usize, bool>,
    /// Whether the consumer waits for an image.
    is_waited_for: bool,
    stopped: bool,
}

impl Budget {
    pub(super) fn new(most_images: usize, most_bytes: u64, cancel: CancelToken) -> Self {
        Self {
            most_images: most_images.max(1),
            most_small: 0,
            most_waiting: None,
            waiting_for_kernel: AtomicUsize::new(0),
            most_bytes,
            cancel,
            counts: Mutex::default(),
            slots: Changed::default(),
            bytes: Changed::default(),
            idle: Mutex::default(),
            made: AtomicU64::new(0),
        }
    }

    /// Allows `images` in flight as long as they are small: a GPU decodes many at a time.
    pub(super) fn with_small(self, images: usize) -> Self {
        Self {
            most_small: images,
            ..self
        }
    }

    /// Counts no images that [wait for a kernel](Slot::wait), nor those that are finished meanwhile until the consumer
    /// has them, but only their bytes. Beyond `most_bytes` in flight no image may wait for a kernel.
    pub(super) fn without_slots_for_waiting(self, most_bytes: u64) -> Self {
        Self {
            most_waiting: Some(most_bytes.min(self.most_bytes)),
            ..self
        }
    }

    /// Whether `bytes` can be had at once, though it is another source's turn. Three quarters of the
    /// memory are for those whose turn it is.
    fn is_plenty(&self, counts: &Counts, bytes: u64) -> bool {
        counts.bytes.saturating_add(bytes) <= self.most_bytes / 4
    }

    /// How many images may be in flight.
    fn slots_in_all(&self, counts: &Counts) -> usize {
        match self.is_plenty(counts, 0) && counts.bytes < SMALL {
            true => self.most_images.max(self.most_small),
            false => self.most_images,
        }
    }

    /// How many more images may be in flight.
    fn free_slots(&self, counts: &Counts) -> usize {
        self.slots_in_all(counts).saturating_sub(counts.images)
    }

    /// Whether there is no room for another image of so many bytes beside one that waits for a kernel.
    pub(super) fn is_full(&self, bytes: u64) -> bool {
        let counts = self.lock();
        // Those that wait come first.
        let before = self.bytes.waiting.load(Ordering::Relaxed) as u64;
        let bytes = bytes.saturating_mul(before + 1);
        let has_slot = self.most_waiting.is_some() || self.free_slots(&counts) > 0;
        let most = self.most_waiting.unwrap_or(self.most_bytes);
        !has_slot || counts.bytes.saturating_add(bytes) > most
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits on `changed` until `ready` holds, and then lets `act` change the counts. Returns `None`
    /// if the batch stops first.
    fn when<T>(
        &self,
        changed: &Changed,
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
                self.wake(counts);
                return Some(result);
            }
            changed.waiting.fetch_add(1, Ordering::Relaxed);
            counts = changed
                .condvar
                .wait_timeout(counts, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            changed.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn change<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        let mut counts = self.lock();
        let result = act(&mut counts);
        self.wake(counts);
        result
    }

    /// Wakes threads that may go on. Counts change several times for each image, so the system is
    /// asked for nothing where no thread waits, and threads that wait for slots are woken one by one:
    /// each wakes the next.
    fn wake(&self, counts: MutexGuard<'_, Counts>) {
        let is_waiting = |changed: &Changed| changed.waiting.load(Ordering::Relaxed) > 0;
        let many = (self.slots_in_all(&counts) / 16).max(1);
        let slots = is_waiting(&self.slots)
            && (self.free_slots(&counts) >= many || counts.is_waited_for || counts.stopped);
        let (bytes, stopped) = (is_waiting(&self.bytes), counts.stopped);
        drop(counts);
        if slots && !stopped {
            self.slots.condvar.notify_one();
        }
        if stopped {
            self.slots.condvar.notify_all();
        }
        if bytes {
            self.bytes.condvar.notify_all();
        }
    }

    /// Waits for a slot for an image. Returns `None` if the batch stops first.
    pub(super) fn reserve_slot(self: &Arc<Self>) -> Option<Slot> {
        let ready = |counts: &Counts| {
            let starves = counts.is_waited_for && counts.images_on_the_way == 0;
            self.free_slots(counts) > 0 || starves
        };
        self.when(&self.slots, ready, |counts| {
            counts.images += 1;
            counts.images_on_the_way += 1;
        })?;
        Some(Slot {
            budget: Arc::clone(self),
            bytes: 0,
            index: None,
            is_counted: true,
            waits: false,
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
        self.image_within(device, [width, height], usize::MAX)
    }

    /// As [`image`](Self::image), with at most a few times the room, as whoever gets it may keep it.
    pub(super) fn small_image(&self, device: &Device, width: u32, height: u32) -> Result<Image> {
        const TIMES: usize = 4;
        let pixels = width as usize * height as usize;
        self.image_within(device, [width, height], pixels.saturating_mul(TIMES))
    }

    fn image_within(&self, device: &Device, size: [u32; 2], most: usize) -> Result<Image> {
        let [width, height] = size;
        let pixels = width as usize * height as usize;
        let found = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let here = |i: &usize| idle[*i].device() == device;
            let fitting = (0..idle.len())
                .filter(here)
                .filter(|&i| (pixels..=most).contains(&idle[i].capacity()))
                .min_by_key(|&i| idle[i].capacity());
            // If no image is large enough, the largest of the others is replaced.
            let largest = || {
                (0..idle.len())
                    .filter(here)
                    .filter(|&i| idle[i].capacity() < pixels)
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
        match Image::for_overwrite(device, width, height) {
            Err(error) if matches!(error.kind(), ErrorKind::OutOfMemory { .. }) => {
                // The returned images may be what is missing.
                if !self.free_idle(device) {
                    return Err(error);
                }
                Image::for_overwrite(device, width, height)
            }
            made => made,
        }
    }

    /// Frees the returned images of a device. Returns whether there were any.
    fn free_idle(&self, device: &Device) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let freed: Vec<Image> = idle
            .extract_if(.., |image| image.device() == device)
            .collect();
        drop(idle);
        !freed.is_empty()
    }
}

/// A slot for an image in flight. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Slot {
    budget: Arc<Budget>,
    bytes: u64,
    /// The source, once its bytes are admitted.
    index: Option<usize>,
    /// Whether it is one of [`Counts::images`].
    is_counted: bool,
    /// Whether it waits for a kernel.
    waits: bool,
    is_delivered: bool,
}

impl Slot {
    /// Waits until `bytes` are free, and, unless there are plenty, until it is the turn of source
    /// `index`. Returns `None` if the batch stops first. Every source must call this once, or all
    /// later sources wait for ever.
    pub(super) fn size(&mut self, index: usize, bytes: u64) -> Option<()> {
        let budget = &self.budget;
        let most = budget.most_bytes;
        let ready = |counts: &Counts| {
            // The consumer has all images of earlier sources, and so it waits for this one.
            let later = counts.early.values().filter(|is_delivered| !**is_delivered);
            let starves = counts.is_waited_for && counts.sized_on_the_way == later.count();
            let fits = counts.bytes.saturating_add(bytes) <= most || counts.bytes == 0;
            match counts.turn == index {
                true => fits || starves || bytes == 0,
                false => budget.is_plenty(counts, bytes),
            }
        };
        budget.when(&budget.bytes, ready, |counts| {
            counts.early.insert(index, false);
            while counts.early.remove(&counts.turn).is_some() {
                counts.turn += 1;
            }
            counts.bytes = counts.bytes.saturating_add(bytes);
            counts.sized_on_the_way += 1;
        })?;
        (self.bytes, self.index) = (bytes, Some(index));
        Some(())
    }

    pub(super) fn is_sized(&self) -> bool {
        self.index.is_some()
    }

    /// Notes that the image waits for a kernel, which takes long, and for which no thread works.
    pub(super) fn wait(&mut self) {
        if self.budget.most_waiting.is_some() && !self.waits && self.is_counted {
            self.waits = true;
            self.is_counted = false;
            self.budget
                .waiting_for_kernel
                .fetch_add(1, Ordering::Relaxed);
            self.budget.change(|counts| counts.images -= 1);
        }
    }

    /// Notes that the image no longer waits for a kernel.
    pub(super) fn end_wait(&mut self) {
        if self.waits {
            self.waits = false;
            self.budget
                .waiting_for_kernel
                .fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Notes that the image is made. It may have to wait for one before that waits for a kernel.
    pub(super) fn end_work(&mut self) {
        self.end_wait();
        if self.is_counted && self.budget.waiting_for_kernel.load(Ordering::Relaxed) > 0 {
            self.is_counted = false;
            self.budget.change(|counts| counts.images -= 1);
        }
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
        let (is_delivered, index) = (self.is_delivered, self.index);
        let again = usize::from(!self.is_counted);
        (self.is_delivered, self.is_counted) = (true, true);
        if !is_delivered {
            self.budget.change(|counts| {
                counts.images += again;
                counts.images_on_the_way -= 1;
                if let Some(index) = index {
                    counts.sized_on_the_way -= 1;
                    counts
                        .early
                        .entry(index)
                        .and_modify(|is_delivered| *is_delivered = true);
                }
            });
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.end_wait();
        self.deliver();
        self.budget.change(|counts| {
            counts.images -= 1;
            counts.bytes = counts.bytes.saturating_sub(self.bytes);
        });
    }
}

#[cfg(test)]
mod tests;
