//! Encoding PNG by kernels: on a GPU, or their emulation on the CPU.

use super::{Buffer, Device, GPU_MIN_PNG_PIXELS, cuda};
use crate::{PngEncoder, Result};
use imagecuda_kernels::{
    pack::{Background, Packing},
    pixel::RgbaF32,
    png::encode::{cpu_emulation, scanlines::Scanlines},
};

/// The compressed stream of a file that is being encoded.
#[derive(Debug)]
pub(crate) enum PendingPng {
    Host(cpu_emulation::Encoded),
    Cuda(Box<cuda::PendingPng>),
}

/// A file's compressed stream.
#[derive(Debug)]
pub(crate) enum EncodedPng {
    Host(cpu_emulation::Encoded),
    Cuda(cuda::EncodedPng),
}

impl EncodedPng {
    /// The stream of zlib's format.
    pub(crate) fn stream(&self) -> &[u8] {
        match self {
            Self::Host(encoded) => &encoded.stream,
            Self::Cuda(encoded) => encoded.stream(),
        }
    }

    /// What the data of each IDAT chunk leave of CRC-32.
    pub(crate) fn remainders(&self) -> &[u32] {
        match self {
            Self::Host(encoded) => &encoded.remainders,
            Self::Cuda(encoded) => encoded.remainders(),
        }
    }
}

impl Device {
    /// Whether kernels are to encode a picture of so many pixels.
    pub(crate) fn encodes_png(&self, encoder: PngEncoder, pixels: usize) -> bool {
        match encoder {
            PngEncoder::Auto => self.is_cuda() && pixels >= GPU_MIN_PNG_PIXELS,
            PngEncoder::Host => false,
            PngEncoder::Kernels => true,
        }
    }
}

impl Buffer<RgbaF32> {
    /// Starts to encode the first pixels, packed as `packing` says. They may be changed afterwards.
    pub(crate) fn start_png(
        &self,
        device: &Device,
        lines: &Scanlines,
        packing: Packing,
        background: Background,
    ) -> Result<PendingPng> {
        match self {
            Self::Cpu(_) => {
                let len = (lines.row / lines.bytes_per_pixel) as usize * lines.height as usize;
                let pixels = self.pack(device, packing, background, len)?;
                Ok(PendingPng::Host(cpu_emulation::encode(lines, &pixels)))
            }
            Self::Cuda(pixels) => {
                let pending = pixels.start_png(lines, packing, background)?;
                Ok(PendingPng::Cuda(Box::new(pending)))
            }
        }
    }
}

impl PendingPng {
    /// Waits for the stream. If its size is known before, tells it to `reserve`.
    pub(crate) fn finish(self, reserve: &mut dyn FnMut(usize)) -> Result<EncodedPng> {
        match self {
            Self::Host(encoded) => Ok(EncodedPng::Host(encoded)),
            Self::Cuda(pending) => pending.finish(reserve).map(EncodedPng::Cuda),
        }
    }
}
