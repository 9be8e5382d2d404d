//! Images as DLPack tensors, and tensors as images.

mod export;
mod producer;

use crate::support::{Noise, bits, same};
use imagecuda::{
    Device, ErrorKind, Image, ImageU8, Layout, Result,
    dlpack::{
        DL_CUDA, DL_CUDA_HOST, DL_FLOAT, DLDataType, DLDevice, DLManagedTensorVersioned,
        DLPackVersion, DlpackTensor,
    },
};
use libtest_mimic::Trial;
use producer::{Change, F32, Producer, U8, U16, dtype, freed_once};
use std::{
    ffi::c_void,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_type_and_shape_comes_in,
        memory_need_not_be_aligned,
        a_tensor_comes_into_an_image_with_room,
        strides_of_one_element_mean_nothing,
        strides_on_a_device_are_errors_or_gathered,
        what_is_no_image_is_refused,
        another_version_is_refused_and_freed,
        a_taken_tensor_can_be_given_away,
    ]);
    trials.extend(export::trials());
    trials
}

fn noise(device: &Device, width: u32, height: u32) -> Image {
    let mut image = Image::new(device, width, height).unwrap();
    let samples = Noise::new(7).floats((width * height * 4) as usize);
    image.upload(&samples).unwrap();
    image
}

fn every_type_and_shape_comes_in(device: &Device) {
    use Layout::*;
    let cases = [
        (U8, [L8, La8, Rgb8, Rgba8]),
        (U16, [L16, La16, Rgb16, Rgba16]),
        (F32, [L32F, La32F, Rgb32F, Rgba32F]),
    ];
    for (dtype, layouts) in cases {
        for (layout, channels) in layouts.into_iter().zip(1..) {
            // 21 pixels of one byte or three are no whole number of words.
            let bytes = pixels(layout, 7 * 3);
            let expected = Image::from_pixels(device, 7, 3, layout, &bytes).unwrap();
            let expected8 = ImageU8::from_pixels(device, 7, 3, layout, &bytes).unwrap();
            let mut shapes = vec![vec![3, 7, channels]];
            if channels == 1 {
                shapes.push(vec![3, 7]);
            }
            for shape in shapes {
                let (tensor, freed) = Producer::new(device, &shape, &bytes, 0).give(dtype, 0);
                let image = Image::from_dlpack(tensor).unwrap();
                freed_once(&freed);
                assert_eq!(
                    (image.device(), image.width(), image.height()),
                    (device, 7, 3)
                );
                let got = bits(&image.download().unwrap());
                same(&got, &bits(&expected.download().unwrap()), layout);
                let (tensor, freed) = Producer::new(device, &shape, &bytes, 0).give(dtype, 0);
                let image = ImageU8::from_dlpack(tensor).unwrap();
                freed_once(&freed);
                let got = image.download().unwrap();
                same(&got, &expected8.download().unwrap(), layout);
            }
        }
    }
}

/// So many pixels that look random.
fn pixels(layout: Layout, pixels: usize) -> Vec<u8> {
    let mut noise = Noise::new(layout as u64 + 1);
    match layout.bits() {
        32 => bytemuck::cast_slice(&noise.floats(pixels * layout.channels())).to_vec(),
        _ => noise.bytes(pixels * layout.bytes_per_pixel()),
    }
}

fn memory_need_not_be_aligned(device: &Device) {
    let cases = [
        (Layout::Rgb8, U8, 3),
        (Layout::Rgba8, U8, 4),
        (Layout::L8, U8, 1),
        (Layout::Rgb16, U16, 3),
        (Layout::Rgba32F, F32, 4),
    ];
    for (layout, dtype, channels) in cases {
        let bytes = pixels(layout, 300 * 5);
        let expected = Image::from_pixels(device, 300, 5, layout, &bytes).unwrap();
        let expected = bits(&expected.download().unwrap());
        for offset in [1, 2, 3, 4, 8, 16, 20] {
            let producer = Producer::new(device, &[5, 300, channels], &bytes, offset);
            let (tensor, freed) = producer.give(dtype, offset);
            let image = Image::from_dlpack(tensor).unwrap();
            freed_once(&freed);
            let got = bits(&image.download().unwrap());
            same(&got, &expected, (layout, offset));
        }
    }
}

