//! Many files: loaded, worked on and saved by all cores, with bounded memory.
//!
//! - [`Loader`] turns paths or bytes into images on a device, in order, several at a time.
//! - [`Loader::tensors`] turns them into tensors of many pictures, for models.
//! - [`Saver`] turns images into files, several at a time.
//! - [`Pipeline`] is both with your work between them.
//! - [`Numbered`] names the files of a sequence, [`Shard`] takes the part of a list that is this
//!   machine's.
//!
//! Every file has its own result, so one bad file does not end a batch. The results equal those of
//! single calls, bit for bit.
//!
//! ```
//! # fn main() -> imagecuda::Result<()> {
//! use imagecuda::{Device, Format, Image, batch, encode};
//!
//! # let device = Device::cpu();
//! # let folder = tempfile::tempdir()?;
//! # let paths: Vec<_> = (0..3).map(|i| folder.path().join(format!("{i}.png"))).collect();
//! # for path in &paths { imagecuda::save(&Image::new(&device, 8, 8)?, path)?; }
//! for (path, image) in batch::Loader::new(&device).load(paths) {
//!     match image {
//!         Ok(image) => println!("{}: {}x{}", path.display(), image.width(), image.height()),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod budget;
mod grouped;
mod images;
mod loader;
mod loading;
mod pipeline;
mod pooled_image;
mod report;
mod saver;
mod sequence;
mod shard;
mod source;
mod tensors;
mod times;
mod with_options;

pub use self::{
    images::Images,
    loader::Loader,
    pipeline::Pipeline,
    pooled_image::PooledImage,
    report::{Busy, Event, Failure, Outcome, Progress, Report},
    saver::{Saved, Saver},
    sequence::Numbered,
    shard::Shard,
    source::{Content, Source},
    tensors::{TensorBatch, TensorResult, Tensors},
};

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Ends a batch early, from any thread or from a signal handler. All clones are the same token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Creates a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every batch that has the token. Files that are being processed are finished, and no
    /// further file is started.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The default number of threads: one per core.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The default limit of bytes in flight.
const BYTES: u64 = 8 << 30;
