//! Files of cyan, magenta, yellow and black, on every device.

use crate::support::{
    Noise, bits,
    profiles::{Icc, mft},
    same,
};
use imagecuda::{ColorPolicy, Device, ImageU8, Layout, LoadOptions};
use jpeg_encoder::{ColorType, Encoder};
use libtest_mimic::Trial;
use std::io::Cursor;
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        without_a_profile_inks_leave_paper,
        adobes_files_are_as_another_decoder_reads_them,
        a_profile_says_what_the_inks_look_like,
        a_profile_for_other_channels_is_ignored,
        raw_is_without_the_profile,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_prints_as_the_cpu,
    ]));
    trials
}

/// A TIFF of these inks: every depth and layout is said there without loss.
pub(crate) fn tiff<C: colortype::ColorType>(
    samples: &[C::Inner],
    width: u32,
    profile: Option<&[u8]>,
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let height = samples.len() as u32 / 4 / width;
    let mut image = encoder.new_image::<C>(width, height).unwrap();
    if let Some(profile) = profile {
        image.encoder().write_tag(Tag::IccProfile, profile).unwrap();
    }
    image.write_data(samples).unwrap();
    file.into_inner()
}

fn load(device: &Device, file: &[u8]) -> Vec<f32> {
    let image = LoadOptions::new().decode(device, file).unwrap();
    image.download().unwrap()
}

fn load_u8(device: &Device, file: &[u8]) -> Vec<u8> {
    let image = LoadOptions::new().decode_u8(device, file).unwrap();
    image.download().unwrap()
}

fn without_a_profile_inks_leave_paper(device: &Device) {
    let samples = Noise::new(1).bytes(37 * 19 * 4);
    let expected = ImageU8::from_pixels(device, 37, 19, Layout::Cmyk8, &samples).unwrap();
    let file = tiff::<colortype::CMYK8>(&samples, 37, None);
    let expected = expected.download().unwrap();
    same(&load_u8(device, &file), &expected, "8 bits");
    for (inks, rgba) in samples.chunks(4).zip(expected.chunks(4)) {
        for c in 0..3 {
            let paper = |ink: u8| 1.0 - f64::from(ink) / 255.0;
            let exact = paper(inks[c]) * paper(inks[3]) * 255.0;
            assert!(
                (f64::from(rgba[c]) - exact).abs() <= 0.501,
                "{inks:?} {rgba:?}"
            );
        }
        assert_eq!(rgba[3], 255);
    }
    let deep: Vec<u16> = samples.iter().map(|&v| u16::from(v) * 257).collect();
    let file = tiff::<colortype::CMYK16>(&deep, 37, None);
    same(&load_u8(device, &file), &expected, "16 bits");
}

/// A smooth picture, so that chroma at any resolution is nearly the same.
fn smooth() -> Vec<u8> {
    (0..64 * 48)
        .flat_map(|i| {
            let (x, y) = (i % 64, i / 64);
            [x * 3 + 20, y * 4 + 30, 250 - x * 2 - y, (x + y) * 2].map(|v| v as u8)
        })
        .collect()
}

fn jpeg(inks: &[u8], color: ColorType, profile: Option<&[u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 100);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).unwrap();
    }
    encoder.encode(inks, 64, 48, color).unwrap();
    file
}

fn adobes_files_are_as_another_decoder_reads_them(device: &Device) {
    let inks = smooth();
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let file = jpeg(&inks, color, None);
        let mut decoder = jpeg_decoder::Decoder::new(&file[..]);
        let other = decoder.decode().unwrap();
        let info = decoder.info().unwrap();
        assert_eq!(info.pixel_format, jpeg_decoder::PixelFormat::CMYK32);
        let ours = load_u8(device, &file);
        for ((other, ours), inks) in other.chunks(4).zip(ours.chunks(4)).zip(inks.chunks(4)) {
            for c in 0..3 {
                let rgb = |c: u8, k: u8| (255.0 - f64::from(c)) * (255.0 - f64::from(k)) / 255.0;
                for from in [other, inks] {
                    let exact = rgb(from[c], from[3]);
                    let off = (f64::from(ours[c]) - exact).abs();
                    assert!(off < 6.0, "{color:?}: {ours:?} for {from:?}");
                }
            }
        }
    }
}

/// The Lab colour of a mix of solid inks: paper under each, so that no two mixes are alike.
fn lab([c, m, y, k]: [f64; 4]) -> [f64; 3] {
    let light = 92.0 - 26.0 * c - 30.0 * m - 6.0 * y;
    [
        light * (1.0 - 0.7 * k),
        (-20.0 * c + 30.0 * m - 3.0 * y) * (1.0 - k),
        (-20.0 * c - 3.0 * m + 40.0 * y) * (1.0 - k),
    ]
}

