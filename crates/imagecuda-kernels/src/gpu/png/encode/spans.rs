//! Chunks as symbols: counted, and written.

use super::{
    super::super::{
        jpeg::prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
        shared::barrier,
        thread::{block_idx_x, thread_idx_x},
    },
    ends_block,
};
use crate::{
    jpeg::encode::bits::WordSink,
    png::encode::{
        bits::BitWriter,
        header,
        huffman::{self, END, SYMBOLS},
        jobs::EncodeJob,
        matches::{MOST, Match},
        scanlines::{BLOCK, CHUNK},
        tokens::{self, Chunk, SPAN, Token},
    },
    shared_memory,
};
use core::sync::atomic::{AtomicU32, Ordering};

/// Words of a span, and one more, so that the threads of a warp use different banks of shared
/// memory.
const SPAN_WORDS: usize = SPAN as usize / 4 + 1;

/// The sets of counters of a thread block. Several sets, so that fewer threads wait for the same
/// counter.
const COUNTERS: usize = 4;

shared_memory! {
    /// The bytes of a chunk: [`SPAN_WORDS`] for each span.
    shared_spans: 17408
}
shared_memory! {
    /// [`COUNTERS`] sets of counters, or codes.
    shared_symbols: 5056
}

const _: () = {
    assert!(MAX_THREADS * SPAN_WORDS * 4 == 17_408);
    assert!(MAX_THREADS * SPAN as usize == CHUNK as usize);
    assert!(COUNTERS * SYMBOLS * 4 == 5056);
};

/// A chunk whose bytes are in shared memory.
struct DeviceChunk {
    matches: *const Match,
    count: u32,
}

impl Chunk for DeviceChunk {
    #[inline(always)]
    fn count(&self) -> u32 {
        self.count
    }

    #[inline(always)]
    fn get(&self, i: u32) -> Match {
        // SAFETY: one of the chunk's matches.
        unsafe { self.matches.add(i as usize).read() }
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        let word = at as usize / 4;
        let word = word + word / (SPAN_WORDS - 1);
        // SAFETY: a byte of the chunk.
        let word = unsafe { shared_spans::<u32>().add(word).read() };
        (word >> (at % 4 * 8)) as u8
    }
}

/// Copies a chunk to shared memory. A barrier must follow.
///
/// # Safety
///
/// The chunk is one of the job's. All threads of the block call this.
#[inline(always)]
unsafe fn stage(job: &EncodeJob, chunk: u32) -> DeviceChunk {
    // SAFETY: there is room for whole chunks in both memories.
    unsafe {
        let data = (job.data as *const u32).add((chunk * (CHUNK / 4)) as usize);
        let mut i = thread_idx_x();
        while i < CHUNK as usize / 4 {
            let to = i + i / (SPAN_WORDS - 1);
            shared_spans::<u32>().add(to).write(data.add(i).read());
            i += MAX_THREADS;
        }
        DeviceChunk {
            matches: (job.matches as *const Match).add((chunk * MOST) as usize),
            count: (job.match_counts as *const u32).add(chunk as usize).read(),
        }
    }
}

/// The range of this thread's bytes.
#[inline(always)]
fn own_span(job: &EncodeJob, chunk: u32) -> (u32, u32) {
    let start = thread_idx_x() as u32 * SPAN;
    (start, job.lines.chunk_len(chunk).min(start + SPAN))
}

/// Counts the symbols of a chunk. A thread block of 256 for each chunk.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_count(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (number, thread) = (block_idx_x() as u32, thread_idx_x());
    let counters = shared_symbols::<u32>();
    let mut i = thread;
    while i < COUNTERS * SYMBOLS {
        // SAFETY: one of the counters.
        unsafe { counters.add(i).write(0) };
        i += MAX_THREADS;
    }
    // SAFETY: one of the chunks; all threads are here.
    let chunk = unsafe {
        let chunk = stage(job, number);
        barrier();
        chunk
    };
    // SAFETY: one of the sets.
    let own = unsafe { counters.add(thread / 32 % COUNTERS * SYMBOLS) };
    let add = |symbol: usize| {
        // SAFETY: one of the counters, which are only changed by atomics until the barrier.
        let counter = unsafe { AtomicU32::from_ptr(own.add(symbol)) };
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let (start, end) = own_span(job, number);
    tokens::span(&chunk, start, end, |token| match token {
        Token::Literal(byte) => add(byte.into()),
        Token::Match(found) => {
            let [(length, ..), (distance, ..)] = huffman::match_symbols(found);
            add(length);
            add(distance);
        }
    });
    if thread == 0 && ends_block(&job.lines, number) {
        add(END);
    }
    // SAFETY: all threads are here.
    unsafe { barrier() };
    let mut symbol = thread;
    while symbol < SYMBOLS {
        // SAFETY: the counters of one symbol; one of the job's counts.
        unsafe {
            let mut sum = 0;
            for set in 0..COUNTERS {
                sum += counters.add(set * SYMBOLS + symbol).read();
            }
            let counts = (job.counts as *mut u32).add(number as usize * SYMBOLS);
            counts.add(symbol).write(sum);
        }
        symbol += MAX_THREADS;
    }
}

