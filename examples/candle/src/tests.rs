//! candle's values against the pixels that the library has for the same files.

use crate::{bridge, statistics::Sums};
use candle_core::{DType, IndexOp, Tensor};
use half::{bf16, f16};
use imagecuda::{
    Device, Image, ImageU8, LoadOptions, TensorElement, TensorLayout, TensorOptions, batch::Loader,
};
use std::path::{Path, PathBuf};

const SIZE: (u32, u32) = (13, 7);

/// The CPU, and with the feature `cuda` the GPU too, if there is one.
fn devices() -> Vec<Device> {
    let gpu = Device::cuda(0).ok();
    [Some(Device::cpu()), gpu].into_iter().flatten().collect()
}

/// A sample of picture `picture`: no two pictures, rows, columns or channels are alike.
fn sample(picture: usize, channel: usize, x: usize, y: usize) -> u8 {
    (picture * 101 + channel * 67 + y * 29 + x * 5 + x * y * 3) as u8
}

/// Five opaque pictures as files, and a file that is none: the third.
fn files(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let path = |name: String| folder.path().join(name);
    let mut files: Vec<PathBuf> = (0..5).map(|i| path(format!("{i}.png"))).collect();
    for (picture, file) in files.iter().enumerate() {
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                pixels.extend((0..3).map(|channel| sample(picture, channel, x, y)));
                pixels.push(255);
            }
        }
        let mut image = ImageU8::new(&Device::cpu(), SIZE.0, SIZE.1).unwrap();
        image.upload(&pixels).unwrap();
        image.save(file).unwrap();
    }
    let broken = path("broken.png".into());
    std::fs::write(&broken, "this is no picture").unwrap();
    files.insert(2, broken);
    files
}

/// All batches of `files`, without the broken one.
fn load(files: &[PathBuf], options: &TensorOptions, device: &Device) -> Vec<Tensor> {
    let candle_device = bridge::device(device).unwrap();
    let batches = Loader::new(device).tensors(files.to_vec(), options, 2);
    let tensors: Vec<Tensor> = batches
        .skip_failures()
        .map(|batch| bridge::from_batch(batch.unwrap(), &candle_device).unwrap())
        .collect();
    let sizes: Vec<usize> = tensors.iter().map(|batch| batch.dim(0).unwrap()).collect();
    assert_eq!(sizes, [2, 2, 1]);
    tensors
}

/// The elements in candle, in double precision, in the order of the shape.
fn values(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_device(&candle_core::Device::Cpu).unwrap();
    let flat = tensor.flatten_all().unwrap();
    flat.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The elements that a file's pixels are, in planes of red, green and blue.
fn expected(file: &Path, element: TensorElement, device: &Device) -> Vec<f64> {
    let image = LoadOptions::new().load(device, file).unwrap();
    let pixels = image.download().unwrap();
    let planes = (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(4));
    planes
        .map(|&sample| match element {
            TensorElement::U8 => f64::from((sample * 255.0).round()),
            TensorElement::F16 => f16::from_f32(sample).to_f64(),
            TensorElement::Bf16 => bf16::from_f32(sample).to_f64(),
            _ => f64::from(sample),
        })
        .collect()
}

/// Compares the tensors of files that the library made in one layout and of one type of elements.
fn check(
    layout: TensorLayout,
    (element, dtype): (TensorElement, DType),
    files: &[PathBuf],
    device: &Device,
) {
    let options = TensorOptions::new().size(SIZE.0, SIZE.1);
    let options = options.layout(layout).element(element);
    let batches = load(files, &options, device);
    let to_host = |batch: &Tensor| batch.to_device(&candle_core::Device::Cpu).unwrap();
    let batches: Vec<Tensor> = batches.iter().map(to_host).collect();
    let tensor = Tensor::cat(&batches, 0).unwrap();
    assert_eq!(tensor.dtype(), dtype);
    let planes = match layout {
        TensorLayout::Nhwc => tensor.permute((0, 3, 1, 2)).unwrap(),
        _ => tensor,
    };
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    assert_eq!(planes.dims(), [5, 3, height, width]);
    let pictures = files.iter().filter(|file| !file.ends_with("broken.png"));
    let expected: Vec<f64> = pictures
        .flat_map(|file| expected(file, element, device))
        .collect();
    assert_eq!(values(&planes), expected, "{device} {element:?} {layout:?}");
}

#[test]
fn elements_are_the_pixels_that_the_library_loads() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    for device in devices() {
        for element in [
            (TensorElement::U8, DType::U8),
            (TensorElement::F16, DType::F16),
            (TensorElement::Bf16, DType::BF16),
            (TensorElement::F32, DType::F32),
        ] {
            check(TensorLayout::Nchw, element, &files, &device);
            check(TensorLayout::Nhwc, element, &files, &device);
        }
    }
}

