//! Imports tensors as images.

use super::{DL_CPU, DL_CUDA, DL_CUDA_HOST, DL_FLOAT, DL_UINT, DLDevice, DLTensor, DlpackTensor};
use crate::{
    Device, DeviceImage, DevicePixel, Error, ErrorKind, Layout, Result,
    device::{Buffer, ExpandSpec},
    memory,
};
use std::{ptr, slice};

use crate::device::Inner;

impl<P: DevicePixel> DeviceImage<P> {
    /// Creates an image on the tensor's device, with a copy of the tensor's pixels. The shape is
    /// (height, width) or (height, width, channels), with 1 to 4 channels (gray, gray and alpha,
    /// RGB, RGBA) of `u8`, `u16` or `f32`. The pixels are converted as in
    /// [`from_pixels`](Self::from_pixels). On a CUDA device the rows must be packed. On the CPU any
    /// strides are allowed.
    ///
    /// Calls the tensor's deleter before it returns, also after an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for other devices, types, shapes and strides;
    /// [`ErrorKind::ZeroDimension`]; [`ErrorKind::InvalidOption`] for a tensor without memory;
    /// [`ErrorKind::NoDevice`], [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn from_dlpack(tensor: DlpackTensor) -> Result<Self> {
        let pixels = Pixels::of(&tensor.tensor)?;
        let device = pixels.ordinal.map_or(Ok(Device::cpu()), Device::cuda)?;
        let mut image = Self::for_overwrite(&device, pixels.width, pixels.height)?;
        image.take(&pixels)?;
        Ok(image)
    }

    /// Copies the tensor's pixels into this image as [`from_dlpack`](Self::from_dlpack) does, and
    /// sets its width and height.
    ///
    /// # Errors
    ///
    /// As [`from_dlpack`](Self::from_dlpack), [`ErrorKind::DeviceMismatch`] and
    /// [`ErrorKind::OverCapacity`].
    pub fn copy_from_dlpack(&mut self, tensor: DlpackTensor) -> Result<()> {
        let pixels = Pixels::of(&tensor.tensor)?;
        if pixels.ordinal != self.device().ordinal() {
            return Err(ErrorKind::DeviceMismatch.into());
        }
        self.check_fits(pixels.width, pixels.height)?;
        self.take(&pixels)?;
        self.reshape(pixels.width, pixels.height)
    }

    /// Expands the tensor's pixels into this image. Waits for the device.
    fn take(&mut self, pixels: &Pixels) -> Result<()> {
        match &mut self.buffer {
            Buffer::Cpu(_) => {
                let gathered;
                let bytes = if pixels.packed {
                    // SAFETY: who made the tensor said that its memory is readable and is not
                    // written; packed, it is these bytes.
                    unsafe { slice::from_raw_parts(pixels.data, pixels.bytes) }
                } else {
                    gathered = pixels.gather()?;
                    &gathered
                };
                self.buffer.expand_bytes(bytes, pixels.expansion())
            }
            Buffer::Cuda(buffer) => {
                if !pixels.packed {
                    let what = "strides of a CUDA tensor; make it contiguous first";
                    return Err(Error::unsupported(what));
                }
                let len = pixels.width as usize * pixels.height as usize;
                let address = pixels.data.addr() as u64;
                // SAFETY: who made the tensor said that its memory is readable, and complete
                // when our stream comes to it. It stays until that has been waited for.
                let queued = unsafe { buffer.expand_from_foreign(address, pixels.layout, len) };
                // Wait also after an error, because work may be queued.
                let done = match self.device().inner() {
                    Inner::Cpu => Ok(()),
                    Inner::Cuda(context) => context.wait_for_stream(),
                };
                queued.and(done)
            }
        }
    }
}

/// The pixels of a tensor.
struct Pixels {
    /// The number of the CUDA device. `None` for host memory.
    ordinal: Option<u32>,
    data: *const u8,
    /// The size of all pixels in bytes, if packed.
    bytes: usize,
    layout: Layout,
    width: u32,
    height: u32,
    /// The strides of rows, pixels and channels, in elements.
    strides: [i64; 3],
    packed: bool,
}

