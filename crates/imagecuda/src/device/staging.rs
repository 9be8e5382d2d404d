//! The data that pass between a codec and a device.

use super::{Inner, Planes, cuda, planes};
use crate::{Device, Result, memory::Pageable};
use imagecuda_kernels::pixel::RgbaF32;
use std::ops::{Deref, DerefMut};

/// A decoded file, ready for its device.
#[cfg_attr(
    not(any(feature = "heif", feature = "webp")),
    allow(dead_code, reason = "for HEIF and WebP")
)]
#[derive(Debug)]
pub(crate) enum Payload {
    /// Pixels in the file's own layout.
    Pixels(Staging),
    /// The coefficients of a JPEG, which are on the device already.
    Jpeg(cuda::Coefficients),
    /// All pixels of the new image.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
    Image(cuda::Buffer<RgbaF32>),
    /// A JPEG that goes up with others of a batch.
    Planned(cuda::PlannedJpeg),
    /// A progressive one. Once a kernel has found its blocks, it is as good as its coefficients.
    Progressive(Box<cuda::ProgressiveJpeg>),
    /// Pixels in the layout that the host decodes to, on the device already.
    Png(cuda::PngPixels),
    /// Planes of luma and chroma.
    Planes(Planes),
    /// The same, decoded by video engines, and on the device already.
    Video(cuda::VideoFrames),
}

impl Payload {
    /// The size in bytes.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "for spans"))]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Pixels(pixels) => pixels.len(),
            Self::Jpeg(coefficients) => coefficients.bytes(),
            Self::Image(pixels) => pixels.len() * size_of::<RgbaF32>(),
            Self::Planned(jpeg) => jpeg.bytes(),
            Self::Progressive(jpeg) => jpeg.bytes(),
            Self::Png(pixels) => pixels.bytes(),
            Self::Planes(planes) => planes.memory.len(),
            Self::Video(frames) => frames.bytes(),
        }
    }

    /// Whether 8 bits would lose some of the pixels that are made of a file of 8 bits.
    pub(crate) fn has_fractions(&self) -> bool {
        match self {
            Self::Planes(planes) => !planes::has_eight_bits(&planes.picture),
            Self::Video(frames) => !planes::has_eight_bits(&frames.picture),
            _ => false,
        }
    }
}

/// Host memory that a device reads and writes at full speed. Decoders write straight into it.
#[derive(Debug)]
pub(crate) enum Staging {
    Pageable(Pageable),
    Pinned(cuda::Pinned),
}

impl Device {
    /// Allocates `len` bytes of staging memory, with any values.
    pub(crate) fn staging(&self, len: usize) -> Result<Staging> {
        match self.inner() {
            Inner::Cpu => Pageable::new(len).map(Staging::Pageable),
            Inner::Cuda(context) => context.pinned(len).map(Staging::Pinned),
        }
    }
}

impl Staging {
    /// Waits until the device has written all bytes.
    pub(crate) fn wait(&mut self) -> Result<()> {
        match self {
            Self::Pageable(_) => Ok(()),
            Self::Pinned(bytes) => bytes.wait(),
        }
    }
}

impl Deref for Staging {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Pageable(bytes) => bytes,
            Self::Pinned(bytes) => bytes,
        }
    }
}

impl DerefMut for Staging {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Pageable(bytes) => bytes,
            Self::Pinned(bytes) => bytes,
        }
    }
}
