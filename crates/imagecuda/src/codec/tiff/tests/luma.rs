//! What luma and chroma are made of.

use super::*;

const COEFFICIENTS: u16 = 529;
const BLACK_WHITE: u16 = 532;

/// A file of 8 or 16 bits with rationals, each of a numerator and a denominator, or none.
fn rational(bits: u16, samples: &[u16], tags: &[(u16, &[[u32; 2]])]) -> Vec<u8> {
    let longs = |values: &[[u32; 2]]| -> Vec<u16> {
        let halves = values
            .as_flattened()
            .iter()
            .flat_map(|&v| [v as u16, (v >> 16) as u16]);
        halves.collect()
    };
    let rationals: Vec<(u16, Vec<u16>)> = tags.iter().map(|&(tag, v)| (tag, longs(v))).collect();
    let bits = [bits; 3];
    let mut all: Vec<(u16, &[u16])> = vec![
        (BITS, &bits),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
        (530, &[1, 1]),
    ];
    all.extend(rationals.iter().map(|(tag, values)| (*tag, &values[..])));
    let data: Vec<u8> = match bits[0] {
        8 => samples.iter().map(|&v| v as u8).collect(),
        _ => shorts(samples, true),
    };
    let mut file = file(true, [(samples.len() / 3) as u16, 1], &all, &[&data]);
    tags.iter()
        .for_each(|&(tag, _)| retype(&mut file, tag, 5, 8));
    file
}

/// By the TIFF standard's sections 20 and 21, in the words of these: full range of a code, and then red,
/// green and blue of luma and differences.
fn oracle(code: [f64; 3], top: f64, luma: [f64; 3], reference: [f64; 6]) -> [f64; 3] {
    let full_range = |i: usize, coding_range: f64| {
        let (black, white) = (reference[2 * i], reference[2 * i + 1]);
        (code[i] - black) * coding_range / (white - black)
    };
    let half = (top - 1.0) / 2.0;
    let (y, cb, cr) = (full_range(0, top), full_range(1, half), full_range(2, half));
    let red = cr * (2.0 - 2.0 * luma[0]) + y;
    let blue = cb * (2.0 - 2.0 * luma[2]) + y;
    [red, (y - luma[2] * blue - luma[0] * red) / luma[1], blue].map(|v| (v / top).clamp(0.0, 1.0))
}

const BT_709: [[u32; 2]; 3] = [[2126, 10_000], [7152, 10_000], [722, 10_000]];
const BT_601: [[u32; 2]; 3] = [[299, 1000], [587, 1000], [114, 1000]];

fn ratio([n, d]: [u32; 2]) -> f64 {
    f64::from(n) / f64::from(d)
}

#[test]
fn shares_and_range_are_what_the_file_says() {
    let studio = [16, 235, 128, 240, 128, 240].map(|v| [v, 1]);
    let full = [0, 255, 128, 255, 128, 255].map(|v| [v, 1]);
    let halves = [30, 500, 250, 500, 260, 510].map(|v| [v, 2]);
    let samples: Vec<u16> = (0..64 * 3).map(|i| i * 89 % 256).collect();
    for luma in [BT_601, BT_709] {
        for reference in [studio, full, halves] {
            let tags = [(COEFFICIENTS, &luma[..]), (BLACK_WHITE, &reference)];
            let (layout, found) = load(&rational(8, &samples, &tags)).unwrap();
            assert_eq!(layout, Layout::Rgb8);
            for (code, found) in samples.as_chunks::<3>().0.iter().zip(found.as_chunks().0) {
                let expected = oracle(
                    code.map(f64::from),
                    255.0,
                    luma.map(ratio),
                    reference.map(ratio),
                );
                assert_eq!(
                    *found,
                    expected.map(|v| (v * 255.0).round() as u8),
                    "{code:?}"
                );
            }
        }
    }
}

#[test]
fn sixteen_bits_have_their_own_middle() {
    let samples: Vec<u16> = (0..64 * 3).map(|i| (i * 9973) as u16).collect();
    let studio = [4096, 60160, 32768, 61440, 32768, 61440].map(|v| [v, 1]);
    let full = [0.0, 65535.0, 32768.0, 65535.0, 32768.0, 65535.0];
    let tags: [(u16, &[[u32; 2]]); 2] = [(COEFFICIENTS, &BT_709), (BLACK_WHITE, &studio)];
    for (tags, reference) in [(&tags[..1], full), (&tags, studio.map(ratio))] {
        let (layout, found) = load(&rational(16, &samples, tags)).unwrap();
        assert_eq!(layout, Layout::Rgb16);
        let found = found.as_chunks().0.iter().map(|v| u16::from_ne_bytes(*v));
        let found: Vec<u16> = found.collect();
        for (code, found) in samples.as_chunks::<3>().0.iter().zip(found.as_chunks().0) {
            let expected = oracle(code.map(f64::from), 65535.0, BT_709.map(ratio), reference);
            assert_eq!(
                *found,
                expected.map(|v| (v * 65535.0).round() as u16),
                "{code:?}"
            );
        }
    }
}

#[test]
fn nonsense_says_nothing() {
    let samples: Vec<u16> = (0..30).map(|i| i * 83 % 256).collect();
    let default = load(&rational(8, &samples, &[])).unwrap();
    for (tag, values) in [
        (COEFFICIENTS, &[[0, 0]; 3][..]),
        (COEFFICIENTS, &[[0, 1]; 3]),
        (COEFFICIENTS, &[[1, 2], [0, 1], [1, 2]]),
        (COEFFICIENTS, &[[1, 3]; 2]),
        (COEFFICIENTS, &[[u32::MAX, 1]; 3]),
        (BLACK_WHITE, &[[128, 1]; 6]),
        (BLACK_WHITE, &[[0, 0]; 6]),
        (BLACK_WHITE, &[[0, 1], [255, 1]]),
    ] {
        let found = load(&rational(8, &samples, &[(tag, values)])).unwrap();
        assert_eq!(found, default, "{tag}: {values:?}");
    }
    assert_eq!(
        load(&rational(8, &samples, &[(COEFFICIENTS, &BT_601)])).unwrap(),
        default
    );
    assert_ne!(
        load(&rational(8, &samples, &[(COEFFICIENTS, &BT_709)])).unwrap(),
        default
    );
}

/// JPEG is made of BT.601 in full range, and its decoders know no other.
#[test]
fn jpeg_has_its_own_rules() {
    let mut jpeg = Vec::new();
    let data: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 5 % 251) as u8).collect();
    jpeg_encoder::Encoder::new(&mut jpeg, 100)
        .encode(&data, 16, 16, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let longs: Vec<u16> = BT_709
        .as_flattened()
        .iter()
        .flat_map(|&v| [v as u16, 0])
        .collect();
    let tags: [(u16, &[u16]); 5] = [
        (BITS, &[8; 3]),
        (COMPRESSION, &[7]),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
        (COEFFICIENTS, &longs),
    ];
    let plain = load(&file(true, [16, 16], &tags[..4], &[&jpeg])).unwrap();
    let mut file = file(true, [16, 16], &tags, &[&jpeg]);
    retype(&mut file, COEFFICIENTS, 5, 8);
    assert_eq!(load(&file).unwrap(), plain);
}
