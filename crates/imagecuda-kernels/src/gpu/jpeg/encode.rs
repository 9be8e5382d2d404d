//! Coefficients to the Huffman codes of a file.

use super::{
    super::thread::{block_dim_x, block_idx_x, thread_idx_x},
    prefix_sums::{MAX_THREADS, exclusive_prefix_sum},
};
use crate::jpeg::{
    encode::{
        bits::WordSink,
        coding::{self, Units},
        frame::GROUP,
        jobs::EncodeJob,
    },
    picture::BLOCK,
};
use core::sync::atomic::{AtomicU32, Ordering};

const _: () = assert!(GROUP as usize <= MAX_THREADS);

/// Data units in device memory: their coefficients, and masks of those that are not zero.
#[derive(Clone, Copy)]
struct DeviceUnits {
    coefficients: *const i16,
    masks: *const u64,
}

impl DeviceUnits {
    fn of(job: &EncodeJob) -> Self {
        Self {
            coefficients: job.coefficients as *const i16,
            masks: job.masks as *const u64,
        }
    }
}

impl Units for DeviceUnits {
    #[inline(always)]
    fn coefficient(self, unit: u32, index: u32) -> i32 {
        let at = unit as usize * BLOCK + (index & 63) as usize;
        // SAFETY: only data units of the frame are asked for.
        unsafe { *self.coefficients.add(at) }.into()
    }

    #[inline(always)]
    fn mask(self, unit: u32) -> u64 {
        // SAFETY: as above.
        unsafe { *self.masks.add(unit as usize) }
    }
}

/// Counts the symbols of luma and of chroma: 256 numbers for DC and 256 for AC each, zeros at
/// first. A thread for each data unit.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_histogram(job: *const EncodeJob, counts: *mut u32) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let unit = (block_idx_x() * block_dim_x() + thread_idx_x()) as u32;
    if unit < job.frame.units() {
        let tables = job.frame.tables(unit) as usize;
        coding::unit(
            &job.frame,
            DeviceUnits::of(job),
            unit,
            |is_dc, symbol, _, _| {
                let at = tables * 512 + usize::from(!is_dc) * 256 + usize::from(symbol);
                // SAFETY: one of 1024 counts, which are only changed by atomics.
                let count = unsafe { AtomicU32::from_ptr(counts.add(at)) };
                count.fetch_add(1, Ordering::Relaxed);
            },
        );
    }
}

/// Where each data unit begins within its group, in bits, and the bits of each group. Thread blocks
/// of [`GROUP`], one for each group.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_measure(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let frame = &job.frame;
    let (group, thread) = (block_idx_x() as u32, thread_idx_x());
    let first = group * frame.group();
    let end = frame.units().min(first + frame.group());
    let mut bits = 0;
    let mut start = first;
    while start < end {
        let unit = start + thread as u32;
        let mut own = 0;
        if unit < end {
            let tables = &job.tables[frame.tables(unit) as usize];
            own = coding::length(frame, DeviceUnits::of(job), unit, tables);
        }
        // SAFETY: all threads are here.
        let (before, all) = unsafe { exclusive_prefix_sum(own.into(), thread) };
        if unit < end {
            // SAFETY: one of the data units.
            unsafe {
                (job.offsets as *mut u32)
                    .add(unit as usize)
                    .write(bits + before as u32);
            }
        }
        bits += all as u32;
        start += GROUP;
    }
    if thread == 0 {
        let bits = coding::group_bits(frame, group, bits);
        // SAFETY: one of the groups.
        unsafe {
            (job.groups as *mut u64)
                .add(group as usize)
                .write(bits.into())
        };
    }
}

/// Where each group begins, and where the last one ends. One thread block of [`GROUP`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_place(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let (groups, thread) = (job.frame.groups(), thread_idx_x());
    let sizes = job.groups as *mut u64;
    let (mut at, mut start) = (0, 0);
    while start < groups {
        let group = start + thread as u32;
        // SAFETY: one of the groups, each of which has one thread; all threads are here.
        unsafe {
            let mut own = 0;
            if group < groups {
                own = *sizes.add(group as usize);
            }
            let (before, all) = exclusive_prefix_sum(own, thread);
            if group < groups {
                sizes.add(group as usize).write(at + before);
            }
            at += all;
        }
        start += GROUP;
    }
    if thread == 0 {
        // SAFETY: there is room for one more than there are groups.
        unsafe { sizes.add(groups as usize).write(at) };
    }
}

/// Words of device memory that bits are added to. They are zeros at first.
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

/// Writes the codes of all data units to `count` words, which are zeros at first, and sets the bits
/// of `markers`, one for each byte, where a restart marker begins. A thread for each data unit.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_code(
    job: *const EncodeJob,
    words: *mut u32,
    markers: *mut u32,
    count: u64,
) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let frame = &job.frame;
    let unit = (block_idx_x() * block_dim_x() + thread_idx_x()) as u32;
    if unit >= frame.units() {
        return;
    }
    // SAFETY: one of the frame's data units, and its group.
    let at = unsafe {
        let group = *(job.groups as *const u64).add((unit / frame.group()) as usize);
        group + u64::from(*(job.offsets as *const u32).add(unit as usize))
    };
    let tables = &job.tables[frame.tables(unit) as usize];
    let words = DeviceBits { words, count };
    let marker = coding::write(frame, DeviceUnits::of(job), unit, tables, words, at);
    if let Some(place) = marker {
        let mut markers = DeviceBits {
            words: markers,
            count: count / 8 + 1,
        };
        markers.or(place / 32, 1 << (place % 32));
    }
}
