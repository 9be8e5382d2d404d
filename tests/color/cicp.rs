//! PNGs that say their colours in code points (cICP), on every device.

use crate::support::{Noise, bits, crc32, same};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use imagecuda::{ColorPolicy, Device, Image, Layout, LoadOptions};
use libtest_mimic::Trial;
use moxcms::ColorProfile;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        primaries_are_converted,
        pq_is_light_of_a_display,
        hlg_is_rendered_for_a_display,
        what_is_srgb_changes_no_bit,
        code_points_go_before_a_profile,
        unknown_code_points_are_ignored,
        raw_keeps_the_numbers,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_renders_as_the_cpu,
    ]));
    trials
}

const WIDTH: u32 = 61;

/// A PNG of 16-bit RGB samples with this cICP chunk right behind its header.
fn png(samples: &[u16], code_points: [u8; 4], profile: Option<Vec<u8>>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    let height = samples.len() as u32 / 3 / WIDTH;
    let bytes = bytemuck::cast_slice(samples);
    encoder
        .write_image(bytes, WIDTH, height, ExtendedColorType::Rgb16)
        .unwrap();
    let chunk = [&b"cICP"[..], &code_points].concat();
    let chunk = [
        &4_u32.to_be_bytes()[..],
        &chunk,
        &crc32(&chunk).to_be_bytes(),
    ]
    .concat();
    let header = 8 + 25;
    file.splice(header..header, chunk);
    file
}

fn noise(seed: u64) -> Vec<u16> {
    let bytes = Noise::new(seed).bytes(WIDTH as usize * 23 * 3 * 2);
    bytemuck::pod_collect_to_vec(&bytes)
}

fn load(device: &Device, file: &[u8]) -> Vec<f32> {
    let image = LoadOptions::new().decode(device, file).unwrap();
    image.download().unwrap()
}

fn plain(device: &Device, samples: &[u16]) -> Vec<f32> {
    let height = samples.len() as u32 / 3 / WIDTH;
    let bytes = bytemuck::cast_slice(samples);
    Image::from_pixels(device, WIDTH, height, Layout::Rgb16, bytes)
        .and_then(|image| image.download())
        .unwrap()
}

fn srgb_decode(v: f64) -> f64 {
    match v {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    }
}

fn srgb_encode(v: f64) -> f64 {
    match v.abs() {
        a if a <= 0.003_130_8 => v * 12.92,
        a => (1.055 * a.powf(1.0 / 2.4) - 0.055).copysign(v),
    }
}

/// BT.2020's primaries to sRGB's, from BT.2087.
fn bt2020_to_srgb([r, g, b]: [f64; 3]) -> [f64; 3] {
    [
        1.660_491 * r - 0.587_641 * g - 0.072_850 * b,
        -0.124_550 * r + 1.132_900 * g - 0.008_349 * b,
        -0.018_151 * r - 0.100_579 * g + 1.118_730 * b,
    ]
}

/// Holds what `device` makes of `samples` under `code_points` against `to_linear`, which gives
/// light with sRGB's primaries, within `tolerance` of an encoded value (or of its share).
#[track_caller]
fn check(
    device: &Device,
    code_points: [u8; 4],
    tolerance: f64,
    to_linear: impl Fn([f64; 3]) -> [f64; 3],
) {
    let mut samples = noise(u64::from(code_points[1]));
    samples[..6].copy_from_slice(&[0, 0, 0, 65535, 65535, 65535]);
    let got = load(device, &png(&samples, code_points, None));
    for (stored, got) in samples.chunks(3).zip(got.chunks(4)) {
        let unit = |i: usize| f64::from(stored[i]) / 65535.0;
        let exact = to_linear([unit(0), unit(1), unit(2)]).map(srgb_encode);
        for (got, exact) in got.iter().zip(exact) {
            let off = (f64::from(*got) - exact).abs() / exact.abs().max(1.0);
            assert!(off < tolerance, "{got} for {exact} of {stored:?}");
        }
        assert_eq!(got[3], 1.0);
    }
}

