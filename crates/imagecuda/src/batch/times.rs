//! Where the time of all threads goes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Nanoseconds of a loader's threads, and the bytes that they read.
#[derive(Debug, Default)]
pub(super) struct LoadTimes {
    pub(super) read: AtomicU64,
    pub(super) decode: AtomicU64,
    pub(super) upload: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// Nanoseconds of a saver's threads.
#[derive(Debug, Default)]
pub(super) struct SaveTimes {
    /// Of the caller, for room.
    pub(super) wait: AtomicU64,
    pub(super) download: AtomicU64,
    pub(super) encode: AtomicU64,
}

/// Adds the time since `start` to `total`, and starts again.
pub(super) fn add_elapsed(start: &mut Instant, total: &AtomicU64) {
    let now = Instant::now();
    let nanos = (now - *start).as_nanos();
    total.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    *start = now;
}
