//! Files of several pictures: animations, composed on their canvas, and pages. Nothing is
//! decoded before it is asked for.

use super::{Decode, contract::SequenceCodec};
use crate::{Error, ErrorKind, Format, Limits, LoadOptions, Result};
use std::{num::NonZeroU32, time::Duration};

/// The pictures of one file, in order.
pub(crate) trait Sequence: Send {
    /// The next picture and how long it is shown: the same again until [`skip`](Self::skip).
    /// `None` after the last.
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>>;

    /// Goes past the next picture. How long it is shown; `None` if there was none.
    fn skip(&mut self) -> Result<Option<Duration>>;

    /// The file's bytes as they are read for the next picture, whose metadata they have.
    fn bytes(&mut self) -> &[u8];

    /// How often the animation is played; `None` is for ever.
    fn loop_count(&self) -> Option<NonZeroU32> {
        Some(NonZeroU32::MIN)
    }

    /// Whether the first picture is the one that [`open`](super::open) gives.
    fn begins_with_still(&self) -> bool {
        true
    }
}

/// Reads the header of `bytes`, which are in `format`, and holds it against the limits. What is
/// damaged behind its header shows when it is its turn.
pub(crate) fn open(
    format: Format,
    bytes: Vec<u8>,
    options: &LoadOptions,
) -> Result<Box<dyn Sequence>> {
    let (limits, damaged, layer) = (options.limits, options.recover, options.layer.as_deref());
    let header = super::caught(Error::decode, || {
        Ok(super::open_layer(format, &bytes, layer, &limits, false)?.header())
    });
    let header = match header {
        Ok(header) => Some(header),
        Err(error) if damaged && matches!(error.kind(), ErrorKind::Decode(_)) => {
            super::open_layer(format, &bytes, layer, &limits, true)?;
            None
        }
        Err(error) => return Err(error),
    };
    let sequence = sequence_of(format, &bytes)?;
    match (sequence, header) {
        (Some(sequence), Some(header)) => (sequence.open)(bytes, &limits, header, damaged)
            .map_err(|error| error.with_format(format)),
        _ => Ok(Box::new(Still {
            format,
            bytes,
            layer: layer.map(str::to_owned),
            limits,
            left: true,
        })),
    }
}

/// How many pictures a file has, by its structure alone.
pub(crate) fn count(format: Format, bytes: &[u8]) -> Result<u32> {
    #[cfg(test)]
    super::panics::torn("count", bytes);
    let sequence = sequence_of(format, bytes)?;
    Ok(sequence.map_or(1, |sequence| (sequence.count)(bytes).max(1)))
}

/// How to read a file's pictures, if there may be several.
fn sequence_of(format: Format, bytes: &[u8]) -> Result<Option<&'static SequenceCodec>> {
    let sequence = super::codec_of(format)?.sequence.as_ref();
    Ok(sequence.filter(|sequence| (sequence.is_sequence)(bytes)))
}

/// A file of one picture.
struct Still {
    format: Format,
    bytes: Vec<u8>,
    layer: Option<String>,
    limits: Limits,
    left: bool,
}

impl Sequence for Still {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        if !self.left {
            return Ok(None);
        }
        let picture = super::open_layer(
            self.format,
            &self.bytes,
            self.layer.as_deref(),
            &self.limits,
            false,
        )?;
        Ok(Some((picture, Duration::ZERO)))
    }

    fn bytes(&mut self) -> &[u8] {
        &self.bytes
    }

    fn skip(&mut self) -> Result<Option<Duration>> {
        #[cfg(test)]
        super::panics::torn("skip", &self.bytes);
        Ok(std::mem::replace(&mut self.left, false).then_some(Duration::ZERO))
    }
}
