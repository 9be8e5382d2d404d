//! Whether kernels or the host decode a PNG.

use super::{GPU_MIN_PNG_BYTES, Inner, Payload, Staging, cpu};
use crate::{Device, ErrorKind, PngDecoder, Result};
use imagecuda_kernels::png::decoder::picture::Picture;

/// The data of a picture, for the kernels.
pub(crate) struct PngData<'a> {
    pub(crate) picture: Picture,
    /// The colours of a palette, or none.
    pub(crate) palette: Vec<u32>,
    /// The zlib stream, in the pieces that the IDAT chunks have.
    pub(crate) pieces: Vec<&'a [u8]>,
    /// How many bytes that is.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for uploads"))]
    pub(crate) bytes: usize,
    /// The bytes of the pixels.
    pub(crate) pixel_bytes: usize,
    /// The file.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for uploads"))]
    pub(crate) file: &'a [u8],
}

impl Device {
    /// Whether kernels may decode a PNG.
    pub(crate) fn takes_png(&self, decoder: PngDecoder) -> bool {
        match decoder {
            PngDecoder::Auto => self.is_cuda(),
            PngDecoder::Host => false,
            PngDecoder::Kernels => true,
        }
    }

    /// Decodes a PNG by kernels. Returns `None` if the host has to: something is wrong, or
    /// `is_whole` does not hold, which is asked while kernels run, or after those of a group. With `Auto` also if the picture is
    /// small, or the device has no memory for the kernels. The file may be in `staging` memory.
    pub(crate) fn decode_png(
        &self,
        png: &PngData<'_>,
        decoder: PngDecoder,
        staging: Option<&Staging>,
        is_whole: impl FnOnce() -> bool,
    ) -> Result<Option<Payload>> {
        let is_small = png.picture.filtered_bytes() < GPU_MIN_PNG_BYTES;
        if decoder == PngDecoder::Auto && is_small {
            return Ok(None);
        }
        match self.inner() {
            Inner::Cpu => {
                if !is_whole() {
                    return Ok(None);
                }
                let Some(words) = cpu::decode_png(png) else {
                    return Ok(None);
                };
                let mut pixels = self.staging(png.pixel_bytes)?;
                let bytes: &[u8] = bytemuck::cast_slice(&words);
                pixels.copy_from_slice(&bytes[..png.pixel_bytes]);
                Ok(Some(Payload::Pixels(pixels)))
            }
            Inner::Cuda(context) => {
                let decoded = context.decode_png(png, staging, is_whole);
                // The kernels need several times the memory of the host's pixels.
                let has_no_memory = decoded
                    .as_ref()
                    .is_err_and(|error| matches!(error.kind(), ErrorKind::OutOfMemory { .. }));
                if decoder == PngDecoder::Auto && has_no_memory {
                    return Ok(None);
                }
                Ok(decoded?.map(Payload::Png))
            }
        }
    }
}