#[test]
fn statistics_are_those_of_the_samples() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    for device in devices() {
        let options = TensorOptions::new().size(SIZE.0, SIZE.1);
        let candle_device = bridge::device(&device).unwrap();
        let mut sums = Sums::new(SIZE, &candle_device).unwrap();
        assert!(sums.finish().unwrap().is_none());
        let batches = Loader::new(&device).tensors(files.clone(), &options, 2);
        for batch in batches.skip_failures() {
            let tensor = bridge::from_batch(batch.unwrap(), &candle_device).unwrap();
            sums.add(&tensor).unwrap();
        }
        let found = sums.finish().unwrap().unwrap();

        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
        let picture = values(&found.picture);
        assert_eq!(found.picture.dims(), [3, height, width]);
        for channel in 0..3 {
            let (mut sum, mut squares) = (0.0, 0.0);
            for y in 0..height {
                for x in 0..width {
                    let samples = (0..5).map(|picture| sample(picture, channel, x, y));
                    let samples: Vec<f64> = samples.map(|v| f64::from(v) / 255.0).collect();
                    let here: f64 = samples.iter().sum();
                    sum += here;
                    squares += samples.iter().map(|v| v * v).sum::<f64>();
                    let at = (channel * height + y) * width + x;
                    assert!(close(picture[at], here / 5.0), "{channel} {x} {y}");
                }
            }
            let count = (5 * width * height) as f64;
            let mean = sum / count;
            let std = (squares / count - mean * mean).sqrt();
            assert!(close(found.mean[channel], mean), "{:?}", found.mean);
            assert!(close(found.std[channel], std), "{:?}", found.std);
        }
    }
}

#[test]
fn a_picture_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    let saved = folder.path().join("saved.png");
    let cpu = Device::cpu();
    for device in devices() {
        let options = TensorOptions::new().size(SIZE.0, SIZE.1);
        let batches = load(&files, &options, &device);
        // A part of the storage, with another picture before it.
        let picture = batches[1].i(1).unwrap();
        let image = bridge::to_image(&picture, &device).unwrap();
        image.save(&saved).unwrap();
        let load = |file| LoadOptions::new().load_u8(&cpu, file).unwrap();
        let (found, expected) = (load(&saved), load(&files[4]));
        assert_eq!(found.dimensions(), SIZE);
        assert_eq!(found.download().unwrap(), expected.download().unwrap());

        // Columns 2 to 5 and rows 1 to 3: gaps between rows.
        let part = picture.i((.., 1..4, 2..6)).unwrap();
        let image = bridge::to_image(&part, &device).unwrap();
        let region = LoadOptions::new().region(2, 1, 4, 3);
        let expected = region.load(&cpu, &files[4]).unwrap();
        assert_eq!(image.dimensions(), (4, 3));
        assert_eq!(image.download().unwrap(), expected.download().unwrap());

        // One pixel, whose order of dimensions makes no difference.
        let pixel = picture.i((.., 5..6, 9..10)).unwrap();
        let image: Image = bridge::to_image(&pixel, &device).unwrap();
        let expected = [0, 1, 2].map(|channel| f32::from(sample(3, channel, 9, 5)) / 255.0);
        let [red, green, blue] = expected;
        assert_eq!(image.download().unwrap(), [red, green, blue, 1.0]);
    }
}

#[test]
fn what_is_no_picture_is_an_error() {
    for device in devices() {
        let candle_device = bridge::device(&device).unwrap();
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &candle_device).unwrap();
        assert!(bridge::to_image(&zeros(&[4, 2, 2]), &device).is_err());
        assert!(bridge::to_image(&zeros(&[2, 2]), &device).is_err());
        let picture = zeros(&[3, 2, 2]);
        let nothing = picture.narrow(1, 0, 0).unwrap();
        assert!(bridge::to_image(&nothing, &device).is_err());
        assert!(bridge::to_image(&picture, &device).is_ok());
    }
}
