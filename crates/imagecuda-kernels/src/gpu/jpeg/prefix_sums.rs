//! Sums over a block's threads.

use super::super::{shared::barrier, thread::block_dim_x};
use crate::shared_memory;

/// The most threads that numbers of eight bytes are summed up over.
pub(super) const MAX_THREADS: usize = 256;

shared_memory! {
    /// Numbers of a block's threads.
    shared_sums: 2048
}

const _: () = assert!(MAX_THREADS * 8 == 2048);

/// Has the numbers of this thread and of those before it summed up in shared memory.
///
/// # Safety
///
/// All threads of the block are here, up to [`MAX_THREADS`]; twice as many if a number has four bytes. They
/// meet at a barrier between what they read of the sums and the next call of this or [`exclusive_prefix_sum`].
#[inline(always)]
pub(super) unsafe fn prefix_sums<T: Copy>(
    mut own: T,
    thread: usize,
    plus: impl Fn(T, T) -> T,
) -> *const T {
    const { assert!(size_of::<T>() <= 8) };
    let numbers = shared_sums::<T>();
    // SAFETY: below the numbers of threads; barriers are between writing and reading.
    unsafe {
        numbers.add(thread).write(own);
        barrier();
        let mut distance = 1;
        while distance < block_dim_x() {
            if thread >= distance {
                own = plus(*numbers.add(thread - distance), own);
            }
            barrier();
            numbers.add(thread).write(own);
            barrier();
            distance *= 2;
        }
    }
    numbers
}

/// The sum of the numbers of the threads before, and that of all.
///
/// # Safety
///
/// All threads of the block are here, up to [`MAX_THREADS`].
#[inline(always)]
pub(super) unsafe fn exclusive_prefix_sum(own: u64, thread: usize) -> (u64, u64) {
    // SAFETY: what the caller promised; nobody writes the sums again before the barrier.
    unsafe {
        let sums = prefix_sums(own, thread, |a, b| a + b);
        let (up_to, all) = (*sums.add(thread), *sums.add(block_dim_x() - 1));
        barrier();
        (up_to - own, all)
    }
}
