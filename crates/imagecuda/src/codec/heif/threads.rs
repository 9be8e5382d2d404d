//! How many threads libheif and its coders may use for a picture.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many pictures are read or written now.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// A picture's share of the cores, while it is read or written: all of them for one at a time, and one each in
/// batches.
#[derive(Debug)]
pub(super) struct Share {
    threads: u32,
}

impl Share {
    pub(super) fn new() -> Self {
        let others = AT_WORK.fetch_add(1, Ordering::Relaxed);
        Self {
            threads: share(rayon::current_num_threads(), others),
        }
    }

    /// At least one.
    pub(super) fn threads(&self) -> u32 {
        self.threads
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::Relaxed);
    }
}

fn share(cores: usize, others: usize) -> u32 {
    (cores / (others + 1)).clamp(1, 64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_picture_has_all_cores_and_one_of_many_has_one() {
        assert_eq!(share(16, 0), 16);
        assert_eq!(share(16, 1), 8);
        assert_eq!(share(16, 2), 5);
        assert_eq!(share(16, 15), 1);
        assert_eq!(share(2, 40), 1);
        assert_eq!(share(192, 0), 64);
    }
}
