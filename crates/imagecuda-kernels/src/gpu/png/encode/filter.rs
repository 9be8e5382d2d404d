//! The filter of each row.

use super::{
    super::super::{
        shared::barrier,
        thread::{block_dim_x, block_idx_x, thread_idx_x},
        warp,
    },
    pixels,
};
use crate::{
    png::encode::{
        filter::{self, FILTERS},
        jobs::EncodeJob,
    },
    shared_memory,
};

/// The most warps of a thread block.
const WARPS: usize = 8;

shared_memory! {
    /// Sums of each warp, one for each filter.
    shared_filter_sums: 160
}

const _: () = assert!(WARPS * FILTERS * 4 == 160);

/// Chooses the filter of each row: a thread block of up to 256 threads for each.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn png_choose(job: *const EncodeJob) {
    // SAFETY: the host passes a job.
    let job = unsafe { &*job };
    let lines = &job.lines;
    let (y, thread) = (block_idx_x() as u32, thread_idx_x());
    // SAFETY: only pixels of the picture are asked for.
    let byte = unsafe { pixels(job) };
    let mut sums = [0u32; FILTERS];
    let mut i = thread as u32;
    loop {
        let at = filter::weighed(i) + lines.bytes_per_pixel;
        if at >= lines.row {
            break;
        }
        let sizes = filter::sizes(lines.neighbors(y, at, byte));
        for filter in 0..FILTERS {
            sums[filter] += sizes[filter];
        }
        i += block_dim_x() as u32;
    }
    let room = shared_filter_sums::<u32>();
    for (filter, mut sum) in sums.into_iter().enumerate() {
        let mut delta = 16;
        while delta > 0 {
            // SAFETY: all threads are here.
            sum += unsafe { warp::shuffle_down(sum, delta) };
            delta /= 2;
        }
        if thread % 32 == 0 {
            // SAFETY: there is room for each warp.
            unsafe { room.add(thread / 32 * FILTERS + filter).write(sum) };
        }
    }
    // SAFETY: all threads are here.
    unsafe { barrier() };
    if thread == 0 {
        let mut all = [0; FILTERS];
        for warp in 0..block_dim_x() / 32 {
            for (filter, sum) in all.iter_mut().enumerate() {
                // SAFETY: that warp wrote it before the barrier.
                *sum += unsafe { room.add(warp * FILTERS + filter).read() };
            }
        }
        // SAFETY: one of the rows.
        unsafe {
            (job.filters as *mut u8)
                .add(y as usize)
                .write(filter::best(all))
        };
    }
}
