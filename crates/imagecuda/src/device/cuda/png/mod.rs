//! PNG decoding: compressed data are uploaded, and kernels decode them.
//!
//! Each picture has a stream to itself while it is decoded, as long as there are enough streams.
//! The host waits for its status. Small pictures of several threads are decoded together.

mod group;
mod memory;
mod parts;
mod together;

use super::{
    Buffer, Context, error::check, error::check_raw, event::Event, new_stream, pinned::Pinned,
    scratch::Scratch,
};
use crate::{
    Result,
    device::{DevicePixel, ExpandSpec, PngData, Staging},
};
use cust::{launch, memory::DevicePointer, stream::Stream, sys};
use imagecuda_kernels::png::decoder::{
    launches::{Kernel, Launch, Sizes, TRIES},
    picture::Picture,
    work::status,
};
use memory::Addresses;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use together::Way;

/// The number of pictures that can be decoded without waiting for each other.
const STREAMS: usize = 12;

/// The streams that decode pictures, used in turn.
pub(super) struct Streams {
    pub(super) all: Vec<Stream>,
    /// For each of them, the stream that uploads data for it.
    pub(super) uploads: Vec<Stream>,
    /// For each of them, an event for each part of the data.
    uploaded: Vec<Vec<Event>>,
    next: AtomicUsize,
    together: together::Together,
}

impl Streams {
    /// Makes the streams. The context must be current.
    pub(super) fn new() -> Result<Self> {
        let streams = || (0..STREAMS).map(|_| new_stream());
        let events = || (0..parts::MOST).map(|_| Event::new());
        Ok(Self {
            all: streams().collect::<Result<_>>()?,
            uploads: streams().collect::<Result<_>>()?,
            uploaded: (0..STREAMS)
                .map(|_| events().collect())
                .collect::<Result<_>>()?,
            next: AtomicUsize::new(0),
            together: together::Together::default(),
        })
    }
}

/// A picture's pixels in device memory, in the layout that the host's decoder uses.
pub(crate) struct PngPixels {
    memory: PixelMemory,
    bytes: usize,
}

impl std::fmt::Debug for PngPixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of pixels", self.bytes)
    }
}

impl PngPixels {
    /// The size of the pixels in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

enum PixelMemory {
    Own(Scratch),
    /// That of all pixels of a group, and the address of these.
    Shared(Arc<Mutex<Scratch>>, u64),
}

/// A picture that the kernels are decoding.
struct DecodingPng {
    context: Arc<Context>,
    stream: usize,
    picture: Picture,
    sizes: Sizes,
    addresses: Addresses,
    pixel_bytes: usize,
    /// The data that were uploaded; later the status.
    pinned: Pinned,
    /// All memory except that of the pixels.
    memory: Vec<Scratch>,
    pixels: Scratch,
}

impl Context {
    /// Decodes a picture. The file may be in `staging` memory. `None` if the host has to decode it: something is
    /// wrong, or `is_whole` does not hold, which is asked while kernels run, or after those of a group.
    pub(crate) fn decode_png(
        self: &Arc<Self>,
        png: &PngData<'_>,
        staging: Option<&Staging>,
        is_whole: impl FnOnce() -> bool,
    ) -> Result<Option<PngPixels>> {
        let _current = self.enter()?;
        let file = match staging {
            Some(Staging::Pinned(pinned)) if pinned.as_ptr_range() == png.file.as_ptr_range() => {
                Some(pinned)
            }
            _ => None,
        };
        match self.decode_png_together(png, file)? {
            Way::Done(pixels) => Ok(pixels.filter(|_| is_whole())),
            Way::Alone(_under_way) => {
                let pending = self.start_decoding_png(png, file)?;
                let is_whole = is_whole();
                Ok(pending.finish()?.filter(|_| is_whole))
            }
        }
    }

    /// Starts to decode a picture, whose file may be in page-locked memory. The caller must keep that until
    /// [`DecodingPng::finish`].
    fn start_decoding_png(
        self: &Arc<Self>,
        png: &PngData<'_>,
        file: Option<&Pinned>,
    ) -> Result<DecodingPng> {
        let number = self.pngs.next.fetch_add(1, Ordering::Relaxed) % STREAMS;
        let stream = &self.pngs.all[number];
        let mut pending = self.prepare_png(png, file, number)?;
        let _launching = self.lock_launch();
        let first = pending.sizes.first();
        self.launch_png(&first, &pending.addresses, stream)?;
        pending.start_rounds(self, stream, TRIES[0])?;
        Ok(pending)
    }

