//! CUDA devices, through `cust`.
//!
//! Each device has one primary context, one module and a few streams. They are made on first use
//! and kept until the program ends. Kernels, and copies to and from images, go to one stream, so
//! calls from any thread run in order. Pixels of files are transferred in two other streams, and
//! files are decoded in a few more. Events order these streams, so that the copy engines and the
//! kernels work at the same time.
#![allow(unsafe_code)]

mod buffer;
mod counted_stream;
#[cfg(feature = "cudarc")]
mod cudarc;
mod current;
mod encode_jpeg;
mod encode_png;
mod encode_webp;
mod error;
mod event;
mod foreign;
mod idle_memory;
mod jpeg;
mod launch;
mod memory;
mod module;
mod pack;
mod pinned;
mod pixel_group;
mod planes;
mod png;
mod recent;
mod resample;
mod scratch;
mod strips;
#[cfg(test)]
mod tests;
mod video;

pub(crate) use {buffer::Buffer, pinned::Pinned};
pub(crate) use {
    encode_jpeg::{EncodedJpeg, PendingJpeg},
    encode_png::{EncodedPng, PendingPng},
    encode_webp::PendingWebp,
    jpeg::{
        Coefficients, PictureGroups, PlannedJpeg, ProgressiveGroups, ProgressiveJpeg, UploadedJpeg,
    },
    png::PngPixels,
    strips::Strips,
    video::VideoFrames,
};

use crate::{ErrorKind, Result, memory::Pool};
use counted_stream::CountedStream;
use current::{Contexts, Current, Driver};
use cust::{
    device::{Device, DeviceAttribute},
    stream::{Stream, StreamFlags},
    sys,
};
use error::{check, check_raw};
use std::sync::MutexGuard;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicUsize},
};

/// The state of one CUDA device.
pub(crate) struct Context {
    ordinal: u32,
    name: String,
    primary: cust::context::Context,
    /// The stream of kernels and of everything that the caller sees.
    stream: CountedStream,
    /// The stream that uploads pixels of files.
    uploads: Stream,
    /// The stream that downloads pixels of files.
    downloads: Stream,
    /// The streams that decode JPEG entropy-coded data.
    decodes: Vec<Stream>,
    /// How many JPEG files these streams have decoded.
    jpegs: AtomicUsize,
    jpeg_tables: jpeg::DeviceTables,
    /// The streams in which kernels find the blocks of progressive JPEG files.
    positions: OnceLock<Vec<Stream>>,
    /// The streams that decode PNG files.
    pngs: png::Streams,
    /// Held by the thread that queues work.
    launch_lock: Mutex<()>,
    kernels: module::Kernels,
    memory: memory::Allocator,
    /// Decoders of the video engines.
    videos: Arc<video::Pool>,
    pinned: Pool<pinned::Locked>,
    scratch: Pool<scratch::Slab>,
    /// The most idle bytes of device memory, if a limit was set.
    device_limit: AtomicUsize,
    /// Weights of filters.
    tables: resample::Tables,
    /// The bytes of its memory.
    all_memory: u64,
    /// The most blocks that a grid may have along x.
    max_grid: u32,
    multiprocessors: u32,
    /// Whether a multiprocessor has shared memory for three blocks of the largest size.
    has_much_shared: bool,
}

impl Context {
    /// Returns the context of device `ordinal`. The first call makes it, and all callers share it.
    pub(crate) fn open(ordinal: u32) -> Result<Arc<Self>> {
        static OPEN: Mutex<BTreeMap<u32, Arc<Context>>> = Mutex::new(BTreeMap::new());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = open.get(&ordinal) {
            return Ok(Arc::clone(context));
        }
        let context = Arc::new(Self::new(ordinal)?);
        open.insert(ordinal, Arc::clone(&context));
        Ok(context)
    }

