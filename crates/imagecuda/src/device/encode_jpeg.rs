//! Encodes JPEG with kernels on a GPU, or with their emulation on the CPU.

use super::{Buffer, GPU_MIN_PIXELS, cuda};
use crate::{Device, JpegEncoder, Result, jpeg::encode::Encoding};
use imagecuda_kernels::{
    jpeg::encode::{cpu_emulation, sample},
    pack::{self, Background},
    pixel::RgbaF32,
};
use std::ops::Deref;

/// The entropy-coded data of a file, which are still being encoded.
#[derive(Debug)]
pub(crate) enum PendingJpeg {
    Host(Vec<u8>),
    Cuda(Box<cuda::PendingJpeg>),
}

/// The entropy-coded data of a file.
#[derive(Debug)]
pub(crate) enum EncodedJpeg {
    Host(Vec<u8>),
    Cuda(cuda::EncodedJpeg),
}

impl Deref for EncodedJpeg {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Host(bytes) => bytes,
            Self::Cuda(bytes) => bytes,
        }
    }
}

impl Device {
    /// Whether kernels encode a picture of `pixels` pixels.
    pub(crate) fn encodes_jpeg(&self, encoder: JpegEncoder, pixels: usize) -> bool {
        match encoder {
            JpegEncoder::Auto => self.is_cuda() && pixels >= GPU_MIN_PIXELS,
            JpegEncoder::Host => false,
            JpegEncoder::Kernels => true,
        }
    }
}

impl Buffer<RgbaF32> {
    /// Starts to encode the first pixels, flattened onto `background`. The buffer may be changed at
    /// once.
    pub(crate) fn start_jpeg(
        &self,
        encoding: &mut Encoding,
        background: Background,
    ) -> Result<PendingJpeg> {
        let frame = encoding.frame;
        match self {
            Self::Cpu(pixels) => {
                let pixels = &pixels[..frame.width as usize * frame.height as usize];
                let ycc = |&pixel: &RgbaF32| sample::ycc(pack::rgb8(pixel, background));
                let ycc: Vec<u32> = pixels.iter().map(ycc).collect();
                let pixel = |x: u32, y: u32| ycc[y as usize * frame.width as usize + x as usize];
                let coefficients = cpu_emulation::forward(&frame, &encoding.divisors(), pixel);
                if encoding.is_progressive {
                    let scans = encoding.scans_of(coefficients.blocks.as_flattened())?;
                    return Ok(PendingJpeg::Host(scans));
                }
                if encoding.is_optimized {
                    encoding.optimize(&cpu_emulation::histogram(&frame, &coefficients));
                }
                let data = cpu_emulation::encode(&frame, &coefficients, &encoding.codes());
                Ok(PendingJpeg::Host(data))
            }
            Self::Cuda(pixels) => {
                let pending = pixels.start_jpeg(encoding, background)?;
                Ok(PendingJpeg::Cuda(Box::new(pending)))
            }
        }
    }
}

impl PendingJpeg {
    /// Waits for the data. If `encoding` asks for optimised tables, first makes these.
    pub(crate) fn finish(self, encoding: &mut Encoding) -> Result<EncodedJpeg> {
        match self {
            Self::Host(bytes) => Ok(EncodedJpeg::Host(bytes)),
            Self::Cuda(pending) => pending.finish(encoding).map(EncodedJpeg::Cuda),
        }
    }
}
