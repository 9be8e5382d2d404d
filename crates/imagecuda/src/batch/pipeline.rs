//! Loads files, runs the caller's work on each image, and saves the results.

use super::{
    BYTES, CancelToken, Loader, PooledImage, Saver,
    loader::Kept,
    report::{Busy, Callback, Event, Failure, Outcome, Report, Tracker},
    times::{LoadTimes, SaveTimes, add_elapsed},
};
use crate::{Device, Image, LoadOptions, SaveOptions, save::atomic_file};
use std::{
    borrow::Cow,
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Loads files, lets you work on each image, and saves the results. Decoding, transfers, your work
/// and encoding run at the same time, each on another image.
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
    in_flight: Option<usize>,
    max_bytes: u64,
    keep_metadata: bool,
    resume: bool,
    progress: Option<Arc<Callback>>,
}

impl Pipeline {
    /// Creates a pipeline on `device`, with one decoding and one encoding thread per core. Both before
    /// and after your work, at most two images per thread and 8 GiB are in flight.
    pub fn new(device: &Device) -> Self {
        Self {
            loader: Loader::new(device).keeping(Kept::ForSaving),
            save: SaveOptions::new(),
            threads: None,
            in_flight: None,
            max_bytes: BYTES,
            keep_metadata: false,
            resume: false,
            progress: None,
        }
    }

