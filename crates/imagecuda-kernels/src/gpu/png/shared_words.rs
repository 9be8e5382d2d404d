//! Shared memory of the GPU, for kernels that are generic over it.

use super::super::shared;
use crate::png::block::{Shared, Words};

/// Words in shared memory. An index beyond the last word means the last word.
#[derive(Clone, Copy)]
pub(super) struct SharedWords {
    address: u32,
    last: u32,
}

impl SharedWords {
    /// The `len` words from `first`; `len` is at least one.
    ///
    /// # Safety
    ///
    /// Nothing else uses the block's memory there.
    #[inline(always)]
    pub(super) unsafe fn new(first: *mut u32, len: u32) -> Self {
        Self {
            address: shared::address(first),
            last: len - 1,
        }
    }

    #[inline(always)]
    fn place(self, at: u32) -> u32 {
        self.address + 4 * at.min(self.last)
    }
}

impl Words for SharedWords {
    #[inline(always)]
    fn get(self, at: u32) -> u32 {
        // SAFETY: `place` limits the index.
        unsafe { shared::load_u32(self.place(at)) }
    }

    #[inline(always)]
    fn get_or(self, at: u32, other: u32) -> u32 {
        match at <= self.last {
            true => self.get(at),
            false => other,
        }
    }

    #[inline(always)]
    fn set(self, at: u32, word: u32) {
        if at <= self.last {
            // SAFETY: `at` was compared with the last index.
            unsafe { shared::store_u32(self.place(at), word) };
        }
    }

    #[inline(always)]
    fn add(self, at: u32, word: u32) -> u32 {
        // SAFETY: `place` limits the index.
        unsafe { shared::add_u32(self.place(at), word) }
    }

    #[inline(always)]
    fn or(self, at: u32, bits: u32) {
        // SAFETY: `place` limits the index.
        unsafe { shared::or_u32(self.place(at), bits) }
    }

    #[inline(always)]
    fn min(self, at: u32, most: u32) {
        // SAFETY: `place` limits the index.
        unsafe { shared::min_u32(self.place(at), most) }
    }

    #[inline(always)]
    fn max(self, at: u32, least: u32) {
        // SAFETY: `place` limits the index.
        unsafe { shared::max_u32(self.place(at), least) }
    }
}

impl Shared for SharedWords {
    #[inline(always)]
    fn part(self, at: u32, len: u32) -> Self {
        Self {
            address: self.address + 4 * at,
            last: len - 1,
        }
    }
}
