//! A pool of memory blocks that are expensive to allocate.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// The smallest block.
const SMALLEST: usize = 64 << 10;

/// A block of memory that a [`Pool`] can keep.
pub(crate) trait Block: Sized {
    fn bytes(&self) -> usize;

    /// Whether the block is no longer in use. A GPU may still work on a block that nothing holds.
    fn is_free(&self) -> bool;

    /// Whether it is known to be free, without asking a driver.
    #[cfg(feature = "cuda")]
    fn is_known_free(&self) -> bool {
        false
    }

    /// Frees the block once it is no longer in use.
    fn free(self) {}
}

/// Idle blocks, the longest idle first.
#[derive(Debug)]
pub(crate) struct Pool<B> {
    idle: Mutex<Vec<B>>,
    /// How many idle bytes are kept.
    keep: AtomicUsize,
    /// How many blocks are kept even if they are larger than that: 1, or 0 once the limit was set.
    oversized: AtomicUsize,
    /// How many blocks were ever allocated.
    made: AtomicU64,
}

impl<B: Block> Pool<B> {
    pub(crate) const fn new(keep: usize) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            keep: AtomicUsize::new(keep),
            oversized: AtomicUsize::new(1),
            made: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<B>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the smallest free block that has at least `bytes` and at most four times as many.
    pub(crate) fn take(&self, bytes: usize) -> Option<B> {
        let mut idle = self.lock();
        let mut before = None;
        loop {
            // Check the sizes first: whether a block is free must be asked of the driver, which is
            // slow.
            let places = (0..idle.len()).filter(|&at| fits(&idle[at], bytes));
            let sizes = places.map(|at| (idle[at].bytes(), at));
            let best = sizes.filter(|size| Some(*size) > before).min()?;
            if idle[best.1].is_free() {
                return Some(idle.remove(best.1));
            }
            before = Some(best);
        }
    }

    /// As [`take`](Self::take), but only of the blocks that are known to be free.
    #[cfg(feature = "cuda")]
    pub(crate) fn take_known(&self, bytes: usize) -> Option<B> {
        let mut idle = self.lock();
        let places =
            (0..idle.len()).filter(|&at| fits(&idle[at], bytes) && idle[at].is_known_free());
        let best = places.min_by_key(|&at| idle[at].bytes())?;
        Some(idle.remove(best))
    }

    /// Takes the fitting block that was returned first, even if the GPU still uses it, if there are
    /// more than `most` fitting blocks.
    #[cfg(feature = "cuda")]
    pub(crate) fn take_busy(&self, bytes: usize, most: usize) -> Option<B> {
        let mut idle = self.lock();
        let mut fitting = (0..idle.len()).filter(|&i| fits(&idle[i], bytes));
        let first = fitting.next()?;
        (fitting.count() >= most).then(|| idle.remove(first))
    }

