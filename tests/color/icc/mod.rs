//! Colours by ICC profiles of every kind, against Little CMS; and profiles that are damaged.

mod damage;
mod tables;

use crate::{
    color::cmyk::tiff,
    color::conversion::png,
    support::{
        Noise,
        profiles::{COLOR_MATCH, Icc, PRO_PHOTO, SRGB, curv, para, sampled},
    },
};
use image::ExtendedColorType;
use imagecuda::{Device, LoadOptions};
use lcms2::{Intent, PixelFormat, Profile, Transform};
use libtest_mimic::Trial;
use tiff::encoder::colortype;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        curves_of_one_number,
        parametric_curves,
        sampled_curves,
        sixteen_bits,
        gray,
        what_is_seen_in_the_wild,
    ]);
    trials.extend(tables::trials());
    trials.extend(damage::trials());
    trials
}

/// Each channel alone from 0 to its end, all of them together, the same with the others at their
/// end, and noise.
fn samples(channels: usize) -> Vec<u8> {
    let mut samples = Noise::new(5).bytes(channels * 2048);
    for ramp in 0..=channels {
        for others in [0, 255] {
            for v in 0..=255 {
                let is_on = |c: usize| ramp == channels || c == ramp;
                samples.extend((0..channels).map(|c| if is_on(c) { v } else { others }));
            }
        }
    }
    samples
}

fn channels(icc: &Icc) -> usize {
    match &icc.space {
        b"GRAY" => 1,
        b"CMYK" => 4,
        _ => 3,
    }
}

/// sRGB of pixels with a profile, as Little CMS has it, without clipping or tables of its own.
/// `None` if it refuses the profile.
fn little_cms(icc: &[u8], pixels: &[f32], channels: usize) -> Option<Vec<[f32; 3]>> {
    let profile = Profile::new_icc(icc).ok()?;
    let srgb = Profile::new_srgb();
    let (intent, to) = (Intent::RelativeColorimetric, PixelFormat::RGB_FLT);
    let mut out = vec![[0.0; 3]; pixels.len() / channels];
    match channels {
        1 => Transform::new(&profile, PixelFormat::GRAY_FLT, &srgb, to, intent)
            .ok()?
            .transform_pixels(pixels, &mut out),
        3 => Transform::new(&profile, PixelFormat::RGB_FLT, &srgb, to, intent)
            .ok()?
            .transform_pixels(pixels.as_chunks::<3>().0, &mut out),
        _ => {
            // Inks are percents there.
            let percents: Vec<_> = pixels.iter().map(|v| v * 100.0).collect();
            Transform::new(&profile, PixelFormat::CMYK_FLT, &srgb, to, intent)
                .ok()?
                .transform_pixels(percents.as_chunks::<4>().0, &mut out)
        }
    }
    Some(out)
}

/// The largest difference from Little CMS, in steps of 8 bits.
fn off_by(device: &Device, icc: &Icc) -> f32 {
    let (channels, profile) = (channels(icc), icc.bytes());
    let samples = samples(channels);
    let file = match channels {
        1 => png(&samples, 16, ExtendedColorType::L8, &profile),
        3 => png(&samples, 16, ExtendedColorType::Rgb8, &profile),
        _ => tiff::<colortype::CMYK8>(&samples, 16, Some(&profile)),
    };
    let pixels: Vec<f32> = samples.iter().map(|&v| f32::from(v) / 255.0).collect();
    let right = little_cms(&profile, &pixels, channels).expect("Little CMS takes it");
    difference(device, &file, &right)
}

fn difference(device: &Device, file: &[u8], right: &[[f32; 3]]) -> f32 {
    let image = LoadOptions::new().decode(device, file).unwrap();
    let got = image.download().unwrap();
    assert_eq!(got.len(), right.len() * 4);
    let mut worst = 0.0;
    for (got, right) in got.chunks(4).zip(right) {
        for (got, right) in got.iter().zip(right) {
            assert!(got.is_finite());
            worst = f32::max(worst, (got.clamp(0.0, 1.0) - right.clamp(0.0, 1.0)).abs());
        }
    }
    worst * 255.0
}

/// The profile means something else than its numbers, and that is what they become.
#[track_caller]
fn assert_right(device: &Device, icc: &Icc, most: f32, what: impl std::fmt::Debug) {
    let off = off_by(device, icc);
    assert!(off <= most, "{what:?}: off by {off} steps");
}

const PRIMARIES: [[[f64; 3]; 3]; 3] = [SRGB, PRO_PHOTO, COLOR_MATCH];

/// From 0.5 to 4.0 in eighths of their 8.8 bits, and what programs write: 1.8, 2.2.
fn gammas() -> impl Iterator<Item = u16> {
    (0x80..=0x400).step_by(32).chain([0x1cc, 0x1cd, 0x233])
}

fn curves_of_one_number(device: &Device) {
    for primaries in PRIMARIES {
        for gamma in gammas() {
            let profile = Icc::rgb(primaries, &curv(&[gamma]));
            assert_right(device, &profile, 0.3, gamma);
        }
        assert_right(device, &Icc::rgb(primaries, &curv(&[])), 0.3, "linear");
    }
}

