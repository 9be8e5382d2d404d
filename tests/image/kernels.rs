//! The kernels that expand pixels, on every device, against formulas written here; and the GPU against the CPU,
//! bit for bit.

use super::packing::{all_kinds_of_floats, ppm};
use crate::support::{Noise, bits, same};
use imagecuda::{
    Device, DeviceImage, DevicePixel, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_8_bit_value_in_every_layout,
        every_16_bit_value_in_every_layout,
        floats_are_kept_in_every_layout,
        inks_leave_paper,
        every_length_is_whole,
        linear_files_are_encoded_and_written_back,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_expands_as_the_cpu,
        gpu_curves_are_the_cpus,
    ]));
    trials
}

/// The samples of one pixel spread over RGBA, by the words of the documentation.
fn spread<T: Copy>(pixel: &[T], opaque: T) -> [T; 4] {
    match *pixel {
        [l] => [l, l, l, opaque],
        [l, a] => [l, l, l, a],
        [r, g, b] => [r, g, b, opaque],
        [r, g, b, a] => [r, g, b, a],
        _ => panic!("{} samples", pixel.len()),
    }
}

/// The rule of the documentation, step by step in single precision.
pub(super) fn quantize(v: f32) -> u8 {
    if v.is_nan() {
        return 0;
    }
    let scaled = v.clamp(0.0, 1.0) * 255.0;
    (scaled + 0.5).floor() as u8
}

/// Those whose samples are spread over RGBA as they are.
fn layouts(bits: usize) -> impl Iterator<Item = Layout> {
    Layout::ALL
        .into_iter()
        .filter(move |layout| layout.bits() == bits && !layout.is_cmyk())
}

fn expanded<P: DevicePixel>(device: &Device, layout: Layout, bytes: &[u8]) -> Vec<P::Sample> {
    let pixels = bytes.len() / layout.bytes_per_pixel();
    DeviceImage::<P>::from_pixels(device, pixels as u32, 1, layout, bytes)
        .unwrap()
        .download()
        .unwrap()
}

fn to_f32(device: &Device, layout: Layout, bytes: &[u8]) -> Vec<f32> {
    expanded::<imagecuda::RgbaF32>(device, layout, bytes)
}

fn to_u8(device: &Device, layout: Layout, bytes: &[u8]) -> Vec<u8> {
    expanded::<imagecuda::Rgba8>(device, layout, bytes)
}

fn every_8_bit_value_in_every_layout(device: &Device) {
    for layout in layouts(8) {
        // Each sample of a pixel takes each value, at different times.
        let samples: Vec<u8> = (0..=255u8)
            .flat_map(|x| (0..layout.channels() as u8).map(move |c| x.wrapping_mul(1 + 2 * c)))
            .collect();
        let pixels = samples.chunks(layout.channels());
        let f: Vec<f32> = pixels
            .clone()
            .flat_map(|p| spread(p, 255).map(|x| (f64::from(x) / 255.0) as f32))
            .collect();
        assert_eq!(
            bits(&to_f32(device, layout, &samples)),
            bits(&f),
            "{layout:?}"
        );
        let u: Vec<u8> = pixels.flat_map(|p| spread(p, 255)).collect();
        same(&to_u8(device, layout, &samples), &u, layout);
    }
}

fn every_16_bit_value_in_every_layout(device: &Device) {
    for layout in layouts(16) {
        let samples: Vec<u16> = (0..=65535u16)
            .flat_map(|x| (0..layout.channels() as u16).map(move |c| x.wrapping_mul(1 + 2 * c)))
            .collect();
        let bytes: &[u8] = bytemuck::cast_slice(&samples);
        let pixels = samples.chunks(layout.channels());
        let normal: Vec<f64> = pixels
            .flat_map(|p| spread(p, 65535).map(|x| f64::from(x) / 65535.0))
            .collect();
        let f: Vec<f32> = normal.iter().map(|&v| v as f32).collect();
        same(&bits(&to_f32(device, layout, bytes)), &bits(&f), layout);
        let u: Vec<u8> = f.iter().map(|&v| quantize(v)).collect();
        same(&to_u8(device, layout, bytes), &u, layout);
    }
}