    fn launch_png(
        &self,
        launches: &[Launch],
        addresses: &Addresses,
        stream: &Stream,
    ) -> Result<()> {
        let job = addresses.job;
        for launch in launches.iter().filter(|launch| launch.blocks > 0) {
            if launch.kernel == Kernel::Pack {
                // This memory held the tokens, which are no longer needed.
                self.zero(addresses.hand_over.clone(), stream)?;
            }
            let function = self.function(name(launch.kernel))?;
            let (first, blocks, threads) = (launch.first, launch.blocks, launch.threads);
            // SAFETY: the kernel takes the address of a job, and the number of the first block. All
            // memory that the job points to lives until the kernels have run.
            let launched = unsafe { launch!(function<<<blocks, threads, 0, stream>>>(job, first)) };
            check("cuLaunchKernel", launched)?;
        }
        Ok(())
    }

    /// Zeroes device memory, in the order of `stream`.
    fn zero(&self, addresses: std::ops::Range<u64>, stream: &Stream) -> Result<()> {
        let bytes = (addresses.end - addresses.start) as usize;
        // SAFETY: the memory belongs to the picture, and the stream to this context.
        let result = unsafe { sys::cuMemsetD8Async(addresses.start, 0, bytes, stream.as_inner()) };
        check_raw("cuMemsetD8Async", result)
    }
}

/// The name of a kernel in the module.
fn name(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Gather => "png_gather",
        Kernel::Find => "png_find",
        Kernel::Check => "png_check",
        Kernel::Tables => "png_tables",
        Kernel::Synchronize => "png_synchronize",
        Kernel::Resynchronize => "png_resynchronize",
        Kernel::Chain => "png_chain",
        Kernel::Write => "png_write",
        Kernel::Expand => "png_expand",
        Kernel::Jump => "png_jump",
        Kernel::Pack => "png_pack",
        Kernel::Strips => "png_strips",
        Kernel::Unfilter => "png_unfilter",
        Kernel::Pixels => "png_pixels",
    }
}

impl DecodingPng {
    /// Launches the rounds and the kernels after them, and starts to download the status.
    fn start_rounds(&mut self, context: &Context, stream: &Stream, rounds: u32) -> Result<()> {
        for _ in 0..rounds {
            context.launch_png(&self.sizes.round(), &self.addresses, stream)?;
        }
        let last = self.sizes.last(&self.picture);
        context.launch_png(&last, &self.addresses, stream)?;
        let status = DevicePointer::from_raw(self.addresses.control);
        self.pinned.start_fetch(status, 4, stream)
    }

    /// Waits for the status.
    fn status(&mut self) -> Result<u32> {
        self.pinned.wait()?;
        Ok(bytemuck::pod_read_unaligned(&self.pinned[..4]))
    }

    /// Waits for the pixels. `None` if the host has to decode the picture.
    fn finish(mut self) -> Result<Option<PngPixels>> {
        let context = self.context.clone();
        let _current = context.enter()?;
        let mut wrong = self.status()?;
        for rounds in TRIES.into_iter().skip(1) {
            if wrong != status::UNFINISHED {
                break;
            }
            let launching = context.lock_launch();
            self.start_rounds(&context, &context.pngs.all[self.stream], rounds)?;
            drop(launching);
            wrong = self.status()?;
        }
        // The kernels have finished, as this thread waited for them.
        self.memory.iter_mut().for_each(Scratch::mark_idle);
        self.pixels.mark_idle();
        Ok((wrong == 0).then_some(PngPixels {
            memory: PixelMemory::Own(self.pixels),
            bytes: self.pixel_bytes,
        }))
    }
}

impl<P: DevicePixel> Buffer<P> {
    /// Makes the first pixels from those of a PNG. Does not wait.
    pub(super) fn expand_png(&mut self, pixels: PngPixels, spec: ExpandSpec) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        // All memory is allocated before the first write, so a failure changes nothing.
        let oriented = self.orientation_scratch(spec)?;
        match pixels.memory {
            PixelMemory::Own(mut memory) => {
                memory.wait_on(&context.stream.work())?;
                self.expand_scratch(&mut memory, oriented, spec)
            }
            PixelMemory::Shared(memory, pixels) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                // The kernels that made the pixels have been waited for.
                memory.mark_used();
                self.expand_at(DevicePointer::from_raw(pixels), oriented, spec)?;
                memory.record_on(&context.stream.work())
            }
        }
    }
}
