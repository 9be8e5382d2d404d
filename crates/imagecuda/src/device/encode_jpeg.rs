//! Who encodes JPEG files: a GPU's kernels, or these on the host.

use super::Buffer;
use super::cuda;
use crate::{Device, JpegEncoder, Result, jpeg::encode::Encoding};
use imagecuda_kernels::{
    jpeg::encode::{sample, twin},
    pack::{self, Background},
    pixel::RgbaF32,
};
use std::ops::Deref;

/// Pixels of a picture from which on a GPU's kernels encode it faster than the host.
const WORTH_LAUNCHES: usize = 1 << 16;

/// A file's entropy-coded data, on their way.
#[derive(Debug)]
pub(crate) enum Coding {
    Host(Vec<u8>),
    Cuda(Box<cuda::Coding>),
}

/// A file's entropy-coded data.
#[derive(Debug)]
pub(crate) enum Coded {
    Host(Vec<u8>),
    Cuda(cuda::Coded),
}

impl Deref for Coded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Host(bytes) => bytes,
            Self::Cuda(bytes) => bytes,
        }
    }
}

impl Device {
    /// Whether kernels are to encode a picture of so many pixels.
    pub(crate) fn encodes_jpeg(&self, encoder: JpegEncoder, pixels: usize) -> bool {
        match encoder {
            JpegEncoder::Auto => self.is_cuda() && pixels >= WORTH_LAUNCHES,
            JpegEncoder::Host => false,
            JpegEncoder::Kernels => true,
        }
    }
}

impl Buffer<RgbaF32> {
    /// Starts to encode the first pixels, flattened onto `background`. They may be changed at once.
    pub(crate) fn start_jpeg(
        &self,
        encoding: &mut Encoding,
        background: Background,
    ) -> Result<Coding> {
        let frame = encoding.frame;
        match self {
            Self::Cpu(pixels) => {
                let pixels = &pixels[..frame.width as usize * frame.height as usize];
                let ycc = |&pixel: &RgbaF32| sample::ycc(pack::rgb8(pixel, background));
                let ycc: Vec<u32> = pixels.iter().map(ycc).collect();
                let pixel = |x: u32, y: u32| ycc[y as usize * frame.width as usize + x as usize];
                let coefficients = twin::forward(&frame, &encoding.divisors(), pixel);
                if encoding.is_optimized {
                    encoding.optimize(&twin::histogram(&frame, &coefficients));
                }
                let data = twin::encode(&frame, &coefficients, &encoding.codes());
                Ok(Coding::Host(data))
            }
            Self::Cuda(pixels) => {
                let coding = pixels.start_jpeg(encoding, background)?;
                Ok(Coding::Cuda(Box::new(coding)))
            }
        }
    }
}

impl Coding {
    /// Waits for the data. Makes tables for them, if `encoding` is to have such.
    pub(crate) fn finish(self, encoding: &mut Encoding) -> Result<Coded> {
        match self {
            Self::Host(bytes) => Ok(Coded::Host(bytes)),
            Self::Cuda(coding) => coding.finish(encoding).map(Coded::Cuda),
        }
    }
}