    fn new(ordinal: u32) -> Result<Self> {
        let device = find(ordinal)?;
        let name = check("cuDeviceGetName", device.name())?;
        let attribute = |a| check("cuDeviceGetAttribute", device.get_attribute(a));
        let max_grid = attribute(DeviceAttribute::MaxGridDimX)?;
        let multiprocessors = attribute(DeviceAttribute::MultiprocessorCount)?;
        let shared = attribute(DeviceAttribute::MaxSharedMemoryPerMultiprocessor)?;
        let all_memory = check("cuDeviceTotalMem", device.total_memory())? as u64;

        // `cust` makes the new context current; this guard restores the caller's.
        let _restore = Current::remember()?;
        let primary = check(
            "cuDevicePrimaryCtxRetain",
            cust::context::Context::new(device),
        )?;
        let (uploads, downloads, stream) = (new_stream()?, new_stream()?, new_stream()?);
        let kernels = module::load(device)?;
        let memory = memory::Allocator::new(device, all_memory)?;
        Ok(Self {
            ordinal,
            name,
            primary,
            stream: CountedStream::new(stream),
            uploads,
            downloads,
            decodes: (0..jpeg::STREAMS)
                .map(|_| new_stream())
                .collect::<Result<_>>()?,
            jpegs: AtomicUsize::new(0),
            jpeg_tables: jpeg::DeviceTables::default(),
            positions: OnceLock::new(),
            pngs: png::Streams::new()?,
            launch_lock: Mutex::new(()),
            kernels,
            memory,
            videos: Arc::default(),
            pinned: Pool::new(pinned::KEEP),
            scratch: Pool::new(scratch::KEEP),
            device_limit: AtomicUsize::new(usize::MAX),
            tables: resample::Tables::default(),
            all_memory,
            max_grid: max_grid.unsigned_abs(),
            multiprocessors: multiprocessors.unsigned_abs(),
            has_much_shared: shared.unsigned_abs() >= 3 * (resample::MOST_SHARED + (1 << 10)),
        })
    }

    pub(crate) fn ordinal(&self) -> u32 {
        self.ordinal
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of the device's memory.
    pub(crate) fn all_memory(&self) -> u64 {
        self.all_memory
    }

    /// The stream, for code outside of this library.
    pub(crate) fn stream(&self) -> &Stream {
        self.stream.share()
    }

    /// Waits for the work that callers have asked for. Threads that decode files wait for their own
    /// streams, whose work comes before that of this one.
    pub(crate) fn synchronize(&self) -> Result<()> {
        let _current = self.enter()?;
        self.wait_for_transfers_and_kernels()?;
        self.keep_limit()
    }

    /// Lets one thread at a time queue work. The driver locks around each call anyway. This lock
    /// keeps the calls of one launch together, so that threads do not wait for each other between
    /// calls.
    fn lock_launch(&self) -> MutexGuard<'_, ()> {
        self.launch_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_transfers_and_kernels(&self) -> Result<()> {
        check("cuStreamSynchronize", self.uploads.synchronize())?;
        self.stream.synchronize()?;
        check("cuStreamSynchronize", self.downloads.synchronize())
    }

    /// Waits for all streams. The context must be current.
    fn wait_for_all(&self) -> Result<()> {
        self.wait_for_transfers_and_kernels()?;
        let pngs = self.pngs.uploads.iter().chain(&self.pngs.all);
        let positions = self.positions.get().into_iter().flatten();
        for stream in self.decodes.iter().chain(pngs).chain(positions) {
            check("cuStreamSynchronize", stream.synchronize())?;
        }
        Ok(())
    }

    /// The number of transfer buffers made since the start: of pinned memory and of device memory.
    pub(crate) fn transfer_buffers(&self) -> u64 {
        self.pinned.made() + self.scratch.made()
    }

    pub(crate) fn make_current(&self) -> Result<()> {
        Driver::set(self.primary.as_raw())
    }

    /// Makes this context current until the guard is dropped.
    fn enter(&self) -> Result<Current> {
        Current::enter(self.primary.as_raw())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{}", self.ordinal)
    }
}

fn new_stream() -> Result<Stream> {
    check("cuStreamCreate", Stream::new(StreamFlags::DEFAULT, None))
}

/// Returns the device, or a plain reason why there is none.
fn find(ordinal: u32) -> Result<Device> {
    let none = |why: String| ErrorKind::NoDevice(format!("CUDA device {ordinal}: {why}"));
    cuda_delay_load::load().map_err(|error| none(error.to_string()))?;
    // Not `cust::init`, as it knows only half of the errors that matter here.
    // SAFETY: the function has no conditions, and may be called again and from any thread. If the
    // library is not loaded, it returns an error.
    match unsafe { sys::cuInit(0) } {
        sys::CUresult::CUDA_SUCCESS => {}
        sys::CUresult::CUDA_ERROR_NO_DEVICE => {
            return Err(none("the driver finds no GPU".into()).into());
        }
        sys::CUresult::CUDA_ERROR_STUB_LIBRARY => {
            return Err(none("libcuda is a stub, there is no driver".into()).into());
        }
        error => check_raw("cuInit", error)?,
    }
    let count = check("cuDeviceGetCount", Device::num_devices())?;
    if ordinal >= count {
        return Err(match count {
            0 => none("the driver shows no GPU".into()),
            1 => none("there is only device 0".into()),
            _ => none(format!("there are only devices 0 to {}", count - 1)),
        }
        .into());
    }
    check("cuDeviceGet", Device::get_device(ordinal))
}
