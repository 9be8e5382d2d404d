//! Saves many images to files.

use super::{
    BYTES, CancelToken, cores,
    times::{SaveTimes, add_elapsed},
};
use crate::{Error, Image, Result, SaveOptions, codec, save::PendingSave};
use std::{
    collections::VecDeque,
    fmt,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

/// The result of saving one image with a [`Saver`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Saved {
    /// The path of the file.
    pub path: PathBuf,
    /// The size of the file in bytes, or the error. After an error, an older file at the path is
    /// unchanged.
    pub result: Result<u64>,
    /// The file that a pipeline loaded the image from.
    pub(super) source: Option<PathBuf>,
}

type Callback = dyn Fn(&Saved) + Send + Sync;

/// Saves many images in parallel. The device packs and downloads one image while threads encode
/// others.
///
/// [`save`](Self::save) returns as soon as the work is queued on the device. It waits only if
/// [`in_flight`](Self::in_flight) images or [`max_bytes`](Self::max_bytes) bytes are in flight.
/// [`finish`](Self::finish) returns the errors. Each file appears complete or not at all.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Image, SaveOptions, batch::Saver};
///
/// # let folder = tempfile::tempdir()?;
/// let mut image = Image::new(&Device::cpu(), 64, 64)?;
/// let saver = Saver::new(SaveOptions::new().quality(90));
/// for i in 0..10 {
///     // The image may be worked on again at once.
///     saver.save(&image, folder.path().join(format!("{i}.jpg")));
///     image.reshape(32, 32)?;
/// }
/// assert!(saver.finish().iter().all(|saved| saved.result.is_ok()));
/// # Ok(())
/// # }
/// ```
pub struct Saver {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    most_threads: usize,
    in_flight: Option<usize>,
    max_bytes: u64,
}

struct Shared {
    options: SaveOptions,
    callback: Option<Box<Callback>>,
    cancel: CancelToken,
    state: Mutex<State>,
    changed: Condvar,
    times: SaveTimes,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The results in the order of the calls. `None` until a result is known.
    results: Vec<Option<Saved>>,
    in_flight: usize,
    bytes: u64,
    idle_threads: usize,
    is_closed: bool,
}

struct Job {
    ticket: Ticket,
    pending: PendingSave,
}

/// An image to save, with the resources that it holds.
struct Ticket {
    /// The index of its result.
    index: usize,
    source: Option<PathBuf>,
    path: PathBuf,
    bytes: u64,
}

