//! The blocks of progressive pictures.

use super::{
    super::{
        shared::barrier,
        thread::{block_dim_x, thread_idx_x},
    },
    block_shared::{DeviceData, find_job},
};
use crate::{
    jpeg::{
        progressive::{
            Start,
            block::{Block, Coefficients},
            jobs::{AcScan, BLOCKS_THREADS, BlocksJob},
            symbols::Symbols,
        },
        scan::NATURAL,
    },
    shared_memory,
};
use core::slice;

shared_memory! {
    /// The coefficients of 128 blocks. A block has 33 words, so that threads use different banks.
    shared_coefficients: 16896
}
shared_memory! {
    /// The bytes of [`NATURAL`].
    shared_block_places: 64
}

/// Words from a block to the next one.
const STRIDE: usize = 33;

const _: () = assert!(BLOCKS_THREADS as usize * STRIDE * 4 == 16896);

/// A thread's block in shared memory.
struct SharedBlock {
    block: *mut i16,
    places: *const u8,
}

impl SharedBlock {
    #[inline(always)]
    fn place(&self, k: u32) -> *mut i16 {
        // SAFETY: one of the 64 bytes, each of which is below 64.
        unsafe { self.block.add((*self.places.add(k as usize & 63)).into()) }
    }
}

impl Coefficients for SharedBlock {
    #[inline(always)]
    fn get(&self, k: u32) -> i16 {
        // SAFETY: in the thread's block.
        unsafe { *self.place(k) }
    }

    #[inline(always)]
    fn set(&mut self, k: u32, value: i16) {
        // SAFETY: in the thread's block.
        unsafe { *self.place(k) = value };
    }
}

/// Makes blocks from where they begin in each scan. Thread blocks of [`BLOCKS_THREADS`], some for
/// each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_blocks(
    jobs: *const BlocksJob,
    count: u32,
    coefficients: *mut u8,
) {
    // SAFETY: the host passes jobs.
    let (job, number) = unsafe { find_job(jobs, count, |job| job.first_thread_block) };
    let thread = thread_idx_x();
    let words = shared_coefficients::<u32>();
    let places = shared_block_places::<u8>();
    let first = number as usize * BLOCKS_THREADS as usize;
    let end = job.picture.blocks();
    // SAFETY: a thread writes to its own block. What is read of the job is within its arrays: blocks
    // are the picture's, and the host has checked where they begin.
    unsafe {
        if let Some(place) = NATURAL.get(thread) {
            places.add(thread).write(*place);
        }
        let own = words.add(thread * STRIDE);
        let mut i = 0;
        while i < 32 {
            own.add(i).write(0);
            i += 1;
        }
        barrier();
        if first + thread < end {
            add_scans(job, (first + thread) as u32, own.cast(), places);
        }
        barrier();
        // All threads write blocks together, so that a warp writes one at a time.
        let to = coefficients.wrapping_add(job.coefficients as usize);
        let to = to.cast::<u32>().add(first * 32);
        let all = (end - first).min(BLOCKS_THREADS as usize) * 32;
        let mut i = thread;
        while i < all {
            to.add(i).write(*words.add(i / 32 * STRIDE + i % 32));
            i += block_dim_x();
        }
    }
}

/// Adds all scans of a block.
///
/// # Safety
///
/// The addresses of the job are valid, and `number` is a block of its picture. `to` has the room of
/// 64 coefficients, and `places` are 64 numbers below 64.
#[inline(always)]
unsafe fn add_scans(job: &BlocksJob, number: u32, to: *mut i16, places: *const u8) {
    let (component, row, column) = job.picture.find_block(number);
    let part = &job.picture.component[component & 3];
    let (across, down) = (part.width.div_ceil(8), part.height.div_ceil(8));
    let mut block = Block::new(SharedBlock { block: to, places });
    // SAFETY: what the caller promised.
    unsafe {
        if column < across && row < down {
            let end = job.scan_ends[component & 3] as usize;
            let start = match component {
                0 => 0,
                _ => job.scan_ends[(component - 1) & 3] as usize,
            };
            let scans = slice::from_raw_parts(job.scans as *const AcScan, end);
            let mut at = start;
            while at < end {
                let scan = scans.get_unchecked(at);
                let starts = scan.starts as *const Start;
                block.add(
                    scan.band,
                    &*(scan.symbols as *const Symbols),
                    DeviceData::new(scan.data),
                    *starts.add((row * across + column) as usize),
                );
                at += 1;
            }
        }
        to.write(*(job.dc as *const i16).add(number as usize));
    }
}
