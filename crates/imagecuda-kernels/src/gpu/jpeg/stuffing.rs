//! The 0x00 that a file has after each 0xff: taken out of a file's data, and stuffed into them.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    block_shared::{Quad, find_job},
    prefix_sums::{MAX_THREADS, exclusive_prefix_sum, prefix_sums},
};
use crate::{
    jpeg::{
        encode::{frame::GROUP, stuffing},
        groups::GROUP_THREADS,
        jobs::ScanJob,
        scan::Segment,
        stuffing::{CHUNK, PIECE, Piece, place_of_chunk},
    },
    shared_memory,
};
use core::slice;

const _: () = assert!(GROUP as usize <= MAX_THREADS && GROUP_THREADS as usize <= MAX_THREADS);

/// The first `len` bytes of a piece, and zeros. Memory after them is not read, as nothing was
/// written there.
///
/// # Safety
///
/// The bytes are there, at a multiple of 16.
#[inline(always)]
unsafe fn words(bytes: *const u8, len: u32) -> [u32; 4] {
    // SAFETY: what the caller promised.
    unsafe {
        if len >= PIECE as u32 {
            let Quad(words) = bytes.cast::<Quad>().read();
            return words;
        }
        [0, 4, 8, 12].map(|first| {
            let byte = |at: u32| match at < len {
                true => u32::from(bytes.add(at as usize).read()) << (at % 4 * 8),
                false => 0,
            };
            byte(first) | byte(first + 1) | byte(first + 2) | byte(first + 3)
        })
    }
}

shared_memory! {
    /// The bytes that a thread block keeps, at the same place within 16 as in device memory.
    shared_bytes: 4112
}

const _: () = assert!(CHUNK + 16 == 4112);

/// Copies the bytes at an address of shared memory, which have the same place within 16 as those they go to.
///
/// # Safety
///
/// There is room for `bytes` bytes, at most [`CHUNK`]. All threads of the block, [`GROUP_THREADS`], call this.
#[inline(always)]
unsafe fn copy_bytes(to: *mut u8, from: u32, bytes: u32) {
    let skipped = from % 16;
    let (to, from) = (to.wrapping_sub(skipped as usize), from - skipped);
    let mut first = 16 * thread_idx_x() as u32;
    while first < skipped + bytes {
        // SAFETY: what the caller promised.
        unsafe {
            if first >= skipped && first + 16 <= skipped + bytes {
                let quad = Quad(shared::load_quad(from + first));
                to.add(first as usize).cast::<Quad>().write(quad);
            } else {
                for at in first.max(skipped)..(first + 16).min(skipped + bytes) {
                    to.add(at as usize).write(shared::load_u8(from + at) as u8);
                }
            }
        }
        first += 16 * GROUP_THREADS;
    }
}

/// Unstuffs the file's data, into data that are zeros at first. Thread blocks of [`GROUP_THREADS`],
/// one for each chunk of all jobs.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_unstuff(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs.
    let (job, chunk) = unsafe { find_job(jobs, count, |job| job.first_chunk) };
    let thread = thread_idx_x();
    let start = (chunk * CHUNK as u32) + (thread * PIECE) as u32;
    let len = job.file_bytes.saturating_sub(start).min(PIECE as u32);
    let mut piece = Piece {
        bytes: [0; 4],
        before: 0,
        len,
    };
    // SAFETY: the addresses are valid, and pieces begin at multiples of their size.
    unsafe {
        if len > 0 {
            let file = (job.file as *const u8).add(start as usize);
            piece.bytes = words(file, len);
            if start > 0 {
                piece.before = file.sub(1).read();
            }
        }
        let segments = job.segments as *const Segment;
        let segments = slice::from_raw_parts(segments, job.scan.segments as usize);
        let bytes = job.scan.subsequence_bits / 8;
        let end = job.scan.subsequences * bytes;
        let data = job.data as *mut u8;
        let before = *(job.kept_before as *const u32).add(chunk as usize);
        let whole = place_of_chunk(segments, chunk, before, bytes);
        let kept = piece.kept();
        let sums = prefix_sums(kept, thread, |a, b| a + b);
        let own = *sums.add(thread) - kept;
        if let Some(place) = whole {
            let all = (*sums.add(block_dim_x() - 1)).min(end.saturating_sub(place));
            let to = shared::address(shared_bytes::<u8>()) + place % 16;
            let mut at = to + own;
            piece.each(|_, byte| {
                shared::store_u8(at, byte.into());
                at += 1;
            });
            barrier();
            copy_bytes(data.wrapping_add(place as usize), to, all);
        } else if len > 0 {
            piece.scatter(segments, start, before + own, bytes, |at, byte| {
                if at < end {
                    data.add(at as usize).write(byte);
                }
            });
        }
    }
}

/// The piece of this thread, of `len` bytes in all, and how many bytes are before it.
///
/// # Safety
///
/// There are `len` bytes, padded to whole pieces, and a bit of `markers` for each.
#[inline(always)]
unsafe fn piece(data: *const u8, markers: *const u32, len: u64) -> (stuffing::Piece, u64) {
    let start =
        (block_idx_x() * block_dim_x() + thread_idx_x()) as u64 * u64::from(stuffing::PIECE);
    let mut piece = stuffing::Piece {
        bytes: [0; 4],
        len: len.saturating_sub(start).min(stuffing::PIECE.into()) as u32,
        markers: 0,
    };
    if piece.len > 0 {
        // SAFETY: what the caller promised.
        unsafe {
            let Quad(bytes) = data.add(start as usize).cast::<Quad>().read();
            piece.bytes = bytes;
            piece.markers = *markers.add(start as usize / 32) >> (start % 32);
        }
    }
    (piece, start)
}

/// Counts the zeros to be stuffed into each chunk of the data. Thread blocks of [`GROUP`], one for
/// each chunk.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_count(
    data: *const u8,
    markers: *const u32,
    len: u64,
    zeros: *mut u32,
) {
    // SAFETY: the host passes `len` bytes, padded, and as many bits; all threads are here.
    unsafe {
        let (piece, _) = piece(data, markers, len);
        let (_, all) = exclusive_prefix_sum(piece.zeros().into(), thread_idx_x());
        if thread_idx_x() == 0 {
            zeros.add(block_idx_x()).write(all as u32);
        }
    }
}

/// Writes the file's data to byte 16 of `file` and on, and their length to its start. Thread blocks
/// of [`GROUP`], as for `jpeg_count`.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_stuff(
    data: *const u8,
    markers: *const u32,
    len: u64,
    zeros: *const u32,
    file: *mut u8,
) {
    let thread = thread_idx_x();
    // SAFETY: the host passes `len` bytes, padded, as many bits, and room for twice as many; all
    // threads are here.
    unsafe {
        let mut part = 0;
        let mut chunk = thread;
        while chunk < block_idx_x() {
            part += u64::from(*zeros.add(chunk));
            chunk += block_dim_x();
        }
        let (_, chunks) = exclusive_prefix_sum(part, thread);
        let (piece, start) = piece(data, markers, len);
        let own = u64::from(piece.zeros());
        let (own_before, _) = exclusive_prefix_sum(own, thread);
        let at = start + chunks + own_before;
        let to = file.add(16);
        piece.scatter(at, |at, byte| to.add(at as usize).write(byte));
        if piece.len > 0 && start + u64::from(piece.len) == len {
            let end = at + u64::from(piece.len) + own;
            file.cast::<u64>().write(end);
        }
    }
}
