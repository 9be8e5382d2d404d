//! Whether kernels or the host decode a JPEG.

use super::{GPU_MIN_PIXELS, Inner, Payload, Staging, cpu};
use crate::{Device, JpegDecoder, Result, jpeg::Jpeg};

impl Device {
    /// Decodes a JPEG by kernels, or on a GPU with the entropy decoding on the host. Returns `None`
    /// where the host is to decode the pixels. The file may be in `staging` memory.
    pub(crate) fn decode_jpeg(
        &self,
        jpeg: &Jpeg<'_>,
        decoder: JpegDecoder,
        staging: Option<&Staging>,
    ) -> Result<Option<Payload>> {
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
