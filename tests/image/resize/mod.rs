//! Resized pictures, against an oracle in double precision and against Pillow; and the GPU against the CPU,
//! bit for bit.

mod pillow;

use crate::support::{Noise, bits, same};
use imagecuda::{Device, ErrorKind, Filter, Image};
use libtest_mimic::Trial;
use std::f64::consts::PI;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        pictures_are_those_of_the_oracle,
        another_filter_is_noticed,
        nearest_pixels_are_kept_as_they_are,
        the_same_size_is_the_same_picture,
        opaque_stays_opaque_and_white_stays_white,
        what_is_transparent_has_no_say,
        thousands_of_pixels_become_one,
        what_does_not_fit_changes_nothing,
    ]);
    trials.extend(pillow::trials());
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_resizes_as_the_cpu,
        devices_do_not_mix,
    ]));
    trials
}

pub(super) const FILTERS: [Filter; 6] = [
    Filter::Nearest,
    Filter::Box,
    Filter::Triangle,
    Filter::CatmullRom,
    Filter::Mitchell,
    Filter::Lanczos3,
];

/// Filters and how far they reach, by their textbooks: the cubics are those of Mitchell and Netravali.
fn filter_at(filter: Filter, x: f64) -> f64 {
    let cubic = |b: f64, c: f64| match x.abs() {
        d if d < 1.0 => {
            ((12.0 - 9.0 * b - 6.0 * c) * d.powi(3)
                + (-18.0 + 12.0 * b + 6.0 * c) * d.powi(2)
                + (6.0 - 2.0 * b))
                / 6.0
        }
        d if d < 2.0 => {
            ((-b - 6.0 * c) * d.powi(3)
                + (6.0 * b + 30.0 * c) * d.powi(2)
                + (-12.0 * b - 48.0 * c) * d
                + (8.0 * b + 24.0 * c))
                / 6.0
        }
        _ => 0.0,
    };
    let sinc = |x: f64| match x {
        0.0 => 1.0,
        x => (PI * x).sin() / (PI * x),
    };
    match filter {
        Filter::Box if x > -0.5 && x <= 0.5 => 1.0,
        Filter::Triangle if x.abs() < 1.0 => 1.0 - x.abs(),
        Filter::CatmullRom => cubic(0.0, 0.5),
        Filter::Mitchell => cubic(1.0 / 3.0, 1.0 / 3.0),
        Filter::Lanczos3 if x.abs() < 3.0 => sinc(x) * sinc(x / 3.0),
        _ => 0.0,
    }
}

/// The weight of each of `size` pixels for position `at` of `positions`.
fn weights(filter: Filter, size: u32, positions: u32, at: u32) -> Vec<f64> {
    if size == positions {
        return (0..size).map(|i| f64::from(u8::from(i == at))).collect();
    }
    let ratio = f64::from(size) / f64::from(positions);
    let center = (f64::from(at) + 0.5) * ratio;
    let place = |i: u32| (f64::from(i) + 0.5 - center) / ratio.max(1.0);
    let all: Vec<f64> = (0..size).map(|i| filter_at(filter, place(i))).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|weight| weight / sum).collect()
}

/// Rows of colours times alpha, resampled along both axes.
fn oracle(
    filter: Filter,
    samples: &[f32],
    (width, height): (u32, u32),
    (new_width, new_height): (u32, u32),
) -> Vec<[f64; 4]> {
    let pixels: Vec<[f64; 4]> = samples
        .chunks(4)
        .map(|p| {
            let a = f64::from(p[3]);
            [
                f64::from(p[0]) * a,
                f64::from(p[1]) * a,
                f64::from(p[2]) * a,
                a,
            ]
        })
        .collect();
    let sum = |terms: &mut dyn Iterator<Item = (f64, [f64; 4])>| {
        terms.fold([0.0; 4], |sum: [f64; 4], (weight, pixel)| {
            [0, 1, 2, 3].map(|c| sum[c] + weight * pixel[c])
        })
    };
    let mut rows = Vec::new();
    let across: Vec<Vec<f64>> = (0..new_width)
        .map(|x| weights(filter, width, new_width, x))
        .collect();
    for row in pixels.chunks(width as usize) {
        for weights in &across {
            rows.push(sum(&mut weights.iter().copied().zip(row.iter().copied())));
        }
    }
    let mut result = Vec::new();
    for y in 0..new_height {
        let weights = weights(filter, height, new_height, y);
        for x in 0..new_width as usize {
            let column = rows.iter().skip(x).step_by(new_width as usize);
            result.push(sum(&mut weights.iter().copied().zip(column.copied())));
        }
    }
    result
}

