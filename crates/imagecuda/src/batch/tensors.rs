//! Batches of tensors, whose memory is used again.

use super::{Images, Loader, PooledImage, Source, loader::Kept};
use crate::{Device, Error, Result, Tensor, TensorOptions, device::PendingPicture};
use std::{
    fmt,
    iter::FusedIterator,
    sync::{Arc, Mutex, PoisonError},
};

impl Loader {
    /// Loads files to tensors of `batch_size` pictures each, at least 1, in the order of the sources. The
    /// options must have a [`size`](TensorOptions::size), which all pictures get. The last tensor has the
    /// pictures that are left.
    ///
    /// With several devices, each tensor is on the next one. Images that are
    /// [`unordered`](Self::unordered) come in any order here too. Where a device fails while it makes
    /// pictures together, that is the error of the whole batch, and the last item.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, TensorOptions, batch::Loader};
    ///
    /// # let device = Device::cpu();
    /// # let folder = tempfile::tempdir()?;
    /// # let files: Vec<_> = (0..3).map(|i| folder.path().join(format!("{i}.png"))).collect();
    /// # for file in &files { imagecuda::save(&imagecuda::Image::new(&device, 8, 6)?, file)?; }
    /// let options = TensorOptions::new().size(224, 224);
    /// for batch in Loader::new(&device).tensors(files, &options, 256) {
    ///     let batch = batch?;
    ///     for (file, result) in batch.results() {
    ///         if let Err(error) = result {
    ///             eprintln!("{}: {error}", file.display()); // its picture is zeros
    ///         }
    ///     }
    ///     // … train with batch.tensor() …
    ///     # assert_eq!(batch.tensor().shape(), [3, 3, 224, 224]);
    /// } // the batch is dropped, and a later one gets its memory
    /// # Ok(())
    /// # }
    /// ```
    pub fn tensors<I>(
        &self,
        sources: I,
        options: &TensorOptions,
        batch_size: usize,
    ) -> Tensors<I::Item>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Source,
    {
        let batch_size = batch_size.max(1);
        let mut loader = self.clone().keeping(Kept::ForTensors);
        loader.in_a_row = batch_size;
        Tensors {
            images: Some(loader.load(sources)),
            options: *options,
            batch_size,
            devices: loader.devices,
            next_device: 0,
            skips_failures: false,
            idle: Arc::default(),
        }
    }
}

/// The tensors of many files, from [`Loader::tensors`].
///
/// An item is an error only if a tensor cannot be had: for options without a size, without memory for it,
/// or if the device fails. It is the last item then. What is wrong with a file is in [`TensorBatch::results`].
pub struct Tensors<S> {
    /// `None` at the end.
    images: Option<Images<S>>,
    options: TensorOptions,
    batch_size: usize,
    devices: Vec<Device>,
    next_device: usize,
    skips_failures: bool,
    idle: Arc<Idle>,
}

/// Tensors that the consumer has dropped.
#[derive(Default)]
struct Idle(Mutex<Vec<Tensor>>);

impl Idle {
    /// A tensor of the device, if there is one.
    fn take(&self, device: &Device) -> Option<Tensor> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|tensor| tensor.device() == device)?;
        Some(idle.swap_remove(at))
    }

    fn put(&self, tensor: Tensor) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(tensor);
    }
}

/// A source, and the width and the height of its picture before it was resampled, or its error.
pub type TensorResult<S> = (S, Result<(u32, u32)>);

/// A tensor of a batch, and what became of its files. Dropping it lets the loader use its memory for a
/// later one.
pub struct TensorBatch<S> {
    /// `None` only while dropping.
    tensor: Option<Tensor>,
    results: Vec<TensorResult<S>>,
    idle: Arc<Idle>,
}

impl<S> TensorBatch<S> {
    /// The pictures.
    pub fn tensor(&self) -> &Tensor {
        self.tensor.as_ref().expect("there until dropped")
    }

    /// The sources in order, each with the width and the height that its picture had, or with its error.
    ///
    /// A file with an error is a picture of zeros in the tensor. So result `n` is that of picture `n`, unless
    /// [failures are skipped](Tensors::skip_failures): then a file with an error has no picture.
    pub fn results(&self) -> &[TensorResult<S>] {
        &self.results
    }

    /// Takes the tensor and the results out of the batch. The loader allocates another tensor in its place.
    pub fn into_parts(mut self) -> (Tensor, Vec<TensorResult<S>>) {
        let tensor = self.tensor.take().expect("there until dropped");
        (tensor, std::mem::take(&mut self.results))
    }
}

