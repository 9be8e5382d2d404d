//! JPEG in strips and tiles.

use super::*;

/// Of these qualities the tables of quantizers look like a frame header.
#[test]
fn jpeg_of_any_quality() {
    for quality in [9, 16, 17, 21, 90] {
        let mut jpeg = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
        let gray: Vec<u8> = (0..24 * 20)
            .map(|i| (i % 24 * 5 + i / 24 * 3) as u8)
            .collect();
        encoder
            .encode(&gray, 24, 20, jpeg_encoder::ColorType::Luma)
            .unwrap();
        let tags: [(u16, &[u16]); 3] = [(BITS, &[8]), (COMPRESSION, &[7]), (PHOTOMETRIC, &[1])];
        let (layout, found) = load(&file(true, [24, 20], &tags, &[&jpeg])).unwrap();
        assert_eq!(layout, Layout::L8);
        let far = gray.iter().zip(&found).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far.unwrap() < 40, "{quality}: {far:?}");
        // The page's size is the one that counts.
        let small = load(&file(true, [24, 20 - 1], &tags, &[&jpeg]));
        assert_eq!(small.unwrap().1[..], found[..24 * 19]);
        let error = load(&file(true, [24, 2], &tags, &[&high(&jpeg)])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

/// Tiles are all as large, and the picture may be smaller than one.
#[test]
fn jpeg_in_a_tile_beyond_the_picture() {
    let mut jpeg = Vec::new();
    let gray: Vec<u8> = (0..128 * 128).map(|i| (i % 128 + i / 128) as u8).collect();
    jpeg_encoder::Encoder::new(&mut jpeg, 100)
        .encode(&gray, 128, 128, jpeg_encoder::ColorType::Luma)
        .unwrap();
    let tags: [(u16, &[u16]); 5] = [
        (BITS, &[8]),
        (COMPRESSION, &[7]),
        (PHOTOMETRIC, &[1]),
        (TILE[0], &[128]),
        (TILE[1], &[128]),
    ];
    let file = file(true, [24, 20], &tags, &[&jpeg]);
    let (layout, found) = load(&file).unwrap();
    assert_eq!(layout, Layout::L8);
    for (i, found) in found.iter().enumerate() {
        let expected = (i % 24 + i / 24) as u8;
        assert!(found.abs_diff(expected) < 4, "{i}: {found}, {expected}");
    }
    let mut tolerant = vec![0; found.len()];
    let decoder = read::open(&file, &Limits::default()).unwrap();
    decoder.read_into(&mut tolerant).unwrap();
    assert_eq!(tolerant, found);
}

/// Of other samples than pixels, or another width than the rows, pixels would be wrong.
#[test]
fn jpeg_of_another_kind_than_the_page() {
    let jpeg = |size: [u16; 2], color| {
        let mut jpeg = Vec::new();
        let data = vec![99; usize::from(size[0]) * usize::from(size[1]) * 3];
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        encoder.encode(&data, size[0], size[1], color).unwrap();
        jpeg
    };
    use jpeg_encoder::ColorType::{Luma, Rgb};
    let gray: [(u16, &[u16]); 3] = [(BITS, &[8]), (COMPRESSION, &[7]), (PHOTOMETRIC, &[1])];
    let rgb: [(u16, &[u16]); 4] = [
        (BITS, &[8; 3]),
        (COMPRESSION, &[7]),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
    ];
    for (tags, color, size, is_right) in [
        (&gray[..], Luma, [24, 20], true),
        (&gray, Rgb, [24, 20], false),
        (&gray, Luma, [16, 40], false),
        (&gray, Luma, [32, 20], false),
        (&rgb, Rgb, [24, 20], true),
        (&rgb, Luma, [24, 60], false),
    ] {
        let found = load(&file(true, [24, 20], tags, &[&jpeg(size, color)]));
        assert_eq!(found.is_ok(), is_right, "{color:?} of {size:?}");
    }
}

/// A JPEG that says it is very high.
fn high(jpeg: &[u8]) -> Vec<u8> {
    let mut jpeg = jpeg.to_vec();
    let at = jpeg
        .windows(4)
        .position(|header| header == [0xff, 0xc0, 0, 11]);
    jpeg[at.unwrap() + 5] = 0x10;
    jpeg
}

/// Samples of 12 bits, by a DCT and without loss, and of 16. Pages hold as many bits as their files.
#[test]
fn jpeg_of_other_depths() {
    use crate::jpeg::tests::made::{Lossless, Random};
    let samples = |bits: u8, count: u32| -> Vec<u16> {
        (0..count)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> (32 - bits)) as u16)
            .collect()
    };
    for (bits, channels) in [(12_u8, 1), (12, 3), (16, 1), (16, 3), (8, 3)] {
        let lossless = Lossless {
            size: (25, 20),
            bits,
            factors: vec![(1, 1); channels],
            samples: (0..channels).map(|_| samples(bits, 25 * 20)).collect(),
            predictor: 4,
            transform: 0,
            restart_rows: 0,
            apart: false,
        };
        let depths = vec![u16::from(bits); channels];
        let photometric = [if channels == 1 { 1 } else { 2 }];
        let tags: [(u16, &[u16]); 4] = [
            (BITS, &depths),
            (COMPRESSION, &[7]),
            (PHOTOMETRIC, &photometric),
            (SAMPLES, &[channels as u16]),
        ];
        let jpeg = lossless.write();
        let (layout, found) = load(&file(true, [25, 20], &tags, &[&jpeg])).unwrap();
        assert_eq!(
            (layout.channels(), layout.bits()),
            (channels, if bits == 8 { 8 } else { 16 })
        );
        let top = (1_u32 << bits) - 1;
        let mut expected = Vec::new();
        for sample in &lossless.samples[0] {
            let share = (u32::from(*sample) * 65_535 + top / 2) / top;
            for _ in 0..channels {
                match bits {
                    8 => expected.push(*sample as u8),
                    _ => expected.extend((share as u16).to_ne_bytes()),
                }
            }
        }
        assert!(found == expected, "{bits} {channels}");
        // The page's depth is another.
        let other = vec![if bits == 8 { 12 } else { 8 }; channels];
        let mut tags = tags;
        tags[0].1 = &other;
        assert!(load(&file(true, [25, 20], &tags, &[&jpeg])).is_err());
    }
    let mut dct = Random::new(1).made(12, false);
    (dct.size, dct.factors, dct.quantizer) = ((24, 8), vec![(1, 1)], 1);
    dct.blocks = vec![vec![[0; 64]; 3]];
    dct.blocks[0][1][0] = -8 * 1000;
    dct.scans.truncate(1);
    dct.scans[0].components = vec![0];
    let tags: [(u16, &[u16]); 3] = [(BITS, &[12]), (COMPRESSION, &[7]), (PHOTOMETRIC, &[1])];
    let (layout, found) = load(&file(true, [24, 8], &tags, &[&dct.write()])).unwrap();
    assert_eq!(layout, Layout::L16);
    let share = |sample: u32| ((sample * 65_535 + 2047) / 4095) as u16;
    let row = [[2048; 8], [1048; 8], [2048; 8]];
    let row = row
        .as_flattened()
        .iter()
        .flat_map(|&sample| share(sample).to_ne_bytes());
    assert_eq!(found, row.collect::<Vec<_>>().repeat(8));
}
