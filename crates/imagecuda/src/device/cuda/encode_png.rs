//! PNG encoding: kernels encode a picture, and only the compressed stream is downloaded.

use super::{
    Buffer, Context,
    error::check_raw,
    jpeg::{Parts, put},
    launch::run,
    pinned::Pinned,
    scratch::Scratch,
};
use crate::Result;
use bytemuck::cast_slice;
use cust::{memory::DevicePointer, stream::Stream, sys};
use imagecuda_kernels::{
    pack::{Background, Packing},
    pixel::RgbaF32,
    png::encode::{
        checksum::{PIECE, Sums},
        header,
        huffman::SYMBOLS,
        jobs::EncodeJob,
        matches::{MOST, Match},
        scanlines::{CHUNK, IDAT, Scanlines},
    },
};
use std::sync::Arc;

/// Threads of a thread block, for all kernels except `png_choose`.
const THREADS: u32 = 256;

/// Threads of a thread block of `png_choose`.
const CHOOSERS: u32 = 128;

/// The bytes that the host needs before the stream is written: the number of its bits, and
/// Adler-32.
const ANSWER: usize = 16;

/// A picture that the kernels are encoding.
pub(crate) struct PendingPng {
    context: Arc<Context>,
    job: EncodeJob,
    /// Device memory of the job, and of everything that it points to.
    work: Scratch,
    /// The result that is being downloaded.
    answer: Pinned,
}

/// A file's compressed stream in host memory.
#[derive(Debug)]
pub(crate) struct EncodedPng {
    bytes: Pinned,
    len: usize,
    /// Where in `bytes` the CRC remainders are.
    remainders: usize,
}

impl EncodedPng {
    pub(crate) fn stream(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn remainders(&self) -> &[u32] {
        cast_slice(&self.bytes[self.remainders..])
    }
}

impl std::fmt::Debug for PendingPng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingPng")
            .field("lines", &self.job.lines)
            .finish_non_exhaustive()
    }
}

impl Buffer<RgbaF32> {
    /// Starts to encode the first pixels, packed as `packing` says. The caller may change the
    /// pixels afterwards: the kernels read them in stream order.
    pub(crate) fn start_png(
        &self,
        lines: &Scanlines,
        packing: Packing,
        background: Background,
    ) -> Result<PendingPng> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let lines = *lines;
        let (chunks, blocks) = (lines.chunks() as usize, lines.blocks() as usize);
        let bytes = lines.row as usize * lines.height as usize;
        let mut parts = Parts::default();
        // The job comes first, as kernels get the address of this memory as the job's.
        parts.add(size_of::<EncodeJob>());
        // The packing kernels may write whole words.
        let pixels = parts.add(bytes.next_multiple_of(16));
        let filters = parts.add(lines.height as usize);
        let data = parts.add(chunks * CHUNK as usize);
        let matches = parts.add(chunks * MOST as usize * size_of::<Match>());
        let match_counts = parts.add(chunks * 4);
        let sums = parts.add(chunks * size_of::<Sums>());
        let counts = parts.add(chunks * SYMBOLS * 4);
        let codes = parts.add(blocks * SYMBOLS * 4);
        let headers = parts.add(blocks * header::WORDS * 4);
        let header_bits = parts.add(blocks * 4);
        let positions = parts.add(chunks * 8 + ANSWER);
        let mut work = context.scratch(parts.end)?;
        let start = work.pointer().as_raw();
        let address = |at: usize| start + at as u64;
        let job = EncodeJob {
            lines,
            pixels: address(pixels),
            filters: address(filters),
            data: address(data),
            matches: address(matches),
            match_counts: address(match_counts),
            sums: address(sums),
            counts: address(counts),
            codes: address(codes),
            headers: address(headers),
            header_bits: address(header_bits),
            positions: address(positions),
        };
        let mut upload = context.pinned(size_of::<EncodeJob>())?;
        put(&mut upload, 0, &[job]);
        let answer = context.pinned(ANSWER)?;
        let stream = &context.stream.work();
        let _launching = context.lock_launch();
        work.wait_on(stream)?;
        upload.start_upload(work.pointer(), size_of::<EncodeJob>(), stream)?;
        let mut pending = PendingPng {
            context: Arc::clone(&context),
            job,
            work,
            answer,
        };
        let len = bytes / lines.bytes_per_pixel as usize;
        let pixels = DevicePointer::from_raw(pending.job.pixels);
        self.pack_to(pixels, packing, background, len)?;
        pending.code(stream)?;
        Ok(pending)
    }
}

