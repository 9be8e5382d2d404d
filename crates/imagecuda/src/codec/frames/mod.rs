//! Files of several pictures: animations, composed on their canvas, and pages. Nothing is
//! decoded before it is asked for.

#[cfg(feature = "png")]
pub(super) mod apng;
#[cfg(any(feature = "gif", feature = "png"))]
mod canvas;
mod count;
#[cfg(feature = "gif")]
mod gif;
#[cfg(feature = "tiff")]
mod pages;
#[cfg(feature = "webp")]
mod webp;
pub(crate) mod write;

pub(crate) use self::count::count;

use super::{Decode, Header};
use crate::{ErrorKind, Format, Limits, Result};
use imagecuda_kernels::layout::Layout;
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// The pictures of one file, in order.
pub(crate) trait Sequence: Send {
    /// The next picture and how long it is shown: the same again until [`skip`](Self::skip).
    /// `None` after the last.
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>>;

    /// Goes past the next picture. Whether there was one.
    fn skip(&mut self) -> Result<bool>;

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

/// Reads the header of `bytes`, which are in `format`, and holds it against `limits`. What is
/// `damaged` behind its header shows when it is its turn.
pub(crate) fn open(
    format: Format,
    bytes: Vec<u8>,
    limits: &Limits,
    damaged: bool,
) -> Result<Box<dyn Sequence>> {
    let limits = *limits;
    let header = super::open(format, &bytes, &limits).map(|picture| picture.header());
    let header = match header {
        Ok(header) => header,
        Err(error) if damaged && matches!(error.kind(), ErrorKind::Decode(_)) => {
            super::open_damaged(format, &bytes, &limits)?;
            return Ok(Box::new(Still {
                format,
                bytes,
                limits,
                left: true,
            }));
        }
        Err(error) => return Err(error),
    };
    let open = || -> Result<Box<dyn Sequence>> {
        Ok(match format {
            #[cfg(feature = "gif")]
            Format::Gif => Box::new(gif::Frames::new(bytes.into(), limits, header)?),
            #[cfg(feature = "png")]
            Format::Png if apng::is_animated(&bytes) => {
                Box::new(apng::Frames::new(bytes.into(), limits, header)?)
            }
            #[cfg(feature = "tiff")]
            Format::Tiff => Box::new(pages::Pages::new(bytes, limits)?),
            #[cfg(feature = "webp")]
            Format::WebP if super::webp_anim::is_animated(&bytes) => {
                Box::new(webp::Frames::new(bytes.into(), header, damaged)?)
            }
            _ => Box::new(Still {
                format,
                bytes,
                limits,
                left: true,
            }),
        })
    };
    open().map_err(|error| error.with_format(format))
}

/// A file's bytes, of which decoders keep a share. They never change.
#[derive(Clone)]
pub(super) struct Bytes(Arc<Vec<u8>>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A file of one picture.
struct Still {
    format: Format,
    bytes: Vec<u8>,
    limits: Limits,
    left: bool,
}

impl Sequence for Still {
    fn peek(&mut self) -> Result<Option<(Box<dyn Decode + '_>, Duration)>> {
        if !self.left {
            return Ok(None);
        }
        let picture = super::open(self.format, &self.bytes, &self.limits)?;
        Ok(Some((picture, Duration::ZERO)))
    }

    fn bytes(&mut self) -> &[u8] {
        &self.bytes
    }

    fn skip(&mut self) -> Result<bool> {
        Ok(std::mem::replace(&mut self.left, false))
    }
}

/// A composed frame. All but the layout of its pixels is what the file's first picture says.
struct Composed<'a> {
    first: Header,
    layout: Layout,
    canvas: &'a [u8],
}

impl Decode for Composed<'_> {
    fn header(&self) -> Header {
        Header {
            layout: self.layout,
            ..self.first
        }
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(self.canvas);
        Ok(())
    }
}
