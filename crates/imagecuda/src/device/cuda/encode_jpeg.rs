//! JPEG encoding: kernels encode a picture, and only the entropy-coded data are downloaded. Of a progressive
//! file the kernels make the coefficients, and the host codes them.

use super::{
    Buffer, Context,
    error::check_raw,
    jpeg::{Parts, put},
    launch::run,
    pinned::Pinned,
    scratch::Scratch,
};
use crate::{
    Result,
    jpeg::encode::{Counts, Encoding},
};
use bytemuck::cast_slice;
use cust::{memory::DevicePointer, stream::Stream, sys};
use imagecuda_kernels::{
    jpeg::encode::{frame::GROUP, jobs::EncodeJob, stuffing::PIECE},
    pack::Background,
    pixel::RgbaF32,
};
use std::{ops::Deref, sync::Arc};

/// Threads of a thread block. A tile of `jpeg_forward` is as many pixels wide.
const SMALL: u32 = 128;

/// How many symbols are counted: 256 each for DC and AC, for luma and chroma.
const COUNTS: usize = 4 * 256;

/// Where the job is in pinned memory, after the counts.
const JOB: usize = COUNTS * 4;

/// The bytes of a data unit's coefficients.
const UNIT: usize = 128;

/// The bytes in front of the data in device memory, which hold the data's length.
const HEAD: usize = 16;

/// A picture that the kernels are encoding.
pub(crate) struct PendingJpeg {
    context: Arc<Context>,
    job: EncodeJob,
    /// Device memory of the job, and of everything that it points to.
    work: Scratch,
    /// Whether `answer` holds the number of bits. Otherwise it holds the counts of symbols.
    is_measured: bool,
    /// The job that is being uploaded, and in front of it the result that is being downloaded.
    answer: Pinned,
    /// The coefficients that are being downloaded, of a progressive file.
    coefficients: Option<Pinned>,
}

/// A file's entropy-coded data in host memory.
#[derive(Debug)]
pub(crate) enum EncodedJpeg {
    /// Of so many bytes.
    Downloaded(Pinned, usize),
    /// All scans of a progressive file.
    Scans(Vec<u8>),
}

impl Deref for EncodedJpeg {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Downloaded(bytes, len) => &bytes[HEAD..HEAD + len],
            Self::Scans(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for PendingJpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingJpeg")
            .field("frame", &self.job.frame)
            .finish_non_exhaustive()
    }
}

impl Buffer<RgbaF32> {
    /// Starts to encode the first pixels, flattened onto `background`. The caller may change the
    /// pixels afterwards: the kernels read them in stream order.
    pub(crate) fn start_jpeg(
        &self,
        encoding: &Encoding,
        background: Background,
    ) -> Result<PendingJpeg> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let frame = encoding.frame;
        let (units, groups) = (frame.units() as usize, frame.groups() as usize);
        let mut parts = Parts::default();
        // The job comes first, as kernels get the address of this memory as the job's.
        parts.add(size_of::<EncodeJob>());
        let coefficients = parts.add(units * UNIT);
        let masks = parts.add(units * 8);
        let offsets = parts.add(units * 4);
        let sizes = parts.add((groups + 1) * 8);
        let counts = parts.add(COUNTS * 4);
        let mut work = context.scratch(parts.end)?;
        let start = work.pointer().as_raw();
        let address = |at: usize| start + at as u64;
        let job = EncodeJob {
            frame,
            coefficients: address(coefficients),
            masks: address(masks),
            offsets: address(offsets),
            groups: address(sizes),
            divisors: encoding.divisors(),
            tables: encoding.codes(),
        };
        let answer = context.pinned(JOB + size_of::<EncodeJob>())?;
        let fetched = match encoding.is_progressive {
            true => Some(context.pinned(units * UNIT)?),
            false => None,
        };
        let stream = &context.stream.work();
        let _launching = context.lock_launch();
        work.wait_on(stream)?;
        let mut pending = PendingJpeg {
            context: Arc::clone(&context),
            job,
            work,
            is_measured: false,
            answer,
            coefficients: None,
        };
        pending.upload_job(stream)?;
        let job = pending.work.pointer();
        let grid = (frame.width.div_ceil(SMALL), frame.mcus_y);
        let [red, green, blue] = background;
        let pixels = self.pointer();
        run!(
            context,
            "jpeg_forward",
            grid,
            SMALL,
            stream,
            job,
            pixels,
            red,
            green,
            blue
        )?;
        if let Some(fetched) = fetched {
            pending.fetch_coefficients(fetched, units)?;
        } else if encoding.is_optimized {
            let counts = address(counts);
            zero(counts, COUNTS * 4, stream)?;
            let grid = frame.units().div_ceil(GROUP);
            run!(context, "jpeg_histogram", grid, GROUP, stream, job, counts)?;
            let counts = DevicePointer::from_raw(counts);
            pending.answer.start_fetch(counts, COUNTS * 4, stream)?;
        } else {
            pending.measure(stream)?;
        }
        Ok(pending)
    }
}

impl PendingJpeg {
    /// What is fetched afterwards says when the upload is done. If a call fails before, dropping `work`
    /// waits for the device.
    fn upload_job(&mut self, stream: &Stream) -> Result<()> {
        put(&mut self.answer, JOB, &[self.job]);
        let part = JOB..JOB + size_of::<EncodeJob>();
        self.answer
            .start_upload_of(part, self.work.pointer(), stream)
    }

