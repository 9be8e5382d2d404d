//! Files to images to files.

use super::{BYTES, CancelToken, Loader, PooledImage, Saver, times::add_elapsed};
use crate::{Device, Image, LoadOptions, SaveOptions, save::atomic_file};
use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Loads files, lets you work on each image, and saves it: decoding, transfers, your work and
/// encoding at the same time, each on another image.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Image, SaveOptions, batch::Pipeline};
///
/// # let device = Device::cpu();
/// # let folder = tempfile::tempdir()?;
/// # let files: Vec<_> = (0..3).map(|i| folder.path().join(format!("{i}.png"))).collect();
/// # for file in &files { imagecuda::save(&Image::new(&device, 8, 8)?, file)?; }
/// let jobs = files.into_iter().map(|file| {
///     let target = file.with_extension("jpg");
///     (file, target)
/// });
/// let report = Pipeline::new(&device)
///     .save_options(SaveOptions::new().quality(90))
///     .run(jobs, |image, _path| {
///         // … work on `image`, on its device …
///         image.reshape(4, 16)
///     });
/// assert_eq!((report.saved, report.failures.len()), (3, 0));
/// # Ok(())
/// # }
/// ```
pub struct Pipeline {
    loader: Loader,
    save: SaveOptions,
    threads: Option<usize>,
    max_bytes: u64,
    resume: bool,
    progress: Option<Arc<Callback>>,
}

type Callback = dyn Fn(&Progress) + Send + Sync;

/// How far a [`Pipeline`] is.
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

/// A file that a [`Pipeline`] could not do.
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

/// What a [`Pipeline`] has done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// Files that were saved.
    pub saved: usize,
    /// Files that were there already, with [`Pipeline::resume`].
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

#[derive(Default)]
struct Counts {
    saved: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

impl Counts {
    fn progress(&self) -> Progress {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Progress {
            saved: count(&self.saved) as usize,
            failed: count(&self.failed) as usize,
            skipped: count(&self.skipped) as usize,
            bytes_read: count(&self.bytes_read),
            bytes_written: count(&self.bytes_written),
        }
    }
}

impl Pipeline {
    /// A pipeline on `device`: one thread a core to decode, and as many to encode.
    pub fn new(device: &Device) -> Self {
        Self {
            loader: Loader::new(device),
            save: SaveOptions::new(),
            threads: None,
            max_bytes: BYTES,
            resume: false,
            progress: None,
        }
    }

    /// Spreads the images over several devices in turn. As [`Loader::devices`].
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.loader = self.loader.devices(devices);
        self
    }

    /// How each file is loaded.
    pub fn load_options(mut self, options: LoadOptions) -> Self {
        self.loader = self.loader.options(options);
        self
    }

    /// How each file is saved.
    pub fn save_options(mut self, options: SaveOptions) -> Self {
        self.save = options;
        self
    }

    /// How many threads decode, and how many encode, at least 1 each.
    pub fn threads(mut self, threads: usize) -> Self {
        self.loader = self.loader.threads(threads);
        self.threads = Some(threads.max(1));
        self
    }

    /// How many images may be in flight before your work, and how many behind it.
    pub fn in_flight(mut self, images: usize) -> Self {
        self.loader = self.loader.in_flight(images);
        self
    }

    /// How many bytes the images may take before your work, and their pixels behind it.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.loader = self.loader.max_bytes(bytes);
        self.max_bytes = bytes;
        self
    }

    /// Skips jobs whose target is a file that is there and not empty: saves are atomic, so it is
    /// whole. A run that was interrupted goes on where it was.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Calls `callback` whenever a file is done with, from any thread.
    pub fn on_progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Stops when `token` is cancelled: files that are being written are finished, nothing else
    /// is begun.
    pub fn cancel_token(mut self, token: &CancelToken) -> Self {
        self.loader = self.loader.cancel_token(token);
        self
    }

    /// Does the jobs, each a file to load and one to save. `work` gets each image with the path
    /// that it is from, in the order of the jobs, on the caller's thread; it may change pixels
    /// and size. Returns when all is done.
    pub fn run<J, W, E>(&self, jobs: J, mut work: W) -> Report
    where
        J: IntoIterator<Item = (PathBuf, PathBuf)>,
        J::IntoIter: Send + 'static,
        W: FnMut(&mut Image, &Path) -> Result<(), E>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let begin = Instant::now();
        let counts = Arc::new(Counts::default());
        let (resume, count, progress) = (self.resume, counts.clone(), self.progress.clone());
        let jobs = jobs.into_iter().filter(move |(_, target)| {
            let is_there = resume && atomic_file::is_there(target);
            if is_there {
                count.skipped.fetch_add(1, Relaxed);
                report(&progress, &count);
            }
            !is_there
        });

        let (count, progress) = (counts.clone(), self.progress.clone());
        let mut saver = Saver::new(self.save.clone())
            .max_bytes(self.max_bytes)
            .cancel_token(&self.loader.cancel)
            .on_saved(move |saved| {
                match &saved.result {
                    Ok(bytes) => {
                        count.bytes_written.fetch_add(*bytes, Relaxed);
                        count.saved.fetch_add(1, Relaxed);
                    }
                    Err(_) => {
                        count.failed.fetch_add(1, Relaxed);
                    }
                }
                report(&progress, &count);
            });
        if let Some(threads) = self.threads {
            saver = saver.threads(threads);
        }

        let mut failures = Vec::new();
        let mut sources = Vec::new(); // of those that go to the saver
        let worked = AtomicU64::new(0);
        let mut images = self.loader.load(jobs);
        while let Some(((source, target), loaded)) = images.next() {
            counts
                .bytes_read
                .store(images.times().bytes.load(Relaxed), Relaxed);
            let mut start = Instant::now();
            let done = loaded
                .map_err(Into::into)
                .and_then(|mut image: PooledImage| {
                    work(&mut image, &source).map_err(Into::into)?;
                    saver.save(&image, &target);
                    Ok(())
                });
            add_elapsed(&mut start, &worked);
            match done {
                Ok(()) => sources.push(source),
                Err(error) => {
                    counts.failed.fetch_add(1, Relaxed);
                    report(&self.progress, &counts);
                    failures.push(Failure {
                        source,
                        target,
                        error,
                    });
                }
            }
        }

        let loading = images.times();
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed));
        let mut busy = Busy {
            read: time(&loading.read),
            decode: time(&loading.decode),
            upload: time(&loading.upload),
            ..Busy::default()
        };
        let (saved, saving) = saver.finish_with_times();
        // Waiting for room is no work.
        busy.work = time(&worked).saturating_sub(time(&saving.wait));
        (busy.download, busy.encode) = (time(&saving.download), time(&saving.encode));
        for (source, saved) in sources.into_iter().zip(saved) {
            if let Some(saved) = saved
                && let Err(error) = saved.result
            {
                failures.push(Failure {
                    source,
                    target: saved.path,
                    error: error.into(),
                });
            }
        }
        let totals = counts.progress();
        Report {
            saved: totals.saved,
            skipped: totals.skipped,
            failures,
            cancelled: self.loader.cancel.is_cancelled(),
            bytes_read: loading.bytes.load(Relaxed),
            bytes_written: totals.bytes_written,
            elapsed: begin.elapsed(),
            busy,
        }
    }
}

fn report(callback: &Option<Arc<Callback>>, counts: &Counts) {
    if let Some(callback) = callback {
        callback(&counts.progress());
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("loader", &self.loader)
            .field("save", &self.save)
            .finish_non_exhaustive()
    }
}