impl Pixels {
    fn of(tensor: &DLTensor) -> Result<Self> {
        let ordinal = ordinal(tensor.device)?;
        let dimensions = usize::try_from(tensor.ndim).unwrap_or(0);
        if !(2..=3).contains(&dimensions) {
            return Err(shape_error(&format!("of {} dimensions", tensor.ndim)));
        }
        if tensor.shape.is_null() || tensor.data.is_null() {
            return Err(Error::option("tensor", "it has no memory"));
        }
        // SAFETY: not null, as was looked at. Who made the tensor said that it is as DLPack describes
        // it: there are as many extents as dimensions, aligned, and nobody writes to them.
        let shape = unsafe { slice::from_raw_parts(tensor.shape, dimensions) };
        let refused = || shape_error(&format!("of shape {shape:?}"));
        let channels = shape.get(2).copied().unwrap_or(1);
        let layout = layout(tensor, channels)?.ok_or_else(refused)?;
        let extent = |of: i64| u32::try_from(of).map_err(|_| refused());
        let (height, width) = (extent(shape[0])?, extent(shape[1])?);
        crate::image::pixels(width, height)?;
        let bytes = layout.bytes(width, height);
        let bytes = bytes.filter(|&bytes| isize::try_from(bytes).is_ok());

        let packing = [i64::from(width) * channels, channels, 1];
        let mut strides = packing;
        if !tensor.strides.is_null() {
            // SAFETY: as for the extents: not null, and as many as dimensions.
            let given = unsafe { slice::from_raw_parts(tensor.strides, dimensions) };
            strides[..dimensions].copy_from_slice(given);
        }
        // The stride of a dimension with one element has no meaning.
        let extents = [shape[0], shape[1], channels];
        let packed = (0..3).all(|i| extents[i] == 1 || strides[i] == packing[i]);
        let data = tensor.data.cast::<u8>().cast_const();
        let offset = usize::try_from(tensor.byte_offset).map_err(|_| refused())?;
        Ok(Self {
            ordinal,
            // This is only an address: it is not dereferenced here, and never if it belongs to a
            // device.
            data: data.wrapping_add(offset),
            bytes: bytes.ok_or_else(refused)?,
            layout,
            width,
            height,
            strides,
            packed,
        })
    }

    fn expansion(&self) -> ExpandSpec {
        ExpandSpec::stored(self.layout, self.width, self.height)
    }

    /// Copies strided pixels in host memory to packed ones.
    fn gather(&self) -> Result<Vec<u8>> {
        let sample = self.layout.bits() / 8;
        let pixel = self.layout.bytes_per_pixel();
        let [of_row, of_pixel, of_channel] = self.strides.map(|stride| stride as isize);
        let mut packed = memory::zeroed(self.bytes)?;
        let rows = packed.chunks_exact_mut(pixel * self.width as usize);
        for (y, row) in (0isize..).zip(rows) {
            for (x, pixel) in (0isize..).zip(row.chunks_exact_mut(pixel)) {
                for (c, to) in (0isize..).zip(pixel.chunks_exact_mut(sample)) {
                    let element = y * of_row + x * of_pixel + c * of_channel;
                    // SAFETY: who made the tensor said that it is readable where its shape and
                    // strides say; no alignment is assumed.
                    unsafe {
                        let from = self.data.offset(element * sample as isize);
                        ptr::copy_nonoverlapping(from, to.as_mut_ptr(), sample);
                    }
                }
            }
        }
        Ok(packed)
    }
}

/// The number of the CUDA device, or `None` for host memory.
fn ordinal(device: DLDevice) -> Result<Option<u32>> {
    let DLDevice {
        device_type,
        device_id,
    } = device;
    match (device_type, u32::try_from(device_id)) {
        (DL_CPU | DL_CUDA_HOST, _) => Ok(None),
        (DL_CUDA, Ok(ordinal)) => Ok(Some(ordinal)),
        _ => Err(Error::unsupported(format!(
            "a tensor on a device of DLPack's type {device_type}, number {device_id}"
        ))),
    }
}

/// The layout of the tensor's pixels. `None` for this number of channels.
fn layout(tensor: &DLTensor, channels: i64) -> Result<Option<Layout>> {
    use Layout::*;
    let dtype = tensor.dtype;
    let layouts = match (dtype.code, dtype.bits, dtype.lanes) {
        (DL_UINT, 8, 1) => [L8, La8, Rgb8, Rgba8],
        (DL_UINT, 16, 1) => [L16, La16, Rgb16, Rgba16],
        (DL_FLOAT, 32, 1) => [L32F, La32F, Rgb32F, Rgba32F],
        _ => {
            let kind = match dtype.code {
                0 => "int",
                DL_UINT => "uint",
                DL_FLOAT => "float",
                _ => "another type's ",
            };
            return Err(Error::unsupported(format!(
                "a tensor of {} × {kind}{} a sample: it must be of u8, u16 or f32",
                dtype.lanes, dtype.bits
            )));
        }
    };
    let index = channels.checked_sub(1).and_then(|i| i.try_into().ok());
    Ok(index.and_then(|i: usize| layouts.get(i).copied()))
}

fn shape_error(what: &str) -> Error {
    Error::unsupported(format!(
        "a tensor {what}: it must be (height, width) or (height, width, channels), 1 to 4 of them"
    ))
}
