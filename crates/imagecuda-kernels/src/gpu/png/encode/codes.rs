//! The codes of blocks, and where the chunks begin.

use super::super::super::{
    jpeg::prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
    shared::barrier,
    thread::{block_idx_x, thread_idx_x},
    warp,
};
use crate::{
    jpeg::encode::bits::WordSink,
    png::encode::{
        bits::BitWriter,
        checksum::Sums,
        header,
        huffman::{self, LITERALS, SYMBOLS},
        jobs::EncodeJob,
        scanlines::{BLOCK, CHUNK},
    },
    shared_memory,
};
use core::{
    slice,
    sync::atomic::{AtomicU32, Ordering},
};

shared_memory! {
    /// [`Room`].
    shared_code_room: 6784
}

const _: () = assert!(size_of::<Room>() <= 6784);

/// The shared memory in which a thread block makes a block's codes.
#[repr(C)]
struct Room {
    counts: [u32; SYMBOLS],
    keys: [u32; SYMBOLS],
    sorted: [u32; SYMBOLS],
    weights: [u32; SYMBOLS],
    codes: [u32; SYMBOLS],
    lengths: [u8; SYMBOLS],
    /// How many codes of each length there are: of literals and lengths, and of distances.
    length_counts: [[u32; 16]; 2],
    /// How many symbols of literals and lengths occur, and how many of distances.
    used: [u32; 2],
    header_bits: u32,
}

/// The first symbol of a code (0: literals and lengths, 1: distances), and how many symbols it has.
#[inline(always)]
fn symbols_of(code: usize) -> (usize, usize) {
    match code {
        0 => (0, LITERALS),
        _ => (LITERALS, SYMBOLS - LITERALS),
    }
}

/// Words that are written in order.
struct StoredWords(*mut u32);

impl WordSink for StoredWords {
    #[inline(always)]
    fn or(&mut self, number: u64, bits: u32) {
        if number < header::WORDS as u64 {
            // SAFETY: the buffer has `header::WORDS` words.
            unsafe { self.0.add(number as usize).write(bits) };
        }
    }
}

/// Calls `each` with the symbols of this thread.
#[inline(always)]
fn own_symbols(mut each: impl FnMut(usize)) {
    let mut symbol = thread_idx_x();
    while symbol < SYMBOLS {
        each(symbol);
        symbol += MAX_THREADS;
    }
}

/// Sorts the symbols of both codes by their counts in the chunks `first` to `end`.
///
/// # Safety
///
/// These are chunks of the job. All threads of the block call this.
#[inline(always)]
unsafe fn sort(job: &EncodeJob, room: *mut Room, (first, end): (u32, u32)) {
    // SAFETY: each symbol belongs to one thread, and barriers separate writes from reads.
    unsafe {
        let (counts, keys) = (&raw mut (*room).counts, &raw mut (*room).keys);
        let (counts, keys) = (counts.cast::<u32>(), keys.cast::<u32>());
        let (sorted, used) = (&raw mut (*room).sorted, &raw mut (*room).used);
        let (sorted, used) = (sorted.cast::<u32>(), used.cast::<u32>());
        if thread_idx_x() < 2 {
            used.add(thread_idx_x()).write(0);
        }
        own_symbols(|symbol| {
            (&raw mut (*room).lengths).cast::<u8>().add(symbol).write(0);
        });
        barrier();
        own_symbols(|symbol| {
            let mut sum = 0;
            for chunk in first..end {
                let counts = (job.counts as *const u32).add(chunk as usize * SYMBOLS);
                sum += counts.add(symbol).read();
            }
            counts.add(symbol).write(sum);
            if sum > 0 {
                let used = AtomicU32::from_ptr(used.add(usize::from(symbol >= LITERALS)));
                used.fetch_add(1, Ordering::Relaxed);
            }
        });
        barrier();
        own_symbols(|symbol| {
            let code = usize::from(symbol >= LITERALS);
            let (start, _) = symbols_of(code);
            let uses_first = counts.add(start).read() > 0;
            let number = (symbol - start) as u32;
            let count = counts.add(symbol).read();
            let key = huffman::key(number, count, used.add(code).read(), uses_first);
            keys.add(symbol).write(key);
        });
        barrier();
        own_symbols(|symbol| {
            let (start, len) = symbols_of(usize::from(symbol >= LITERALS));
            let key = keys.add(symbol).read();
            if key != huffman::UNUSED {
                let all = slice::from_raw_parts(keys.add(start), len);
                sorted.add(start + huffman::rank(key, all)).write(key);
            }
        });
        barrier();
    }
}

