//! Prefix sums over the threads of a block.

use super::super::{shared::barrier, thread::block_dim_x};
use crate::shared_memory;

/// The most threads of a block, for numbers of eight bytes.
pub(in crate::gpu) const MAX_THREADS: usize = 256;

shared_memory! {
    /// A number for each thread.
    shared_sums: 2048
}

const _: () = assert!(MAX_THREADS * 8 == 2048);

/// The inclusive prefix sums of the threads' numbers, in shared memory: one for each thread.
///
/// # Safety
///
/// All threads of the block call this: up to [`MAX_THREADS`], or twice as many if a number has four
/// bytes. A barrier is between their last read of the sums and the next call of this or
/// [`exclusive_prefix_sum`].
#[inline(always)]
pub(in crate::gpu) unsafe fn prefix_sums<T: Copy>(
    mut own: T,
    thread: usize,
    plus: impl Fn(T, T) -> T,
) -> *const T {
    const { assert!(size_of::<T>() <= 8) };
    let numbers = shared_sums::<T>();
    // SAFETY: one number for each thread; barriers are between writing and reading.
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

/// The sum of the numbers of the threads before this one, and that of all.
///
/// # Safety
///
/// All threads of the block call this, up to [`MAX_THREADS`].
#[inline(always)]
pub(in crate::gpu) unsafe fn exclusive_prefix_sum(own: u64, thread: usize) -> (u64, u64) {
    // SAFETY: what the caller promised; no thread writes the sums again before the barrier.
    unsafe {
        let sums = prefix_sums(own, thread, |a, b| a + b);
        let (up_to, all) = (*sums.add(thread), *sums.add(block_dim_x() - 1));
        barrier();
        (up_to - own, all)
    }
}
