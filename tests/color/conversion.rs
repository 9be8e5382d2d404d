//! Files whose numbers are not sRGB's, on every device.

use crate::support::{
    Noise, bits, crc32,
    profiles::{Icc, para},
    same,
};
use image::{ExtendedColorType, ImageEncoder};
use imagecuda::{ColorPolicy, Device, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use moxcms::ColorProfile;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        a_profile_becomes_srgb,
        raw_keeps_the_numbers,
        srgb_profiles_change_no_bit,
        gray_profiles_are_for_gray,
        gray_profiles_are_for_gray_frames,
        the_callers_buffers_hold_converted_colours,
        linear_light_stays_so_when_raw,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_converts_as_the_cpu,
    ]));
    trials
}

/// A PNG of these samples with this profile.
pub(crate) fn png(samples: &[u8], width: u32, color: ExtendedColorType, profile: &[u8]) -> Vec<u8> {
    let row = width as usize * usize::from(color.bits_per_pixel() / 8);
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.set_icc_profile(profile.to_vec()).unwrap();
    let height = (samples.len() / row) as u32;
    encoder.write_image(samples, width, height, color).unwrap();
    file
}

/// Display P3 to sRGB: the published matrix, and sRGB's curve past its ends.
fn p3_to_srgb(color: [f64; 3]) -> [f64; 3] {
    let decode = |v: f64| match v {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    };
    let encode = |v: f64| match v.abs() {
        a if a <= 0.003_130_8 => v * 12.92,
        a => (1.055 * a.powf(1.0 / 2.4) - 0.055).copysign(v),
    };
    let [r, g, b] = color.map(decode);
    [
        1.224_940_2 * r - 0.224_940_2 * g,
        -0.042_056_9 * r + 1.042_056_9 * g,
        -0.019_637_6 * r - 0.078_636_1 * g + 1.098_273_7 * b,
    ]
    .map(encode)
}

fn a_profile_becomes_srgb(device: &Device) {
    // Its primaries as Apple's own profile has them.
    let primaries = [
        [0.515_12, 0.2412, -0.001_05],
        [0.291_98, 0.692_25, 0.041_89],
        [0.1571, 0.066_57, 0.784_07],
    ];
    let curve = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];
    let profile = Icc::rgb(primaries, &para(3, &curve)).bytes();
    let samples = Noise::new(1).bytes(64 * 48 * 4);
    let file = png(&samples, 64, ExtendedColorType::Rgba8, &profile);
    let floats = LoadOptions::new()
        .decode(device, &file)
        .unwrap()
        .download()
        .unwrap();
    let bytes = LoadOptions::new()
        .decode_u8(device, &file)
        .unwrap()
        .download()
        .unwrap();
    let unit = |x: u8| f64::from(x) / 255.0;
    for ((stored, float), byte) in samples.chunks(4).zip(floats.chunks(4)).zip(bytes.chunks(4)) {
        let exact = p3_to_srgb([unit(stored[0]), unit(stored[1]), unit(stored[2])]);
        for c in 0..3 {
            // Profiles hold 16 bits of each primary.
            assert!(
                (f64::from(float[c]) - exact[c]).abs() < 2e-3,
                "{float:?} for {exact:?}"
            );
            let quantized = (float[c].clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            assert_eq!(byte[c], quantized);
        }
        assert_eq!(
            f64::from(float[3]),
            f64::from(unit(stored[3]) as f32),
            "alpha is no colour"
        );
    }
}

fn raw_keeps_the_numbers(device: &Device) {
    let profile = ColorProfile::new_adobe_rgb().encode().unwrap();
    let samples = Noise::new(2).bytes(64 * 48 * 3);
    let file = png(&samples, 64, ExtendedColorType::Rgb8, &profile);
    let plain = ImageU8::from_pixels(device, 64, 48, Layout::Rgb8, &samples).unwrap();
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let loaded = raw.decode_u8(device, &file).unwrap();
    same(
        &loaded.download().unwrap(),
        &plain.download().unwrap(),
        "raw",
    );
    let converted = LoadOptions::new().decode_u8(device, &file).unwrap();
    assert!(converted.download().unwrap() != plain.download().unwrap());
}

fn srgb_profiles_change_no_bit(device: &Device) {
    let profile = ColorProfile::new_srgb().encode().unwrap();
    let samples = Noise::new(3).bytes(64 * 48 * 3);
    let file = png(&samples, 64, ExtendedColorType::Rgb8, &profile);
    let plain = Image::from_pixels(device, 64, 48, Layout::Rgb8, &samples).unwrap();
    let loaded = LoadOptions::new().decode(device, &file).unwrap();
    same(
        &bits(&loaded.download().unwrap()),
        &bits(&plain.download().unwrap()),
        "sRGB",
    );
}