impl PendingPng {
    /// Starts all steps up to the positions of the codes.
    fn code(&mut self, stream: &Stream) -> Result<()> {
        let (context, job) = (&self.context, self.work.pointer());
        let lines = &self.job.lines;
        let (height, chunks, blocks) = (lines.height, lines.chunks(), lines.blocks());
        run!(context, "png_choose", height, CHOOSERS, stream, job)?;
        run!(context, "png_match", chunks, THREADS, stream, job)?;
        run!(context, "png_count", chunks, THREADS, stream, job)?;
        run!(context, "png_codes", blocks, THREADS, stream, job)?;
        run!(context, "png_place", 1, THREADS, stream, job)?;
        let end = DevicePointer::from_raw(self.job.positions + u64::from(chunks) * 8);
        self.answer.start_fetch(end, ANSWER, stream)
    }

    /// Waits for the stream. While it is written and downloaded, tells its size to `reserve`.
    pub(crate) fn finish(mut self, reserve: &mut dyn FnMut(usize)) -> Result<EncodedPng> {
        let context = Arc::clone(&self.context);
        let _current = context.enter()?;
        // Once the answer is there, the kernels' stream is done with this picture. The rest runs in
        // the stream of downloads.
        self.answer.wait()?;
        let mut bits = [0; 8];
        bits.copy_from_slice(&self.answer[..8]);
        // Adler-32 follows the codes.
        let bytes = u64::from_ne_bytes(bits).div_ceil(8) + 4;
        let encoded = self.write(bytes, reserve, &context.downloads)?;
        self.work.mark_idle();
        Ok(encoded)
    }

    /// Writes the stream, which is `bytes` bytes long, and waits for it.
    fn write(
        &self,
        bytes: u64,
        reserve: &mut dyn FnMut(usize),
        stream: &Stream,
    ) -> Result<EncodedPng> {
        let (context, job) = (&self.context, self.work.pointer());
        let mut parts = Parts::default();
        parts.add(bytes.next_multiple_of(4) as usize);
        let remainders = parts.add(bytes.div_ceil(IDAT) as usize * 4);
        let mut memory = context.scratch(parts.end)?;
        let mut fetched = context.pinned(parts.end)?;
        let launching = context.lock_launch();
        memory.wait_on(stream)?;
        let words = memory.pointer();
        // SAFETY: the memory has that many bytes, and the stream belongs to this context.
        let result =
            unsafe { sys::cuMemsetD8Async(words.as_raw(), 0, parts.end, stream.as_inner()) };
        check_raw("cuMemsetD8Async", result)?;
        let (chunks, count) = (self.job.lines.chunks(), bytes.div_ceil(4));
        run!(
            context, "png_code", chunks, THREADS, stream, job, words, count
        )?;
        let grid = bytes.div_ceil(u64::from(PIECE * THREADS)) as u32;
        let to = words.as_raw() + remainders as u64;
        run!(context, "png_crc", grid, THREADS, stream, words, bytes, to)?;
        fetched.start_fetch(words, parts.end, stream)?;
        drop(launching);
        reserve(bytes as usize);
        fetched.wait()?;
        memory.mark_idle();
        Ok(EncodedPng {
            bytes: fetched,
            len: bytes as usize,
            remainders,
        })
    }
}
