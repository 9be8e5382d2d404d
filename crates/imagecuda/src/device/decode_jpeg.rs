//! Chooses between the kernels and the host to decode a JPEG.

use super::{
    GPU_MIN_PIXELS, GroupMember, Inner, NewImage, Payload, Staging, UploadedJpeg, cpu, cuda,
};
use crate::{
    Device, ErrorKind, JpegDecoder, Result,
    jpeg::{FirstScan, Jpeg},
};

/// The fewest pixels of a file that a GPU decodes in a group of files faster than one core does.
const GROUP_MIN_PIXELS: usize = 1 << 12;

/// The fewest pixels of a progressive file whose blocks a kernel finds faster than one core does, as each such file
/// has launches of its own.
const POSITION_MIN_PIXELS: usize = 1 << 19;

/// The most bytes of such a file, so that the kernel ends within half a second.
const POSITION_MAX_BYTES: usize = 16 << 20;

/// How to decode a JPEG, and what there is of it already.
#[derive(Clone, Copy)]
pub(crate) struct JpegRequest<'a> {
    pub(crate) decoder: JpegDecoder,
    /// The staging memory that holds the file's bytes, if any.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    pub(crate) file: Option<&'a Staging>,
    /// The same bytes on the device.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    pub(crate) uploaded: Option<&'a UploadedJpeg>,
    /// The image that is to be made, if it is a new one.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    pub(crate) new_image: Option<NewImage<'a>>,
}

impl Device {
    /// Groups of pictures that go up together; `None` on the CPU.
    pub(crate) fn picture_groups<T: GroupMember>(&self) -> Option<cuda::PictureGroups<T>> {
        match self.inner() {
            Inner::Cpu => None,
            Inner::Cuda(context) => Some(cuda::PictureGroups::new(context)),
        }
    }

    /// Groups of progressive JPEGs whose blocks a kernel finds together; `None` on the CPU.
    pub(crate) fn progressive_groups<T: GroupMember>(&self) -> Option<cuda::ProgressiveGroups<T>> {
        match self.inner() {
            Inner::Cpu => None,
            Inner::Cuda(context) => Some(cuda::ProgressiveGroups::new(context)),
        }
    }

    /// The bytes of a GPU's memory; 0 on the CPU.
    pub(crate) fn all_memory(&self) -> u64 {
        match self.inner() {
            Inner::Cpu => 0,
            Inner::Cuda(context) => context.all_memory(),
        }
    }

    /// The payload of a JPEG that goes up with others; `None` if it is not for the kernels.
    pub(crate) fn plan_jpeg(&self, jpeg: &Jpeg<'_>, decoder: JpegDecoder) -> Option<Payload> {
        let Inner::Cuda(context) = self.inner() else {
            return None;
        };
        let plan = is_for_groups(jpeg, decoder)
            .then(|| jpeg.plan(false))
            .flatten()?;
        Some(Payload::Planned(context.plan_jpeg(jpeg, plan)))
    }

    /// The payload of a progressive JPEG whose blocks a kernel finds with those of others; `None` if it is not
    /// for the kernel, or if there is no memory.
    pub(crate) fn prepare_progressive(
        &self,
        jpeg: &Jpeg<'_>,
        decoder: JpegDecoder,
    ) -> Option<Payload> {
        match self.inner() {
            Inner::Cuda(context) if is_for_position_kernel(jpeg, decoder) => {
                let prepared = context.prepare_progressive(jpeg).ok().flatten();
                prepared.map(Payload::Progressive)
            }
            _ => None,
        }
    }

    /// Starts to upload a file that kernels will probably decode, from memory that must stay as it is.
    pub(crate) fn start_uploading_jpeg(
        &self,
        file: &Staging,
        scan: FirstScan,
        decoder: JpegDecoder,
    ) -> Option<UploadedJpeg> {
        match self.inner() {
            Inner::Cuda(context) if self.is_for_kernels(scan.pixels, decoder) => {
                context.start_uploading_jpeg(file, scan.start)
            }
            _ => None,
        }
    }

    /// Whether kernels decode a sequential picture of so many pixels, if they can.
    fn is_for_kernels(&self, pixels: usize, decoder: JpegDecoder) -> bool {
        match decoder {
            JpegDecoder::Auto => self.is_cuda() && pixels >= GPU_MIN_PIXELS,
            JpegDecoder::Host => false,
            JpegDecoder::Kernels => true,
        }
    }

    /// Decodes a JPEG with kernels. On a GPU the host may do the entropy decoding. Returns `None`
    /// if the host must decode the pixels, as it must, unless `Kernels` were chosen, if there is no memory
    /// for them.
    pub(crate) fn decode_jpeg(
        &self,
        jpeg: &Jpeg<'_>,
        request: JpegRequest<'_>,
    ) -> Result<Option<Payload>> {
        if !jpeg.has_bytes() || !jpeg.is_all() {
            return Ok(None);
        }
        let decoder = request.decoder;
        match self.decode_jpeg_in_memory(jpeg, request) {
            // Coefficients and samples take several times the memory of the host's pixels.
            Err(error)
                if decoder != JpegDecoder::Kernels
                    && matches!(error.kind(), ErrorKind::OutOfMemory { .. }) =>
            {
                Ok(None)
            }
            decoded => decoded,
        }
    }

    fn decode_jpeg_in_memory(
        &self,
        jpeg: &Jpeg<'_>,
        request: JpegRequest<'_>,
    ) -> Result<Option<Payload>> {
        let by_kernels = self.is_for_kernels(jpeg.picture().pixels(), request.decoder);
        let plan = by_kernels.then(|| jpeg.plan(true)).flatten();
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
                    Some(plan) => context.decode_jpeg(jpeg, plan, request)?,
                    None if by_kernels => context.upload_progressive(jpeg)?.map(Payload::Jpeg),
                    None => None,
                };
                let coefficients = match decoded {
                    Some(payload) => return Ok(Some(payload)),
                    None if jpeg.is_full_size() => context.upload_jpeg(jpeg)?,
                    // The host leaves out most of the coefficients.
                    None => return Ok(None),
                };
                Ok(Some(Payload::Jpeg(coefficients)))
            }
        }
    }
}

/// Whether a kernel finds the blocks of a progressive JPEG together with those of others, if it can.
fn is_for_position_kernel(jpeg: &Jpeg<'_>, decoder: JpegDecoder) -> bool {
    let (pixels, bytes) = (jpeg.picture().pixels(), jpeg.bytes().len());
    let is_faster = pixels >= POSITION_MIN_PIXELS && bytes <= POSITION_MAX_BYTES;
    let is_chosen = decoder == JpegDecoder::Kernels || decoder == JpegDecoder::Auto && is_faster;
    is_chosen && !jpeg.is_damaged()
}

/// Whether kernels decode a JPEG with others, if they can.
fn is_for_groups(jpeg: &Jpeg<'_>, decoder: JpegDecoder) -> bool {
    match decoder {
        JpegDecoder::Auto => jpeg.picture().pixels() >= GROUP_MIN_PIXELS,
        JpegDecoder::Host => false,
        JpegDecoder::Kernels => true,
    }
}
