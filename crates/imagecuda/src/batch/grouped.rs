//! Files that go up to a GPU together. The loader's threads read them, and plan or decode them. One thread
//! for each GPU launches the kernels, and hands the images on. Another one does so for progressive JPEGs.

use super::{
    budget::{Budget, Slot},
    loader::Loader,
    loading::{Outcome, Shared},
    source::{Content, Source},
    times::add_elapsed,
};
use crate::{
    Decoded, Device, Error, Image, JpegDecoder, LoadOptions, Metadata, Result, codec,
    color::Conversion,
    device::{
        Buffer, DecodedPicture, GroupMember, PictureGroups, PlannedJpeg, ProgressiveGroups,
        ProgressiveJpeg, Staging,
    },
    load::{FileBytes, Job, Resampling},
    parallel,
};
use imagecuda_kernels::pixel::RgbaF32;
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Instant,
};

/// How a picture that goes into a group is decoded.
pub(super) struct Planned {
    pub(super) jpeg: PlannedJpeg,
    pub(super) conversion: Option<Arc<Conversion>>,
    /// Width and height.
    pub(super) size: (u32, u32),
    /// How it becomes smaller afterwards.
    pub(super) resampling: Option<Resampling>,
    /// The file's own options, if it has them.
    pub(super) options: Option<LoadOptions>,
}

/// A source whose picture is in a group.
pub(super) struct Pending<S> {
    pub(super) index: usize,
    pub(super) source: S,
    pub(super) slot: Slot,
    /// The bytes of the file, unless the source has them.
    pub(super) staged: Option<Staging>,
    /// The file's own options, if it has them: the caller's function is asked once.
    pub(super) options: Option<LoadOptions>,
    pub(super) image: Image,
    /// Whether the image is to hold 8-bit pixels.
    pub(super) takes_bytes: bool,
    /// How the image becomes smaller once it is decoded.
    pub(super) resampling: Option<Resampling>,
    pub(super) metadata: Metadata,
    /// The pixels, if the host has decoded them, or a progressive JPEG.
    pub(super) decoded: Option<Box<Decoded>>,
}

/// The groups of each of a loader's devices.
pub(super) struct Groups<S> {
    devices: Vec<Option<PictureGroups<Pending<S>>>>,
    progressive: Vec<Option<ProgressiveGroups<Pending<S>>>>,
    /// How many images a device gets before the next one.
    in_a_row: usize,
    /// Whether there is a thread for each of them.
    are_run: AtomicBool,
}

impl<S: Source> Groups<S> {
    pub(super) fn new(devices: &[Device], in_a_row: usize) -> Self {
        Self {
            devices: devices.iter().map(Device::picture_groups).collect(),
            progressive: devices.iter().map(Device::progressive_groups).collect(),
            in_a_row,
            are_run: AtomicBool::new(false),
        }
    }

    /// Starts two threads for each GPU. If there cannot be one, each file is decoded for itself.
    pub(super) fn start(shared: &Arc<Shared<S>>) -> Vec<JoinHandle<()>> {
        let mut threads = Vec::new();
        let mut are_run = true;
        for (number, groups) in shared.groups.devices.iter().enumerate() {
            if groups.is_none() {
                continue;
            }
            for run in [Shared::run_groups, Shared::run_progressive] {
                shared.begin();
                let own = Arc::clone(shared);
                let thread = thread::Builder::new()
                    .name(format!("imagecuda group {number}"))
                    .spawn(move || run(&own, number));
                match thread {
                    Ok(thread) => threads.push(thread),
                    Err(_) => {
                        shared.retire(None);
                        are_run = false;
                    }
                }
            }
        }
        shared.groups.are_run.store(are_run, Ordering::Relaxed);
        threads
    }

    /// Whether source `index` may go into a group.
    pub(super) fn takes(&self, index: usize) -> bool {
        self.of(index).is_some() && self.are_run.load(Ordering::Relaxed)
    }

    /// The number of the device that source `index` is for.
    fn number(&self, index: usize) -> usize {
        index / self.in_a_row % self.devices.len()
    }

    /// The groups of the device that source `index` is for.
    fn of(&self, index: usize) -> &Option<PictureGroups<Pending<S>>> {
        &self.devices[self.number(index)]
    }

