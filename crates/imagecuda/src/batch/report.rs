//! What a pipeline reports while it runs and when it is done.

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

/// How many files and bytes a [`Pipeline`](super::Pipeline) has processed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Files that were saved.
    pub saved: usize,
    /// Files that could not be loaded, worked on or saved.
    pub failed: usize,
    /// Files that were skipped because they existed.
    pub skipped: usize,
    /// Bytes of the files that were read.
    pub bytes_read: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
}

impl Progress {
    /// Files that are done: saved, failed or skipped.
    pub fn done(&self) -> usize {
        self.saved + self.failed + self.skipped
    }
}

/// A file that a [`Pipeline`](super::Pipeline) is done with.
/// [`Pipeline::on_progress`](super::Pipeline::on_progress) passes one to its callback for each
/// file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The file to load.
    pub source: &'a Path,
    /// The file to save.
    pub target: &'a Path,
    /// The result for this file.
    pub outcome: Outcome<'a>,
    /// The progress of the pipeline, including this file.
    pub progress: Progress,
}

/// The result for one file of a [`Pipeline`](super::Pipeline).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The file was saved. The value is its size in bytes.
    Saved(u64),
    /// The file existed already, and [`Pipeline::resume`](super::Pipeline::resume) is on.
    Skipped,
    /// The file could not be loaded, worked on or saved. The value is the cause.
    Failed(&'a (dyn StdError + Send + Sync + 'static)),
}

/// A job of a [`Pipeline`](super::Pipeline) that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The file to load.
    pub source: PathBuf,
    /// The file to save.
    pub target: PathBuf,
    /// The cause. Errors of this crate name the file; errors of your own code are unchanged.
    pub error: Box<dyn StdError + Send + Sync>,
}

/// The time that each stage took, summed over all threads. The bottleneck is the stage with the
/// longest time per thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Busy {
    /// Reading files, on the loader's threads.
    pub read: Duration,
    /// Decoding, on the same threads.
    pub decode: Duration,
    /// Passing pixels to the device, on the same threads. On the CPU device this includes
    /// converting them.
    pub upload: Duration,
    /// Your work, and queueing the conversion of the result, on the caller's thread.
    pub work: Duration,
    /// Waiting for the device, on the saver's threads.
    pub download: Duration,
    /// Encoding and writing, on the same threads.
    pub encode: Duration,
}

/// The result of a [`Pipeline`](super::Pipeline).
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// Files that were saved.
    pub saved: usize,
    /// Files that existed already, with [`Pipeline::resume`](super::Pipeline::resume).
    pub skipped: usize,
    /// The jobs that failed, with their causes: first those that failed in loading or in your work,
    /// in the order of the jobs, then those that failed in saving.
    pub failures: Vec<Failure>,
    /// Whether the run was cancelled before all jobs were done.
    pub cancelled: bool,
    /// Bytes of the files that were read.
    pub bytes_read: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
    /// The duration of the run.
    pub elapsed: Duration,
    /// The time that each stage took.
    pub busy: Busy,
}

/// The callback of a pipeline.
pub(super) type Callback = dyn Fn(&Event<'_>) + Send + Sync;

/// Counts files and calls the callback for each.
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
    /// The failure of a file that could not be saved.
    pub(super) fn of(saved: Saved) -> Option<Self> {
        Some(Self {
            source: saved.source?,
            target: saved.path,
            error: saved.result.err()?.into(),
        })
    }
}