/// Numbers of each of the five functions.
fn functions() -> Vec<(u16, Vec<f64>)> {
    vec![
        (0, vec![0.6]),
        (0, vec![1.0]),
        (0, vec![1.8]),
        (0, vec![2.4]),
        (1, vec![2.2, 0.9, 0.1]),
        (1, vec![1.8, 1.1, -0.1]),
        (2, vec![2.0, 0.9, 0.05, 0.02]),
        (3, SRGB_CURVE.to_vec()),
        (3, vec![1.8, 1.0, 0.0, 1.0 / 16.0, 1.0 / 32.0]),
        (4, vec![2.2, 0.9, 0.08, 0.1, 0.05, 0.01, 0.002]),
        (4, vec![1.8, 1.0, 0.0, 0.0625, 0.03125, 0.0, 0.0]),
    ]
}

fn parametric_curves(device: &Device) {
    for primaries in PRIMARIES {
        for (kind, numbers) in functions() {
            let profile = Icc::rgb(primaries, &para(kind, &numbers));
            // sRGB's own is left alone.
            let is_srgb = primaries == SRGB && numbers == SRGB_CURVE;
            let most = if is_srgb { 0.6 } else { 0.3 };
            assert_right(device, &profile, most, (kind, numbers));
        }
    }
}

/// Of the function 3.
const SRGB_CURVE: [f64; 5] = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];

fn srgb(v: f64) -> f64 {
    match v {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    }
}

const COUNTS: [usize; 10] = [2, 3, 5, 16, 17, 33, 256, 1024, 4095, 4096];

fn sampled_curves(device: &Device) {
    for count in COUNTS {
        for (i, curve) in [srgb, |v: f64| v.powf(1.8)].into_iter().enumerate() {
            for primaries in [PRO_PHOTO, COLOR_MATCH] {
                let profile = Icc::rgb(primaries, &sampled(count, curve));
                assert_right(device, &profile, 0.3, (count, i));
            }
        }
    }
    // Of which no two are alike.
    let profile = Icc::rgb(SRGB, &curv(&[0x1cd]))
        .with(b"gTRC", sampled(100, |v| v * v))
        .with(b"bTRC", para(3, &SRGB_CURVE));
    assert_right(device, &profile, 0.3, "three curves");
}

fn sixteen_bits(device: &Device) {
    let mut samples: Vec<u16> = bytemuck::pod_collect_to_vec(&Noise::new(9).bytes(3 * 2 * 4080));
    // All that is dark, too.
    for (sample, v) in samples.iter_mut().zip(0..1200) {
        *sample = v;
    }
    let pixels: Vec<f32> = samples.iter().map(|&v| f32::from(v) / 65535.0).collect();
    for curve in [curv(&[0x1cd]), para(0, &[2.2]), sampled(1024, srgb)] {
        let profile = Icc::rgb(PRO_PHOTO, &curve).bytes();
        let bytes = bytemuck::cast_slice(&samples);
        let file = png(bytes, 16, ExtendedColorType::Rgb16, &profile);
        let off = difference(device, &file, &little_cms(&profile, &pixels, 3).unwrap());
        assert!(off < 0.5, "off by {off} steps");
    }
}

fn gray(device: &Device) {
    for pcs in [b"XYZ ", b"Lab "] {
        for gamma in gammas() {
            assert_right(device, &Icc::gray(pcs, &curv(&[gamma])), 0.3, gamma);
        }
        for (kind, numbers) in functions() {
            let profile = Icc::gray(pcs, &para(kind, &numbers));
            assert_right(device, &profile, 0.3, (kind, numbers));
        }
        for count in COUNTS {
            let profile = Icc::gray(pcs, &sampled(count, |v| v.powf(1.5)));
            assert_right(device, &profile, 0.3, count);
        }
    }
}

/// What some programs wrote, and what others convert.
fn what_is_seen_in_the_wild(device: &Device) {
    let plain = Icc::rgb(COLOR_MATCH, &curv(&[0x1cd]));
    for major in [0, 2, 3, 4, 5] {
        let profile = Icc {
            version: [major, 0, 0, 0],
            ..plain.clone()
        };
        assert_right(device, &profile, 0.3, ("version", major));
    }
    for class in [b"scnr", b"prtr", b"spac", &[0; 4]] {
        let profile = Icc {
            class: *class,
            ..plain.clone()
        };
        assert_right(device, &profile, 0.3, ("class", class));
    }
    // A matrix beside the header of a table.
    let lab = Icc {
        pcs: *b"Lab ",
        ..plain.clone()
    };
    assert_right(device, &lab, 0.3, "Lab");
    let renamed = |mut icc: Icc, from: &[u8], to: [u8; 4]| {
        for (name, data) in &mut icc.tags {
            if *name != *b"wtpt" && data.starts_with(from) {
                data[..4].copy_from_slice(&to);
            }
        }
        icc
    };
    let corbis = renamed(plain, b"XYZ ", [0x17, 0xa5, 0x05, 0xb8]);
    assert_right(device, &corbis, 0.3, "primaries as Corbis names them");
    let monaco = Icc::rgb(COLOR_MATCH, &sampled(64, srgb));
    let monaco = renamed(monaco, b"curv", [0x94, 0x78, 0xee, 0x00]);
    assert_right(device, &monaco, 0.3, "curves as Monaco names them");
}