pub(super) fn image(device: &Device, (width, height): (u32, u32), samples: &[f32]) -> Image {
    let mut image = Image::new(device, width, height).unwrap();
    image.upload(samples).unwrap();
    image
}

/// Samples from 0.0 to 1.0, and alpha from 0.25.
pub(super) fn samples(seed: u64, (width, height): (u32, u32)) -> Vec<f32> {
    let mut noise = Noise::new(seed);
    let len = width as usize * height as usize * 4;
    let mut unit = || (noise.next() >> 40) as f32 / (1u64 << 24) as f32;
    (0..len)
        .map(|i| match i % 4 {
            3 => 0.25 + 0.75 * unit(),
            _ => unit(),
        })
        .collect()
}

/// The largest distance between a resized picture and the oracle's.
fn distance(
    device: &Device,
    filter: Filter,
    oracle_filter: Filter,
    size: (u32, u32),
    new_size: (u32, u32),
) -> f64 {
    let samples = samples(3, size);
    let resized = image(device, size, &samples)
        .resized(new_size.0, new_size.1, filter)
        .unwrap();
    assert_eq!(resized.dimensions(), new_size);
    let exact = oracle(oracle_filter, &samples, size, new_size);
    let got = resized.download().unwrap();
    assert_eq!(got.len(), exact.len() * 4);
    let pairs = got.chunks(4).zip(exact);
    let distances = pairs.flat_map(|(got, exact)| {
        let alpha = exact[3];
        let exact = [exact[0] / alpha, exact[1] / alpha, exact[2] / alpha, alpha];
        [0, 1, 2, 3].map(|c| (f64::from(got[c]) - exact[c]).abs())
    });
    distances.fold(0.0, f64::max)
}

const SIZES: [((u32, u32), (u32, u32)); 13] = [
    ((37, 23), (97, 61)),
    ((200, 150), (31, 17)),
    ((1, 1), (5, 7)),
    ((300, 2), (2, 300)),
    ((2, 300), (300, 2)),
    ((1000, 3), (1, 1)),
    ((64, 64), (64, 32)),
    ((64, 64), (20, 64)),
    ((130, 70), (65, 35)),
    ((129, 33), (128, 34)),
    ((100, 40), (99, 300)),
    ((400, 300), (3, 2)),
    ((70, 9), (71, 8)),
];

fn pictures_are_those_of_the_oracle(device: &Device) {
    for filter in FILTERS.into_iter().skip(1) {
        for (size, new_size) in SIZES {
            let distance = distance(device, filter, filter, size, new_size);
            assert!(
                distance < 1e-5,
                "{filter:?} {size:?} {new_size:?}: {distance}"
            );
        }
    }
}

fn another_filter_is_noticed(device: &Device) {
    for (i, &filter) in FILTERS.iter().enumerate().skip(1) {
        let other = FILTERS[1 + i % 5];
        let distance = distance(device, filter, other, (37, 23), (97, 61));
        assert!(distance > 1e-3, "{filter:?} and {other:?}: {distance}");
    }
}

fn nearest_pixels_are_kept_as_they_are(device: &Device) {
    let size = (41, 29);
    let samples = Noise::new(5).floats(41 * 29 * 4);
    for (width, height) in [(7, 5), (100, 3), (41, 30), (1, 1), (123, 87)] {
        let resized = image(device, size, &samples)
            .resized(width, height, Filter::Nearest)
            .unwrap();
        let mut expected = Vec::new();
        for y in 0..u64::from(height) {
            let row = (2 * y + 1) * 29 / (2 * u64::from(height));
            for x in 0..u64::from(width) {
                let column = (2 * x + 1) * 41 / (2 * u64::from(width));
                let at = (row * 41 + column) as usize * 4;
                expected.extend_from_slice(&samples[at..at + 4]);
            }
        }
        let got = resized.download().unwrap();
        same(&bits(&got), &bits(&expected), (width, height));
    }
}

fn the_same_size_is_the_same_picture(device: &Device) {
    let samples = Noise::new(6).floats(13 * 11 * 4);
    for filter in FILTERS {
        let resized = image(device, (13, 11), &samples)
            .resized(13, 11, filter)
            .unwrap();
        same(&bits(&resized.download().unwrap()), &bits(&samples), filter);
    }
}

fn opaque_stays_opaque_and_white_stays_white(device: &Device) {
    let white = vec![1.0; 103 * 77 * 4];
    let mut colored = samples(8, (103, 77));
    colored.iter_mut().skip(3).step_by(4).for_each(|a| *a = 1.0);
    for filter in FILTERS {
        for (width, height) in [(50, 40), (37, 77), (200, 300), (1, 1)] {
            let resize = |samples: &[f32]| {
                let resized = image(device, (103, 77), samples).resized(width, height, filter);
                resized.unwrap().download().unwrap()
            };
            assert!(resize(&white).iter().all(|&v| v == 1.0), "{filter:?}");
            assert!(
                resize(&colored)
                    .iter()
                    .skip(3)
                    .step_by(4)
                    .all(|&a| a == 1.0)
            );
        }
    }
}