fn primaries_are_converted(device: &Device) {
    check(device, [12, 13, 0, 1], 3e-5, |color| {
        let [r, g, b] = color.map(srgb_decode);
        [
            1.224_940 * r - 0.224_940 * g,
            -0.042_057 * r + 1.042_057 * g,
            -0.019_638 * r - 0.078_636 * g + 1.098_274 * b,
        ]
    });
    check(device, [9, 13, 0, 1], 3e-5, |color| {
        bt2020_to_srgb(color.map(srgb_decode))
    });
    check(device, [1, 8, 0, 1], 2e-4, |color| color);
    check(device, [1, 4, 0, 1], 1e-4, |color| {
        color.map(|v| v.powf(2.2))
    });
}

fn pq_is_light_of_a_display(device: &Device) {
    let pq = |v: f64| {
        let p = v.powf(1.0 / 78.84375);
        let y = ((p - 0.8359375).max(0.0) / (18.8515625 - 18.6875 * p)).powf(1.0 / 0.1593017578125);
        y * 10_000.0 / 203.0
    };
    check(device, [9, 16, 0, 1], 2e-4, |color| {
        bt2020_to_srgb(color.map(pq))
    });
}

fn hlg_is_rendered_for_a_display(device: &Device) {
    let scene = |v: f64| match v {
        v if v <= 0.5 => v * v / 3.0,
        v => (((v - 0.55991073) / 0.17883277).exp() + 0.28466892) / 12.0,
    };
    check(device, [9, 18, 0, 1], 2e-4, |color| {
        let [r, g, b] = color.map(scene);
        let luminance = 0.2627 * r + 0.6780 * g + 0.0593 * b;
        let gain = luminance.powf(0.2) * 1000.0 / 203.0;
        bt2020_to_srgb([r * gain, g * gain, b * gain])
    });
}

fn what_is_srgb_changes_no_bit(device: &Device) {
    let samples = noise(1);
    let expected = bits(&plain(device, &samples));
    // Transfer functions of television too: what is meant by them is sRGB.
    for code_points in [[1, 13], [2, 2], [2, 13], [1, 1], [1, 6], [1, 14]] {
        let [primaries, transfer] = code_points;
        let file = png(&samples, [primaries, transfer, 0, 1], None);
        same(&bits(&load(device, &file)), &expected, code_points);
    }
}

fn code_points_go_before_a_profile(device: &Device) {
    let samples = noise(2);
    let profile = ColorProfile::new_adobe_rgb().encode().unwrap();
    let both = png(&samples, [9, 13, 0, 1], Some(profile.clone()));
    let one = png(&samples, [9, 13, 0, 1], None);
    same(&bits(&load(device, &both)), &bits(&load(device, &one)), ());
    let known = png(&samples, [1, 13, 0, 1], Some(profile.clone()));
    let expected = bits(&plain(device, &samples));
    same(&bits(&load(device, &known)), &expected, "sRGB's own");
    let unknown = png(&samples, [77, 13, 0, 1], Some(profile));
    assert!(bits(&load(device, &unknown)) != expected);
}

fn unknown_code_points_are_ignored(device: &Device) {
    let samples = noise(3);
    let expected = bits(&plain(device, &samples));
    // Reserved ones, and limited range.
    for code_points in [[0, 13, 0, 1], [12, 99, 0, 1], [12, 13, 0, 0]] {
        let file = png(&samples, code_points, None);
        same(&bits(&load(device, &file)), &expected, code_points);
    }
}

fn raw_keeps_the_numbers(device: &Device) {
    let samples = noise(4);
    let file = png(&samples, [9, 16, 0, 1], None);
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let raw = raw.decode(device, &file).unwrap().download().unwrap();
    same(&bits(&raw), &bits(&plain(device, &samples)), "raw");
}

fn gpu_renders_as_the_cpu(gpu: &Device) {
    let samples = noise(5);
    for code_points in [[9, 16, 0, 1], [9, 18, 0, 1], [12, 13, 0, 1]] {
        let file = png(&samples, code_points, None);
        let (a, b) = (load(gpu, &file), load(&Device::cpu(), &file));
        same(&bits(&a), &bits(&b), code_points);
    }
}
