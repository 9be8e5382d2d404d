//! How threads share a file.

use crate::{jpeg::file::File, parallel};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How the threads share a file.
pub(in crate::jpeg) struct Share {
    /// Whether one thread decodes the file, as more would not pay: the file is small, or so many are
    /// being decoded that each thread has one of its own.
    pub(in crate::jpeg) is_alone: bool,
    /// The number of MCU rows of a band.
    pub(in crate::jpeg) rows: usize,
}

/// How many files are being decoded.
static DECODING: AtomicUsize = AtomicUsize::new(0);

impl Share {
    /// Counts the file as being decoded until this is dropped.
    pub(in crate::jpeg) fn of(file: &File) -> Self {
        let files = DECODING.fetch_add(1, Ordering::Relaxed) + 1;
        // Other threads of a batch are about to decode, even if they read files at the moment.
        let files = files.max(parallel::loading());
        let is_alone = is_for_one(file) || files > rayon::current_num_threads() / 2;
        let rows = file.picture.mcus_y as usize;
        // With several threads, bands are large enough to keep them busy. With one thread, bands are
        // small enough that their masks and values stay in the cache.
        let rows = match is_alone {
            true => (BLOCKS * rows / file.picture.blocks().max(1)).clamp(1, rows),
            false => rows.div_ceil(BANDS),
        };
        Self { is_alone, rows }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        DECODING.fetch_sub(1, Ordering::Relaxed);
    }
}

const BLOCKS: usize = 1 << 13;
const BANDS: usize = 24;

/// Whether one thread decodes the file even if no other file is being decoded.
pub(in crate::jpeg) fn is_for_one(file: &File) -> bool {
    file.picture.pixels() < SMALL || rayon::current_num_threads() == 1
}

/// Below this number of pixels more threads do not pay.
const SMALL: usize = 1 << 16;
