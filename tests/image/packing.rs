//! The kernels that pack pixels for encoders, on every device, against formulas written here; and the
//! GPU against the CPU, bit for bit.

use crate::support::{Noise, bits, same};
use imagecuda::{Depth, Device, Format, Image, Layout, SaveOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        rgb_is_flattened_onto_the_background,
        every_16_bit_value_is_written_back,
        deep_pixels_are_flattened_onto_the_background,
        floats_are_written_as_they_are,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_quantizes_as_the_cpu,
        gpu_packs_as_the_cpu,
        gpu_packs_deep_pixels_as_the_cpu,
    ]));
    trials
}

/// The RGB bytes of the PPM file that is made of an image.
pub(super) fn ppm(image: &Image, background: Option<[u8; 3]>) -> Vec<u8> {
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

/// Floats of every exponent and sign: bit patterns in steps of 257.
pub(super) fn all_kinds_of_floats() -> Vec<f32> {
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