/// Red is the paper that cyan and black leave, and so on: by the words of the documentation, step
/// by step in single precision.
fn inks_leave_paper(device: &Device) {
    let expected = |inks: &[f64]| -> [f32; 4] {
        let [c, m, y, k] = *inks else { panic!() };
        let paper = |ink: f64| (1.0 - ink) as f32;
        [
            paper(c) * paper(k),
            paper(m) * paper(k),
            paper(y) * paper(k),
            1.0,
        ]
    };
    let bytes: Vec<u8> = (0..=255u8)
        .flat_map(|x| [1, 3, 5, 7].map(|step| x.wrapping_mul(step)))
        .collect();
    let words: Vec<u16> = (0..=65535u16)
        .flat_map(|x| [1, 3, 5, 7].map(|step| x.wrapping_mul(step)))
        .collect();
    let eights: Vec<f64> = bytes.iter().map(|&x| f64::from(x) / 255.0).collect();
    let sixteens: Vec<f64> = words.iter().map(|&x| f64::from(x) / 65535.0).collect();
    let words: &[u8] = bytemuck::cast_slice(&words);
    for (layout, samples, inks) in [
        (Layout::Cmyk8, &bytes[..], eights),
        (Layout::Cmyk16, words, sixteens),
    ] {
        let f: Vec<f32> = inks.chunks(4).flat_map(expected).collect();
        for (got, exact) in to_f32(device, layout, samples).iter().zip(&f) {
            assert!((got - exact).abs() < 2e-7, "{got} for {exact}");
        }
        let got = to_f32(device, layout, samples);
        let u: Vec<u8> = got.iter().map(|&v| quantize(v)).collect();
        same(&to_u8(device, layout, samples), &u, layout);
    }
}

fn floats_are_kept_in_every_layout(device: &Device) {
    for layout in layouts(32) {
        let samples = Noise::new(1).floats(layout.channels() * 5003);
        let bytes: &[u8] = bytemuck::cast_slice(&samples);
        let pixels = samples.chunks(layout.channels());
        let f: Vec<f32> = pixels.flat_map(|p| spread(p, 1.0)).collect();
        same(&bits(&to_f32(device, layout, bytes)), &bits(&f), layout);
        let u: Vec<u8> = f.iter().map(|&v| quantize(v)).collect();
        same(&to_u8(device, layout, bytes), &u, layout);
    }
}

/// Lengths around every boundary that a kernel has: words, quads, warps, blocks, grids.
fn every_length_is_whole(device: &Device) {
    let lengths = (1..=70)
        .chain([127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 16_384])
        .chain([
            65_535, 65_536, 65_537, 100_003, 1_081_344, 1_081_345, 1_500_007,
        ]);
    let bytes = Noise::new(2).bytes(1_500_007 * 3);
    for n in lengths {
        let rgb = &bytes[..n * 3];
        let expected: Vec<u8> = rgb.chunks(3).flat_map(|p| spread(p, 255)).collect();
        same(&to_u8(device, Layout::Rgb8, rgb), &expected, n);
        let image = Image::from_pixels(device, n as u32, 1, Layout::Rgb8, rgb).unwrap();
        assert!(
            image.to_u8().unwrap().download().unwrap() == expected,
            "{n} pixels"
        );
        same(&ppm(&image, None), rgb, n);
        let gray = &bytes[..n];
        let expected: Vec<u8> = gray.iter().flat_map(|&l| spread(&[l], 255)).collect();
        same(&to_u8(device, Layout::L8, gray), &expected, n);
    }
}

