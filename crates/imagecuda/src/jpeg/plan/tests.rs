//! The kernels' coefficients equal the host's.

use super::super::{Jpeg, entropy};
use crate::device::cpu;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

fn noise(i: u32) -> u8 {
    (i.wrapping_mul(2_654_435_761) >> 13) as u8
}

fn file(
    (width, height): (u16, u16),
    color: ColorType,
    sampling: SamplingFactor,
    restart: u16,
    sample: impl Fn(u32) -> u8,
) -> Vec<u8> {
    let channels = match color {
        ColorType::Luma => 1,
        ColorType::Rgb => 3,
        _ => 4,
    };
    let samples = u32::from(width) * u32::from(height) * channels;
    let data: Vec<u8> = (0..samples).map(sample).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 80);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart);
    encoder.encode(&data, width, height, color).unwrap();
    file
}

/// The coefficients of the host, and those of the kernels if they could decode the file.
fn decode(file: &[u8]) -> (Option<Vec<i16>>, Vec<i16>) {
    let opened = Jpeg::read(file, false).unwrap();
    let jpeg: &Jpeg<'_> = &opened;
    let mut expected = vec![0; jpeg.picture().blocks() * 64];
    entropy::coefficients(&jpeg.file, file, false, &mut expected).unwrap();
    let [short, long] = [true, false].map(|alone| {
        let plan = jpeg.plan(alone).unwrap();
        cpu::decode_jpeg(jpeg, &plan).unwrap()
    });
    assert!(short == long, "short subsequences");
    (short, expected)
}

#[test]
fn every_kind() {
    use ColorType::{CmykAsYcck, Luma, Rgb};
    use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2, F_4_1, F_4_2};
    for size in [(1, 1), (17, 9), (200, 3), (3, 200), (333, 257)] {
        for (color, sampling) in [
            (Luma, F_1_1),
            (Rgb, F_1_1),
            (Rgb, F_2_1),
            (Rgb, F_1_2),
            (Rgb, F_2_2),
            (Rgb, F_4_1),
            (Rgb, F_4_2),
            (CmykAsYcck, F_1_1),
        ] {
            for restart in [0, 1, 2, 7, 64] {
                let file = file(size, color, sampling, restart, noise);
                let (kernels, host) = decode(&file);
                let case = format!("{size:?} {color:?} {sampling:?} {restart}");
                assert!(kernels.expect(&case) == host, "{case}");
            }
        }
    }
}

#[test]
fn large_enough_for_many_groups() {
    let wavy = |i: u32| (128.0 + 90.0 * (f64::from(i) / 911.0).sin()) as u8 / 2 + noise(i) / 3;
    for restart in [0, 5, 500, 20_000] {
        let file = file(
            (1500, 1100),
            ColorType::Rgb,
            SamplingFactor::F_2_2,
            restart,
            wavy,
        );
        let (kernels, host) = decode(&file);
        assert!(kernels.unwrap() == host, "{restart}");
    }
}

/// Bits that repeat say little about where a block begins, so decoders synchronise late.
#[test]
fn flat_areas() {
    use ColorType::{Luma, Rgb};
    use SamplingFactor::{F_1_1, F_2_2};
    for (color, sampling) in [(Luma, F_1_1), (Rgb, F_1_1), (Rgb, F_2_2)] {
        for (width, height) in [(2048, 2048), (1992, 1416)] {
            for flat in [0, 128, 255] {
                let file = file((width, height), color, sampling, 0, |_| flat);
                let (kernels, host) = decode(&file);
                let case = format!("{color:?} {sampling:?} {width} {height} {flat}");
                assert!(kernels.expect(&case) == host, "{case}");
            }
        }
    }
}

#[test]
fn damage_is_for_the_host() {
    let whole = file((333, 257), ColorType::Rgb, SamplingFactor::F_2_2, 0, noise);
    for cut in [1000, 5000, 10_000] {
        let mut cut = whole[..whole.len() - cut].to_vec();
        cut.extend([0xff, 0xd9]);
        let opened = Jpeg::read(&cut, false).unwrap();
        let jpeg = &opened;
        assert!(
            cpu::decode_jpeg(jpeg, &jpeg.plan(true).unwrap())
                .unwrap()
                .is_none()
        );
    }
}
