//! Files of kinds that few programs write, compared with the same picture in a common kind.

use super::truncation::load;
use crate::{
    ErrorKind,
    jpeg::{
        entropy, markers,
        pixels::{self, Window},
    },
    parallel::in_pool,
};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const WIDTH: u16 = 83;
const HEIGHT: u16 = 61;

fn write(set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let sample = |i: usize| {
        let (x, y, channel) = (i / 3 % 83, i / 3 / 83, i % 3);
        (x * 3 + y * (channel + 1) + (x * y * 7 + channel * 50) % 60) as u8
    };
    let data: Vec<u8> = (0..83 * 61 * 3).map(sample).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 85);
    set(&mut encoder);
    encoder
        .encode(&data, WIDTH, HEIGHT, ColorType::Rgb)
        .unwrap();
    file
}

/// The start (its 0xff) and the end of each segment with that marker.
fn segments(file: &[u8], marker: u8) -> Vec<(usize, usize)> {
    let mut at = 2;
    let mut found = Vec::new();
    while file[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        if file[at + 1] == marker {
            found.push((at, end));
        }
        at = end;
    }
    if marker == 0xda {
        found.push((at, at + 2 + usize::from(file[at + 3])));
    }
    found
}

#[test]
fn however_the_coefficients_come() {
    use SamplingFactor::{R_4_1_1, R_4_2_0, R_4_2_2, R_4_4_0, R_4_4_4};
    for sampling in [R_4_1_1, R_4_2_0, R_4_2_2, R_4_4_0, R_4_4_4] {
        let common = write(|encoder| encoder.set_sampling_factor(sampling));
        let whole = load(&common, false).unwrap();
        for (optimized, progressive, restart) in [
            // One scan for each component.
            (true, false, 0),
            (false, true, 0),
            (true, true, 0),
            (false, true, 7),
            (false, false, 1),
            (false, false, 9),
        ] {
            let file = write(|encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_optimized_huffman_tables(optimized);
                encoder.set_progressive(progressive);
                encoder.set_restart_interval(restart);
            });
            let scans = markers::parse(&file, false).unwrap().scans.len();
            let split = optimized || progressive || sampling == R_4_1_1;
            assert_eq!(scans > 1, split);
            let kind = format!("{sampling:?} {optimized} {progressive} {restart}");
            assert!(load(&file, false).unwrap() == whole, "{kind}");
            assert!(load(&file, true).unwrap() == whole, "{kind}");
        }
    }
}

#[test]
fn coefficients_are_those_of_the_pixels() {
    let all = [false, true].map(|progressive| {
        let file = write(|encoder| {
            // Without the blocks that only fill MCUs, which scans of one component do not have.
            encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
            encoder.set_progressive(progressive);
        });
        let markers = markers::parse(&file, false).unwrap();
        let mut all = vec![0; markers.picture.blocks() * 64];
        entropy::coefficients(&markers, &file, false, &mut all).unwrap();
        all
    });
    assert!(all[0] == all[1]);
}

#[test]
fn identifiers_that_are_all_the_same() {
    let mut file = write(|_| {});
    let whole = load(&file, false).unwrap();
    let (frame, _) = segments(&file, 0xc0)[0];
    let (scan, _) = segments(&file, 0xda)[0];
    for i in 0..3 {
        file[frame + 10 + 3 * i] = 1;
        file[scan + 5 + 2 * i] = 1;
    }
    assert!(load(&file, false).unwrap() == whole);
}

#[test]
fn motion_jpeg_has_no_huffman_tables() {
    let mut file = write(|_| {});
    let whole = load(&file, false).unwrap();
    for (start, end) in segments(&file, 0xc4).into_iter().rev() {
        file.drain(start..end);
    }
    assert!(load(&file, false).unwrap() == whole);
}

