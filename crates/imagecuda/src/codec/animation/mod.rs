//! Writes animations.

#[cfg(any(feature = "gif", feature = "webp"))]
mod parts;

#[cfg(any(feature = "gif", feature = "webp"))]
pub(super) use self::parts::{Clock, Rect, sixteen_bits};

use crate::{Error, Format, Result, SaveOptions, picture::Pixels};
use std::{num::NonZeroU32, time::Duration};

/// An animation that is being written. Its file is built in memory.
pub(crate) trait AnimationWriter: Send {
    /// Adds a frame, which has the size of the first and the layout of [`encoder_input`]. After an
    /// error nothing is added.
    ///
    /// [`encoder_input`]: crate::codec::encoder_input
    fn push(&mut self, pixels: Pixels<'_>, delay: Duration) -> Result<()>;

    /// Finishes the file. There is at least one frame.
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}

/// Starts an animation that is played `loop_count` times. `None` means for ever.
pub(crate) fn open(
    format: Format,
    options: &SaveOptions,
    loop_count: Option<NonZeroU32>,
) -> Result<Box<dyn AnimationWriter>> {
    let sequence = super::codec_of(format)?.sequence.as_ref();
    match sequence.and_then(|sequence| sequence.write) {
        Some(write) => write(options, loop_count),
        None => Err(Error::unsupported(format!(
            "writing {format} animations; GIF and WebP can be written"
        ))),
    }
}
