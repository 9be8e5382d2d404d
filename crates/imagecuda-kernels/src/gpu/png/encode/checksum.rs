//! CRC-32 of the data of IDAT chunks.

use super::super::super::{
    jpeg::prefix_sums::MAX_THREADS,
    shared::barrier,
    thread::{block_idx_x, thread_idx_x},
    warp,
};
use crate::{
    png::encode::{
        checksum::{PIECE, crc_entry, crc_followed_by},
        scanlines::IDAT,
    },
    shared_memory,
};
use core::sync::atomic::{AtomicU32, Ordering};

shared_memory! {
    /// The table of CRC-32.
    shared_crc_table: 1024
}

const _: () = {
    assert!(MAX_THREADS * 4 == 1024);
    // The pieces of a warp are of one IDAT chunk.
    assert!(IDAT.is_multiple_of(32 * PIECE as u64));
};

/// Adds to the `remainders` of all IDAT chunks, which are zeros at first: what their data leave. A
/// thread of a block of 256 for each piece of the `bytes` bytes.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_crc(data: *const u32, bytes: u64, remainders: *mut u32) {
    let thread = thread_idx_x();
    let table = shared_crc_table::<u32>();
    // SAFETY: an entry for each thread; all threads are here.
    unsafe {
        table.add(thread).write(crc_entry(thread as u8));
        barrier();
    }
    let start = (block_idx_x() * MAX_THREADS + thread) as u64 * u64::from(PIECE);
    let mut crc = 0;
    if start < bytes {
        let len = (bytes - start).min(PIECE.into()) as u32;
        let mut i = 0;
        let mut word = 0;
        while i < len {
            if i % 4 == 0 {
                // SAFETY: the data are whole words.
                word = unsafe { data.add((start as usize + i as usize) / 4).read() };
            }
            let entry = (crc ^ word) as usize & 255;
            // SAFETY: one of 256 entries.
            crc = crc >> 8 ^ unsafe { table.add(entry).read() };
            word >>= 8;
            i += 1;
        }
        let end = bytes.min((start / IDAT + 1) * IDAT);
        crc = crc_followed_by(crc, (end - start) as u32 - len);
    }
    let mut delta = 16;
    while delta > 0 {
        // SAFETY: all threads are here.
        let other = unsafe { warp::shuffle_down(crc, delta) };
        // A lane past the last gets its own.
        if thread as u32 % 32 + delta < 32 {
            crc ^= other;
        }
        delta /= 2;
    }
    if thread % 32 == 0 && start < bytes {
        // SAFETY: one of the remainders, which are only changed by atomics.
        let all = unsafe { AtomicU32::from_ptr(remainders.add((start / IDAT) as usize)) };
        all.fetch_xor(crc, Ordering::Relaxed);
    }
}
