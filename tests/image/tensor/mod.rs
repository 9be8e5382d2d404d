//! Tensors: their elements against formulas written here, and the GPU against the CPU, bit for bit.

mod files;
mod fit;
mod interop;

use super::resize::{FILTERS, image, samples};
use crate::support::{Noise, same};
use imagecuda::{
    Device, ErrorKind, Filter, Tensor, TensorChannels, TensorElement, TensorFit, TensorLayout,
    TensorOptions,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        elements_are_where_and_what_they_should_be,
        halves_are_rounded_to_the_nearest,
        a_resampled_tensor_is_that_of_the_resized_picture,
        alpha_is_ignored_or_flattened,
        pictures_go_to_their_places,
        wrong_options_are_errors,
    ]);
    trials.extend(files::trials());
    trials.extend(fit::trials());
    trials.extend(interop::trials());
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_makes_the_tensors_of_the_cpu
    ]));
    trials
}

const LAYOUTS: [TensorLayout; 2] = [TensorLayout::Nchw, TensorLayout::Nhwc];
const CHANNELS: [TensorChannels; 4] = [
    TensorChannels::Rgb,
    TensorChannels::Bgr,
    TensorChannels::Rgba,
    TensorChannels::Gray,
];
const ELEMENTS: [TensorElement; 4] = [
    TensorElement::U8,
    TensorElement::F16,
    TensorElement::Bf16,
    TensorElement::F32,
];

/// The elements' bytes.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor.element() {
        TensorElement::U8 => tensor.download::<u8>().unwrap(),
        TensorElement::F32 => bytemuck::cast_slice(&tensor.download::<f32>().unwrap()).to_vec(),
        _ => bytemuck::cast_slice(&tensor.download::<u16>().unwrap()).to_vec(),
    }
}

fn elements_are_where_and_what_they_should_be(device: &Device) {
    let (width, height) = (37, 23);
    let samples = samples(1, (width, height));
    let picture = image(device, (width, height), &samples);
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let pixels = (width * height) as usize;
    for layout in LAYOUTS {
        for channels in CHANNELS {
            let options = TensorOptions::new()
                .layout(layout)
                .channels(channels)
                .mean(mean)
                .std(std);
            let tensor = picture.to_tensor(&options).unwrap();
            let count = channels.count();
            let shape = match layout {
                TensorLayout::Nchw => [1, count, 23, 37],
                _ => [1, 23, 37, count],
            };
            assert_eq!(tensor.shape(), shape);
            let got = tensor.download::<f32>().unwrap();
            for (i, pixel) in samples.chunks(4).enumerate() {
                let [r, g, b] = [0, 1, 2].map(|c| {
                    ((f64::from(pixel[c]) - f64::from(mean[c])) / f64::from(std[c])) as f32
                });
                let expected = match channels {
                    TensorChannels::Rgb => vec![r, g, b],
                    TensorChannels::Bgr => vec![b, g, r],
                    TensorChannels::Rgba => vec![r, g, b, pixel[3]],
                    _ => {
                        let [r, g, b] = [0, 1, 2].map(|c| f64::from(pixel[c]));
                        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
                        vec![((luma - f64::from(mean[0])) / f64::from(std[0])) as f32]
                    }
                };
                for (c, expected) in expected.into_iter().enumerate() {
                    let got = match layout {
                        TensorLayout::Nchw => got[c * pixels + i],
                        _ => got[i * count + c],
                    };
                    assert!(
                        (got - expected).abs() <= 1e-6,
                        "{channels:?}: {got} {expected}"
                    );
                }
            }
        }
    }
    // Bytes are those of the 8-bit image.
    let options = TensorOptions::new().element(TensorElement::U8);
    let options = options
        .layout(TensorLayout::Nhwc)
        .channels(TensorChannels::Rgba);
    let wild = image(device, (41, 29), &Noise::new(2).floats(41 * 29 * 4));
    let got = wild.to_tensor(&options).unwrap().download::<u8>().unwrap();
    same(&got, &wild.to_u8().unwrap().download().unwrap(), "u8");
}