fn a_tensor_comes_into_an_image_with_room(device: &Device) {
    let bytes = [0, 51, 255, 102];
    let mut image = Image::new(device, 10, 10).unwrap();
    let (tensor, freed) = Producer::new(device, &[2, 2], &bytes, 0).give(U8, 0);
    image.copy_from_dlpack(tensor).unwrap();
    freed_once(&freed);
    assert_eq!(
        (image.width(), image.height(), image.capacity()),
        (2, 2, 100)
    );
    assert_eq!(image.download().unwrap()[4..8], [0.2, 0.2, 0.2, 1.0]);

    let mut small = Image::new(device, 3, 1).unwrap();
    let (tensor, freed) = Producer::new(device, &[2, 2], &bytes, 0).give(U8, 0);
    let error = small.copy_from_dlpack(tensor).unwrap_err();
    freed_once(&freed);
    assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
    assert_eq!((small.width(), small.height()), (3, 1));

    if device.is_cuda() {
        let (tensor, freed) = Producer::new(&Device::cpu(), &[2, 2], &bytes, 0).give(U8, 0);
        let error = image.copy_from_dlpack(tensor).unwrap_err();
        freed_once(&freed);
        assert!(matches!(error.kind(), ErrorKind::DeviceMismatch));
    }
}

fn strides_of_one_element_mean_nothing(device: &Device) {
    let bytes = [10, 20, 30];
    for (shape, strides) in [
        ([1, 3, 1], [99, 1, 7]),
        ([3, 1, 1], [1, -5, 0]),
        ([1, 1, 3], [0, 12, 1]),
    ] {
        let producer = Producer::new(device, &shape, &bytes, 0).strides(&strides);
        let (tensor, freed) = producer.give(U8, 0);
        let image = ImageU8::from_dlpack(tensor).unwrap();
        freed_once(&freed);
        assert_eq!(image.download().unwrap()[0], 10);
    }
}

fn strides_on_a_device_are_errors_or_gathered(device: &Device) {
    // Planes, upside down, every other column: [channel][row][column] of 3 × 4 × 6.
    let bytes: Vec<u16> = (0..72).collect();
    let producer = Producer::new(device, &[4, 3, 3], bytemuck::cast_slice(&bytes), 0);
    // From the first element of the last row.
    let (tensor, freed) = producer.strides(&[-6, 2, 24]).give(U16, 3 * 6 * 2);
    let image = ImageU8::from_dlpack(tensor);
    freed_once(&freed);
    if device.is_cuda() {
        let error = image.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
        return;
    }
    let mut packed = Vec::new();
    for y in 0..4 {
        for x in 0..3 {
            packed.extend((0..3).map(|c| c * 24 + (3 - y) * 6 + x * 2));
        }
    }
    let packed: &[u8] = bytemuck::cast_slice::<u16, u8>(&packed);
    let expected = ImageU8::from_pixels(device, 3, 4, Layout::Rgb16, packed).unwrap();
    let got = image.unwrap().download().unwrap();
    same(&got, &expected.download().unwrap(), "strided");
}