    /// Whether the device that source `index` is for has room for another progressive JPEG.
    pub(super) fn has_room(&self, index: usize) -> bool {
        let progressive = &self.progressive[self.number(index)];
        progressive
            .as_ref()
            .is_some_and(ProgressiveGroups::has_room)
    }

    /// Says that no more sources come.
    pub(super) fn close(&self) {
        self.devices.iter().flatten().for_each(PictureGroups::close);
        let progressive = self.progressive.iter().flatten();
        progressive.for_each(ProgressiveGroups::close);
    }
}

impl<S: Source> GroupMember for Pending<S> {
    fn file(&self) -> &[u8] {
        match (&self.staged, self.source.content()) {
            (Some(staged), _) => staged,
            (None, Content::Bytes(bytes)) => bytes,
            // The files of such sources are read.
            (None, Content::File(_)) => &[],
        }
    }

    fn decoded(&self) -> Option<DecodedPicture<'_>> {
        self.decoded.as_ref()?.for_group()
    }

    fn progressive(&mut self) -> Option<&mut ProgressiveJpeg> {
        self.decoded.as_mut()?.progressive()
    }

    fn image(&self) -> &Buffer<RgbaF32> {
        &self.image.buffer
    }

    fn takes_bytes(&self) -> bool {
        self.takes_bytes
    }
}

impl<S: Source> Pending<S> {
    /// Loads the file for itself, with entropy decoding on the host.
    fn load_alone(&mut self, loader: &Loader) -> Result<()> {
        let path = match self.source.content() {
            Content::File(path) => Some(path),
            Content::Bytes(_) => None,
        };
        let device = self.image.device().clone();
        let options = self.options.as_ref().unwrap_or(&loader.options).clone();
        let options = options.jpeg_decoder(JpegDecoder::Host);
        let file = FileBytes::from(self.file());
        let decoded = Job::new(&options, &device, &mut |_, _| Ok(())).open(file, path)?;
        self.metadata = decoded.metadata().clone();
        decoded.write_to(&mut self.image)
    }

    /// Completes the image, which a group has made, or has not.
    fn complete(&mut self, is_made: bool, shared: &Shared<S>) -> Result<()> {
        match self.decoded.take() {
            Some(decoded) if !is_made => decoded.write_to(&mut self.image)?,
            None if !is_made => return self.load_alone(&shared.loader),
            _ => {}
        }
        self.resample(&shared.budget)
    }

    /// Makes the image of a progressive JPEG whose blocks are found. If that fails, the picture has to be loaded
    /// for itself.
    fn make(&mut self) -> bool {
        let made = self
            .decoded
            .take()
            .map(|decoded| codec::caught(Error::decode, || decoded.write_to(&mut self.image)));
        matches!(made, Some(Ok(())))
    }

    /// Makes the decoded image smaller, if it is to be.
    fn resample(&mut self, budget: &Budget) -> Result<()> {
        let Some(resampling) = self.resampling else {
            return Ok(());
        };
        let (width, height) = resampling.size();
        let mut result = budget.small_image(self.image.device(), width, height)?;
        resampling.write(&self.image, &mut result)?;
        // A later image may have the memory, in the order of the device's stream.
        self.slot
            .give_back(std::mem::replace(&mut self.image, result));
        Ok(())
    }

    fn end(mut self, is_made: bool, shared: &Shared<S>) -> (usize, Outcome<S>) {
        let completed = codec::caught(Error::decode, || self.complete(is_made, shared));
        let result = completed.map_err(|error| match self.source.content() {
            Content::File(path) => error.with_path(path),
            Content::Bytes(_) => error,
        });
        let result = result.map(|()| (self.image, self.metadata));
        let mut outcome = Outcome::new(self.source, result, self.slot);
        if let Ok(image) = &mut outcome.result {
            image.holds_bytes = is_made && self.takes_bytes;
        }
        (self.index, outcome)
    }
}

type PendingSender<S> = mpsc::Sender<Vec<Pending<S>>>;

/// A thread for the pictures that the kernels gave up. It starts with the first of them, so that
/// the others of a batch do not wait.
struct Redo<S> {
    thread: Option<(PendingSender<S>, JoinHandle<()>)>,
}

impl<S> Default for Redo<S> {
    fn default() -> Self {
        Self { thread: None }
    }
}

