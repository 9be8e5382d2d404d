//! Chooses between the kernels and the host to decode a JPEG.

use super::{Buffer, GPU_MIN_PIXELS, Inner, Payload, Staging, cpu, cuda};
use crate::{Device, JpegDecoder, Result, jpeg::Jpeg};
use imagecuda_kernels::pixel::RgbaF32;

/// The fewest pixels of a file that a GPU decodes in a group of files faster than one core does.
const GROUP_MIN_PIXELS: usize = 1 << 12;

/// A picture of a group, which keeps its file and its image until it is decoded.
pub(crate) trait GroupMember: Send {
    /// The bytes of the file.
    fn file(&self) -> &[u8];

    /// Where the pixels go.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    fn image(&self) -> &Buffer<RgbaF32>;
}

impl Device {
    /// Groups of JPEGs that kernels decode together; `None` on the CPU.
    pub(crate) fn jpeg_groups<T: GroupMember>(&self) -> Option<cuda::JpegGroups<T>> {
        match self.inner() {
            Inner::Cpu => None,
            Inner::Cuda(context) => Some(cuda::JpegGroups::new(context)),
        }
    }

    /// The payload of a JPEG that goes up with others; `None` if it is not for the kernels.
    pub(crate) fn plan_jpeg(&self, jpeg: &Jpeg<'_>, decoder: JpegDecoder) -> Option<Payload> {
        let Inner::Cuda(context) = self.inner() else {
            return None;
        };
        let by_kernels = match decoder {
            JpegDecoder::Auto => jpeg.picture().pixels() >= GROUP_MIN_PIXELS,
            JpegDecoder::Host => false,
            JpegDecoder::Kernels => true,
        };
        let plan = by_kernels.then(|| jpeg.plan()).flatten()?;
        Some(Payload::Planned(context.plan_jpeg(jpeg, plan)))
    }

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
            (Inner::Cpu, None) if by_kernels => {
                let Some(coefficients) = cpu::decode_progressive(jpeg)? else {
                    return Ok(None);
                };
                let mut pixels = self.staging(jpeg.pixel_bytes())?;
                jpeg.pixels(&coefficients, &mut pixels);
                Ok(Some(Payload::Pixels(pixels)))
            }
            (Inner::Cpu, None) => Ok(None),
            (Inner::Cuda(context), plan) => {
                let decoded = match &plan {
                    Some(plan) => context.decode_jpeg(jpeg, plan, staging)?,
                    None if by_kernels => context.upload_progressive(jpeg)?,
                    None => None,
                };
                let coefficients = match decoded {
                    Some(coefficients) => coefficients,
                    None if jpeg.is_full_size() => context.upload_jpeg(jpeg)?,
                    // The host leaves out most of the coefficients.
                    None => return Ok(None),
                };
                Ok(Some(Payload::Jpeg(coefficients)))
            }
        }
    }
}
