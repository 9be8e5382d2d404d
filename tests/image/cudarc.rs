//! Memory that changes hands with the crate `cudarc`.

use crate::support::{Noise, same};
use cudarc::driver::CudaContext;
use imagecuda::{Device, ErrorKind, Filter, Image, ImageU8, Tensor, TensorElement, TensorOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials =
        crate::support::on_each_device(crate::device_tests![what_is_on_the_host_is_refused]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        an_image_becomes_a_slice_and_an_image_again,
        other_streams_wait_for_our_work,
        a_tensor_becomes_a_slice,
        a_slice_of_another_length_is_refused,
    ]));
    trials
}

const SIZE: (u32, u32) = (67, 41);

fn picture(device: &Device) -> ImageU8 {
    let mut image = ImageU8::new(device, SIZE.0, SIZE.1).unwrap();
    let bytes = Noise::new(3).bytes((SIZE.0 * SIZE.1 * 4) as usize);
    image.upload(&bytes).unwrap();
    image
}

fn what_is_on_the_host_is_refused(_: &Device) {
    // Without a GPU there is no stream to ask with.
    let Ok(context) = Device::cuda(0).map(|_| CudaContext::new(0).unwrap()) else {
        return;
    };
    let image = picture(&Device::cpu());
    let error = image
        .into_cuda_slice(&context.default_stream())
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DeviceMismatch), "{error}");
}

fn an_image_becomes_a_slice_and_an_image_again(gpu: &Device) {
    let stream = CudaContext::new(0).unwrap().new_stream().unwrap();
    let bytes = picture(gpu);
    let expected = bytes.download().unwrap();
    let slice = bytes.into_cuda_slice(&stream).unwrap();
    same(&stream.clone_dtoh(&slice).unwrap(), &expected, "bytes");
    let floats = picture(gpu).to_f32().unwrap();
    let resized = floats.resized(33, 20, Filter::Lanczos3).unwrap();
    let samples = floats.download().unwrap();
    let mut slice = floats.into_cuda_slice(&stream).unwrap();
    same(&stream.clone_dtoh(&slice).unwrap(), &samples, "samples");
    // What cudarc writes is in the image.
    let other: Vec<f32> = samples.iter().rev().copied().collect();
    stream.memcpy_htod(&other, &mut slice).unwrap();
    let image = Image::from_cuda_slice(slice, SIZE.0, SIZE.1).unwrap();
    same(&image.download().unwrap(), &other, "reversed");
    stream.synchronize().unwrap();
    // Memory of cudarc's own, in the order of its stream.
    let slice = stream.clone_htod(&samples).unwrap();
    let image = Image::from_cuda_slice(slice, SIZE.0, SIZE.1).unwrap();
    let again = image.resized(33, 20, Filter::Lanczos3).unwrap();
    same(
        &again.download().unwrap(),
        &resized.download().unwrap(),
        "resized",
    );
}

/// `cudarc` knows that our work writes what it gets.
fn other_streams_wait_for_our_work(gpu: &Device) {
    let floats = |device: &Device| picture(device).to_f32().unwrap();
    let resized = |image: Image| image.resized(512, 512, Filter::Lanczos3).unwrap();
    let expected = resized(floats(&Device::cpu())).download().unwrap();
    let context = CudaContext::new(0).unwrap();
    let [stream, other] = [(); 2].map(|()| context.new_stream().unwrap());
    let slice = resized(floats(gpu)).into_cuda_slice(&stream).unwrap();
    same(&other.clone_dtoh(&slice).unwrap(), &expected, "read");
    let mut slice = resized(floats(gpu)).into_cuda_slice(&stream).unwrap();
    other.memset_zeros(&mut slice).unwrap();
    let zeros = vec![0.0; expected.len()];
    same(&stream.clone_dtoh(&slice).unwrap(), &zeros, "written");
}

fn a_tensor_becomes_a_slice(gpu: &Device) {
    let stream = CudaContext::new(0).unwrap().default_stream();
    let options = TensorOptions::new()
        .size(24, 16)
        .element(TensorElement::F16);
    let tensor: Tensor = picture(gpu).to_f32().unwrap().to_tensor(&options).unwrap();
    let expected = tensor.download::<u16>().unwrap();
    let slice = tensor.into_cuda_slice::<u16>(&stream).unwrap();
    same(&stream.clone_dtoh(&slice).unwrap(), &expected, "elements");
    let tensor = picture(gpu).to_f32().unwrap().to_tensor(&options).unwrap();
    let error = tensor.into_cuda_slice::<f32>(&stream).unwrap_err();
    assert!(error.to_string().contains("F16"), "{error}");
}

fn a_slice_of_another_length_is_refused(_: &Device) {
    let stream = CudaContext::new(0).unwrap().default_stream();
    for (len, width) in [(15, 4), (17, 4), (16, 0)] {
        let slice = stream.alloc_zeros::<f32>(len).unwrap();
        let error = Image::from_cuda_slice(slice, width, 1).unwrap_err();
        let is_length = matches!(error.kind(), ErrorKind::WrongLength { .. });
        let is_empty = matches!(error.kind(), ErrorKind::ZeroDimension { .. });
        assert!(if width == 0 { is_empty } else { is_length }, "{error}");
    }
}
