//! The pixels of an image, in host memory or on a GPU. [`Buffer`] has one method for each operation.
//! The CPU and the GPU give the same bits.

use super::cuda::{self, Strips};
use super::{ExpandSpec, Inner, Payload, Staging, cpu, planes, resample};
use crate::ErrorKind;
use crate::{Device, Result, color::Conversion, memory::Reused, resample::Plan};
use imagecuda_kernels::{
    expand::Expand,
    layout::Layout,
    pack::{Background, Packing, PixelUsage},
    pixel::{Rgba8, RgbaF32},
    tensor::TensorSpec,
};
use std::{iter, ops::Range, sync::Arc};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::RgbaF32 {}
    impl Sealed for super::Rgba8 {}
}

/// A pixel that a device can hold. Kernels exist for [`RgbaF32`] and [`Rgba8`] only, so no other type
/// can implement this.
pub trait DevicePixel: Expand + Send + Sync + sealed::Sealed + 'static {
    /// The type of a sample. A pixel has four.
    type Sample: bytemuck::Pod + Send + Sync;

    /// The layout whose pixels have the same bytes as this type.
    #[doc(hidden)]
    const LAYOUT: Layout;
}

impl DevicePixel for RgbaF32 {
    type Sample = f32;
    const LAYOUT: Layout = Layout::Rgba32F;
}

impl DevicePixel for Rgba8 {
    type Sample = u8;
    const LAYOUT: Layout = Layout::Rgba8;
}

/// How a picture becomes one of a tensor.
pub(crate) struct TensorJob {
    pub(crate) plan: Plan,
    pub(crate) spec: TensorSpec,
    /// The width and the height of the source.
    pub(crate) source: (u32, u32),
}

/// What the memory of a source on a GPU holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourcePixels {
    Floats,
    /// 8-bit RGBA, in the first quarter of the memory.
    Bytes,
}

/// A picture of a tensor that is to be made with others.
pub(crate) enum PendingPicture {
    /// By kernels.
    Strips(Box<Strips>),
    /// By the CPU, at this place among the tensor's bytes.
    Rows(Range<usize>, Box<TensorJob>),
}

/// A fixed number of pixels on one device.
#[derive(Debug)]
pub(crate) enum Buffer<P: DevicePixel> {
    Cpu(cpu::Pixels<P>),
    Cuda(cuda::Buffer<P>),
}

impl<P: DevicePixel> Buffer<P> {
    /// `len` pixels of zeros.
    pub(crate) fn zeroed(device: &Device, len: usize) -> Result<Self> {
        match device.inner() {
            Inner::Cpu => Reused::zeroed(len).map(|pixels| Self::Cpu(pixels.into())),
            Inner::Cuda(context) => cuda::Buffer::zeroed(context, len).map(Self::Cuda),
        }
    }

    /// `len` pixels with any values. The caller must overwrite them before they are read.
    pub(crate) fn for_overwrite(device: &Device, len: usize) -> Result<Self> {
        match device.inner() {
            Inner::Cpu => Reused::for_overwrite(len).map(|pixels| Self::Cpu(pixels.into())),
            Inner::Cuda(context) => cuda::Buffer::uninitialized(context, len).map(Self::Cuda),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Cpu(pixels) => pixels.len(),
            Self::Cuda(buffer) => buffer.len(),
        }
    }

    /// Overwrites the first pixels with `src`, which holds pixels as bytes.
    pub(crate) fn upload(&mut self, src: &[u8]) -> Result<()> {
        match self {
            Self::Cpu(pixels) => {
                bytemuck::cast_slice_mut(pixels)[..src.len()].copy_from_slice(src);
            }
            Self::Cuda(buffer) => buffer.upload(src)?,
        }
        Ok(())
    }

    /// Copies the bytes of the first pixels to `dst`.
    pub(crate) fn download(&self, dst: &mut [u8]) -> Result<()> {
        match self {
            Self::Cpu(pixels) => {
                dst.copy_from_slice(&bytemuck::cast_slice(pixels)[..dst.len()]);
            }
            Self::Cuda(buffer) => buffer.download(dst)?,
        }
        Ok(())
    }