    /// Counts an allocated block.
    pub(crate) fn count(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// How many blocks were ever allocated.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Whether most of the kept bytes are still in use by the device.
    #[cfg(feature = "cuda")]
    pub(crate) fn is_crowded(&self) -> bool {
        let idle = self.lock();
        let all: usize = idle.iter().map(Block::bytes).sum();
        let busy = || idle.iter().filter(|block| !block.is_free());
        let many = self.keep.load(Ordering::Relaxed) / 2;
        all > many && busy().map(Block::bytes).sum::<usize>() > many
    }

    pub(crate) fn put(&self, block: B) {
        self.add(block).into_iter().for_each(B::free);
    }

    /// Puts a block back. Returns the blocks that are to be freed.
    pub(crate) fn add(&self, block: B) -> Vec<B> {
        let mut idle = self.lock();
        idle.push(block);
        let keep = self.keep.load(Ordering::Relaxed);
        surplus(&mut idle, keep, self.oversized.load(Ordering::Relaxed))
    }

    /// The bytes of all idle blocks.
    pub(crate) fn idle_bytes(&self) -> usize {
        self.lock().iter().map(Block::bytes).sum()
    }

    /// Frees the blocks that are idle the longest, until at most `keep` idle bytes remain.
    pub(crate) fn trim(&self, keep: usize) {
        let surplus = surplus(&mut self.lock(), keep, 0);
        surplus.into_iter().for_each(B::free);
    }

    /// Keeps at most `keep` idle bytes from now on.
    pub(crate) fn set_limit(&self, keep: usize) {
        self.keep.store(keep, Ordering::Relaxed);
        self.oversized.store(0, Ordering::Relaxed);
        self.trim(keep);
    }
}

/// Takes out the blocks that are idle the longest, until `keep` bytes or `least` blocks remain.
fn surplus<B: Block>(idle: &mut Vec<B>, keep: usize, least: usize) -> Vec<B> {
    let mut kept: usize = idle.iter().map(Block::bytes).sum();
    let mut surplus = 0;
    while kept > keep && surplus + least < idle.len() {
        kept -= idle[surplus].bytes();
        surplus += 1;
    }
    idle.drain(..surplus).collect()
}

fn fits(block: &impl Block, bytes: usize) -> bool {
    block.bytes() >= bytes && block.bytes() / 4 <= bytes.max(SMALLEST)
}

/// Rounds a size up to an eighth of a power of two, so that blocks fit later requests of similar
/// sizes.
pub(crate) fn size_class(bytes: usize) -> usize {
    let bytes = bytes.max(SMALLEST);
    let step = (bytes.checked_next_power_of_two().unwrap_or(bytes) / 8).max(SMALLEST);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(usize, bool);

    impl Block for Fake {
        fn bytes(&self) -> usize {
            self.0
        }

        fn is_free(&self) -> bool {
            self.1
        }

        #[cfg(feature = "cuda")]
        fn is_known_free(&self) -> bool {
            self.1 && self.0.is_multiple_of(2 << 20)
        }
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn what_is_known_to_be_free_is_taken_without_asking() {
        let pool = Pool::new(1 << 30);
        for (bytes, free) in [
            (2 << 20, false),
            (3 << 20, true),
            (6 << 20, true),
            (4 << 20, true),
        ] {
            assert!(pool.add(Fake(bytes, free)).is_empty());
        }
        assert_eq!(pool.take_known(2 << 20).map(|b| b.0), Some(4 << 20));
        assert_eq!(pool.take_known(2 << 20).map(|b| b.0), Some(6 << 20));
        assert!(pool.take_known(2 << 20).is_none());
        assert_eq!(pool.take(2 << 20).map(|b| b.0), Some(3 << 20));
    }

    #[test]
    fn the_smallest_that_fits_is_taken_and_busy_ones_are_not() {
        let pool = Pool::new(1 << 30);
        for (bytes, free) in [(4 << 20, true), (1 << 20, true), (1 << 20, false)] {
            pool.put(Fake(bytes, free));
        }
        assert_eq!(pool.take(500 << 10).map(|b| b.0), Some(1 << 20));
        assert_eq!(pool.take(500 << 10).map(|b| b.0), None); // four times as large
        assert_eq!(pool.take(2 << 20).map(|b| b.0), Some(4 << 20));
        assert!(pool.take(1 << 20).is_none());
    }

    #[test]
    fn what_is_longest_idle_goes_first() {
        let pool = Pool::new(10 << 20);
        for bytes in [6 << 20, 3 << 20, 4 << 20] {
            pool.put(Fake(bytes, true));
        }
        assert!(pool.take(5 << 20).is_none());
        assert!(pool.take(4 << 20).is_some() && pool.take(3 << 20).is_some());
        // A single block may be larger than the limit.
        pool.put(Fake(50 << 20, true));
        assert!(pool.take(40 << 20).is_some());
    }

    #[test]
    fn a_limit_that_is_set_holds_for_one_block_too() {
        let pool = Pool::new(10 << 20);
        for bytes in [6 << 20, 3 << 20, 1 << 20] {
            pool.put(Fake(bytes, true));
        }
        assert_eq!(pool.idle_bytes(), 10 << 20);
        pool.trim(10 << 20);
        assert_eq!(pool.idle_bytes(), 10 << 20);
        pool.trim((4 << 20) + 1);
        assert_eq!(pool.idle_bytes(), 4 << 20);
        // Trimming is for once.
        pool.put(Fake(6 << 20, true));
        assert_eq!(pool.idle_bytes(), 10 << 20);
        pool.set_limit(2 << 20);
        assert_eq!(pool.idle_bytes(), 0);
        for bytes in [3 << 20, 1 << 20, 1 << 20, 1 << 20] {
            pool.put(Fake(bytes, true));
            assert!(pool.idle_bytes() <= 2 << 20);
        }
        assert_eq!(pool.idle_bytes(), 2 << 20);
        pool.trim(0);
        assert_eq!(pool.idle_bytes(), 0);
    }

    #[test]
    fn size_classes_waste_an_eighth_at_most() {
        for bytes in [
            1,
            65_536,
            65_537,
            1 << 20,
            (1 << 20) + 1,
            24_883_200,
            33_177_600,
        ] {
            let class = size_class(bytes);
            let worst = (bytes.next_power_of_two() / 8).max(SMALLEST);
            assert!(
                class >= bytes && class < bytes.max(SMALLEST) + worst,
                "{bytes}"
            );
            assert_eq!(size_class(class), class);
        }
        assert_eq!(size_class(usize::MAX), usize::MAX);
    }
}
