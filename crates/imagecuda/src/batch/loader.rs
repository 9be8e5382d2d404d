//! Loads many files to images on devices.

use super::{
    BYTES, CancelToken,
    budget::Budget,
    cores,
    grouped::Groups,
    images::Images,
    loading::{Ready, Shared, Sources},
    source::Source,
    times::LoadTimes,
    with_options::OptionsBy,
};
use crate::{Device, LoadOptions};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, atomic::AtomicUsize},
    thread,
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
    pub(super) keeps: Kept,
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
    /// Creates a loader of images on `device`, with one thread per core and results in the order of the sources.
    /// At most 8 GiB are in flight, or an eighth of the GPU's memory if that is more. Two images per thread are in
    /// flight; on a GPU up to 256 as long as they take less than 1 GiB, and progressive JPEGs beside them while a
    /// kernel works on them.
    pub fn new(device: &Device) -> Self {
        Self {
            devices: vec![device.clone()],
            in_a_row: 1,
            options: LoadOptions::new(),
            options_by: None,
            threads: cores(),
            in_flight: None,
            max_bytes: BYTES.max(device.all_memory() / 8),
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
        let mut budget = Budget::new(in_flight, self.max_bytes, self.cancel.clone());
        if self.in_flight.is_none() && self.devices.iter().any(Device::is_cuda) {
            // On a small GPU the bytes of all are no bound.
            let memory = self.devices.iter().filter(|device| device.is_cuda());
            let memory = memory.map(Device::all_memory).min().unwrap_or(0);
            budget = budget
                .with_small(MOST_SMALL)
                .without_slots_for_waiting(memory / 4);
        }
        let shared = Arc::new(Shared {
            loader: self.clone(),
            budget: Arc::new(budget),
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