fn what_is_no_image_is_refused(device: &Device) {
    fn unsupported(kind: &ErrorKind) -> bool {
        matches!(kind, ErrorKind::Unsupported(_))
    }
    fn no_memory(kind: &ErrorKind) -> bool {
        matches!(kind, ErrorKind::InvalidOption { .. })
    }
    fn no_pixels(kind: &ErrorKind) -> bool {
        matches!(kind, ErrorKind::ZeroDimension { .. })
    }
    type Case = (&'static [i64], DLDataType, Change, fn(&ErrorKind) -> bool);
    let float4 = DLDataType { lanes: 4, ..F32 };
    let cases: &[Case] = &[
        (&[4], U8, |_| (), unsupported),
        (&[], U8, |_| (), unsupported),
        (&[1, 2, 2, 1], U8, |_| (), unsupported),
        (&[3, 2, 5], U8, |_| (), unsupported),
        (&[3, 2, 0], U8, |_| (), unsupported),
        (&[3, 2, -1], U8, |_| (), unsupported),
        (&[-3, 2, 1], U8, |_| (), unsupported),
        (&[1 << 33, 1], U8, |_| (), unsupported),
        (
            &[u32::MAX as i64, u32::MAX as i64, 4],
            F32,
            |_| (),
            unsupported,
        ),
        (&[0, 2, 4], U8, |_| (), no_pixels),
        (&[2, 0], U8, |_| (), no_pixels),
        (&[1, 1], dtype(DL_FLOAT, 16), |_| (), unsupported),
        (&[1, 1], dtype(DL_FLOAT, 64), |_| (), unsupported),
        (&[1, 1], dtype(0, 8), |_| (), unsupported),
        (&[1, 1], dtype(6, 8), |_| (), unsupported),
        (&[1, 1], float4, |_| (), unsupported),
        (&[1, 1], U8, |t| t.data = ptr::null_mut(), no_memory),
        (&[1, 1], U8, |t| t.shape = ptr::null_mut(), no_memory),
        (&[1, 1], U8, |t| t.ndim = -1, unsupported),
        (&[1, 1], U8, |t| t.device.device_type = 10, unsupported),
        (&[1, 1], U8, |t| t.device = at(DL_CUDA, -1), unsupported),
    ];
    for (i, &(shape, dtype, change, is_right)) in cases.iter().enumerate() {
        let producer = Producer::new(device, shape, &[0; 64], 0);
        let (tensor, freed) = producer.give_changed(dtype, 0, change);
        let error = Image::from_dlpack(tensor).unwrap_err();
        freed_once(&freed);
        assert!(is_right(error.kind()), "case {i}: {error}");
    }
    // A device that is not there, or no device at all.
    let producer = Producer::new(device, &[1, 1], &[0; 4], 0);
    let (tensor, freed) = producer.give_changed(U8, 0, |t| t.device = at(DL_CUDA, 999));
    let error = Image::from_dlpack(tensor).unwrap_err();
    freed_once(&freed);
    assert!(matches!(error.kind(), ErrorKind::NoDevice(_)), "{error}");
    if !device.is_cuda() {
        // Page-locked memory is host memory.
        let producer = Producer::new(device, &[1, 1], &[255; 4], 0);
        let (tensor, _) = producer.give_changed(U8, 0, |t| t.device = at(DL_CUDA_HOST, 0));
        assert_eq!(Image::from_dlpack(tensor).unwrap().device(), device);
    }
}

fn at(device_type: i32, device_id: i32) -> DLDevice {
    DLDevice {
        device_type,
        device_id,
    }
}

fn another_version_is_refused_and_freed(device: &Device) {
    unsafe extern "C" fn count(managed: *mut DLManagedTensorVersioned) {
        // SAFETY: boxed below, with a counter that outlives it.
        unsafe {
            let managed = Box::from_raw(managed);
            (*managed.manager_ctx.cast::<AtomicUsize>()).fetch_add(1, Ordering::Relaxed);
        }
    }
    fn attempt(device: &Device, major: u32) -> (usize, Result<DlpackTensor>) {
        let counter = AtomicUsize::new(0);
        let bytes = ImageU8::new(device, 1, 1).unwrap().into_dlpack().unwrap();
        let managed = Box::new(DLManagedTensorVersioned {
            version: DLPackVersion { major, minor: 9 },
            manager_ctx: (&raw const counter).cast_mut().cast::<c_void>(),
            deleter: Some(count),
            flags: 0,
            dl_tensor: *bytes.dl_tensor(),
        });
        // SAFETY: a tensor, and ours alone.
        let result = unsafe { DlpackTensor::from_raw(Box::into_raw(managed)) };
        let result = result.map(drop).map(|()| bytes);
        (counter.load(Ordering::Relaxed), result)
    }
    let (calls, result) = attempt(device, 2);
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    assert_eq!(calls, 1);
    // A later minor version has the same structs.
    let (calls, result) = attempt(device, 1);
    result.unwrap();
    assert_eq!(calls, 1);

    // SAFETY: null is allowed.
    let nulls = unsafe {
        [
            DlpackTensor::from_raw(ptr::null_mut()),
            DlpackTensor::from_raw_unversioned(ptr::null_mut()),
        ]
    };
    for null in nulls {
        let error = null.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }));
    }
}

fn a_taken_tensor_can_be_given_away(device: &Device) {
    let (tensor, freed) = Producer::new(device, &[1, 1, 3], &[1, 2, 3], 0).give(U8, 0);
    let raw = tensor.into_raw();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    // SAFETY: made by `into_raw`, and owned by nobody else.
    let tensor = unsafe { DlpackTensor::from_raw(raw) }.unwrap();
    let image = ImageU8::from_dlpack(tensor).unwrap();
    freed_once(&freed);
    assert_eq!(image.download().unwrap(), [1, 2, 3, 255]);
}
