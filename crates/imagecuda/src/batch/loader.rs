//! Loads many files to images on devices.

use super::{
    BYTES, CancelToken,
    budget::{Budget, Slot},
    cores,
    grouped::{Groups, Pending, Planned},
    images::Images,
    pooled_image::PooledImage,
    source::{Content, Source},
    times::{LoadTimes, add_elapsed},
    with_options::OptionsBy,
};
use crate::{
    Decoded, Device, Error, Image, LoadOptions, Metadata, Result, codec,
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
    thread,
    time::Instant,
};

/// Images in flight on a GPU, as long as they are small.
const MOST_SMALL: usize = 256;

/// Loads many files in parallel. Threads decode files into memory from which the device uploads,
/// and the device expands one image while others are decoded.
///
/// [`in_flight`](Self::in_flight) and [`max_bytes`](Self::max_bytes) bound the memory. The memory
/// of an image that the consumer drops is used for a later image. So a consumer that is slow or
/// keeps images slows the loader down.
#[derive(Clone, Debug)]
pub struct Loader {
    pub(super) devices: Vec<Device>,
    /// How many images a device gets before the next one.
    pub(super) in_a_row: usize,
    pub(super) options: LoadOptions,
    pub(super) options_by: Option<OptionsBy>,
    threads: usize,
    in_flight: Option<usize>,
    max_bytes: u64,
    pub(super) ordered: bool,
    keeps: Kept,
    pub(super) cancel: CancelToken,
}

/// Which pixels stay as they are in files, as perhaps nobody looks at their floats.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Kept {
    #[default]
    Nothing,
    /// Those on the CPU that become files again with little work.
    ForSaving,
    /// Those of which tensors can be made: on the CPU row by row, on a GPU of 8-bit pixels.
    ForTensors,
}

impl Loader {
    /// Creates a loader of images on `device`, with one thread per core, at most 8 GiB in flight, and
    /// results in the order of the sources. Two images per thread are in flight, and on a GPU up to
    /// 256 as long as they take less than 1 GiB.
    pub fn new(device: &Device) -> Self {
        Self {
            devices: vec![device.clone()],
            in_a_row: 1,
            options: LoadOptions::new(),
            options_by: None,
            threads: cores(),
            in_flight: None,
            max_bytes: BYTES,
            ordered: true,
            keeps: Kept::default(),
            cancel: CancelToken::new(),
        }
    }

    /// Distributes the images over several devices in turn: the first source goes to the first
    /// device, and so on. An empty list changes nothing.
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        let devices: Vec<Device> = devices.into_iter().collect();
        if !devices.is_empty() {
            self.devices = devices;
        }
        self
    }

    /// Sets the options with which each file is loaded.
    pub fn options(mut self, options: LoadOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the number of threads that read and decode. It is at least 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Sets how many images may be in flight, at least 1. An image is in flight from the start of
    /// its decoding until the consumer drops it.
    pub fn in_flight(mut self, images: usize) -> Self {
        self.in_flight = Some(images.max(1));
        self
    }

    /// Sets how many bytes the images in flight may take, on their device and in transfer memory. A
    /// larger image is loaded with at most a quarter of these bytes beside it.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Returns images as soon as they are ready, in any order.
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// Leaves some pixels as they are in their files.
    pub(super) fn keeping(mut self, keeps: Kept) -> Self {
        self.keeps = keeps;
        self
    }

    /// Ends the batch when `token` is cancelled. Images that the consumer does not have yet are
    /// dropped, and the iterator ends.
    pub fn cancel_token(mut self, token: &CancelToken) -> Self {
        self.cancel = token.clone();
        self
    }

    /// Starts to load. The loader's threads take sources from the iterator one by one, whenever
    /// there is room. If the first device is a GPU, its context is current on these threads.
    pub fn load<I>(&self, sources: I) -> Images<I::Item>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Source,
    {
        let in_flight = self.in_flight.unwrap_or(2 * self.threads);
        let budget = Budget::new(in_flight, self.max_bytes, self.cancel.clone());
        let many = self.in_flight.is_none() && self.devices.iter().any(Device::is_cuda);
        let shared = Arc::new(Shared {
            loader: self.clone(),
            budget: Arc::new(budget.with_small(if many { MOST_SMALL } else { 0 })),
            groups: Groups::new(&self.devices, self.in_a_row),
            readers: AtomicUsize::new(self.threads),
            sources: Mutex::new(Sources {
                taken: 0,
                rest: Some(Box::new(sources.into_iter())),
            }),
            ready: Mutex::new(Ready {
                results: BTreeMap::new(),
                next: 0,
                working: self.threads,
                is_waited_for: false,
                panic: None,
            }),
            arrived: Condvar::new(),
            times: LoadTimes::default(),
        });
        let mut spawned = Groups::start(&shared);
        let mut no_thread = None;
        let threads = (0..self.threads).map(|i| {
            let shared = Arc::clone(&shared);
            let name = format!("imagecuda load {i}");
            thread::Builder::new()
                .name(name)
                .spawn(move || shared.work())
        });
        for thread in threads {
            match thread {
                Ok(thread) => spawned.push(thread),
                // Fewer threads do the same work. If there is none, the iterator returns the error.
                Err(error) => {
                    shared.retire_reader(None);
                    no_thread = Some(error.kind());
                }
            }
        }
        Images {
            shared,
            threads: spawned,
            no_thread,
        }
    }
}

pub(super) struct Shared<S> {
    pub(super) loader: Loader,
    pub(super) budget: Arc<Budget>,
    pub(super) groups: Groups<S>,
    /// Threads that may still take a source.
    readers: AtomicUsize,
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
}

pub(super) struct Outcome<S> {
    pub(super) source: S,
    pub(super) result: Result<PooledImage>,
    /// Held until the consumer has the error.
    pub(super) _slot: Option<Slot>,
}

impl<S> Outcome<S> {
    pub(super) fn new(source: S, result: Result<(Image, Metadata)>, slot: Slot) -> Self {
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
    fn work(&self) {
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

    fn retire_reader(&self, panic: Option<Box<dyn Any + Send>>) {
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
        let mut on_header = |header: &Header, _| {
            let pixels = u64::from(header.width) * u64::from(header.height);
            let need = pixels * 16 + header.bytes() as u64;
            if !slot.is_sized() {
                *goes_on = slot.size(index, need).is_some();
                start = Instant::now(); // waiting is no work
            }
            match *goes_on {
                true => Ok(()),
                false => Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into()),
            }
        };
        let mut job = Job::new(options, device, &mut on_header).in_group(in_group);
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