/// A profile of a printer, made by hand: a table of three points an ink.
pub(crate) fn profile() -> Vec<u8> {
    let of = |inks: &[f64]| {
        let [l, a, b] = lab([inks[0], inks[1], inks[2], inks[3]]);
        [l * 652.8, (a + 128.0) * 256.0, (b + 128.0) * 256.0].map(|v| v / 65535.0)
    };
    let table = mft(true, (4, 3), |v| v, of, |v| v);
    Icc::new(b"CMYK", b"Lab ").with(b"A2B0", table).bytes()
}

/// Lab under D50 as sRGB, by the definitions, in double precision.
fn lab_to_srgb([l, a, b]: [f64; 3]) -> [f64; 3] {
    let f = |t: f64| match t {
        t if t > 6.0 / 29.0 => t.powi(3),
        t => 3.0 * (6.0_f64 / 29.0).powi(2) * (t - 4.0 / 29.0),
    };
    let fy = (l + 16.0) / 116.0;
    let [x, y, z] = [
        0.9642 * f(fy + a / 500.0),
        f(fy),
        0.8249 * f(fy - b / 200.0),
    ];
    // From the CSS specification: D50 to linear sRGB.
    [
        3.134_136 * x - 1.617_386 * y - 0.490_662 * z,
        -0.978_796 * x + 1.916_254 * y + 0.033_443 * z,
        0.071_955 * x - 0.228_977 * y + 1.405_386 * z,
    ]
    .map(|v| match v.clamp(0.0, 1.0) {
        v if v <= 0.003_130_8 => v * 12.92,
        v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
    })
}

fn a_profile_says_what_the_inks_look_like(device: &Device) {
    let profile = profile();
    // All mixes of none, half and all of an ink.
    let mixes: Vec<u8> = (0..81)
        .flat_map(|i| [i / 27, i / 9 % 3, i / 3 % 3, i % 3].map(|n| [0, 128, 255][n]))
        .collect();
    let deep: Vec<u16> = mixes.iter().map(|&v| u16::from(v) * 257).collect();
    for file in [
        tiff::<colortype::CMYK8>(&mixes, 9, Some(&profile)),
        tiff::<colortype::CMYK16>(&deep, 9, Some(&profile)),
    ] {
        let (floats, bytes) = (load(device, &file), load_u8(device, &file));
        for ((inks, got), byte) in mixes.chunks(4).zip(floats.chunks(4)).zip(bytes.chunks(4)) {
            let unit = |i: usize| f64::from(inks[i]) / 255.0;
            let exact = lab_to_srgb(lab([unit(0), unit(1), unit(2), unit(3)]));
            for c in 0..3 {
                let off = (f64::from(got[c]).clamp(0.0, 1.0) - exact[c]).abs();
                assert!(off < 0.006, "{inks:?}: {got:?} for {exact:?}");
                assert_eq!(byte[c], (got[c].clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
            assert_eq!((got[3], byte[3]), (1.0, 255));
        }
    }
    // The inks of a JPEG, whichever way they are stored.
    let inks = smooth();
    let exact = load(device, &tiff::<colortype::CMYK8>(&inks, 64, Some(&profile)));
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let got = load(device, &jpeg(&inks, color, Some(&profile)));
        for (got, exact) in got.iter().zip(&exact) {
            assert!((got - exact).abs() < 0.02, "{color:?}: {got} for {exact}");
        }
    }
}

fn a_profile_for_other_channels_is_ignored(device: &Device) {
    let inks = smooth();
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let plain = load(device, &tiff::<colortype::CMYK8>(&inks, 64, None));
    let other = load(device, &tiff::<colortype::CMYK8>(&inks, 64, Some(&p3)));
    same(&bits(&other), &bits(&plain), "an RGB profile");
}

fn raw_is_without_the_profile(device: &Device) {
    let inks = smooth();
    let plain = load(device, &tiff::<colortype::CMYK8>(&inks, 64, None));
    let file = tiff::<colortype::CMYK8>(&inks, 64, Some(&profile()));
    let raw = LoadOptions::new().color_policy(ColorPolicy::Raw);
    let raw = raw.decode(device, &file).unwrap().download().unwrap();
    same(&bits(&raw), &bits(&plain), "raw");
}

fn gpu_prints_as_the_cpu(gpu: &Device) {
    let samples = Noise::new(2).bytes(509 * 211 * 4);
    for profile in [None, Some(profile())] {
        let file = tiff::<colortype::CMYK8>(&samples, 509, profile.as_deref());
        let (a, b) = (load(gpu, &file), load(&Device::cpu(), &file));
        same(&bits(&a), &bits(&b), profile.is_some());
    }
}