#[test]
fn quantizers_of_16_bits() {
    let mut file = write(|_| {});
    let whole = load(&file, false).unwrap();
    for (start, end) in segments(&file, 0xdb).into_iter().rev() {
        for table in (start + 4..end).step_by(65).rev() {
            let wide: Vec<u8> = file[table + 1..table + 65]
                .iter()
                .flat_map(|&quantizer| [0, quantizer])
                .collect();
            file.splice(table + 1..table + 65, wide);
            file[table] |= 0x10;
        }
        let more = (end - start - 4) / 65 * 64;
        let length = (end - start - 2 + more) as u16;
        file[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    assert!(load(&file, false).unwrap() == whole);
}

#[test]
fn threads_give_the_same_strips() {
    let data: Vec<u8> = (0..500 * 400 * 3u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as u8 * 8 + (i / 9000) as u8)
        .collect();
    for progressive in [false, true] {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 60);
        encoder.set_progressive(progressive);
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.encode(&data, 500, 400, ColorType::Rgb).unwrap();
        let file = markers::parse(&bytes, false).unwrap();
        let window = Window::whole(&file.picture);
        let read = |threads| {
            let mut out = vec![0; data.len()];
            in_pool(threads, || {
                pixels::read(&file, &bytes, false, &window, &mut out).unwrap()
            });
            out
        };
        assert!(read(1) == read(3));
    }
}

/// If a file is cut short, the strips without data are not decoded: their pixels are gray.
#[test]
fn what_is_missing_is_gray_to_the_end() {
    let (width, height) = (900, 2100);
    let data: Vec<u8> = (0..width * height * 3)
        .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 27) as u8 * 7)
        .collect();
    for (sampling, restart) in [
        (SamplingFactor::R_4_2_0, 0),
        (SamplingFactor::R_4_2_0, 5),
        (SamplingFactor::R_4_4_4, 0),
        (SamplingFactor::R_4_1_1, 50),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 60);
        encoder.set_sampling_factor(sampling);
        encoder.set_restart_interval(restart);
        let size = (width as u16, height as u16);
        encoder
            .encode(&data, size.0, size.1, ColorType::Rgb)
            .unwrap();
        for part in [40, 8, 3, 2] {
            let bytes = &bytes[..bytes.len() / part];
            let file = markers::parse(bytes, true).unwrap();
            // The reference decodes all coefficients first; those without data are zeros.
            let mut coefficients = vec![0; file.picture.blocks() * 64];
            entropy::coefficients(&file, bytes, true, &mut coefficients).unwrap();
            let mut expected = vec![0; data.len()];
            let window = Window::whole(&file.picture);
            pixels::from_coefficients(&file, &window, &coefficients, &mut expected);
            assert!(expected[data.len() - 3000..].iter().all(|&v| v == 128));
            for threads in [1, 3] {
                let mut out = vec![0; data.len()];
                let read = || pixels::read(&file, bytes, true, &window, &mut out).unwrap();
                in_pool(threads, read);
                assert!(out == expected, "{sampling:?} {restart} 1/{part}");
            }
        }
    }
}

/// Restart markers that are missing or doubled.
#[test]
fn damage_ends_at_a_restart() {
    let file = write(|encoder| {
        encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
        encoder.set_restart_interval(11); // a row of MCUs
    });
    let whole = load(&file, false).unwrap();
    let markers = markers::parse(&file, false).unwrap();
    let restarts = &markers.scans[0].restarts;
    let good = |bytes: &[u8]| -> Vec<bool> {
        let error = load(bytes, false).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
        let found = load(bytes, true).unwrap();
        let rows = found.chunks(83 * 3 * 8).zip(whole.chunks(83 * 3 * 8));
        rows.map(|(a, b)| a == b).collect()
    };
    let all_but = |lost: &[usize]| (0..8).map(|row| !lost.contains(&row)).collect::<Vec<_>>();
    // An interval with its marker.
    let lost = [&file[..restarts[1]], &file[restarts[2]..]].concat();
    assert_eq!(good(&lost), all_but(&[2]));
    // The interval twice.
    let twice = [&file[..restarts[3]], &file[restarts[2]..]].concat();
    assert_eq!(good(&twice), all_but(&[]));
    // Invalid data in an interval: the code of all ones does not exist.
    let mut bad = file.clone();
    for pair in bad[restarts[4] + 12..restarts[5] - 4].chunks_exact_mut(2) {
        pair.copy_from_slice(&[0xff, 0]);
    }
    assert_eq!(good(&bad), all_but(&[5]));
}
