//! Files with several pictures: animations, whose frames are composed on a canvas, and documents of
//! several pages. Each picture is decoded only when it is needed.

use super::{Decode, contract::SequenceCodec};
use crate::{Error, ErrorKind, Format, Limits, LoadOptions, Result};
use std::{num::NonZeroU32, time::Duration};

/// The pictures of a file, in order.
pub(crate) trait Sequence: Send {
    /// The next picture, and how long it is shown. Returns the same picture until
    /// [`skip`](Self::skip). `None` after the last.
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>>;

    /// Skips the next picture, and returns how long it is shown. `None` after the last.
    fn skip(&mut self) -> Result<Option<Duration>>;

    /// The bytes that contain the metadata of the next picture.
    fn bytes(&mut self) -> &[u8];

    /// How often the animation is played. `None` means for ever.
    fn loop_count(&self) -> Option<NonZeroU32> {
        Some(NonZeroU32::MIN)
    }

    /// Whether the first picture is the one that [`open`](super::open) decodes.
    fn begins_with_still(&self) -> bool {
        true
    }
}

/// Opens `bytes`, a file of `format`, and checks its first header against `limits`. If the file is
/// `damaged` after the header, the error comes with the picture.
pub(crate) fn open(
    format: Format,
    bytes: Vec<u8>,
    options: &LoadOptions,
) -> Result<Box<dyn Sequence>> {
    let (limits, damaged, layer) = (options.limits, options.recover, options.layer.as_deref());
    let header = super::caught(Error::decode, || {
        let header = super::open_layer(format, &bytes, layer, &limits, false)?.header();
        // Each page of a document is checked when it is decoded.
        if format != Format::Tiff {
            super::check(&header, &limits)?;
        }
        Ok(header)
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

/// How many pictures a file has, by its structure.
pub(crate) fn count(format: Format, bytes: &[u8]) -> Result<u32> {
    #[cfg(test)]
    super::panics::torn("count", bytes);
    let sequence = sequence_of(format, bytes)?;
    Ok(sequence.map_or(1, |sequence| (sequence.count)(bytes).max(1)))
}

/// The functions for a file with several pictures. `None` if the file has one.
fn sequence_of(format: Format, bytes: &[u8]) -> Result<Option<&'static SequenceCodec>> {
    let sequence = super::codec_of(format)?.sequence.as_ref();
    Ok(sequence.filter(|sequence| (sequence.is_sequence)(bytes)))
}

/// A file with one picture.
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
