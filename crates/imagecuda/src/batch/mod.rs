//! Many files: loaded, worked on and saved by all cores, with bounded memory.
//!
//! - [`Loader`] turns paths or bytes into images on a device, in order, several at a time.
//! - [`Saver`] turns images into files, several at a time.
//! - [`Pipeline`] is both with your work between them.
//! - [`Numbered`] names the files of a sequence, [`Shard`] takes the part of a list that is this
//!   machine's.
//!
//! A file that cannot be read or written is an error of that file alone. Results are the same,
//! bit for bit, as those of single calls.
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
mod images;
mod loader;
mod pipeline;
mod pooled_image;
mod report;
mod saver;
mod sequence;
mod shard;
mod source;
mod times;

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
};

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Ends a batch early, from any thread or from a signal handler. All clones are one token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends what the token was given to: nothing more is begun, and what was begun is finished.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The threads that a batch has by default: one a core.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The bytes that a batch has in flight by default.
const BYTES: u64 = 8 << 30;
