//! Tensors of the library as candle's, and candle's as pictures.

use candle_core::{DType, Storage, Tensor, WithDType};
use half::{bf16, f16};
use imagecuda::{Image, TensorElement, TensorSample, batch::TensorBatch};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The types of elements that both libraries have.
#[cfg(not(feature = "cuda"))]
trait Element: TensorSample + WithDType {}
#[cfg(feature = "cuda")]
trait Element: TensorSample + WithDType + candle_core::cuda::CudaDType {}

impl Element for u8 {}
impl Element for f16 {}
impl Element for bf16 {}
impl Element for f32 {}

/// candle's name for the device.
pub(crate) fn device(device: &imagecuda::Device) -> Result<candle_core::Device> {
    Ok(match device.ordinal() {
        None => candle_core::Device::Cpu,
        // With a stream of its own. `new_cuda` takes the stream of the calling thread, which is another one
        // on each thread, so there only the thread that hands memory over could work with it.
        Some(ordinal) => candle_core::Device::new_cuda_with_stream(ordinal as usize)?,
    })
}

/// The pictures of a batch as a tensor of candle's, with the same shape and elements.
///
/// On a GPU it takes the batch's memory over, and candle's stream waits for the loader's work. On the CPU
/// the elements are copied, once: a tensor of candle's owns its `Vec`. The loader then uses the batch's memory
/// for a later one.
pub(crate) fn from_batch<S>(batch: TensorBatch<S>, device: &candle_core::Device) -> Result<Tensor> {
    match batch.tensor().element() {
        TensorElement::U8 => from_batch_of::<S, u8>(batch, device),
        TensorElement::F16 => from_batch_of::<S, f16>(batch, device),
        TensorElement::Bf16 => from_batch_of::<S, bf16>(batch, device),
        TensorElement::F32 => from_batch_of::<S, f32>(batch, device),
        other => Err(format!("candle has no {other:?}").into()),
    }
}

fn from_batch_of<S, T: Element>(
    batch: TensorBatch<S>,
    device: &candle_core::Device,
) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if let candle_core::Device::Cuda(device) = device {
        let (tensor, _) = batch.into_parts();
        let shape = &tensor.shape();
        let slice = tensor.into_cuda_slice::<T>(&device.cuda_stream())?;
        let storage = candle_core::CudaStorage::wrap_cuda_slice(slice, device.clone());
        let storage = Storage::Cuda(storage);
        let no_gradient = candle_core::op::BackpropOp::none();
        return Ok(Tensor::from_storage(storage, shape, no_gradient, false));
    }
    let tensor = batch.tensor();
    let shape = &tensor.shape();
    Ok(Tensor::from_vec(tensor.download::<T>()?, shape, device)?)
}

/// A picture of candle's as an image: red, green and blue from 0.0 to 1.0, of the shape 3 × height × width.
/// `device` is where the tensor is.
pub(crate) fn to_image(picture: &Tensor, device: &imagecuda::Device) -> Result<Image> {
    let (3, height, width) = picture.dims3()? else {
        return Err(format!("{:?} is no picture of three channels", picture.shape()).into());
    };
    let picture = picture.to_dtype(DType::F32)?;
    let opaque = Tensor::ones((1, height, width), DType::F32, picture.device())?;
    let pixels = Tensor::cat(&[&picture, &opaque], 0)?;
    let pixels = pixels.permute((1, 2, 0))?.contiguous()?;
    let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
    let (storage, layout) = pixels.storage_and_layout();
    // A tensor may be a part of its storage.
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or("the pixels have gaps between them")?;
    match &*storage {
        Storage::Cpu(storage) => {
            let mut image = Image::new(device, width, height)?;
            image.upload(&storage.as_slice::<f32>()?[start..end])?;
            Ok(image)
        }
        #[cfg(feature = "cuda")]
        Storage::Cuda(storage) => {
            // candle keeps its storage, so this copies it, within the GPU.
            let pixels = storage.as_cuda_slice::<f32>()?.slice(start..end);
            let stream = storage.device.cuda_stream();
            let copy = stream.clone_dtod(&pixels)?;
            Ok(Image::from_cuda_slice(copy, width, height)?)
        }
        _ => Err("the tensor is on a device that images are never on".into()),
    }
}
