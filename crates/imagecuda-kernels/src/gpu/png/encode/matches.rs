//! The filtered bytes of a chunk, and the matches in them.

use super::{
    super::super::{
        jpeg::prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
        warp,
    },
    pixels,
};
use crate::{
    png::encode::{
        checksum::Sums,
        filter,
        jobs::EncodeJob,
        matches::{
            self, Bytes, GROUP, LOOK, Looked, MOST, MOST_OF_SEGMENT, Match, PLACES, SEGMENT,
            SEGMENTS, first_bit, look, may_look, place, slot,
        },
        scanlines::CHUNK,
    },
    shared_memory,
};

/// Bytes after a chunk that may be read with it.
const PADDING: u32 = 16;

/// Bytes that a warp remembers in a turn.
const TURN: u32 = 4 * GROUP;

shared_memory! {
    /// The bytes of a chunk, and [`PADDING`].
    shared_chunk: 16400
}
shared_memory! {
    /// The places that are remembered; later the matches, in a word each.
    shared_places: 16384
}
shared_memory! {
    /// What each look found, two bytes each.
    shared_found: 8192
}
shared_memory! {
    /// A bit for each look that found something.
    shared_bits: 512
}

const _: () = {
    assert!(CHUNK + PADDING == 16_400);
    assert!(PLACES * 4 == 16_384 && MOST * 4 <= 16_384);
    assert!(CHUNK / LOOK * 2 == 8192 && CHUNK / LOOK / 8 == 512);
    assert!(SEGMENTS == 32 && GROUP == 32 && CHUNK.is_multiple_of(TURN));
    // A match is packed in a word.
    assert!(SEGMENT < 1 << 10 && CHUNK == 1 << 14);
};

/// A chunk in shared memory, as addresses there.
#[derive(Clone, Copy)]
struct SharedChunk {
    bytes: u32,
    places: u32,
    found: u32,
    bits: u32,
    len: u32,
}

impl Bytes for SharedChunk {
    #[inline(always)]
    fn end(&self) -> u32 {
        self.len
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        let address = self.bytes + (at & !3);
        // SAFETY: `at` is within the chunk, and the padding is behind it.
        let [a, b, c] = [0, 4, 8].map(|more| unsafe { shared::load_u32(address + more) });
        let part = |low: u32, high: u32| {
            let both = u64::from(high) << 32 | u64::from(low);
            (both >> (at % 4 * 8)) as u32
        };
        u64::from(part(b, c)) << 32 | u64::from(part(a, b))
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        // SAFETY: callers ask for bytes of the chunk.
        unsafe { shared::load_u8(self.bytes + at) as u8 }
    }
}

impl Looked for SharedChunk {
    #[inline(always)]
    fn next(&self, look: u32) -> Option<u32> {
        // SAFETY: one of the words of bits.
        first_bit(look, |number| unsafe {
            shared::load_u32(self.bits + 4 * number)
        })
    }

    #[inline(always)]
    fn found(&self, look: u32) -> u32 {
        // SAFETY: one of the looks.
        unsafe { shared::load_u16(self.found + 2 * look).into() }
    }
}

impl SharedChunk {
    /// Remembers all places, and writes for each look what was remembered of its slot before its group.
    /// A whole warp calls this.
    ///
    /// # Safety
    ///
    /// The lanes call this together, and nobody else uses the chunk's memory.
    #[inline(always)]
    unsafe fn remember(self, lane: u32) {
        let mut first = 0;
        while first < self.len {
            let at = [0, 1, 2, 3].map(|group| first + group * GROUP + lane);
            // All slots before the first access to a place, as a warp waits for each read of the chunk.
            let places = at.map(|at| {
                let word = if may_look(self.len, at) {
                    self.word(at)
                } else {
                    0
                };
                self.places + 4 * slot(word)
            });
            let [a, b, c, d] = [0, 1, 2, 3].map(|group: usize| {
                let (at, address) = (at[group], places[group]);
                // SAFETY: one of the places; the lanes make the same calls. Of several lanes with one
                // slot the last stays.
                unsafe {
                    let before = shared::load_changing_u32(address);
                    warp::sync();
                    if may_look(self.len, at) {
                        shared::max_u32(address, place(at));
                    }
                    warp::sync();
                    before
                }
            });
            if lane.is_multiple_of(LOOK) {
                let write = |at: u32, before: u32| {
                    // SAFETY: one of the looks, as turns are whole parts of a chunk.
                    unsafe { shared::store_u16(self.found + at / LOOK * 2, before as u16) };
                };
                write(at[0], a);
                write(at[1], b);
                write(at[2], c);
                write(at[3], d);
            }
            first += TURN;
        }
    }

    /// Makes all looks, once the places before them are written. Whole warps call this.
    ///
    /// # Safety
    ///
    /// All threads of the block call this.
    #[inline(always)]
    unsafe fn make_looks(self, thread: u32, bytes_per_pixel: u32) {
        let mut number = thread;
        while number < CHUNK / LOOK {
            let at = LOOK * number;
            let mut found = 0;
            if may_look(self.len, at) {
                // SAFETY: one of the looks.
                let remembered = unsafe { shared::load_u16(self.found + 2 * number) };
                let word = self.word(at);
                found = look(&self, at, word, remembered.into(), bytes_per_pixel);
            }
            // SAFETY: one of the looks, and one of the words of bits; whole warps are here.
            unsafe {
                shared::store_u16(self.found + 2 * number, found as u16);
                let bits = warp::ballot(found > 0);
                if number.is_multiple_of(32) {
                    shared::store_u32(self.bits + number / 8, bits);
                }
            }
            number += MAX_THREADS as u32;
        }
    }

