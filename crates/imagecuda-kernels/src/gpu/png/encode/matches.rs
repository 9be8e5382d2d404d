//! The filtered bytes of a chunk, and the matches in them.

use super::{
    super::super::{
        jpeg::prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
        shared::barrier,
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
            self, Finder, Found, Look, MOST, Match, NOTED, PLACES, SHORTEST, candidate, place, slot,
        },
        scanlines::CHUNK,
    },
    shared_memory,
};

/// Bytes after a chunk that may be read with it.
const PADDING: u32 = 16;

shared_memory! {
    /// The bytes of a chunk, and [`PADDING`].
    shared_chunk: 16400
}
shared_memory! {
    /// The places that are remembered, two bytes each.
    shared_places: 8192
}

const _: () = {
    assert!(CHUNK + PADDING == 16_400);
    assert!(PLACES * 2 == 8192);
};

/// A chunk in shared memory. The lanes of a warp have one finder together: they make the same calls.
struct WarpFinder {
    words: *const u32,
    len: u32,
    places: *mut u16,
    lane: u32,
    matches: *mut Match,
    count: u32,
}

impl WarpFinder {
    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        // SAFETY: callers ask for bytes of the chunk.
        unsafe { self.words.cast::<u8>().add(at as usize).read() }
    }
}

impl Finder for WarpFinder {
    #[inline(always)]
    fn end(&self) -> u32 {
        self.len
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        // SAFETY: `at` is within the chunk, and the padding is behind it.
        let [a, b, c] = unsafe {
            let words = self.words.add((at / 4) as usize);
            [words.read(), words.add(1).read(), words.add(2).read()]
        };
        let part = |low: u32, high: u32| {
            let both = u64::from(high) << 32 | u64::from(low);
            (both >> (at % 4 * 8)) as u32
        };
        u64::from(part(b, c)) << 32 | u64::from(part(a, b))
    }

    #[inline(always)]
    fn common(&self, before: u32, at: u32) -> u32 {
        let mut length = 0;
        loop {
            // Eight bytes for each lane.
            let offset = length + self.lane * 8;
            let difference = match at + offset < self.len {
                true => self.word(before + offset) ^ self.word(at + offset),
                false => 1,
            };
            // SAFETY: the lanes make the same calls.
            unsafe {
                let differ = warp::ballot(difference != 0);
                if differ != 0 {
                    let lane = differ.trailing_zeros();
                    let bytes = warp::shuffle(difference.trailing_zeros() / 8, lane);
                    return (length + lane * 8 + bytes).min(self.len - at);
                }
            }
            length += 256;
        }
    }

    #[inline(always)]
    fn common_before(&self, before: u32, at: u32, most: u32) -> u32 {
        let mut length = 0;
        loop {
            let back = length + self.lane + 1;
            let is_same = back <= most && self.byte(before - back) == self.byte(at - back);
            // SAFETY: the lanes make the same calls.
            let differ = !unsafe { warp::ballot(is_same) };
            if differ != 0 {
                return length + differ.trailing_zeros();
            }
            length += 32;
        }
    }

    #[inline(always)]
    fn look(&mut self, look: Look, bytes_per_pixel: u32) -> (Option<Found>, Look) {
        // A look for each lane, as if those before it were in vain.
        let own = look.after(self.lane);
        let is_there = own.at + SHORTEST <= self.len;
        let word = if is_there { self.word(own.at) } else { 0 };
        let room = slot(word) as usize;
        // SAFETY: a slot is below `PLACES`; the lanes make the same calls. Other lanes write there.
        unsafe {
            let room = self.places.add(room);
            let place = place(own.at) as u16;
            let before = room.read_volatile();
            warp::sync();
            // In a slot of several lanes the first one's place comes to stay.
            let mut kept = 0;
            let mut is_missing = is_there;
            while warp::any(is_missing) {
                if is_missing {
                    room.write_volatile(place);
                }
                warp::sync();
                kept = room.read_volatile();
                is_missing = is_there && kept > place;
                warp::sync();
            }
            // A lane that is not the first of its slot does not know what it would find there.
            let unknown = warp::ballot(!is_there || kept != place);
            let count = match unknown {
                0 => 32,
                _ => unknown.trailing_zeros(),
            };
            let mut found = None;
            if self.lane < count {
                found = candidate(self, own.at, word, before.into(), bytes_per_pixel);
            }
            let all = warp::ballot(found.is_some());
            let last = match all {
                0 => count - 1,
                _ => all.trailing_zeros(),
            };
            // Lanes behind it have not looked.
            if is_there && self.lane > last && kept == place {
                room.write_volatile(before);
            }
            warp::sync();
            let next = look.after(last + 1);
            let of = found.map_or([0; 2], |found| [found.before, found.at]);
            let [before, at] = of.map(|number| warp::shuffle(number, last));
            ((all != 0).then_some(Found { before, at }), next)
        }
    }

    #[inline(always)]
    fn note(&mut self, first: u32, end: u32) {
        let mut next = first;
        while next < end {
            let at = next + self.lane * NOTED;
            let is_noted = at < end && at + SHORTEST <= self.len;
            let slot = if is_noted { slot(self.word(at)) } else { 0 };
            let own = place(at) as u16;
            // SAFETY: as in `look`.
            unsafe {
                let room = self.places.add(slot as usize);
                let mut is_missing = is_noted;
                // Of lanes with the same slot any may have been the last to write: the others write
                // again if they are later.
                while warp::any(is_missing) {
                    if is_missing {
                        room.write_volatile(own);
                    }
                    warp::sync();
                    is_missing = is_noted && room.read_volatile() < own;
                    warp::sync();
                }
            }
            next += 32 * NOTED;
        }
    }

    #[inline(always)]
    fn push(&mut self, found: Match) {
        if self.lane == 0 && self.count < MOST {
            // SAFETY: there is room for `MOST`.
            unsafe { self.matches.add(self.count as usize).write(found) };
        }
        self.count += 1;
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
    let mut sums = Sums::default();
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
            sums.plain += u64::from(filtered);
            sums.weighted += u64::from(len - i) * u64::from(filtered);
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
    sums
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
    let places = shared_places::<u16>();
    let mut i = thread;
    while i < PLACES / 2 {
        // SAFETY: two of the places.
        unsafe { places.cast::<u32>().add(i).write(0) };
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
    if thread >= 32 {
        return;
    }
    // SAFETY: each chunk has room for `MOST`.
    let matches = unsafe { (job.matches as *mut Match).add((chunk * MOST) as usize) };
    let mut finder = WarpFinder {
        words,
        len: job.lines.chunk_len(chunk),
        places,
        lane: thread as u32,
        matches,
        count: 0,
    };
    matches::find(&mut finder, job.lines.bytes_per_pixel);
    if thread == 0 {
        // SAFETY: one of the chunks.
        unsafe {
            (job.match_counts as *mut u32)
                .add(chunk as usize)
                .write(finder.count);
        }
    }
}