fn halves_are_rounded_to_the_nearest(device: &Device) {
    let floats: Vec<f32> = (0..100_000u32)
        .map(|i| f32::from_bits(i.wrapping_mul(42_949)))
        .chain([
            65504.0,
            65519.99,
            65520.0,
            1e-8,
            6e-8,
            3.4e38,
            f32::INFINITY,
        ])
        .chain(Noise::new(3).floats(20_005))
        .map(|v| if v.is_nan() { f32::NAN } else { v })
        .collect();
    let (rows, _) = floats.as_chunks::<16>();
    let floats = rows.as_flattened();
    let picture = image(device, (4, rows.len() as u32), floats);
    let options = TensorOptions::new()
        .layout(TensorLayout::Nhwc)
        .channels(TensorChannels::Rgba);
    let download = |element| {
        let tensor = picture.to_tensor(&options.element(element)).unwrap();
        tensor.download::<u16>().unwrap()
    };
    let expected: Vec<u16> = floats
        .iter()
        .map(|&v| half::f16::from_f32(v).to_bits())
        .collect();
    same(&download(TensorElement::F16), &expected, "f16");
    let expected: Vec<u16> = floats
        .iter()
        .map(|&v| half::bf16::from_f32(v).to_bits())
        .collect();
    same(&download(TensorElement::Bf16), &expected, "bf16");
}

fn opaque(mut samples: Vec<f32>) -> Vec<f32> {
    samples.iter_mut().skip(3).step_by(4).for_each(|a| *a = 1.0);
    samples
}

fn a_resampled_tensor_is_that_of_the_resized_picture(device: &Device) {
    for (size, (width, height)) in [
        ((50, 37), (22, 24)),
        ((20, 30), (20, 7)),
        ((9, 9), (40, 31)),
    ] {
        let picture = image(device, size, &opaque(samples(4, size)));
        for filter in FILTERS {
            let options = TensorOptions::new().filter(filter).mean([0.5; 3]);
            let tensor = picture.to_tensor(&options.size(width, height)).unwrap();
            let resized = picture.resized(width, height, filter).unwrap();
            let expected = resized.to_tensor(&options).unwrap();
            same(&bytes(&tensor), &bytes(&expected), (filter, size));
        }
    }
}

fn alpha_is_ignored_or_flattened(device: &Device) {
    let size = (24, 18);
    let samples = samples(5, size);
    let picture = image(device, size, &samples);
    let opaque = image(device, size, &opaque(samples.clone()));
    let over = |p: &[f32]| {
        let [r, g, b] = [51.0f32 / 255.0, 0.0, 1.0];
        let clear = 1.0 - p[3];
        [
            p[0] * p[3] + r * clear,
            p[1] * p[3] + g * clear,
            p[2] * p[3] + b * clear,
            1.0,
        ]
    };
    let flat: Vec<f32> = samples.chunks(4).flat_map(over).collect();
    let flat = image(device, size, &flat);
    for options in [
        TensorOptions::new(),
        TensorOptions::new().size(11, 7),
        TensorOptions::new().size(11, 7).filter(Filter::Nearest),
        TensorOptions::new()
            .size(24, 7)
            .channels(TensorChannels::Gray),
    ] {
        let ignored = picture.to_tensor(&options).unwrap();
        same(
            &bytes(&ignored),
            &bytes(&opaque.to_tensor(&options).unwrap()),
            "ignored",
        );
        for channels in CHANNELS {
            let options = options.channels(channels);
            let flattened = picture
                .to_tensor(&options.background([51, 0, 255]))
                .unwrap();
            same(
                &bytes(&flattened),
                &bytes(&flat.to_tensor(&options).unwrap()),
                channels,
            );
        }
    }
}

fn pictures_go_to_their_places(device: &Device) {
    for element in ELEMENTS {
        let options = TensorOptions::new().element(element).size(7, 5);
        let mut tensor = Tensor::new(device, 3, &options).unwrap();
        assert_eq!(tensor.shape(), [3, 3, 5, 7]);
        assert!(bytes(&tensor).iter().all(|&byte| byte == 0));
        let picture = image(device, (20, 10), &samples(8, (20, 10)));
        picture.to_tensor_into(&options, &mut tensor, 1).unwrap();
        let (all, one) = (bytes(&tensor), bytes(&picture.to_tensor(&options).unwrap()));
        let zeros = vec![0; one.len()];
        same(&all, &[zeros.clone(), one, zeros].concat(), element);
        assert_eq!(tensor.as_bytes().is_some(), !device.is_cuda());
    }
}