/// Words of device memory, zeros at first, to which bits are added.
#[derive(Clone, Copy)]
struct DeviceBits {
    words: *mut u32,
    count: u64,
}

impl WordSink for DeviceBits {
    #[inline(always)]
    fn or(&mut self, number: u64, bits: u32) {
        if number < self.count {
            // SAFETY: one of the words, which are only changed by atomics.
            let word = unsafe { AtomicU32::from_ptr(self.words.add(number as usize)) };
            word.fetch_or(bits, Ordering::Relaxed);
        }
    }
}

/// Writes `count` bits at a position.
#[inline(always)]
fn put(words: DeviceBits, at: u64, bits: u32, count: u32) {
    let mut writer = BitWriter::new(words, at);
    writer.put(bits, count);
    writer.finish();
}

/// Writes the bits before the first chunk and after the last one.
///
/// # Safety
///
/// The positions of the job are known.
#[inline(always)]
unsafe fn write_ends(job: &EncodeJob, words: DeviceBits) {
    let positions = job.positions as *const u64;
    // SAFETY: behind the positions of the chunks are these two.
    let (end, adler32) = unsafe {
        let end = positions.add(job.lines.chunks() as usize);
        (end.read(), end.add(1).read())
    };
    put(words, 0, 0x0178, 16);
    let adler32 = (adler32 as u32).swap_bytes();
    put(words, end.next_multiple_of(8), adler32, 32);
}

/// Writes the codes of all chunks to `count` words, which are zeros at first. A thread block of 256
/// for each chunk.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_code(job: *const EncodeJob, words: *mut u32, count: u64) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (number, thread) = (block_idx_x() as u32, thread_idx_x());
    let words = DeviceBits { words, count };
    let block = (number / BLOCK) as usize;
    let codes = shared_symbols::<u32>();
    let mut symbol = thread;
    while symbol < SYMBOLS {
        // SAFETY: one of the block's codes.
        unsafe {
            let from = (job.codes as *const u32).add(block * SYMBOLS + symbol);
            codes.add(symbol).write(from.read());
        }
        symbol += MAX_THREADS;
    }
    // SAFETY: one of the chunks; all threads are here.
    let (chunk, mut at) = unsafe {
        let chunk = stage(job, number);
        barrier();
        (chunk, *(job.positions as *const u64).add(number as usize))
    };
    // SAFETY: symbols are those that there are.
    let code = |symbol: usize| unsafe { codes.add(symbol).read() };
    if number.is_multiple_of(BLOCK) {
        // SAFETY: the block's header, of which each thread has a word.
        unsafe {
            let bits = (job.header_bits as *const u32).add(block).read();
            let first = thread as u32 * 32;
            if first < bits {
                let words_of_header = (job.headers as *const u32).add(block * header::WORDS);
                let word = words_of_header.add(thread).read();
                put(words, at + u64::from(first), word, (bits - first).min(32));
            }
            at += u64::from(bits);
        }
    }
    let (start, end) = own_span(job, number);
    let mut bits = 0;
    tokens::span(&chunk, start, end, |token| match token {
        Token::Literal(byte) => bits += code(byte.into()) >> 16,
        Token::Match(found) => {
            let [length, distance] = huffman::match_symbols(found);
            bits += (code(length.0) >> 16) + length.2 + (code(distance.0) >> 16) + distance.2;
        }
    });
    // SAFETY: all threads are here.
    let (before, all) = unsafe { exclusive_prefix_sum(bits.into(), thread) };
    let mut writer = BitWriter::new(words, at + before);
    tokens::span(&chunk, start, end, |token| match token {
        Token::Literal(byte) => {
            let code = code(byte.into());
            writer.put(code & 0xffff, code >> 16);
        }
        Token::Match(found) => {
            let [length, distance] = huffman::match_symbols(found);
            let (bits, count) = huffman::coded(code(length.0), length);
            writer.put(bits, count);
            let (bits, count) = huffman::coded(code(distance.0), distance);
            writer.put(bits, count);
        }
    });
    writer.finish();
    if thread == 0 && ends_block(&job.lines, number) {
        let code = code(END);
        put(words, at + all, code & 0xffff, code >> 16);
    }
    if thread == 0 && number == 0 {
        // SAFETY: the host launches this once the positions are known.
        unsafe { write_ends(job, words) };
    }
}