impl Saver {
    /// Creates a saver with one thread per core, at most two images per thread and 8 GiB in flight.
    pub fn new(options: SaveOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                callback: None,
                cancel: CancelToken::new(),
                state: Mutex::default(),
                changed: Condvar::new(),
                times: SaveTimes::default(),
            }),
            threads: Mutex::default(),
            most_threads: cores(),
            in_flight: None,
            max_bytes: BYTES,
        }
    }

    /// The shared state, before any thread has it.
    fn own(&mut self) -> &mut Shared {
        Arc::get_mut(&mut self.shared).expect("threads start with the first image")
    }

    /// Sets the number of threads that encode and write. It is at least 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.most_threads = threads.max(1);
        self
    }

    /// Sets how many images may be in flight. It is at least 1.
    pub fn in_flight(mut self, images: usize) -> Self {
        self.in_flight = Some(images.max(1));
        self
    }

    /// Sets how many bytes of packed pixels may be in flight, in the layout that the file gets. Of a
    /// progressive JPEG that kernels transform it is the bytes of its coefficients, up to 6 a pixel. A
    /// larger image is saved alone.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Calls `callback` for each file when it is done, in any order and from any thread.
    pub fn on_saved(mut self, callback: impl Fn(&Saved) + Send + Sync + 'static) -> Self {
        self.own().callback = Some(Box::new(callback));
        self
    }

    /// Stops when `token` is cancelled. Files that are being written are finished. Other images are
    /// not saved, and have no result.
    pub fn cancel_token(mut self, token: &CancelToken) -> Self {
        self.own().cancel = token.clone();
        self
    }

    /// Saves `image` to a file, in the format that the extension names. You may change or drop the
    /// image at once. Takes an [`Image`] or a [`PooledImage`](super::PooledImage) of a loader.
    pub fn save(&self, image: impl AsRef<Image>, path: impl Into<PathBuf>) {
        self.save_from(None, image.as_ref(), path.into(), &self.shared.options);
    }

    /// Saves as [`save`](Self::save) does, with other options for this image.
    pub fn save_with(
        &self,
        image: impl AsRef<Image>,
        path: impl Into<PathBuf>,
        options: &SaveOptions,
    ) {
        self.save_from(None, image.as_ref(), path.into(), options);
    }

    /// Saves as [`save_with`](Self::save_with) does. The image was loaded from `source`.
    pub(super) fn save_from(
        &self,
        source: Option<PathBuf>,
        image: &Image,
        path: PathBuf,
        options: &SaveOptions,
    ) {
        let job = options.job(&path);
        let bytes = job.as_ref().map_or(0, |job| job.bytes(image));
        let most = self.in_flight.unwrap_or(2 * self.most_threads);
        let shared = &*self.shared;
        let mut start = Instant::now();
        let mut state = shared.lock();
        while state.in_flight >= most
            || state.in_flight > 0 && state.bytes.saturating_add(bytes) > self.max_bytes
        {
            state = shared.wait(state);
        }
        add_elapsed(&mut start, &shared.times.wait);
        let index = state.results.len();
        state.results.push(None);
        if shared.cancel.is_cancelled() {
            return;
        }
        state.in_flight += 1;
        state.bytes += bytes;
        drop(state);

        let ticket = Ticket {
            index,
            source,
            path,
            bytes,
        };
        let pending = job.and_then(|job| {
            let pending = job.start(image)?;
            self.spawn_if_needed()?;
            Ok(pending)
        });
        match pending {
            Ok(pending) => {
                shared.lock().jobs.push_back(Job { ticket, pending });
                shared.changed.notify_all();
            }
            Err(error) => shared.done(ticket, Err(error)),
        }
    }

    /// Starts a thread for the next job if no thread is idle and another is allowed.
    fn spawn_if_needed(&self) -> Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.shared.lock();
        let is_needed = state.idle_threads <= state.jobs.len();
        drop(state);
        if is_needed && threads.len() < self.most_threads {
            let shared = Arc::clone(&self.shared);
            let name = format!("imagecuda save {}", threads.len());
            let spawned = thread::Builder::new()
                .name(name)
                .spawn(move || shared.work());
            match spawned {
                Ok(thread) => threads.push(thread),
                Err(error) if threads.is_empty() => return Err(error.into()),
                Err(_) => {} // those that there are do the work
            }
        }
        Ok(())
    }

    /// Waits for all files, and returns the results in the order of the calls.
    #[must_use = "this is where errors are"]
    pub fn finish(self) -> Vec<Saved> {
        self.finish_with_times().0
    }

    /// Finishes as [`finish`](Self::finish) does. Also returns the times of the stages.
    pub(super) fn finish_with_times(self) -> (Vec<Saved>, SaveTimes) {
        self.join();
        let results = std::mem::take(&mut self.shared.lock().results);
        let copy = |nanos: &AtomicU64| AtomicU64::new(nanos.load(Ordering::Relaxed));
        let SaveTimes {
            wait,
            download,
            encode,
        } = &self.shared.times;
        let times = SaveTimes {
            wait: copy(wait),
            download: copy(download),
            encode: copy(encode),
        };
        // Cancelled jobs have no result.
        (results.into_iter().flatten().collect(), times)
    }

    /// Waits for all files.
    fn join(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // The thread has caught all panics.
            let _ = thread.join();
        }
    }
}

/// Waits for all files. The results are lost; call [`finish`](Saver::finish) to get them.
impl Drop for Saver {
    fn drop(&mut self) {
        self.join();
    }
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saver")
            .field("options", &self.shared.options)
            .field("threads", &self.most_threads)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop of one thread.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                self.save_one(job);
                state = self.lock();
            } else if state.is_closed {
                return;
            } else {
                state.idle_threads += 1;
                state = self.wait(state);
                state.idle_threads -= 1;
            }
        }
    }

    fn save_one(&self, Job { ticket, pending }: Job) {
        if self.cancel.is_cancelled() {
            let mut state = self.lock();
            state.in_flight -= 1;
            state.bytes -= ticket.bytes;
            drop(state);
            self.changed.notify_all();
            return;
        }
        // If the encoder or the device's half panics, the file's result is an error.
        let result = codec::caught(Error::encode, || self.encode(pending, &ticket.path));
        self.done(ticket, result);
    }

    fn encode(&self, pending: PendingSave, path: &Path) -> Result<u64> {
        let mut start = Instant::now();
        let packed = pending.finish()?;
        add_elapsed(&mut start, &self.times.download);
        let bytes = packed.save_counted(path)?;
        add_elapsed(&mut start, &self.times.encode);
        Ok(bytes)
    }

    fn done(&self, ticket: Ticket, result: Result<u64>) {
        let Ticket {
            index,
            source,
            path,
            bytes,
        } = ticket;
        let result = result.map_err(|error| error.with_path(&path));
        let saved = Saved {
            path,
            result,
            source,
        };
        if let Some(callback) = &self.callback {
            // A panic of the callback must not end the thread, or its slot would stay reserved.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| callback(&saved)));
        }
        let mut state = self.lock();
        state.in_flight -= 1;
        state.bytes -= bytes;
        state.results[index] = Some(saved);
        drop(state);
        self.changed.notify_all();
    }
}
