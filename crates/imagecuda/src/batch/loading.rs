//! What the threads of a loader do.

use super::{
    budget::{Budget, Slot},
    grouped::{Groups, Pending, Planned},
    loader::{Kept, Loader},
    pooled_image::PooledImage,
    source::{Content, Source},
    times::{LoadTimes, add_elapsed},
};
use crate::{
    Decoded, Device, Error, Image, JpegDecoder, LoadOptions, Metadata, Result, codec,
    device::Staging,
    load::{FileBytes, Job, Resampling},
    picture::Header,
};
use std::{
    any::Any,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

pub(super) struct Shared<S> {
    pub(super) loader: Loader,
    pub(super) budget: Arc<Budget>,
    pub(super) groups: Groups<S>,
    /// Threads that may still take a source.
    pub(super) readers: AtomicUsize,
    pub(super) sources: Mutex<Sources<S>>,
    pub(super) ready: Mutex<Ready<S>>,
    pub(super) arrived: Condvar,
    pub(super) times: LoadTimes,
}

pub(super) struct Sources<S> {
    pub(super) taken: usize,
    pub(super) rest: Option<Box<dyn Iterator<Item = S> + Send>>,
}

pub(super) struct Ready<S> {
    pub(super) results: BTreeMap<usize, Outcome<S>>,
    /// The source whose result comes next, in order.
    pub(super) next: usize,
    /// Threads that may still produce a result.
    pub(super) working: usize,
    /// Whether the consumer waits.
    pub(super) is_waited_for: bool,
    /// The panic of the sources' iterator.
    pub(super) panic: Option<Box<dyn Any + Send>>,
}

/// What became of a source.
enum Loaded {
    Image(Image, Metadata),
    /// A picture that goes up with others: the bytes of its file, if they were read; its image; and
    /// the rest.
    Planned(Box<Planned>, Option<Staging>, Image, Metadata),
    /// The same, if the host has decoded it, and how it becomes smaller.
    Decoded(Box<Decoded>, Option<Resampling>, Image, Metadata),
    /// A progressive JPEG whose blocks a kernel finds, the bytes of its file, and its own options, as far as there
    /// are any.
    Progressive(Box<Decoded>, Option<Staging>, Option<LoadOptions>, Image),
}

pub(super) struct Outcome<S> {
    pub(super) source: S,
    pub(super) result: Result<PooledImage>,
    /// Held until the consumer has the error.
    pub(super) _slot: Option<Slot>,
}

impl<S> Outcome<S> {
    pub(super) fn new(source: S, result: Result<(Image, Metadata)>, mut slot: Slot) -> Self {
        slot.end_work();
        let (result, slot) = match result {
            Ok((image, metadata)) => (Ok(PooledImage::new(image, metadata, slot)), None),
            Err(error) => (Err(error), Some(slot)),
        };
        Self {
            source,
            result,
            _slot: slot,
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Source> Shared<S> {
    /// The loop of one thread.
    pub(super) fn work(&self) {
        let worked = panic::catch_unwind(AssertUnwindSafe(|| {
            self.loader.devices[0].stay_current();
            while let Some(slot) = self.budget.reserve_slot() {
                let Some((index, source)) = self.take_source() else {
                    break;
                };
                if !self.load_one(index, source, slot) {
                    break;
                }
            }
        }));
        self.retire_reader(worked.err());
    }

    pub(super) fn retire_reader(&self, panic: Option<Box<dyn Any + Send>>) {
        if self.readers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.groups.close();
        }
        self.retire(panic);
    }

    /// Counts another thread that produces results.
    pub(super) fn begin(&self) {
        lock(&self.ready).working += 1;
    }

    pub(super) fn retire(&self, panic: Option<Box<dyn Any + Send>>) {
        let panicked = panic.is_some();
        let mut ready = lock(&self.ready);
        ready.working -= 1;
        ready.panic = ready.panic.take().or(panic);
        drop(ready);
        if panicked {
            self.budget.stop();
        }
        self.arrived.notify_all();
    }

    /// Hands results to the consumer.
    pub(super) fn deliver(&self, outcomes: impl IntoIterator<Item = (usize, Outcome<S>)>) {
        let mut ready = lock(&self.ready);
        ready.results.extend(outcomes);
        let is_waited_for = ready.is_waited_for;
        drop(ready);
        if is_waited_for {
            self.arrived.notify_all();
        }
    }

    pub(super) fn take_source(&self) -> Option<(usize, S)> {
        let mut sources = lock(&self.sources);
        let next = sources.rest.as_mut()?.next();
        if next.is_none() {
            sources.rest = None;
        }
        let index = sources.taken;
        sources.taken += usize::from(next.is_some());
        next.map(|source| (index, source))
    }

    /// Loads one source. Returns whether the consumer still wants more.
    fn load_one(&self, index: usize, source: S, mut slot: Slot) -> bool {
        let devices = &self.loader.devices;
        let device = &devices[index / self.loader.in_a_row % devices.len()];
        let mut goes_on = true;
        // This calls the caller's code. If it panics, the consumer gets the panic.
        let content = source.content();
        // If a codec or the device's half panics, the file's result is an error.
        let result = codec::caught(Error::decode, || {
            self.load_source(index, content, device, &mut slot, &mut goes_on)
        });
        let result = match (result, content) {
            (Err(error), Content::File(path)) => Err(error.with_path(path)),
            (result, _) => result,
        };
        if !slot.is_sized() && slot.size(index, 0).is_none() {
            goes_on = false;
        }
        if !goes_on {
            return false;
        }
        let result = match result {
            Ok(Loaded::Image(image, metadata)) => Ok((image, metadata)),
            Ok(Loaded::Planned(mut planned, staged, image, metadata)) => {
                let takes_bytes = matches!(self.loader.keeps, Kept::ForTensors)
                    && planned.conversion.is_none()
                    && planned.resampling.is_none()
                    && planned.jpeg.has_bytes();
                let pending = Pending {
                    index,
                    source,
                    slot,
                    staged,
                    options: planned.options.take(),
                    image,
                    takes_bytes,
                    resampling: planned.resampling,
                    metadata,
                    decoded: None,
                };
                self.add_to_group(*planned, pending);
                return true;
            }
            Ok(Loaded::Decoded(decoded, resampling, image, metadata)) => {
                self.add_decoded(Pending {
                    index,
                    source,
                    slot,
                    staged: None,
                    options: None,
                    image,
                    takes_bytes: false,
                    resampling,
                    metadata,
                    decoded: Some(decoded),
                });
                return true;
            }
            Ok(Loaded::Progressive(decoded, staged, options, image)) => {
                self.add_progressive(Pending {
                    index,
                    source,
                    slot,
                    staged,
                    options,
                    image,
                    takes_bytes: false,
                    resampling: None,
                    metadata: decoded.metadata().clone(),
                    decoded: Some(decoded),
                });
                return true;
            }
            Err(error) => Err(error),
        };
        self.deliver([(index, Outcome::new(source, result, slot))]);
        true
    }

    fn load_source(
        &self,
        index: usize,
        content: Content<'_>,
        device: &Device,
        slot: &mut Slot,
        goes_on: &mut bool,
    ) -> Result<Loaded> {
        let (mut options, times) = (&self.loader.options, &self.times);
        let mut start = Instant::now();
        let in_group = self.groups.takes(index);
        let mut staged = None;
        let (file, path): (FileBytes<'_>, _) = match content {
            Content::Bytes(bytes) => (bytes.into(), None),
            Content::File(path) => {
                let file = match in_group {
                    true => options.stage_in_group(device, path),
                    false => options.stage(device, path),
                };
                ((&*staged.insert(file?)).into(), Some(path))
            }
        };
        times.bytes.fetch_add(file.len() as u64, Ordering::Relaxed);
        add_elapsed(&mut start, &times.read);
        let own = self.loader.own_options(index, file, path)?;
        options = own.as_ref().unwrap_or(options);
        let need = |header: &Header| {
            let pixels = u64::from(header.width) * u64::from(header.height);
            pixels * 16 + header.bytes() as u64
        };
        let mut on_header = |header: &Header, _| {
            if !slot.is_sized() {
                *goes_on = slot.size(index, need(header)).is_some();
                start = Instant::now(); // waiting is no work
            }
            match *goes_on {
                true => Ok(()),
                false => Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into()),
            }
        };
        // Where the GPU is full, or there is no memory for another image meanwhile, this thread would wait. It finds
        // the blocks itself, which takes less time than a kernel does.
        let may_wait = |header: &Header| {
            options.jpeg_decoder == JpegDecoder::Kernels
                || self.groups.has_room(index) && !self.budget.is_full(need(header))
        };
        let mut job = Job::new(options, device, &mut on_header).in_group(in_group);
        if in_group {
            job = job.may_wait(&may_wait);
        }
        let mut decoded = job.open(file, path)?;
        if decoded.is_planned() && !decoded.is_for_group() {
            decoded = job.in_group(false).open(file, path)?;
        }
        add_elapsed(&mut start, &times.decode);
        let is_decoded = in_group && decoded.for_group().is_some();
        let size = match decoded.is_planned() || is_decoded {
            true => decoded.expanded_size(),
            false => (decoded.width(), decoded.height()),
        };
        let metadata = decoded.metadata().clone();
        if matches!(self.loader.keeps, Kept::ForTensors) && decoded.has_rows() {
            return Ok(Loaded::Image(decoded.into_image_of_rows()?, metadata));
        }
        let mut image = self.budget.image(device, size.0, size.1)?;
        if is_decoded {
            let resampling = decoded.prepare_for_group()?;
            let decoded = Box::new(decoded);
            return Ok(Loaded::Decoded(decoded, resampling, image, metadata));
        }
        if decoded.is_progressive() {
            let decoded = Box::new(decoded);
            return Ok(Loaded::Progressive(decoded, staged, own, image));
        }
        let decoded = match decoded.into_planned() {
            Ok((jpeg, conversion, resampling)) => {
                let planned = Planned {
                    jpeg,
                    conversion,
                    size,
                    resampling,
                    options: own,
                };
                return Ok(Loaded::Planned(Box::new(planned), staged, image, metadata));
            }
            Err(decoded) => *decoded,
        };
        match self.loader.keeps {
            Kept::ForSaving => decoded.hold_in(&mut image)?,
            Kept::Nothing | Kept::ForTensors => decoded.write_to(&mut image)?,
        }
        add_elapsed(&mut start, &times.upload);
        Ok(Loaded::Image(image, metadata))
    }
}