    /// Distributes the images over several devices in turn, as [`Loader::devices`] does.
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.loader = self.loader.devices(devices);
        self
    }

    /// Sets the options with which each file is loaded.
    pub fn load_options(mut self, options: LoadOptions) -> Self {
        self.loader = self.loader.options(options);
        self
    }

    /// Sets the options with which each file is saved.
    pub fn save_options(mut self, options: SaveOptions) -> Self {
        self.save = options;
        self
    }

    /// Sets the number of decoding threads, and the number of encoding threads. Each is at least 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.loader = self.loader.threads(threads);
        self.threads = Some(threads.max(1));
        self
    }

    /// Sets how many images may be in flight before your work, and how many after it.
    pub fn in_flight(mut self, images: usize) -> Self {
        self.loader = self.loader.in_flight(images);
        self.in_flight = Some(images);
        self
    }

    /// Sets how many bytes the images may take before your work, and their packed pixels after it. A
    /// larger image is processed alone.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.loader = self.loader.max_bytes(bytes);
        self.max_bytes = bytes;
        self
    }

    /// Skips jobs whose target is an existing file that is not empty. Saves are atomic, so such a
    /// file is complete. A run that was interrupted thus continues where it stopped.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Gives each saved file the metadata of the file that it was loaded from, as far as they are
    /// still true of the image: EXIF, and the ICC profile if the colours are still in it (see
    /// [`ColorPolicy`](crate::ColorPolicy)). Metadata of the file replace those of
    /// [`save_options`](Self::save_options).
    ///
    /// If the target's format cannot hold a file's metadata, saving it is a failure.
    pub fn keep_metadata(mut self, keep: bool) -> Self {
        self.keep_metadata = keep;
        self
    }

    /// Calls `callback` whenever a file is done with, from any thread. The event says which file it
    /// is, what became of it, and how far the pipeline is.
    ///
    /// ```
    /// use imagecuda::{Device, batch::{Outcome, Pipeline}};
    ///
    /// let pipeline = Pipeline::new(&Device::cpu()).on_progress(|event| {
    ///     if let Outcome::Failed(error) = event.outcome {
    ///         eprintln!("{}: {error}", event.source.display());
    ///     }
    /// });
    /// # let _ = pipeline;
    /// ```
    pub fn on_progress(mut self, callback: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Stops when `token` is cancelled. Files that are being written are finished, and no further
    /// job is started.
    pub fn cancel_token(mut self, token: &CancelToken) -> Self {
        self.loader = self.loader.cancel_token(token);
        self
    }

    /// Runs the jobs, each a file to load and a file to save. Calls `work` on the caller's thread
    /// with each image and the path that it was loaded from, in the order of the jobs. `work` may
    /// change pixels and size. Returns when all jobs are done.
    pub fn run<J, W, E>(&self, jobs: J, mut work: W) -> Report
    where
        J: IntoIterator<Item = (PathBuf, PathBuf)>,
        J::IntoIter: Send + 'static,
        W: FnMut(&mut Image, &Path) -> Result<(), E>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let begin = Instant::now();
        let tracker = Arc::new(Tracker::new(self.progress.clone()));
        let saver = self.saver(&tracker);
        let mut images = self.loader.load(self.left(jobs.into_iter(), &tracker));
        let mut failures = Vec::new();
        let worked = AtomicU64::new(0);
        while let Some(((source, target), loaded)) = images.next() {
            let bytes_read = images.times().bytes.load(Relaxed);
            tracker.bytes_read.store(bytes_read, Relaxed);
            let mut start = Instant::now();
            let done: Result<(), Box<dyn StdError + Send + Sync>> = loaded
                .map_err(Into::into)
                .and_then(|mut image: PooledImage| {
                    work(&mut image, &source).map_err(Into::into)?;
                    let options = self.options_for(&image);
                    saver.save_from(Some(source.clone()), &image, target.clone(), &options);
                    Ok(())
                });
            add_elapsed(&mut start, &worked);
            if let Err(error) = done {
                tracker.report(&source, &target, Outcome::Failed(&*error));
                failures.push(Failure {
                    source,
                    target,
                    error,
                });
            }
        }

        let (saved, saving) = saver.finish_with_times();
        failures.extend(saved.into_iter().filter_map(Failure::of));
        let totals = tracker.progress();
        Report {
            saved: totals.saved,
            skipped: totals.skipped,
            failures,
            cancelled: self.loader.cancel.is_cancelled(),
            bytes_read: images.times().bytes.load(Relaxed),
            bytes_written: totals.bytes_written,
            elapsed: begin.elapsed(),
            busy: busy(images.times(), &worked, &saving),
        }
    }

    /// The jobs whose targets do not exist yet. Reports the others as skipped.
    fn left<I>(
        &self,
        jobs: I,
        tracker: &Arc<Tracker>,
    ) -> impl Iterator<Item = (PathBuf, PathBuf)> + Send + use<I>
    where
        I: Iterator<Item = (PathBuf, PathBuf)> + Send + 'static,
    {
        let (resume, tracker) = (self.resume, Arc::clone(tracker));
        jobs.filter(move |(source, target)| {
            let is_there = resume && atomic_file::is_there(target);
            if is_there {
                tracker.report(source, target, Outcome::Skipped);
            }
            !is_there
        })
    }

    fn saver(&self, tracker: &Arc<Tracker>) -> Saver {
        let tracker = Arc::clone(tracker);
        let mut saver = Saver::new(self.save.clone())
            .max_bytes(self.max_bytes)
            .cancel_token(&self.loader.cancel)
            .on_saved(move |saved| tracker.report_saved(saved));
        if let Some(threads) = self.threads {
            saver = saver.threads(threads);
        }
        if let Some(images) = self.in_flight {
            saver = saver.in_flight(images);
        }
        saver
    }

    /// The options with which `image` is saved.
    fn options_for(&self, image: &PooledImage) -> Cow<'_, SaveOptions> {
        let metadata = image.metadata();
        match self.keep_metadata && !metadata.is_empty() {
            true => Cow::Owned(self.save.clone().metadata(metadata.clone())),
            false => Cow::Borrowed(&self.save),
        }
    }
}

fn busy(loading: &LoadTimes, worked: &AtomicU64, saving: &SaveTimes) -> Busy {
    let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed));
    Busy {
        read: time(&loading.read),
        decode: time(&loading.decode),
        upload: time(&loading.upload),
        // Waiting for a free slot does not count as work.
        work: time(worked).saturating_sub(time(&saving.wait)),
        download: time(&saving.download),
        encode: time(&saving.encode),
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