/// Makes both codes.
///
/// # Safety
///
/// The symbols are sorted. All threads of the block call this.
#[inline(always)]
unsafe fn make_codes(room: *mut Room) {
    let thread = thread_idx_x();
    // SAFETY: each symbol has one thread; barriers are between writing and reading. `used` is one or
    // more after the symbols were sorted, and there are two keys at least.
    unsafe {
        let sorted = (&raw const (*room).sorted).cast::<u32>();
        let weights = (&raw mut (*room).weights).cast::<u32>();
        let lengths = (&raw mut (*room).lengths).cast::<u8>();
        let counts = (&raw mut (*room).length_counts).cast::<[u32; 16]>();
        let used = |code: usize| {
            let used = (&raw const (*room).used).cast::<u32>().add(code).read();
            used.max(2) as usize
        };
        let place = |symbol: usize| {
            let code = usize::from(symbol >= LITERALS);
            let (start, _) = symbols_of(code);
            (code, start, symbol - start)
        };
        own_symbols(|symbol| {
            let (code, _, i) = place(symbol);
            if i < used(code) {
                let weight = huffman::weight_of(sorted.add(symbol).read());
                weights.add(symbol).write(weight);
            }
        });
        barrier();
        // Two warps, so that neither waits for the other.
        if thread == 0 || thread == 32 {
            let code = thread / 32;
            let (start, _) = symbols_of(code);
            let weights = slice::from_raw_parts_mut(weights.add(start), used(code));
            let found = huffman::length_counts(weights, huffman::LIMIT);
            counts.add(code).write(found);
        }
        barrier();
        own_symbols(|symbol| {
            let (code, start, i) = place(symbol);
            if i < used(code) {
                let of = huffman::symbol_of(sorted.add(symbol).read());
                let length = huffman::length_at(&*counts.add(code), i as u32, huffman::LIMIT);
                lengths.add(start + of).write(length as u8);
            }
        });
        barrier();
        own_symbols(|symbol| {
            let (code, start, i) = place(symbol);
            let length = lengths.add(symbol).read();
            let all = slice::from_raw_parts(lengths.add(start), i);
            let before: u32 = all.iter().map(|&other| u32::from(other == length)).sum();
            let code = huffman::code_at(&*counts.add(code), length.into(), before);
            (&raw mut (*room).codes)
                .cast::<u32>()
                .add(symbol)
                .write(code);
        });
        barrier();
    }
}

/// Computes the bits of the chunks `first` to `end`, eight at most: a warp for each.
///
/// # Safety
///
/// They are chunks of the job, whose codes and header are made. All threads of the block call this.
#[inline(always)]
unsafe fn measure(job: &EncodeJob, room: *const Room, (first, end): (u32, u32)) {
    const { assert!(BLOCK as usize * 32 <= MAX_THREADS) };
    let (chunk, lane) = (
        first + thread_idx_x() as u32 / 32,
        thread_idx_x() as u32 % 32,
    );
    let mut bits = 0;
    // SAFETY: codes of this block, and counts of a chunk; all lanes of a warp go the same way.
    unsafe {
        if chunk < end {
            let counts = (job.counts as *const u32).add(chunk as usize * SYMBOLS);
            let mut symbol = lane;
            while symbol < SYMBOLS as u32 {
                let code = (&raw const (*room).codes).cast::<u32>();
                let length = code.add(symbol as usize).read() >> 16;
                let length = length + huffman::extra_bits(symbol);
                // At most 28 bits for each of 2^14 bytes.
                bits += counts.add(symbol as usize).read() * length;
                symbol += 32;
            }
        }
        let mut delta = 16;
        while delta > 0 {
            bits += warp::shuffle_down(bits, delta);
            delta /= 2;
        }
        if chunk < end && lane == 0 {
            if chunk == first {
                bits += (&raw const (*room).header_bits).read();
            }
            let position = (job.positions as *mut u64).add(chunk as usize);
            position.write(bits.into());
        }
    }
}

/// Makes the codes and the header of a block, and computes the bits of its chunks. A thread block of
/// 256 for each block.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_codes(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (block, thread) = (block_idx_x() as u32, thread_idx_x());
    let room = shared_code_room::<Room>();
    let first = block * BLOCK;
    let end = job.lines.chunks().min(first + BLOCK);
    // SAFETY: the chunks of this block; all threads are here.
    unsafe {
        sort(job, room, (first, end));
        make_codes(room);
        if thread == 64 {
            let words = (job.headers as *mut u32).add(block as usize * header::WORDS);
            let mut writer = BitWriter::new(StoredWords(words), 0);
            let is_last = block + 1 == job.lines.blocks();
            let lengths = &(*room).lengths;
            header::write(is_last, lengths, |bits, count| writer.put(bits, count));
            let bits = writer.position() as u32;
            writer.finish();
            (&raw mut (*room).header_bits).write(bits);
            (job.header_bits as *mut u32)
                .add(block as usize)
                .write(bits);
        }
        barrier();
        let code = (&raw const (*room).codes).cast::<u32>();
        let codes = (job.codes as *mut u32).add(block as usize * SYMBOLS);
        own_symbols(|symbol| codes.add(symbol).write(code.add(symbol).read()));
        measure(job, room, (first, end));
    }
}

/// Where each chunk begins and the last one ends, in bits, and Adler-32. One thread block of 256.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_place(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (lines, thread) = (&job.lines, thread_idx_x());
    let positions = job.positions as *mut u64;
    // Behind the two bytes of zlib's header.
    let (mut at, mut start) = (16, 0);
    let mut sums = Sums::default();
    while start < lines.chunks() {
        let chunk = start + thread as u32;
        // SAFETY: one of the chunks, each of which has one thread; all threads are here.
        unsafe {
            let mut own = 0;
            if chunk < lines.chunks() {
                own = positions.add(chunk as usize).read();
                let after = lines.bytes() - chunk * CHUNK - lines.chunk_len(chunk);
                let joined = (job.sums as *const Sums).add(chunk as usize).read();
                let joined = joined.followed_by(after.into());
                sums.plain += joined.plain;
                sums.weighted += joined.weighted;
            }
            let (before, all) = exclusive_prefix_sum(own, thread);
            if chunk < lines.chunks() {
                positions.add(chunk as usize).write(at + before);
            }
            at += all;
        }
        start += MAX_THREADS as u32;
    }
    // SAFETY: all threads are here, and there is room for two more.
    unsafe {
        let (_, plain) = exclusive_prefix_sum(sums.plain, thread);
        let (_, weighted) = exclusive_prefix_sum(sums.weighted, thread);
        if thread == 0 {
            let end = positions.add(lines.chunks() as usize);
            end.write(at);
            let sums = Sums { plain, weighted };
            end.add(1).write(sums.adler32(lines.bytes().into()).into());
        }
    }
}
