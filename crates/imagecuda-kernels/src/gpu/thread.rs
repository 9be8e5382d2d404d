//! Where a thread stands in its grid.

use core::arch::nvptx;

/// This thread's number along x within the whole grid.
#[inline(always)]
pub fn index_1d() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe {
        nvptx::_block_idx_x() as usize * nvptx::_block_dim_x() as usize
            + nvptx::_thread_idx_x() as usize
    }
}

/// Threads along x in the whole grid: the stride of a loop that covers more than one pixel a
/// thread.
#[inline(always)]
pub fn grid_threads_1d() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_grid_dim_x() as usize * nvptx::_block_dim_x() as usize }
}

/// This thread's number along x within its block.
#[inline(always)]
pub fn thread_idx_x() -> u32 {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_thread_idx_x() as u32 }
}
