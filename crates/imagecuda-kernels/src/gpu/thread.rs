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

/// Ends this thread if the condition holds. The compiler sees no branch in it, after which it would keep more in
/// memory than in registers.
///
/// # Safety
///
/// The condition is the same for all threads of the block, none of which waits for another one before.
#[inline(always)]
pub unsafe fn exit_if(is_done: bool) {
    // SAFETY: a thread may end anywhere; what the caller promised.
    unsafe {
        core::arch::asm!(
            "{{ .reg .pred done; setp.ne.u32 done, {is_done}, 0; @done exit; }}",
            is_done = in(reg32) u32::from(is_done),
            options(nostack, preserves_flags),
        );
    }
}