fn what_is_transparent_has_no_say(device: &Device) {
    let pixel = |i: usize| match i % 3 {
        0 => [0.0, 1.0, 0.5, 0.0], // green that nobody sees
        _ => [0.75, 0.0, 0.25, 1.0],
    };
    let samples: Vec<f32> = (0..60 * 40).flat_map(pixel).collect();
    for filter in [Filter::Box, Filter::Triangle, Filter::Mitchell] {
        let resized = image(device, (60, 40), &samples)
            .resized(23, 19, filter)
            .unwrap();
        for pixel in resized.download().unwrap().chunks(4) {
            if pixel[3] == 0.0 {
                assert_eq!(pixel, [0.0; 4]);
                continue;
            }
            let [r, g, b] = [pixel[0] - 0.75, pixel[1], pixel[2] - 0.25];
            assert!(r.abs() + g.abs() + b.abs() < 1e-5, "{filter:?}: {pixel:?}");
        }
    }
    let nothing = image(device, (60, 40), &vec![0.0; 60 * 40 * 4]);
    let nothing = nothing.resized(9, 9, Filter::Lanczos3).unwrap();
    assert!(nothing.download().unwrap().iter().all(|&v| v == 0.0));
}

fn thousands_of_pixels_become_one(device: &Device) {
    let size = (20_000, 7);
    let samples: Vec<f32> = (0..140_000)
        .flat_map(|i| [0.1, (i % 2) as f32, (i / 20_000) as f32, 1.0])
        .collect();
    for filter in [Filter::Box, Filter::Lanczos3] {
        let resized = image(device, size, &samples).resized(1, 1, filter).unwrap();
        let got = resized.download().unwrap();
        let exact = oracle(filter, &samples, size, (1, 1))[0];
        for c in 0..4 {
            let off = (f64::from(got[c]) - exact[c]).abs();
            assert!(
                off < 1e-5 * exact[c].max(1.0),
                "{filter:?}: {got:?}, {exact:?}"
            );
        }
    }
}

fn what_does_not_fit_changes_nothing(device: &Device) {
    let picture = image(device, (4, 4), &[0.5; 64]);
    for (width, height) in [(0, 3), (3, 0)] {
        let error = picture.resized(width, height, Filter::Box).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::ZeroDimension { .. }),
            "{error}"
        );
    }
    let mut small = image(device, (3, 1), &[0.25; 12]);
    let error = picture
        .resized_into(2, 2, Filter::Box, &mut small)
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::OverCapacity { .. }),
        "{error}"
    );
    assert_eq!(
        (small.dimensions(), small.download().unwrap()),
        ((3, 1), vec![0.25; 12])
    );
    picture.resized_into(1, 3, Filter::Box, &mut small).unwrap();
    assert_eq!(
        (small.dimensions(), small.download().unwrap()),
        ((1, 3), vec![0.5; 12])
    );
}

fn gpu_resizes_as_the_cpu(gpu: &Device) {
    let more = [
        ((500, 375), (224, 224)),
        ((1921, 1081), (960, 540)),
        ((640, 480), (1279, 961)),
        ((3000, 20), (65, 9)),
        ((33, 2000), (32, 7)),
        ((5000, 40), (3, 31)),
        // Many batches of each kernel, with pairs of columns, and without a second pass in the same kernel.
        ((901, 700), (449, 350)),
        ((700, 611), (623, 540)),
        ((2200, 600), (31, 97)),
        ((1300, 500), (40, 460)),
    ];
    for (size, new_size) in SIZES.into_iter().chain(more) {
        let len = size.0 as usize * size.1 as usize * 4;
        // With what is infinite or no number, and without.
        for samples in [Noise::new(11).floats(len), samples(12, size)] {
            for filter in FILTERS {
                let [a, b] = [gpu, &Device::cpu()].map(|device| {
                    let resized =
                        image(device, size, &samples).resized(new_size.0, new_size.1, filter);
                    bits(&resized.unwrap().download().unwrap())
                });
                same(&a, &b, (filter, size, new_size));
            }
        }
    }
}

fn devices_do_not_mix(gpu: &Device) {
    let mut dst = Image::new(&Device::cpu(), 2, 2).unwrap();
    let picture = Image::new(gpu, 4, 4).unwrap();
    let error = picture
        .resized_into(2, 2, Filter::Box, &mut dst)
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DeviceMismatch), "{error}");
}