fn wrong_options_are_errors(device: &Device) {
    let picture = image(device, (4, 4), &[0.5; 64]);
    let invalid = |options: TensorOptions| {
        let error = picture.to_tensor(&options).unwrap_err();
        match error.kind() {
            ErrorKind::InvalidOption { option, .. } => *option,
            _ => panic!("{error}"),
        }
    };
    let options = TensorOptions::new();
    assert_eq!(invalid(options.std([1.0, 0.0, 1.0])), "std");
    assert_eq!(invalid(options.std([1.0, f32::NAN, 1.0])), "std");
    // Its reciprocal is infinite.
    assert_eq!(invalid(options.std([1.0, 1.0, 1e-40])), "std");
    assert_eq!(invalid(options.mean([f32::INFINITY, 0.0, 0.0])), "mean");
    assert_eq!(
        invalid(options.mean([0.5; 3]).element(TensorElement::U8)),
        "element"
    );
    let error = picture.to_tensor(&options.size(0, 4)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ZeroDimension { .. }));

    let sized = options.size(4, 4);
    let mut tensor = Tensor::new(device, 2, &sized).unwrap();
    let mut refused = |options: &TensorOptions, picture_number| {
        let result = picture.to_tensor_into(options, &mut tensor, picture_number);
        matches!(result.unwrap_err().kind(), ErrorKind::InvalidOption { .. })
    };
    assert!(refused(&sized, 2));
    assert!(refused(&sized.size(4, 5), 0));
    assert!(refused(&sized.element(TensorElement::F16), 0));
    assert!(refused(&sized.layout(TensorLayout::Nhwc), 0));
    assert!(Tensor::new(device, 1, &options).is_err(), "without a size");
    assert!(tensor.download::<u8>().is_err(), "of another type");
    let error = tensor.download_into(&mut [0.0f32; 5]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WrongLength {
            expected: 96,
            actual: 5
        }
    ));
}

fn gpu_makes_the_tensors_of_the_cpu(gpu: &Device) {
    // With whole quads of pixels, whole groups of 16, and without.
    for size in [(203, 151), (50, 34), (64, 48)] {
        gpu_makes_the_tensors_of(gpu, size);
    }
}

fn gpu_makes_the_tensors_of(gpu: &Device, size: (u32, u32)) {
    let wild = Noise::new(13).floats((size.0 * size.1 * 4) as usize);
    let devices = [gpu, &Device::cpu()];
    let pictures = devices.map(|device| image(device, size, &wild));
    let same_tensors = |options: TensorOptions| {
        let [a, b] = pictures
            .each_ref()
            .map(|picture| bytes(&picture.to_tensor(&options).unwrap()));
        same(&a, &b, options);
    };
    for layout in LAYOUTS {
        for channels in CHANNELS {
            for element in ELEMENTS {
                let mut options = TensorOptions::new()
                    .layout(layout)
                    .channels(channels)
                    .element(element);
                if element != TensorElement::U8 {
                    options = options
                        .mean([0.485, 0.456, 0.406])
                        .std([0.229, 0.224, 0.225]);
                }
                same_tensors(options);
                same_tensors(options.background([9, 99, 199]));
                same_tensors(options.size(64, 48));
                same_tensors(
                    options
                        .size(64, 48)
                        .background([9, 99, 199])
                        .filter(Filter::Lanczos3),
                );
                same_tensors(options.size(224, 224).fit(TensorFit::Cover));
                same_tensors(options.size(60, 151).filter(Filter::Box));
                same_tensors(
                    options
                        .size(31, 77)
                        .fit(TensorFit::Contain([0.1, 0.2, 0.3, 0.4])),
                );
                same_tensors(
                    options
                        .size(97, 61)
                        .filter(Filter::Nearest)
                        .fit(TensorFit::Cover),
                );
                same_tensors(options.size(5, 3).filter(Filter::Lanczos3));
            }
        }
    }
}