impl<S> Drop for TensorBatch<S> {
    fn drop(&mut self) {
        if let Some(tensor) = self.tensor.take() {
            self.idle.put(tensor);
        }
    }
}

impl<S: Source> Tensors<S> {
    /// Leaves files with an error out of the tensors: later files take their places. Their errors are
    /// among the results all the same. Where only such files are left, the last tensor has no pictures.
    pub fn skip_failures(mut self) -> Self {
        self.skips_failures = true;
        self
    }

    /// The next batch; `None` at the end of the images.
    fn batch(&mut self) -> Result<Option<TensorBatch<S>>> {
        let Some(images) = &mut self.images else {
            return Ok(None);
        };
        // Before the first image is waited for: wrong options show at once.
        let device = self.devices[self.next_device % self.devices.len()].clone();
        let mut tensor = match self.idle.take(&device) {
            Some(tensor) => tensor,
            None => Tensor::new(&device, self.batch_size, &self.options)?,
        };
        tensor.set_pictures(self.batch_size);
        let (mut results, mut pictures) = (Vec::new(), 0);
        let mut together = Together::default();
        while pictures < self.batch_size {
            // Those that are there are made together, without waiting for more. If that fails, it is
            // nobody's failure alone.
            let ready = match together.pictures.len() {
                MOST_TOGETHER => None,
                _ => images.next_if_ready(),
            };
            let next = match ready {
                Some(next) => Some(next),
                None => {
                    together.make(&mut tensor)?;
                    images.next()
                }
            };
            let Some((source, image)) = next else {
                break;
            };
            let fill = |image| together.add(image, &self.options, &mut tensor, pictures);
            let result = image.and_then(fill);
            match (&result, self.skips_failures) {
                (Ok(_), _) => pictures += 1,
                (Err(_), true) => {}
                (Err(_), false) => {
                    tensor.clear(pictures..pictures + 1)?;
                    pictures += 1;
                }
            }
            results.push((source, result));
        }
        together.make(&mut tensor)?;
        if results.is_empty() {
            return Ok(None);
        }
        tensor.set_pictures(pictures);
        self.next_device += 1;
        Ok(Some(TensorBatch {
            tensor: Some(tensor),
            results,
            idle: Arc::clone(&self.idle),
        }))
    }
}

/// Images that become pictures of a tensor together: in one launch, or on all cores.
#[derive(Default)]
struct Together {
    pictures: Vec<(PooledImage, PendingPicture)>,
}

/// The most images of a launch. While they wait, the loader lacks their memory.
const MOST_TOGETHER: usize = 32;

impl Together {
    /// Makes an image a picture of the tensor, or lets it wait. Returns the size that it had.
    fn add(
        &mut self,
        mut image: PooledImage,
        options: &TensorOptions,
        tensor: &mut Tensor,
        picture: usize,
    ) -> Result<(u32, u32)> {
        let size = image.dimensions();
        let device = tensor.device().clone();
        if image.holds_bytes {
            if image.device() == &device
                && let Some(pending) = image.start_picture_of_bytes(options, tensor, picture)?
            {
                self.pictures.push((image, pending));
                return Ok(size);
            }
            image.expand_bytes()?;
            image.holds_bytes = false;
        }
        if image.device() != &device {
            // Skipped failures move images to the tensors of other devices.
            let moved = image.to_device(&device)?;
            moved.to_tensor_into(options, tensor, picture)?;
            return Ok(size);
        }
        if let Some(pending) = image.start_picture(options, tensor, picture)? {
            self.pictures.push((image, pending));
        }
        Ok(size)
    }

    /// Makes the pictures of all images that wait.
    fn make(&mut self, tensor: &mut Tensor) -> Result<()> {
        let pictures = self
            .pictures
            .iter()
            .map(|(image, pending)| (&**image, pending));
        let made = tensor.make(&pictures.collect::<Vec<_>>());
        self.pictures.clear();
        made
    }
}

impl<S: Source> Iterator for Tensors<S> {
    type Item = Result<TensorBatch<S>>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch: Result<_, Error> = self.batch();
        if !matches!(batch, Ok(Some(_))) {
            self.images = None;
        }
        batch.transpose()
    }
}

impl<S: Source> FusedIterator for Tensors<S> {}

impl<S> fmt::Debug for Tensors<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tensors")
            .field("options", &self.options)
            .field("batch_size", &self.batch_size)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for TensorBatch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorBatch")
            .field("tensor", &self.tensor)
            .field("results", &self.results.len())
            .finish()
    }
}
