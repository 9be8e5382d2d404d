//! Images as tensors: what the tensor says, whose memory it is, and which stream waits.

use super::{
    noise,
    producer::{F32, U8},
};
use crate::support::{bits, same};
use imagecuda::{
    Device, DeviceImage, DevicePixel, ErrorKind, Image, ImageU8,
    dlpack::{DL_CPU, DL_CUDA, DLDataType, DLPackVersion, DlpackTensor},
};
use libtest_mimic::Trial;
use std::ptr;

pub(super) fn trials() -> Vec<Trial> {
    let trials = [
        crate::support::on_each_device(crate::device_tests![
            an_image_goes_and_comes_back,
            a_tensor_says_what_the_image_is,
            who_writes_to_the_tensor_writes_to_the_image,
        ]),
        #[cfg(feature = "cuda")]
        crate::support::on_each_device(crate::device_tests![a_stream_of_the_consumers_waits]),
    ];
    trials.into_iter().flatten().collect()
}

fn an_image_goes_and_comes_back(device: &Device) {
    let image = noise(device, 37, 23);
    let expected = bits(&image.download().unwrap());
    let raw = image.into_dlpack().unwrap().into_raw();
    // SAFETY: made by the line above, and owned by nobody else.
    let tensor = unsafe { DlpackTensor::from_raw(raw) }.unwrap();
    let image = Image::from_dlpack(tensor).unwrap();
    assert_eq!(
        (image.device(), image.width(), image.height()),
        (device, 37, 23)
    );
    same(&bits(&image.download().unwrap()), &expected, "f32");

    let image = image.to_u8().unwrap();
    let expected = image.download().unwrap();
    let raw = image.into_dlpack().unwrap().into_raw_unversioned();
    // SAFETY: as above.
    let tensor = unsafe { DlpackTensor::from_raw_unversioned(raw) }.unwrap();
    let image = ImageU8::from_dlpack(tensor).unwrap();
    same(&image.download().unwrap(), &expected, "u8");
}

fn a_tensor_says_what_the_image_is(device: &Device) {
    fn check<P: DevicePixel>(image: DeviceImage<P>, dtype: DLDataType) {
        let place = image
            .device()
            .ordinal()
            .map_or((DL_CPU, 0), |n| (DL_CUDA, n as i32));
        let raw = image.into_dlpack().unwrap().into_raw();
        // SAFETY: a live tensor, whose shape and strides have three elements each.
        unsafe {
            let managed = &*raw;
            assert_eq!(managed.version, DLPackVersion { major: 1, minor: 0 });
            assert_eq!(managed.flags, 0);
            let tensor = &managed.dl_tensor;
            assert_eq!((tensor.ndim, tensor.dtype), (3, dtype));
            assert_eq!((tensor.device.device_type, tensor.device.device_id), place);
            assert_eq!(*tensor.shape.cast::<[i64; 3]>(), [3, 5, 4]);
            assert_eq!(*tensor.strides.cast::<[i64; 3]>(), [20, 4, 1]);
            assert_eq!((tensor.data.is_null(), tensor.byte_offset), (false, 0));
            managed.deleter.unwrap()(raw);
        }
    }
    // Room for more does not show.
    check(Image::with_capacity(device, 5, 3, 99).unwrap(), F32);
    check(ImageU8::new(device, 5, 3).unwrap(), U8);
}

fn who_writes_to_the_tensor_writes_to_the_image(device: &Device) {
    if device.is_cuda() {
        return; // The host cannot write there; `check.py` has PyTorch do it.
    }
    let tensor = Image::new(device, 2, 1).unwrap().into_dlpack().unwrap();
    // SAFETY: host memory of eight floats, which the tensor keeps.
    unsafe { tensor.dl_tensor().data.cast::<f32>().add(5).write(0.25) };
    let image = Image::from_dlpack(tensor).unwrap();
    let expected = [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0];
    assert_eq!(image.download().unwrap(), expected);
}

#[cfg(feature = "cuda")]
fn a_stream_of_the_consumers_waits(device: &Device) {
    use imagecuda::cust::{
        stream::{Stream, StreamFlags},
        sys::{CUstream, cuMemcpyDtoHAsync_v2},
    };
    if !device.is_cuda() {
        // SAFETY: refused before the stream is looked at.
        let error = unsafe { noise(device, 1, 1).into_dlpack_on(ptr::null_mut()) }.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::DeviceMismatch));
        return;
    }
    device.make_current().unwrap();
    let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
    for on in [stream.as_inner(), ptr::null_mut::<_>() as CUstream] {
        for _ in 0..20 {
            let image = noise(device, 1000, 1000);
            let expected = bits(&image.download().unwrap());
            let copy = image.to_device(device).unwrap(); // queued, not waited for
            // SAFETY: a stream of this device, which outlives the tensor.
            let tensor = unsafe { copy.into_dlpack_on(on) }.unwrap();
            let mut got = vec![0f32; 4_000_000];
            let from = tensor.dl_tensor().data.addr() as u64;
            // SAFETY: both have this many bytes, and the copy is waited for.
            let result =
                unsafe { cuMemcpyDtoHAsync_v2(got.as_mut_ptr().cast(), from, 16_000_000, on) };
            assert_eq!(result as u32, 0);
            // Its memory may be used again at once: in order, by this crate's stream.
            drop(tensor);
            let mut next = Image::new(device, 1000, 1000).unwrap();
            next.upload(&vec![9.0; 4_000_000]).unwrap();
            device.synchronize().unwrap();
            stream.synchronize().unwrap();
            same(&bits(&got), &expected, "pixels");
        }
    }
}
