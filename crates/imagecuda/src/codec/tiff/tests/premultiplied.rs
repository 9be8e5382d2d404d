//! Samples that were multiplied by alpha.

use super::*;

/// A fifth of all, so that a fifth of each sample that is a multiple of 5 is a sample.
const ALPHA: [u16; 2] = [51, 13_107];

/// A pixel with alpha, straight and multiplied, of samples that are multiples of 5.
fn both(bits: u16, photometric: u16, samples: &[i16], alpha: u16) -> [(Layout, Vec<u8>); 2] {
    let depths = vec![bits; samples.len() + 1];
    let count = [depths.len() as u16];
    [(2, 1), (1, 5)].map(|(kind, divisor)| {
        let tags = [
            (BITS, &depths[..]),
            (PHOTOMETRIC, &[photometric]),
            (SAMPLES, &count),
            (EXTRA, &[kind]),
        ];
        let mut pixel: Vec<u16> = samples.iter().map(|&v| (v / divisor) as u16).collect();
        pixel.push(alpha);
        load_row(1, &tags, |little| match bits {
            8 => pixel.iter().map(|&v| v as u8).collect(),
            _ => shorts(&pixel, little),
        })
    })
}

const INVERTED: u16 = 0;
const CMYK: u16 = 5;
const PALETTE: u16 = 3;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;

#[test]
fn inks_are_divided_as_they_are_stored() {
    for (bits, alpha) in [8, 16].into_iter().zip(ALPHA) {
        // Multiples of 5 in either depth.
        let all = |share: i16| match bits {
            8 => share * 5,
            _ => share * 5 * 100,
        };
        for (photometric, shares) in [
            (1, &[30][..]),
            (2, &[10, 51, 0]),
            (CMYK, &[51, 0, 0, 0]),
            (CMYK, &[10, 20, 30, 5]),
            (CMYK, &[0, 0, 0, 0]),
            (CIE_LAB, &[30, 10, -15]),
            (CIE_LAB, &[30, -10, 20]),
            (ICC_LAB, &[30, 20, 35]),
        ] {
            let samples: Vec<i16> = shares.iter().map(|&share| all(share)).collect();
            let [straight, multiplied] = both(bits, photometric, &samples, alpha);
            assert_eq!(
                multiplied, straight,
                "{bits} bits, {photometric}: {samples:?}"
            );
        }
    }
}

/// Cyan alone, half opaque: all of the ink, so no red.
#[test]
fn half_opaque_cyan() {
    let tags = [
        (BITS, &[8; 5][..]),
        (PHOTOMETRIC, &[CMYK]),
        (SAMPLES, &[5]),
        (EXTRA, &[1]),
    ];
    // The last one has more ink than alpha allows.
    let data = vec![
        128, 0, 0, 0, 128, 0, 0, 0, 0, 128, 9, 9, 9, 9, 0, 200, 0, 0, 200, 100,
    ];
    let expected = vec![
        0, 255, 255, 128, 255, 255, 255, 128, 0, 0, 0, 0, 0, 0, 0, 100,
    ];
    assert_eq!(
        load_row(4, &tags, |_| data.clone()),
        (Layout::Rgba8, expected)
    );
}

#[test]
fn floats_are_divided_too() {
    for (photometric, ink) in [(1, 1), (CMYK, 4)] {
        let depths = vec![32; ink + 1];
        let formats = vec![3; ink + 1];
        let count = [depths.len() as u16];
        let [straight, multiplied] = [(2, 1.0), (1, 0.25_f32)].map(|(kind, factor)| {
            let tags = [
                (BITS, &depths[..]),
                (PHOTOMETRIC, &[photometric]),
                (SAMPLES, &count),
                (EXTRA, &[kind]),
                (FORMAT, &formats),
            ];
            let inks = [0.5, 0.75, 0.0, 0.125].map(|v: f32| v * factor);
            let pixel = [&inks[..ink], &[0.25]].concat();
            load_row(1, &tags, |little| {
                let bytes = |v: &f32| match little {
                    true => v.to_le_bytes(),
                    false => v.to_be_bytes(),
                };
                pixel.iter().flat_map(bytes).collect()
            })
        });
        assert_eq!(multiplied, straight, "{photometric}");
    }
}

/// What becomes a colour first is divided as that colour, as in libtiff and libvips.
#[test]
fn colours_are_divided() {
    let map: Vec<u16> = (0..3 * 256).map(|i| i % 256 * 257).collect();
    let pixels = vec![205, 51, 230, 51, 255, 51, 120, 0];
    let tags = [
        (BITS, &[8, 8][..]),
        (PHOTOMETRIC, &[INVERTED]),
        (SAMPLES, &[2]),
        (EXTRA, &[1]),
    ];
    // A fifth of 250, 125 and 0.
    let expected = vec![250, 51, 125, 51, 0, 51, 0, 0];
    let found = load_row(4, &tags, |_| pixels.clone());
    assert_eq!(found, (Layout::La8, expected));
    let pixels = vec![20, 51, 10, 51];
    let tags = [
        (BITS, &[8, 8][..]),
        (PHOTOMETRIC, &[PALETTE]),
        (SAMPLES, &[2]),
        (COLOR_MAP, &map),
        (EXTRA, &[1]),
    ];
    let found = load_row(2, &tags, |_| pixels.clone()).1;
    assert_eq!(found, [100, 100, 100, 51, 50, 50, 50, 51]);
}