    /// Copies the first `len` pixels of `src`, whatever its device.
    pub(crate) fn copy_from(&mut self, src: &Self, len: usize) -> Result<()> {
        match (self, src) {
            (Self::Cpu(dst), src) => src.download(bytemuck::cast_slice_mut(&mut dst[..len])),
            (dst, Self::Cpu(src)) => {
                src.reserve()?;
                dst.upload(bytemuck::cast_slice(&src[..len]))
            }
            (Self::Cuda(dst), Self::Cuda(src)) => dst.copy_from(src, len),
        }
    }

    /// Converts the first `len` pixels of `src`, on the same device: 8 bits to floats, or floats to
    /// 8 bits.
    pub(crate) fn convert_from<Q: DevicePixel>(
        &mut self,
        src: &Buffer<Q>,
        len: usize,
    ) -> Result<()> {
        match (self, src) {
            (Self::Cpu(dst), Buffer::Cpu(src)) => {
                let bytes = bytemuck::cast_slice(&src[..len]);
                cpu::expand_encoded(Q::LAYOUT, bytes, &mut dst[..len]);
                Ok(())
            }
            (Self::Cuda(dst), Buffer::Cuda(src)) => dst.convert_from(src, len),
            _ => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// Expands a file's pixels, which may lie in any host memory, to the first pixels of this buffer.
    pub(crate) fn expand_bytes(&mut self, bytes: &[u8], spec: ExpandSpec) -> Result<()> {
        match self {
            Self::Cpu(dst) => {
                cpu::expand(spec, bytes, &mut dst[..spec.len()]);
                Ok(())
            }
            Self::Cuda(dst) => dst.expand_bytes(bytes, spec),
        }
    }

    /// Expands what a decoder made to the first pixels of this buffer. On a GPU this returns before the
    /// work is done; later work on the same stream runs after it.
    pub(crate) fn expand(&mut self, payload: Payload, spec: ExpandSpec) -> Result<()> {
        match (self, payload) {
            (Self::Cpu(dst), Payload::Pixels(staging)) => {
                cpu::expand(spec, &staging, &mut dst[..spec.len()]);
                Ok(())
            }
            (Self::Cpu(dst), Payload::Planes(planes)) => {
                planes::expand(&planes, &spec, &mut dst[..spec.len()])
            }
            (Self::Cuda(dst), payload) => dst.expand(payload, spec),
            (Self::Cpu(_), _) => Err(ErrorKind::DeviceMismatch.into()),
        }
    }
}

impl Buffer<RgbaF32> {
    /// As [`expand`](Self::expand). The CPU keeps the file's pixels until somebody looks at them.
    pub(crate) fn hold(&mut self, payload: Payload, spec: ExpandSpec) -> Result<()> {
        let payload = match (&mut *self, payload) {
            (Self::Cpu(dst), Payload::Pixels(staging)) => match dst.hold(staging, spec) {
                Some(staging) => Payload::Pixels(staging),
                None => return Ok(()),
            },
            (_, payload) => payload,
        };
        self.expand(payload, spec)
    }

    /// The CPU's pixels of a file, for a tensor alone.
    pub(crate) fn of_file(
        bytes: Staging,
        spec: ExpandSpec,
        conversion: Option<Arc<Conversion>>,
    ) -> Self {
        Self::Cpu(cpu::Pixels::of_file(bytes, spec, conversion))
    }

    /// Whether there is memory for the pixels, and not only a file's.
    pub(crate) fn has_memory(&self) -> bool {
        match self {
            Self::Cpu(pixels) => pixels.has_memory(),
            Self::Cuda(_) => true,
        }
    }

    /// Expands as [`expand`](Self::expand) does, and then converts the colours.
    pub(crate) fn expand_converted(
        &mut self,
        payload: Payload,
        spec: ExpandSpec,
        conversion: &Conversion,
    ) -> Result<()> {
        match (self, payload) {
            (Self::Cpu(dst), Payload::Pixels(staging)) => {
                cpu::expand_converted(spec, conversion, &staging, &mut dst[..spec.len()]);
                Ok(())
            }
            (Self::Cpu(dst), Payload::Planes(planes)) => {
                planes::expand_converted(&planes, &spec, conversion, &mut dst[..spec.len()])
            }
            (Self::Cuda(dst), payload) => dst.expand_converted(payload, spec, conversion),
            (Self::Cpu(_), _) => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// Starts to write the first `len` pixels to host memory, in the layout of `packing`. The result
    /// is complete after [`Staging::wait`].
    pub(crate) fn pack(
        &self,
        device: &Device,
        packing: Packing,
        background: Background,
        len: usize,
    ) -> Result<Staging> {
        match self {
            Self::Cpu(src) => packed(device, packing, len, |bytes| {
                src.pack(packing, background, len, bytes);
            }),
            Self::Cuda(src) => src.pack(packing, background, len).map(Staging::Pinned),
        }
    }

    /// Tells which channels the first `len` pixels need: whether any pixel has colour, and whether any
    /// has alpha. The pixels are compared as a file would hold them: in 16 bits if `deep`, else in 8,
    /// and flattened if there is a background. Waits for the device.
    pub(crate) fn pixel_usage(
        &self,
        deep: bool,
        background: Option<Background>,
        len: usize,
    ) -> Result<PixelUsage> {
        match self {
            Self::Cpu(src) => Ok(cpu::pixel_usage(deep, background, &src[..len])),
            Self::Cuda(src) => src.pixel_usage(deep, background, len),
        }
    }
}

impl Buffer<RgbaF32> {
    /// Makes a picture of the size `size` of `src`, which is a picture of the size `source` on the same
    /// device. On a GPU this returns before the work is done.
    pub(crate) fn resample_from(
        &mut self,
        src: &Self,
        source: (u32, u32),
        plan: &Plan,
        size: (u32, u32),
    ) -> Result<()> {
        let (width, height) = (size.0 as usize, size.1 as usize);
        match (self, src) {
            (Self::Cpu(dst), Self::Cpu(src)) => {
                let dst = &mut dst[..width * height];
                resample::resample(plan, (src, source), width, dst)
            }
            (Self::Cuda(dst), Self::Cuda(src)) => dst.resample_from(src, plan, size),
            _ => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// Starts to make a picture of a tensor of `src`, on the same device. This memory holds the tensor. If
    /// many pictures can be made together, this only returns what [`make_pictures`](Self::make_pictures)
    /// needs to make this one.
    pub(crate) fn start_picture(
        &mut self,
        place: Range<usize>,
        src: &Self,
        job: TensorJob,
    ) -> Result<Option<PendingPicture>> {
        match (self, src) {
            (Self::Cpu(_), Self::Cpu(src)) if resample::is_by_rows(&job, src) => {
                Ok(Some(PendingPicture::Rows(place, Box::new(job))))
            }
            // Memory may be missing, which is this picture's failure alone.
            (Self::Cpu(dst), Self::Cpu(src)) => {
                let picture = iter::once((place, &job, src));
                resample::tensor(picture, bytemuck::cast_slice_mut(dst))?;
                Ok(None)
            }
            (Self::Cuda(dst), Self::Cuda(src)) => {
                let TensorJob { plan, spec, .. } = &job;
                let pixels = SourcePixels::Floats;
                if let Some(strips) = dst.tensor_strips(place.start, src, plan, spec, pixels)? {
                    return Ok(Some(PendingPicture::Strips(Box::new(strips))));
                }
                dst.tensor_from(place.start, src, plan, spec)?;
                Ok(None)
            }
            _ => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// As [`start_picture`](Self::start_picture), of a source on a GPU whose memory holds 8-bit pixels. `None` if
    /// the picture is not for kernels that read those.
    pub(crate) fn start_picture_of_bytes(
        &mut self,
        place: Range<usize>,
        src: &Self,
        job: &TensorJob,
    ) -> Result<Option<PendingPicture>> {
        let (Self::Cuda(dst), Self::Cuda(src)) = (self, src) else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        let pixels = SourcePixels::Bytes;
        let strips = dst.tensor_strips(place.start, src, &job.plan, &job.spec, pixels)?;
        Ok(strips.map(|strips| PendingPicture::Strips(Box::new(strips))))
    }

    /// Makes floats of the 8-bit pixels that this memory of a GPU holds. Does not wait.
    pub(crate) fn expand_own_bytes(&mut self, len: usize) -> Result<()> {
        match self {
            Self::Cpu(_) => Err(ErrorKind::DeviceMismatch.into()),
            Self::Cuda(buffer) => buffer.expand_own_bytes(len),
        }
    }

    /// Makes pictures of the tensor in the order of their places. Each comes with its source.
    pub(crate) fn make_pictures(&mut self, pictures: &[(&Self, &PendingPicture)]) -> Result<()> {
        match self {
            Self::Cpu(dst) => {
                let jobs = pictures
                    .iter()
                    .filter_map(|(src, pending)| match (src, pending) {
                        (Self::Cpu(src), PendingPicture::Rows(place, job)) => {
                            Some((place.clone(), &**job, src))
                        }
                        _ => None,
                    });
                resample::tensor(jobs, bytemuck::cast_slice_mut(dst))
            }
            Self::Cuda(dst) => {
                let strips = pictures.iter().filter_map(|(_, pending)| match pending {
                    PendingPicture::Strips(strips) => Some(&**strips),
                    PendingPicture::Rows(..) => None,
                });
                dst.make_strips(&strips.collect::<Vec<_>>())
            }
        }
    }

    /// Sets `bytes` bytes to zero, `at` bytes after the start.
    pub(crate) fn clear(&mut self, at: usize, bytes: usize) -> Result<()> {
        match self {
            Self::Cpu(pixels) => {
                bytemuck::cast_slice_mut::<_, u8>(pixels)[at..at + bytes].fill(0);
                Ok(())
            }
            Self::Cuda(buffer) => buffer.clear(at, bytes),
        }
    }
}

/// Staging memory for `len` pixels of `packing`, which `fill` writes at once.
fn packed(
    device: &Device,
    packing: Packing,
    len: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Result<Staging> {
    let mut staging = device.staging(len * packing.layout().bytes_per_pixel())?;
    fill(&mut staging);
    Ok(staging)
}

impl Buffer<Rgba8> {
    /// Starts to write the first `len` pixels to host memory, in the layout of `packing`. The result
    /// is complete after [`Staging::wait`]. It equals that of the same pixels as floats.
    ///
    /// The kernels pack floats, so a GPU first expands all pixels. The CPU expands a few at a time.
    pub(crate) fn pack(
        &self,
        device: &Device,
        packing: Packing,
        background: Background,
        len: usize,
    ) -> Result<Staging> {
        match self {
            Self::Cpu(src) => packed(device, packing, len, |bytes| {
                cpu::pack_u8(packing, background, &src[..len], bytes);
            }),
            Self::Cuda(src) if packing == Packing::Rgba8 => src.fetch(len).map(Staging::Pinned),
            Self::Cuda(_) => self
                .normalized(device, len)?
                .pack(device, packing, background, len),
        }
    }

    /// Tells which channels the first `len` pixels need, as the method of the same name does for floats.
    pub(crate) fn pixel_usage(
        &self,
        device: &Device,
        deep: bool,
        background: Option<Background>,
        len: usize,
    ) -> Result<PixelUsage> {
        match self {
            Self::Cpu(src) => Ok(cpu::pixel_usage_u8(deep, background, &src[..len])),
            Self::Cuda(_) => self
                .normalized(device, len)?
                .pixel_usage(deep, background, len),
        }
    }

    /// The first `len` pixels as floats.
    fn normalized(&self, device: &Device, len: usize) -> Result<Buffer<RgbaF32>> {
        let mut floats = Buffer::for_overwrite(device, len)?;
        floats.convert_from(self, len)?;
        Ok(floats)
    }
}