fn gray_profiles_are_for_gray(device: &Device) {
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let samples: Vec<u8> = (0..=255).collect();
    let file = png(&samples, 16, ExtendedColorType::L8, &gray);
    let loaded = LoadOptions::new()
        .decode(device, &file)
        .unwrap()
        .download()
        .unwrap();
    for (pixel, x) in loaded.chunks(4).zip(samples) {
        let linear = f64::from(x) / 255.0;
        let exact = match linear {
            v if v <= 0.003_130_8 => v * 12.92,
            v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
        };
        assert!(
            (f64::from(pixel[0]) - exact).abs() < 1e-4,
            "{pixel:?} for {exact}"
        );
        assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2] && pixel[3] == 1.0);
    }
    // For pixels of another kind a profile means nothing.
    let rgb = ColorProfile::new_display_p3().encode().unwrap();
    let samples = Noise::new(4).bytes(256);
    let file = png(&samples, 16, ExtendedColorType::L8, &rgb);
    let loaded = LoadOptions::new()
        .decode_u8(device, &file)
        .unwrap()
        .download()
        .unwrap();
    let plain: Vec<u8> = samples.iter().flat_map(|&l| [l, l, l, 255]).collect();
    same(&loaded, &plain, "RGB profile on gray");
}

/// The frames of a gray animation are composed as RGBA, and are gray all the same.
fn gray_profiles_are_for_gray_frames(device: &Device) {
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let samples: Vec<u8> = (0..=255).collect();
    let mut file = png(&samples, 16, ExtendedColorType::L8, &gray);
    let chunk = |name: &[u8], data: &[u8]| {
        let named = [name, data].concat();
        let length = (data.len() as u32).to_be_bytes();
        [&length[..], &named, &crc32(&named).to_be_bytes()].concat()
    };
    let control = chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let sides = [0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 16];
    let frame = chunk(
        b"fcTL",
        &[&sides[..], &[0; 8], &[0, 1, 0, 10, 0, 0]].concat(),
    );
    let at = file.windows(4).position(|four| four == b"IDAT").unwrap() - 4;
    file.splice(at..at, [control, frame].concat());
    let load = LoadOptions::new();
    let still = load.decode(device, &file).unwrap().download().unwrap();
    let mut frames = load.frames_bytes(device, file).unwrap();
    let first = frames.next().unwrap().unwrap();
    let first = first.image().download().unwrap();
    same(&bits(&first), &bits(&still), "the only frame");
    assert!(
        (still[4 * 128] - 0.736_647).abs() < 1e-4,
        "{}",
        still[4 * 128]
    );
}

fn the_callers_buffers_hold_converted_colours(device: &Device) {
    let profile = ColorProfile::new_adobe_rgb().encode().unwrap();
    let samples = Noise::new(6).bytes(64 * 48 * 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, png(&samples, 64, ExtendedColorType::Rgb8, &profile)).unwrap();
    let expected = LoadOptions::new().load(device, &path).unwrap();
    let mut image = Image::new(device, 100, 100).unwrap();
    let mut via = ImageU8::new(device, 100, 100).unwrap();
    imagecuda::load_into_via(&path, &mut image, &mut via).unwrap();
    let expected_bits = bits(&expected.download().unwrap());
    same(&bits(&image.download().unwrap()), &expected_bits, "image");
    let expected_bytes = expected.to_u8().unwrap().download().unwrap();
    same(&via.download().unwrap(), &expected_bytes, "buffer");
    let mut bytes = ImageU8::new(device, 100, 100).unwrap();
    imagecuda::load_u8_into(&path, &mut bytes).unwrap();
    same(&bytes.download().unwrap(), &expected_bytes, "load_u8_into");
    assert_eq!((bytes.width(), bytes.height()), (64, 48));
}

fn linear_light_stays_so_when_raw(device: &Device) {
    let samples: Vec<f32> = (0..256)
        .map(|i| if i % 4 == 3 { 1.0 } else { i as f32 / 100.0 })
        .collect();
    let image = Image::from_pixels(
        device,
        8,
        8,
        Layout::Rgba32F,
        bytemuck::cast_slice(&samples),
    );
    let file = SaveOptions::new()
        .encode(&image.unwrap(), Format::Exr)
        .unwrap();
    let raw = LoadOptions::new()
        .color_policy(ColorPolicy::Raw)
        .decode(device, &file);
    let raw = raw.unwrap().download().unwrap();
    for (raw, encoded) in raw.chunks(4).zip(samples.chunks(4)) {
        let exact = match f64::from(encoded[1]) {
            v if v <= 0.04045 => v / 12.92,
            v => ((v + 0.055) / 1.055).powf(2.4),
        };
        assert!(
            (f64::from(raw[1]) - exact).abs() < 1e-5 * exact.max(1.0),
            "{raw:?}"
        );
    }
}

fn gpu_converts_as_the_cpu(gpu: &Device) {
    let profile = ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let samples = Noise::new(7).bytes(509 * 211 * 6);
    let file = png(&samples, 509, ExtendedColorType::Rgb16, &profile);
    let [a, b] = [gpu, &Device::cpu()].map(|device| {
        let floats = LoadOptions::new().decode(device, &file).unwrap();
        let bytes = LoadOptions::new().decode_u8(device, &file).unwrap();
        (bits(&floats.download().unwrap()), bytes.download().unwrap())
    });
    same(&a.0, &b.0, "floats");
    same(&a.1, &b.1, "bytes");
}
