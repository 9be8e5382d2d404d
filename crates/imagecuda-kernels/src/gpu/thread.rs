//! Where a thread is in its block, and its block in the grid.

use core::arch::nvptx;

/// This thread's number along x within its block.
#[inline(always)]
pub fn thread_idx_x() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_thread_idx_x() as usize }
}

/// This block's number along x within the grid.
#[inline(always)]
pub fn block_idx_x() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_block_idx_x() as usize }
}

/// This block's number along y within the grid.
#[inline(always)]
pub fn block_idx_y() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_block_idx_y() as usize }
}

/// Threads along x in a block.
#[inline(always)]
pub fn block_dim_x() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_block_dim_x() as usize }
}

/// Blocks along x in the grid.
#[inline(always)]
pub fn grid_dim_x() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_grid_dim_x() as usize }
}

/// Blocks along y in the grid.
#[inline(always)]
pub fn grid_dim_y() -> usize {
    // SAFETY: reading a special register has no conditions.
    unsafe { nvptx::_grid_dim_y() as usize }
}
