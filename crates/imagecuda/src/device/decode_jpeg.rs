//! Chooses between the kernels and the host to decode a JPEG.

use super::{GPU_MIN_PIXELS, Inner, Payload, Staging, cpu};
use crate::{Device, JpegDecoder, Result, jpeg::Jpeg};

impl Device {
    /// Decodes a JPEG with kernels. On a GPU the host may do the entropy decoding. Returns `None`
    /// if the host must decode the pixels. `staging` is the memory that holds the file's bytes, if
    /// any.
    pub(crate) fn decode_jpeg(
        &self,
        jpeg: &Jpeg<'_>,
        decoder: JpegDecoder,
        staging: Option<&Staging>,
    ) -> Result<Option<Payload>> {
        if !jpeg.has_bytes() || !jpeg.is_all() {
            return Ok(None);
        }
        let by_kernels = match decoder {
            JpegDecoder::Auto => self.is_cuda() && jpeg.picture().pixels() >= GPU_MIN_PIXELS,
            JpegDecoder::Host => false,
            JpegDecoder::Kernels => true,
        };
        let plan = by_kernels.then(|| jpeg.plan()).flatten();
        match (self.inner(), plan) {
            (Inner::Cpu, Some(plan)) => {
                let Some(coefficients) = cpu::decode_jpeg(jpeg, &plan)? else {
                    return Ok(None);
                };
                let mut pixels = self.staging(jpeg.pixel_bytes())?;
                jpeg.pixels(&coefficients, &mut pixels);
                Ok(Some(Payload::Pixels(pixels)))
            }
            (Inner::Cpu, _) => Ok(None),
            (Inner::Cuda(context), plan) => {
                let decoded = match &plan {
                    Some(plan) => context.decode_jpeg(jpeg, plan, staging)?,
                    None => None,
                };
                let coefficients = match decoded {
                    Some(coefficients) => coefficients,
                    None => context.upload_jpeg(jpeg)?,
                };
                Ok(Some(Payload::Jpeg(coefficients)))
            }
        }
    }
}