impl<S: Source> Redo<S> {
    fn add(&mut self, shared: &Arc<Shared<S>>, pictures: Vec<Pending<S>>) {
        if self.thread.is_none() {
            let (sender, receiver) = mpsc::channel::<Vec<Pending<S>>>();
            let own = Arc::clone(shared);
            let thread = thread::Builder::new().name("imagecuda redo".into());
            let thread = thread.spawn(move || {
                while let Ok(pictures) = receiver.recv() {
                    let more = receiver.try_iter().flatten();
                    own.redo(pictures.into_iter().chain(more).collect());
                }
            });
            self.thread = thread.ok().map(|thread| (sender, thread));
        }
        let rest = match &self.thread {
            Some((sender, _)) => sender.send(pictures).err().map(|error| error.0),
            None => Some(pictures),
        };
        if let Some(pictures) = rest {
            shared.redo(pictures);
        }
    }

    /// Waits for all pictures. Returns the panic of the caller's code, if there was one.
    fn end(self) -> Option<Box<dyn Any + Send>> {
        let (sender, thread) = self.thread?;
        drop(sender);
        thread.join().err()
    }
}

impl<S: Source> Shared<S> {
    /// Decodes pictures on the host, on all cores.
    fn redo(&self, pictures: Vec<Pending<S>>) {
        parallel::for_each(pictures.into_iter(), |pending| {
            self.deliver([pending.end(false, self)]);
        });
    }

    /// Adds a source to a group of its device.
    pub(super) fn add_to_group(&self, planned: Planned, mut pending: Pending<S>) {
        let mut start = Instant::now();
        let Some(groups) = self.groups.of(pending.index) else {
            return;
        };
        let Planned {
            jpeg,
            conversion,
            size,
            ..
        } = planned;
        // There is room, so this cannot fail.
        let _ = pending.image.reshape(size.0, size.1);
        if let Err(pending) = groups.add(jpeg, conversion.as_ref(), pending) {
            // There is no memory for a group. It says so again, or there is for one file.
            self.deliver([pending.end(false, self)]);
        }
        add_elapsed(&mut start, &self.times.upload);
    }

    /// Adds a source whose pixels are decoded to a group of its device.
    pub(super) fn add_decoded(&self, mut pending: Pending<S>) {
        let size = pending.decoded.as_ref().map(|d| d.expanded_size());
        if let (Some((width, height)), Some(groups)) = (size, self.groups.of(pending.index)) {
            // There is room, so this cannot fail.
            let _ = pending.image.reshape(width, height);
            groups.add_decoded(pending);
        }
    }

    /// Adds a progressive JPEG to those of its device whose blocks a kernel finds.
    pub(super) fn add_progressive(&self, mut pending: Pending<S>) {
        pending.slot.wait();
        if let Some(groups) = &self.groups.progressive[self.groups.number(pending.index)] {
            groups.add(pending);
        }
    }

    /// The loop of the thread of a device for progressive JPEGs.
    fn run_progressive(self: &Arc<Self>, number: usize) {
        let mut redo = Redo::default();
        let worked = panic::catch_unwind(AssertUnwindSafe(|| {
            let Some(groups) = &self.groups.progressive[number] else {
                return;
            };
            groups.run(|pictures| {
                let mut start = Instant::now();
                for (mut pending, is_found) in pictures {
                    pending.slot.end_wait();
                    if is_found && pending.make() {
                        self.deliver([pending.end(true, self)]);
                    } else {
                        // What there is of it is of no use.
                        pending.decoded = None;
                        redo.add(self, vec![pending]);
                    }
                }
                add_elapsed(&mut start, &self.times.upload);
            });
        }));
        let panic = worked.err().or(redo.end());
        self.retire(panic);
    }

    /// The loop of the thread of a device.
    fn run_groups(self: &Arc<Self>, number: usize) {
        let mut redo = Redo::default();
        let worked = panic::catch_unwind(AssertUnwindSafe(|| {
            let Some(groups) = &self.groups.devices[number] else {
                return;
            };
            groups.run(|pictures| {
                let (decoded, other): (Vec<_>, Vec<_>) = pictures.into_iter().partition(|p| p.1);
                // Collected first: what makes them smaller is launched without the lock.
                let decoded = decoded.into_iter().map(|(p, _)| p.end(true, self));
                self.deliver(decoded.collect::<Vec<_>>());
                if !other.is_empty() {
                    redo.add(
                        self,
                        other.into_iter().map(|(pending, _)| pending).collect(),
                    );
                }
            });
        }));
        let panic = worked.err().or(redo.end());
        self.retire(panic);
    }
}