    /// Starts to download the coefficients of all data units, in the stream of downloads.
    fn fetch_coefficients(&mut self, mut to: Pinned, units: usize) -> Result<()> {
        let downloads = &self.context.downloads;
        // Nothing is fetched into the job's memory, which may be given back before the job is up.
        self.answer.mark(&self.context.stream.work())?;
        self.work.record_on(&self.context.stream.work())?;
        self.work.wait_on(downloads)?;
        let from = DevicePointer::from_raw(self.job.coefficients);
        to.start_fetch(from, units * UNIT, downloads)?;
        self.work.record_on(downloads)?;
        self.coefficients = Some(to);
        Ok(())
    }

    /// Starts to compute where the codes of each data unit begin, and the number of bits of all
    /// codes.
    fn measure(&mut self, stream: &Stream) -> Result<()> {
        let (context, job) = (&self.context, self.work.pointer());
        let groups = self.job.frame.groups();
        run!(context, "jpeg_measure", groups, GROUP, stream, job)?;
        run!(context, "jpeg_place", 1, GROUP, stream, job)?;
        let end = self.job.groups + u64::from(groups) * 8;
        self.answer
            .start_fetch(DevicePointer::from_raw(end), 8, stream)?;
        self.is_measured = true;
        Ok(())
    }

    /// Waits for the encoded data. If `encoding` asks for optimised tables, makes them first.
    pub(crate) fn finish(mut self, encoding: &mut Encoding) -> Result<EncodedJpeg> {
        let context = Arc::clone(&self.context);
        let _current = context.enter()?;
        // Once the answer is there, the kernels' stream is done with this picture. The rest runs in
        // the stream of downloads.
        let stream = &context.downloads;
        if let Some(mut coefficients) = self.coefficients.take() {
            coefficients.wait()?;
            self.work.mark_idle();
            return encoding
                .scans_of(cast_slice(&coefficients))
                .map(EncodedJpeg::Scans);
        }
        self.answer.wait()?;
        if !self.is_measured {
            let mut counts: Counts = [[[0; _]; _]; _];
            counts
                .as_flattened_mut()
                .as_flattened_mut()
                .copy_from_slice(cast_slice(&self.answer[..COUNTS * 4]));
            encoding.optimize(&counts);
            self.job.tables = encoding.codes();
            let launching = context.lock_launch();
            self.upload_job(stream)?;
            self.measure(stream)?;
            drop(launching);
            self.answer.wait()?;
        }
        let mut bits = [0; 8];
        bits.copy_from_slice(&self.answer[..8]);
        let bytes = u64::from_ne_bytes(bits).div_ceil(8);
        let encoded = self.code(bytes, stream)?;
        self.work.mark_idle();
        Ok(encoded)
    }

    /// Writes the codes, which are `bytes` bytes long, stuffs zeros in, and waits for the result.
    fn code(&self, bytes: u64, stream: &Stream) -> Result<EncodedJpeg> {
        let (context, job) = (&self.context, self.work.pointer());
        let chunks = bytes.div_ceil(u64::from(PIECE * GROUP)) as u32;
        let padded = chunks as usize * (PIECE * GROUP) as usize;
        let mut parts = Parts::default();
        let words = parts.add(padded);
        let markers = parts.add(padded / 8);
        let stuffed = parts.add(chunks as usize * 4);
        // The worst case: each byte is 0xff, and gets a zero.
        let file = parts.add(HEAD + 2 * bytes as usize);
        let mut memory = context.scratch(parts.end)?;
        let most = HEAD + 2 * bytes as usize;
        // Nearly always large enough, so that one download brings both the length and the data.
        let likely = most.min(HEAD + (bytes + bytes / 32) as usize + 1024);
        let mut fetched = context.pinned(likely)?;
        let launching = context.lock_launch();
        memory.wait_on(stream)?;
        let start = memory.pointer().as_raw();
        // Memory is zeroed as the kernels add codes to it, and as a download may include bytes
        // after the data.
        zero(start, file + likely, stream)?;
        let [words, markers, stuffed, file] =
            [words, markers, stuffed, file].map(|at| start + at as u64);
        let grid = self.job.frame.units().div_ceil(GROUP);
        let count = padded as u64 / 4;
        run!(
            context,
            "jpeg_code",
            grid,
            GROUP,
            stream,
            job,
            words,
            markers,
            count
        )?;
        run!(
            context,
            "jpeg_count",
            chunks,
            GROUP,
            stream,
            words,
            markers,
            bytes,
            stuffed
        )?;
        run!(
            context,
            "jpeg_stuff",
            chunks,
            GROUP,
            stream,
            words,
            markers,
            bytes,
            stuffed,
            file
        )?;
        let file = DevicePointer::from_raw(file);
        fetched.start_fetch(file, likely, stream)?;
        drop(launching);
        fetched.wait()?;
        let mut len = [0; 8];
        len.copy_from_slice(&fetched[..8]);
        let len = u64::from_ne_bytes(len) as usize;
        if HEAD + len > likely {
            fetched = context.pinned(HEAD + len)?;
            fetched.start_fetch(file, HEAD + len, stream)?;
            fetched.wait()?;
        }
        memory.mark_idle();
        Ok(EncodedJpeg::Downloaded(fetched, len))
    }
}

fn zero(address: u64, bytes: usize, stream: &Stream) -> Result<()> {
    // SAFETY: the callers' memory has that many bytes, and the stream belongs to this context.
    let result = unsafe { sys::cuMemsetD8Async(address, 0, bytes, stream.as_inner()) };
    check_raw("cuMemsetD8Async", result)
}
