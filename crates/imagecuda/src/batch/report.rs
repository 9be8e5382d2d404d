//! What a pipeline tells while it runs, and when it is done.

use super::saver::Saved;
use std::{
    error::Error as StdError,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// How far a [`Pipeline`](super::Pipeline) is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Files that were saved.
    pub saved: usize,
    /// Files that could not be loaded, worked on or saved.
    pub failed: usize,
    /// Files that were there already.
    pub skipped: usize,
    /// Bytes of the files that were read.
    pub bytes_read: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
}

impl Progress {
    /// Files that are done with, one way or another.
    pub fn done(&self) -> usize {
        self.saved + self.failed + self.skipped
    }
}

/// A file that a [`Pipeline`](super::Pipeline) is done with, one way or another: what
/// [`Pipeline::on_progress`](super::Pipeline::on_progress) tells.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What was to be loaded.
    pub source: &'a Path,
    /// What was to be saved.
    pub target: &'a Path,
    /// What became of it.
    pub outcome: Outcome<'a>,
    /// How far the pipeline is, this file included.
    pub progress: Progress,
}

/// What became of a file of a [`Pipeline`](super::Pipeline).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It was saved, and the new file has so many bytes.
    Saved(u64),
    /// It was there already, with [`Pipeline::resume`](super::Pipeline::resume).
    Skipped,
    /// It could not be loaded, worked on or saved, and why.
    Failed(&'a (dyn StdError + Send + Sync + 'static)),
}

/// A file that a [`Pipeline`](super::Pipeline) could not do.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What was to be loaded.
    pub source: PathBuf,
    /// What was to be saved.
    pub target: PathBuf,
    /// Why it was not. Those of this crate name the file; your own are as you gave them.
    pub error: Box<dyn StdError + Send + Sync>,
}

/// The time that each stage took, all threads together. The stage whose time divided by its
/// threads is the longest is the bottleneck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Busy {
    /// Reading files, on the loader's threads.
    pub read: Duration,
    /// Decoding, on the same threads.
    pub decode: Duration,
    /// Handing pixels to the device, on the same threads; on the CPU, converting them.
    pub upload: Duration,
    /// Your work, and telling the device to prepare the result, on the caller's thread.
    pub work: Duration,
    /// Waiting for the device, on the saver's threads.
    pub download: Duration,
    /// Encoding and writing, on the same threads.
    pub encode: Duration,
}

/// What a [`Pipeline`](super::Pipeline) has done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// Files that were saved.
    pub saved: usize,
    /// Files that were there already, with [`Pipeline::resume`](super::Pipeline::resume).
    pub skipped: usize,
    /// Files that were not saved, and why; in the order of the jobs as far as loading goes, then
    /// as far as saving goes.
    pub failures: Vec<Failure>,
    /// Whether it was cancelled before all was done.
    pub cancelled: bool,
    /// Bytes of the files that were read.
    pub bytes_read: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
    /// From the first to the last.
    pub elapsed: Duration,
    /// Where the time went.
    pub busy: Busy,
}

/// The callback of a pipeline.
pub(super) type Callback = dyn Fn(&Event<'_>) + Send + Sync;

/// Counts files, and tells of each.
#[derive(Default)]
pub(super) struct Tracker {
    saved: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    pub(super) bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    callback: Option<Arc<Callback>>,
}

impl Tracker {
    pub(super) fn new(callback: Option<Arc<Callback>>) -> Self {
        Self {
            callback,
            ..Self::default()
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Progress {
            saved: count(&self.saved) as usize,
            failed: count(&self.failed) as usize,
            skipped: count(&self.skipped) as usize,
            bytes_read: count(&self.bytes_read),
            bytes_written: count(&self.bytes_written),
        }
    }

    pub(super) fn report(&self, source: &Path, target: &Path, outcome: Outcome<'_>) {
        let counter = match outcome {
            Outcome::Saved(bytes) => {
                self.bytes_written.fetch_add(bytes, Relaxed);
                &self.saved
            }
            Outcome::Skipped => &self.skipped,
            Outcome::Failed(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
        if let Some(callback) = &self.callback {
            callback(&Event {
                source,
                target,
                outcome,
                progress: self.progress(),
            });
        }
    }

    pub(super) fn report_saved(&self, saved: &Saved) {
        let source = saved.source.as_deref().unwrap_or(&saved.path);
        let outcome = match &saved.result {
            Ok(bytes) => Outcome::Saved(*bytes),
            Err(error) => Outcome::Failed(error),
        };
        self.report(source, &saved.path, outcome);
    }
}

impl Failure {
    /// What could not be saved.
    pub(super) fn of(saved: Saved) -> Option<Self> {
        Some(Self {
            source: saved.source?,
            target: saved.path,
            error: saved.result.err()?.into(),
        })
    }
}
