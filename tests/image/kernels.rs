//! Every kernel, on every device, against formulas written here; and the GPU against the CPU,
//! bit for bit.

use crate::support::{Noise, bits, same};
use imagecuda::{
    Depth, Device, DeviceImage, DevicePixel, Format, Image, ImageU8, Layout, LoadOptions,
    SaveOptions,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        every_8_bit_value_in_every_layout,
        every_16_bit_value_in_every_layout,
        floats_are_kept_in_every_layout,
        inks_leave_paper,
        every_length_is_whole,
        rgb_is_flattened_onto_the_background,
        every_16_bit_value_is_written_back,
        deep_pixels_are_flattened_onto_the_background,
        floats_are_written_as_they_are,
        linear_files_are_encoded_and_written_back,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_expands_as_the_cpu,
        gpu_quantizes_as_the_cpu,
        gpu_packs_as_the_cpu,
        gpu_packs_deep_pixels_as_the_cpu,
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
fn quantize(v: f32) -> u8 {
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

/// The RGB bytes of the PPM file that is made of an image.
fn ppm(image: &Image, background: Option<[u8; 3]>) -> Vec<u8> {
    let options = SaveOptions::new();
    let options = match background {
        Some(rgb) => options.background(rgb),
        None => options,
    };
    let mut file = options.encode(image, Format::Pnm).unwrap();
    let pixels = image.width() as usize * image.height() as usize * 3;
    assert!(file.starts_with(b"P6"));
    file.split_off(file.len() - pixels)
}

fn rgb_is_flattened_onto_the_background(device: &Device) {
    let samples = Noise::new(3).floats(4 * 10_007);
    let mut image = Image::new(device, 10_007, 1).unwrap();
    image.upload(&samples).unwrap();
    for background in [None, Some([255, 255, 255]), Some([1, 128, 77])] {
        let bytes = ppm(&image, background);
        let background = background.unwrap_or_default().map(|x| f64::from(x) / 255.0);
        let unit = |v: f32| {
            if v.is_nan() {
                0.0
            } else {
                f64::from(v).clamp(0.0, 1.0)
            }
        };
        for (p, rgb) in samples.chunks(4).zip(bytes.chunks(3)) {
            let a = unit(p[3]);
            for c in 0..3 {
                let exact = (unit(p[c]) * a + background[c] * (1.0 - a)) * 255.0;
                let off = (f64::from(rgb[c]) - exact).abs();
                assert!(off <= 0.5001, "{p:?} on {background:?} gave {rgb:?}");
            }
        }
    }
}

/// The samples of the 16-bit Netpbm file that is made of an image: RGBA in a `.pam`, RGB in a
/// `.ppm`.
fn netpbm16(image: &Image, name: &str, options: &SaveOptions) -> Vec<u16> {
    let options = options.clone().depth(Depth::U16);
    let packed = options.pack(image, name).unwrap();
    let bytes = packed.layout().bytes(image.width(), image.height());
    let file = packed.encode().unwrap();
    let samples = &file[file.len() - bytes.unwrap()..];
    let (samples, _) = samples.as_chunks();
    samples.iter().map(|two| u16::from_be_bytes(*two)).collect()
}

/// The samples of the float TIFF that is made of an image, whose strips lie one after another.
fn tiff_floats(image: &Image, options: &SaveOptions) -> Vec<f32> {
    let options = options.clone().depth(Depth::F32);
    let packed = options.pack(image, "a.tif").unwrap();
    let bytes = packed.layout().bytes(image.width(), image.height());
    let file = packed.encode().unwrap();
    // The file is in the machine's byte order: a count of entries of twelve bytes (tag, type,
    // count, value), where many values are elsewhere.
    let word = |at: usize| u16::from_ne_bytes(*file[at..].first_chunk().unwrap());
    let long = |at: usize| u32::from_ne_bytes(*file[at..].first_chunk().unwrap()) as usize;
    let directory = long(4);
    let mut entries = (0..usize::from(word(directory))).map(|i| directory + 2 + 12 * i);
    let offsets = entries.find(|&at| word(at) == 273).unwrap();
    let start = match long(offsets + 4) {
        1 => long(offsets + 8),
        _ => long(long(offsets + 8)),
    };
    let (samples, _) = file[start..start + bytes.unwrap()].as_chunks();
    samples.iter().map(|v| f32::from_ne_bytes(*v)).collect()
}

fn floats_image(device: &Device, samples: &[f32]) -> Image {
    let mut image = Image::new(device, samples.len() as u32 / 4, 1).unwrap();
    image.upload(samples).unwrap();
    image
}

/// The rule of the documentation for 16 bits.
fn quantize16(v: f32) -> u16 {
    if v.is_nan() {
        return 0;
    }
    let scaled = v.clamp(0.0, 1.0) * 65535.0;
    (scaled + 0.5).floor() as u16
}

fn every_16_bit_value_is_written_back(device: &Device) {
    let samples: Vec<u16> = (0..=65535u16)
        .flat_map(|x| [1, 3, 5, 7].map(|k| x.wrapping_mul(k)))
        .collect();
    let bytes = bytemuck::cast_slice(&samples);
    let image = Image::from_pixels(device, 65_536, 1, Layout::Rgba16, bytes).unwrap();
    let plain = SaveOptions::new();
    same(&netpbm16(&image, "a.pam", &plain), &samples, "RGBA");

    let opaque: Vec<u16> = (0..=65535u16)
        .flat_map(|x| [x, !x, x.rotate_left(4)])
        .collect();
    let bytes = bytemuck::cast_slice(&opaque);
    let image = Image::from_pixels(device, 65_536, 1, Layout::Rgb16, bytes).unwrap();
    same(&netpbm16(&image, "a.ppm", &plain), &opaque, "RGB");

    let floats = Noise::new(7).floats(4 * 10_007);
    let expected: Vec<u16> = floats.iter().map(|&v| quantize16(v)).collect();
    let image = floats_image(device, &floats);
    same(&netpbm16(&image, "a.pam", &plain), &expected, "floats");
}

fn deep_pixels_are_flattened_onto_the_background(device: &Device) {
    let samples = Noise::new(8).floats(4 * 10_007);
    let image = floats_image(device, &samples);
    for rgb in [[0, 0, 0], [255, 255, 255], [1, 128, 77]] {
        let options = SaveOptions::new().background(rgb);
        let words = netpbm16(&image, "a.pam", &options);
        let floats = tiff_floats(&image, &options);
        let background = rgb.map(|x| f64::from(x) / 255.0);
        let unit = |v: f32| match v.is_nan() {
            true => 0.0,
            false => f64::from(v).clamp(0.0, 1.0),
        };
        let results = words.chunks(3).zip(floats.chunks(3));
        for (p, (words, floats)) in samples.chunks(4).zip(results) {
            let a = unit(p[3]);
            for c in 0..3 {
                let exact = (unit(p[c]) * a + background[c] * (1.0 - a)) * 65535.0;
                let off = (f64::from(words[c]) - exact).abs();
                assert!(off <= 0.52, "{p:?} on {rgb:?} gave {words:?}");

                let (got, v) = (f64::from(floats[c]), f64::from(p[c]));
                let exact = match a {
                    0.0 => background[c],
                    _ => v * a + background[c] * (1.0 - a),
                };
                let tolerance = 4e-7 * exact.abs().max(1.0);
                let close = (got - exact).abs() <= tolerance || got == exact;
                assert!(
                    close || (got.is_nan() && v.is_nan()),
                    "{p:?} on {rgb:?} gave {floats:?}"
                );
            }
        }
    }
}

fn floats_are_written_as_they_are(device: &Device) {
    let samples = Noise::new(9).floats(4 * 10_007);
    let image = floats_image(device, &samples);
    let written = tiff_floats(&image, &SaveOptions::new());
    same(&bits(&written), &bits(&samples), "RGBA");
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

/// Floats of every exponent and sign: bit patterns in steps of 257.
fn all_kinds_of_floats() -> Vec<f32> {
    let mut floats: Vec<f32> = (0..=u32::MAX).step_by(257).map(f32::from_bits).collect();
    floats.truncate(floats.len() / 4 * 4);
    floats
}

fn gpu_quantizes_as_the_cpu(gpu: &Device) {
    let floats = all_kinds_of_floats();
    let bytes = bytemuck::cast_slice(&floats);
    let [a, b] = [gpu, &Device::cpu()].map(|device| {
        let width = floats.len() as u32 / 4;
        let image = Image::from_pixels(device, width, 1, Layout::Rgba32F, bytes).unwrap();
        image.to_u8().unwrap().download().unwrap()
    });
    same(&a, &b, "quantized");
}

fn gpu_packs_as_the_cpu(gpu: &Device) {
    for pixels in [1, 2, 3, 4, 5, 31, 32, 33, 1009, 262_147, 3_000_017] {
        let samples = Noise::new(6).floats(pixels * 4);
        let [a, b] = [gpu, &Device::cpu()].map(|device| {
            let bytes = bytemuck::cast_slice(&samples);
            let image = Image::from_pixels(device, pixels as u32, 1, Layout::Rgba32F, bytes);
            let image = image.unwrap();
            (ppm(&image, None), ppm(&image, Some([3, 200, 99])))
        });
        same(&a.0, &b.0, pixels);
        same(&a.1, &b.1, pixels);
    }
}

fn gpu_packs_deep_pixels_as_the_cpu(gpu: &Device) {
    let check = |samples: &[f32], what: &str| {
        for options in [
            SaveOptions::new(),
            SaveOptions::new().background([3, 200, 99]),
        ] {
            let [(pam, ppm, floats), expected] = [gpu, &Device::cpu()].map(|device| {
                let image = floats_image(device, samples);
                (
                    netpbm16(&image, "a.pam", &options),
                    netpbm16(&image, "a.ppm", &options),
                    bits(&tiff_floats(&image, &options)),
                )
            });
            same(&pam, &expected.0, (what, "PAM", &options));
            same(&ppm, &expected.1, (what, "PPM", &options));
            same(&floats, &expected.2, (what, "TIFF", &options));
        }
    };
    for pixels in [1, 2, 3, 31, 32, 33, 255, 256, 257, 1009, 262_147, 3_000_017] {
        let samples = Noise::new(10).floats(pixels * 4);
        check(&samples, &format!("{pixels} pixels"));
    }
    check(&all_kinds_of_floats(), "all kinds of floats");
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