    /// Goes through the segments, one for each lane, and writes their matches. Returns how many.
    ///
    /// # Safety
    ///
    /// The lanes call this together; all looks are made; `matches` has room for [`MOST`].
    #[inline(always)]
    unsafe fn take_matches(self, lane: u32, matches: *mut Match) -> u32 {
        let start = lane * SEGMENT;
        let mut count = 0;
        matches::segment(&self, lane, |found| {
            let Match {
                length, distance, ..
            } = found;
            let packed = (u32::from(found.start) - start) << 22
                | u32::from(length - 3) << 14
                | u32::from(distance - 1);
            if count < MOST_OF_SEGMENT {
                let address = self.places + 4 * (32 * count + lane);
                // SAFETY: each lane has a word in each 32.
                unsafe { shared::store_u32(address, packed) };
                count += 1;
            }
        });
        let mut up_to = count;
        let mut delta = 1;
        while delta < 32 {
            // SAFETY: the lanes make the same calls.
            let before = unsafe { warp::shuffle_up(up_to, delta) };
            if lane >= delta {
                up_to += before;
            }
            delta *= 2;
        }
        for i in 0..count {
            // SAFETY: what this lane wrote, to where it has room.
            unsafe {
                let packed = shared::load_changing_u32(self.places + 4 * (32 * i + lane));
                let found = Match {
                    start: (start + (packed >> 22)) as u16,
                    length: (packed >> 14 & 255) as u16 + 3,
                    distance: (packed & 0x3fff) as u16 + 1,
                    reserved: 0,
                };
                matches.add((up_to - count + i) as usize).write(found);
            }
        }
        // SAFETY: the lanes make the same calls.
        unsafe { warp::shuffle(up_to, 31) }
    }
}

/// Filters a chunk to shared memory. Returns what this thread's bytes add to the sums.
///
/// # Safety
///
/// The job is one of a picture, and the chunk one of its chunks.
#[inline(always)]
unsafe fn filter_chunk(job: &EncodeJob, chunk: u32) -> Sums {
    let (lines, thread) = (&job.lines, thread_idx_x() as u32);
    let (len, line) = (lines.chunk_len(chunk), lines.row + 1);
    // SAFETY: only pixels of the picture are asked for.
    let byte = unsafe { pixels(job) };
    // Both fit 32 bits: a thread has a 256th of a chunk.
    let (mut plain, mut weighted) = (0, 0);
    let mut i = thread;
    let first = chunk * CHUNK + thread;
    let (mut y, mut at) = (first / line, first % line);
    while i < CHUNK + PADDING {
        let mut filtered = 0;
        if i < len {
            // SAFETY: one of the rows.
            let filter = unsafe { (job.filters as *const u8).add(y as usize).read() };
            filtered = match at {
                0 => filter,
                _ => filter::difference(filter, lines.neighbors(y, at - 1, byte)),
            };
            plain += u32::from(filtered);
            weighted += (len - i) * u32::from(filtered);
        }
        // SAFETY: within the chunk and its padding.
        unsafe { shared_chunk::<u8>().add(i as usize).write(filtered) };
        i += block_dim_x() as u32;
        at += block_dim_x() as u32;
        if at >= line {
            y += at / line;
            at %= line;
        }
    }
    Sums {
        plain: plain.into(),
        weighted: weighted.into(),
    }
}

/// Filters a chunk, and finds its matches. A thread block of 256 for each chunk.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_match(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (chunk, thread) = (block_idx_x() as u32, thread_idx_x());
    // SAFETY: one of the picture's chunks.
    let sums = unsafe { filter_chunk(job, chunk) };
    let words = shared_chunk::<u32>();
    let places = shared_places::<u32>();
    let mut i = thread;
    while i < PLACES {
        // SAFETY: one of the places.
        unsafe { places.add(i).write(0) };
        i += MAX_THREADS;
    }
    // SAFETY: all threads are here. There is room for a whole chunk and its sums.
    unsafe {
        let (_, plain) = exclusive_prefix_sum(sums.plain, thread);
        let (_, weighted) = exclusive_prefix_sum(sums.weighted, thread);
        if thread == 0 {
            let sums = Sums { plain, weighted };
            (job.sums as *mut Sums).add(chunk as usize).write(sums);
        }
        barrier();
        let data = (job.data as *mut u32).add((chunk * (CHUNK / 4)) as usize);
        let mut i = thread;
        while i < CHUNK as usize / 4 {
            data.add(i).write(words.add(i).read());
            i += MAX_THREADS;
        }
    }
    let (thread, shared) = (thread as u32, shared::address::<u32>);
    let found = SharedChunk {
        bytes: shared(words),
        places: shared(places),
        found: shared(shared_found::<u32>()),
        bits: shared(shared_bits::<u32>()),
        len: job.lines.chunk_len(chunk),
    };
    // SAFETY: all threads are here, and then the whole first warp alone. Each chunk has room for
    // `MOST`.
    unsafe {
        if thread < 32 {
            found.remember(thread);
        }
        barrier();
        found.make_looks(thread, job.lines.bytes_per_pixel);
        barrier();
        if thread >= 32 {
            return;
        }
        let matches = (job.matches as *mut Match).add((chunk * MOST) as usize);
        let count = found.take_matches(thread, matches);
        if thread == 0 {
            (job.match_counts as *mut u32)
                .add(chunk as usize)
                .write(count);
        }
    }
}