/// The sRGB curve in double precision, extended.
fn srgb(v: f64) -> f64 {
    let a = v.abs();
    let encoded = if a <= 0.003_130_8 {
        12.92 * a
    } else {
        1.055 * a.powf(1.0 / 2.4) - 0.055
    };
    encoded.copysign(v)
}

/// An EXR file of these RGBA samples, linear light as they are.
fn exr(samples: &[f32], width: u32) -> Vec<u8> {
    let height = samples.len() as u32 / 4 / width;
    let pixels = image::Rgba32FImage::from_raw(width, height, samples.to_vec()).unwrap();
    let mut file = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut file, image::ImageFormat::OpenExr)
        .unwrap();
    file.into_inner()
}

fn linear_files_are_encoded_and_written_back(device: &Device) {
    let linear: Vec<f32> = (0..4 * 1000).map(|i| i as f32 / 1000.0 - 0.5).collect();
    let image = LoadOptions::new()
        .decode(device, &exr(&linear, 100))
        .unwrap();
    assert_eq!((image.width(), image.height()), (100, 10));
    for (got, v) in image.download().unwrap().chunks(4).zip(linear.chunks(4)) {
        let alpha = f64::from(v[3]);
        for c in 0..3 {
            // OpenEXR's colours are multiplied by alpha.
            let exact = srgb(f64::from(v[c]) / if alpha > 0.0 { alpha } else { 1.0 });
            assert!((f64::from(got[c]) - exact).abs() < 1e-6 * exact.abs().max(1.0));
        }
        assert_eq!(got[3], v[3], "alpha has no curve");
    }
    let file = SaveOptions::new().encode(&image, Format::Exr).unwrap();
    let back = image::load_from_memory_with_format(&file, image::ImageFormat::OpenExr)
        .unwrap()
        .into_rgba32f();
    for (got, v) in back.chunks(4).zip(linear.chunks(4)) {
        for c in 0..4 {
            assert!((got[c] - v[c]).abs() < 4e-6, "{got:?} for {v:?}");
        }
    }
}

fn gpu_expands_as_the_cpu(gpu: &Device) {
    for layout in Layout::ALL {
        for pixels in [1, 63, 1009, 262_147, 3_000_017] {
            let bytes = match layout.bits() {
                32 => {
                    bytemuck::cast_slice(&Noise::new(4).floats(pixels * layout.channels())).to_vec()
                }
                _ => Noise::new(5).bytes(pixels * layout.bytes_per_pixel()),
            };
            let (a, b) = (
                to_f32(gpu, layout, &bytes),
                to_f32(&Device::cpu(), layout, &bytes),
            );
            same(&bits(&a), &bits(&b), (layout, pixels));
            let (a, b) = (
                to_u8(gpu, layout, &bytes),
                to_u8(&Device::cpu(), layout, &bytes),
            );
            same(&a, &b, (layout, pixels));
        }
    }
}

fn gpu_curves_are_the_cpus(gpu: &Device) {
    let mut floats = all_kinds_of_floats();
    floats.truncate(floats.len() / 4096 * 4096);
    let file = exr(&floats, 1024);
    let [(loaded, u8s, rgba, rgb), expected] = [gpu, &Device::cpu()].map(|device| {
        let options = LoadOptions::new();
        let image = options.decode(device, &file).unwrap();
        let u8s: ImageU8 = options.decode_u8(device, &file).unwrap();
        let mut raw = Image::new(device, 1024, image.height()).unwrap();
        raw.upload(&floats).unwrap();
        let rgba = SaveOptions::new().encode(&raw, Format::Exr).unwrap();
        let flat = SaveOptions::new().background([9, 99, 199]);
        let rgb = flat.encode(&raw, Format::Exr).unwrap();
        (
            bits(&image.download().unwrap()),
            u8s.download().unwrap(),
            rgba,
            rgb,
        )
    });
    same(&loaded, &expected.0, "loaded");
    same(&u8s, &expected.1, "8-bit");
    same(&rgba, &expected.2, "RGBA file");
    same(&rgb, &expected.3, "RGB file");
}
