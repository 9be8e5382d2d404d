//! Tensors for other libraries, and work on their streams.
#![allow(unused_imports, unused_mut, reason = "each feature needs some of it")]

use super::{ELEMENTS, bytes};
use crate::{
    image::resize::{image, samples},
    support::same,
};
use imagecuda::{Device, Image, Layout, TensorElement, TensorLayout, TensorOptions};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    #[cfg(feature = "ndarray")]
    trials.extend(crate::support::on_each_device(crate::device_tests![
        arrays_have_the_elements_type
    ]));
    #[cfg(feature = "dlpack")]
    trials.extend(crate::support::on_each_device(crate::device_tests![
        dlpack_says_what_the_tensor_is
    ]));
    #[cfg(feature = "cuda")]
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        work_is_in_the_order_of_the_callers_stream
    ]));
    trials
}

#[cfg(feature = "ndarray")]
fn arrays_have_the_elements_type(device: &Device) {
    let picture = image(device, (4, 3), &samples(9, (4, 3)));
    let options = TensorOptions::new();
    let array = picture
        .to_tensor(&options)
        .unwrap()
        .to_array::<f32>()
        .unwrap();
    assert_eq!(array.shape(), [1, 3, 3, 4]);
    let pixels = picture.download().unwrap();
    assert_eq!(array[[0, 2, 1, 3]], pixels[(4 + 3) * 4 + 2]);
    let halves = picture
        .to_tensor(&options.element(TensorElement::F16))
        .unwrap();
    let halves = halves.to_array::<half::f16>().unwrap();
    assert_eq!(
        halves[[0, 2, 1, 3]],
        half::f16::from_f32(pixels[(4 + 3) * 4 + 2])
    );
    let short = picture
        .to_tensor(&options.element(TensorElement::Bf16))
        .unwrap();
    assert!(short.to_array::<half::f16>().is_err());
    let short = short.to_array::<half::bf16>().unwrap();
    assert_eq!(
        short[[0, 2, 1, 3]],
        half::bf16::from_f32(pixels[(4 + 3) * 4 + 2])
    );
}

#[cfg(feature = "dlpack")]
#[allow(unsafe_code, reason = "tensors as C has them")]
fn dlpack_says_what_the_tensor_is(device: &Device) {
    use imagecuda::dlpack::{DL_BFLOAT, DL_CPU, DL_CUDA, DL_FLOAT, DL_UINT};
    let picture = image(device, (5, 3), &samples(10, (5, 3)));
    let place = device
        .ordinal()
        .map_or((DL_CPU, 0), |n| (DL_CUDA, n as i32));
    for (element, dtype) in ELEMENTS.into_iter().zip([
        (DL_UINT, 8),
        (DL_FLOAT, 16),
        (DL_BFLOAT, 16),
        (DL_FLOAT, 32),
    ]) {
        for (layout, shape, strides) in [
            (TensorLayout::Nchw, [1, 3, 3, 5], [45, 15, 5, 1]),
            (TensorLayout::Nhwc, [1, 3, 5, 3], [45, 15, 3, 1]),
        ] {
            let options = TensorOptions::new().element(element).layout(layout);
            let tensor = picture.to_tensor(&options).unwrap();
            let expected = bytes(&tensor);
            let exported = tensor.into_dlpack().unwrap();
            let tensor = exported.dl_tensor();
            assert_eq!(
                (tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes),
                (dtype.0, dtype.1, 1)
            );
            assert_eq!((tensor.device.device_type, tensor.device.device_id), place);
            assert_eq!(tensor.ndim, 4);
            // SAFETY: shape and strides have four elements each, and the tensor lives.
            unsafe {
                assert_eq!(*tensor.shape.cast::<[i64; 4]>(), shape);
                assert_eq!(*tensor.strides.cast::<[i64; 4]>(), strides);
                if !device.is_cuda() {
                    let data = tensor.data.cast::<u8>().cast_const();
                    same(
                        std::slice::from_raw_parts(data, expected.len()),
                        &expected,
                        element,
                    );
                }
            }
        }
    }
}

#[cfg(feature = "cuda")]
#[allow(unsafe_code, reason = "streams of the caller")]
fn work_is_in_the_order_of_the_callers_stream(gpu: &Device) {
    use imagecuda::cust::{
        memory::{AsyncCopyDestination, DeviceBuffer, LockedBuffer},
        stream::{Stream, StreamFlags},
    };
    const SIDE: u32 = 2048;
    const LEN: usize = (SIDE * SIDE * 16) as usize;
    gpu.make_current().unwrap();
    let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
    let [first, second] = [1, 2].map(|byte| LockedBuffer::new(&byte, LEN).unwrap());
    let mut given = DeviceBuffer::<u8>::zeroed(LEN).unwrap();
    let mut picture = Image::new(gpu, SIDE, SIDE).unwrap();
    let mut back = LockedBuffer::new(&0u8, LEN).unwrap();
    // SAFETY: all memory lives until the stream is waited for, and the stream is the context's.
    unsafe {
        for locked in [&first, &first, &first, &second] {
            given.async_copy_from(locked, &stream).unwrap();
        }
        let source = given.as_device_ptr();
        let taken = gpu.on_stream(stream.as_inner(), |device| {
            assert_eq!(device, gpu);
            picture.expand_from_device(source, Layout::Rgba32F, SIDE, SIDE)
        });
        taken.unwrap().unwrap();
        let pointer = picture.as_device_ptr().unwrap();
        let pixels = DeviceBuffer::from_raw_parts(pointer.cast::<u8>(), LEN);
        pixels.async_copy_to(&mut back, &stream).unwrap();
        std::mem::forget(pixels);
    }
    stream.synchronize().unwrap();
    assert!(back.iter().all(|&byte| byte == 2));
    // SAFETY: the default stream is one too.
    let value = unsafe { gpu.on_stream(std::ptr::null_mut(), |_| 7) };
    assert_eq!(value.unwrap(), 7);
}
