//! How long the threads of a batch spent on each stage.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Nanoseconds that the loader's threads spent, and the bytes that they read.
#[derive(Debug, Default)]
pub(super) struct LoadTimes {
    pub(super) read: AtomicU64,
    pub(super) decode: AtomicU64,
    pub(super) upload: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// Nanoseconds that the saver's threads spent.
#[derive(Debug, Default)]
pub(super) struct SaveTimes {
    /// Time that the caller waited for a free slot.
    pub(super) wait: AtomicU64,
    pub(super) download: AtomicU64,
    pub(super) encode: AtomicU64,
}

/// Adds the time since `start` to `total`, and restarts at now.
pub(super) fn add_elapsed(start: &mut Instant, total: &AtomicU64) {
    let now = Instant::now();
    let nanos = (now - *start).as_nanos();
    total.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    *start = now;
}
