//! Pictures of the means of blocks, for which AC codes are passed over, beside those of all coefficients.

use crate::{Result, jpeg::Jpeg};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// With so many blocks codes are passed over by tables.
const SIDE: u16 = 520;

/// Noise whose strength changes from place to place, so that blocks have few codes, many, or all of them.
fn file(color: ColorType, sampling: SamplingFactor, quality: u8, restart: u16) -> Vec<u8> {
    let channels = if color == ColorType::Luma { 1 } else { 3 };
    let side = u32::from(SIDE);
    let sample = |i: u32| {
        let (x, y) = (i / channels % side, i / channels / side);
        let noise = (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        let strength = (x / 40 + y / 60) % 8;
        128 + (noise >> strength) as i32 - (128 >> strength)
    };
    let data: Vec<u8> = (0..side * side * channels)
        .map(|i| sample(i) as u8)
        .collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart);
    encoder.set_optimized_huffman_tables(quality % 2 == 1);
    encoder.encode(&data, SIDE, SIDE, color).unwrap();
    file
}

fn passed_over(bytes: &[u8], damaged: bool) -> Result<Vec<u8>> {
    let mut jpeg = Jpeg::read(bytes, damaged)?;
    jpeg.reduce(1);
    let mut out = vec![0; jpeg.header().bytes()];
    jpeg.decode(&mut out)?;
    Ok(out)
}

fn of_all_coefficients(bytes: &[u8], damaged: bool) -> Result<Vec<u8>> {
    let mut jpeg = Jpeg::read(bytes, damaged)?;
    jpeg.reduce(1);
    let mut coefficients = vec![0; jpeg.picture().blocks() * 64];
    jpeg.coefficients(&mut coefficients)?;
    let mut out = vec![0; jpeg.header().bytes()];
    jpeg.pixels(&coefficients, &mut out);
    Ok(out)
}

#[test]
fn means_are_those_of_all_coefficients() {
    use ColorType::{Luma, Ycbcr};
    use SamplingFactor::{R_4_2_0, R_4_4_4};
    let mut seed = 1u32;
    let mut random = move || {
        seed = seed.wrapping_mul(0x9e37_79b9).wrapping_add(7) ^ (seed >> 9);
        (seed >> 4) as usize
    };
    for (color, sampling, quality, restart) in [
        (Luma, R_4_4_4, 30, 0),
        (Luma, R_4_4_4, 99, 7),
        (Ycbcr, R_4_4_4, 100, 0),
        (Ycbcr, R_4_2_0, 75, 0),
        (Ycbcr, R_4_2_0, 95, 11),
    ] {
        let file = file(color, sampling, quality, restart);
        let what = format!("{color:?} {sampling:?} {quality} {restart}");
        let expected = of_all_coefficients(&file, false).unwrap();
        assert!(passed_over(&file, false).unwrap() == expected, "{what}");
        let (mut whole, mut failed) = (0, 0);
        for round in 0..30 {
            let mut bad = file.clone();
            if round % 3 == 0 {
                bad.truncate(file.len() / 4 + random() % (file.len() * 3 / 4));
            } else {
                for _ in 0..1 + round % 5 {
                    let at = 700 + random() % (file.len() - 702);
                    bad[at] = random() as u8;
                }
            }
            for damaged in [false, true] {
                match (
                    passed_over(&bad, damaged),
                    of_all_coefficients(&bad, damaged),
                ) {
                    (Ok(got), Ok(expected)) => {
                        assert!(got == expected, "{what}, round {round}, {damaged}");
                        whole += 1;
                    }
                    (Err(got), Err(expected)) => {
                        assert_eq!(got.to_string(), expected.to_string(), "{what} {round}");
                        failed += 1;
                    }
                    (got, expected) => panic!(
                        "{what}, round {round}, {damaged}: {:?}, {:?}",
                        got.map(|_| ()),
                        expected.map(|_| ())
                    ),
                }
            }
        }
        assert!(whole > 10 && failed > 5, "{what}: {whole} {failed}");
    }
}
