//! Strips and tiles that are left out.

use super::*;

const ROWS: u16 = 278;
const PREDICTOR: u16 = 317;
const NODATA: u16 = 42113;

/// A file whose pixels follow: three strips of 4x2, of which the second is left out.
fn strips(tags: &[(u16, &[u16])], strip: &[u8], packed: bool) -> Vec<u8> {
    let strip = if packed {
        deflated(strip)
    } else {
        strip.to_vec()
    };
    let compression = [if packed { 8 } else { 1 }];
    let tags = [tags, &[(ROWS, &[2]), (COMPRESSION, &compression)]].concat();
    file(true, [4, 6], &tags, &[&strip, &[], &strip])
}

/// What [`strips`] holds, of pixels that are in the file, and of the one that is not.
fn expected(strip: &[u8], empty: &[u8]) -> Vec<u8> {
    [strip, &empty.repeat(8), strip].concat()
}

#[test]
fn samples_are_zero_whatever_they_mean() {
    let map: Vec<u16> = (0..3 * 256).map(|i| i * 77 + 5140).collect();
    let color = |i: usize| [0, 256, 512].map(|c| (f64::from(map[i + c]) / 257.0).round() as u8);
    let eight: Vec<u8> = (1..=8).collect();
    let many: Vec<u8> = (1..=32).collect();
    let inverted: Vec<u8> = eight.iter().map(|v| 255 - v).collect();
    let mapped: Vec<u8> = eight.iter().flat_map(|&i| color(i.into())).collect();
    let wide = native(&(1..=8).map(|i| i * 257).collect::<Vec<u16>>());
    let floats: Vec<u8> = (1..=8).flat_map(|i| (i as f32).to_ne_bytes()).collect();
    let four = [0x12, 0x34, 0x56, 0x78];
    let spread: Vec<u8> = (1..=8).map(|i| i * 17).collect();
    type Case<'a> = (&'a [(u16, &'a [u16])], &'a [u8], &'a [u8], &'a [u8]);
    let cases: [Case<'_>; 8] = [
        (&[(BITS, &[8]), (PHOTOMETRIC, &[1])], &eight, &eight, &[0]),
        (
            &[(BITS, &[8]), (PHOTOMETRIC, &[0])],
            &eight,
            &inverted,
            &[255],
        ),
        (
            &[(BITS, &[8]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)],
            &eight,
            &mapped,
            &color(0),
        ),
        (&[(BITS, &[4]), (PHOTOMETRIC, &[1])], &four, &spread, &[0]),
        (&[(BITS, &[16]), (PHOTOMETRIC, &[1])], &wide, &wide, &[0; 2]),
        (
            &[(BITS, &[32]), (PHOTOMETRIC, &[1]), (FORMAT, &[3])],
            &floats,
            &floats,
            &[0; 4],
        ),
        (
            &[
                (BITS, &[8; 4]),
                (PHOTOMETRIC, &[2]),
                (SAMPLES, &[4]),
                (EXTRA, &[2]),
            ],
            &many,
            &many,
            &[0; 4],
        ),
        (
            &[(BITS, &[8; 4]), (PHOTOMETRIC, &[5]), (SAMPLES, &[4])],
            &many,
            &many,
            &[0; 4],
        ),
    ];
    for (i, (tags, strip, pixels, empty)) in cases.into_iter().enumerate() {
        for packed in [false, true] {
            let file = strips(tags, strip, packed);
            assert_eq!(load(&file).unwrap().1, expected(pixels, empty), "{i}");
            // The same where damage is looked for.
            let mut out = vec![0xa5; expected(pixels, empty).len()];
            let decoder = read::open(&file, &Limits::default()).unwrap();
            decoder.read_into(&mut out).unwrap();
            assert_eq!(out, expected(pixels, empty), "{i}");
        }
        // All are left out.
        let tags = [tags, &[(ROWS, &[2])]].concat();
        let file = super::file(true, [4, 6], &tags, &[&[], &[], &[]]);
        assert_eq!(load(&file).unwrap().1, empty.repeat(24), "{i}");
    }
}

#[test]
fn predicted_samples_are_zero() {
    let tags = |bits, format, predictor| {
        [
            (BITS, bits),
            (PHOTOMETRIC, &[1][..]),
            (FORMAT, format),
            (PREDICTOR, predictor),
        ]
    };
    let steps = shorts(&[100, 1, 2, 3, 200, 1, 2, 3], true);
    let found = load(&strips(&tags(&[16], &[1], &[2]), &steps, true)).unwrap();
    let strip = native(&[100, 101, 103, 106, 200, 201, 203, 206]);
    assert_eq!(found.1, expected(&strip, &[0; 2]));

    // The bytes of a row's floats, the highest of all first, and each as its step.
    let values = [1.5_f32, -2.0, 3.25, 1e9, 0.5, 7.0, 8.0, 9.0];
    let steps: Vec<u8> = values
        .chunks(4)
        .flat_map(|row| {
            let planes = (0..4).flat_map(|byte| row.iter().map(move |v| v.to_be_bytes()[byte]));
            let planes: Vec<u8> = planes.collect();
            let before = [&[0], &planes[..15]].concat();
            std::iter::zip(planes, before)
                .map(|(v, w)| v.wrapping_sub(w))
                .collect::<Vec<_>>()
        })
        .collect();
    let found = load(&strips(&tags(&[32], &[3], &[3]), &steps, true)).unwrap();
    let strip: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    assert_eq!(found.1, expected(&strip, &[0; 4]));
}

#[test]
fn planes_and_tiles_of_their_own() {
    let tags: [(u16, &[u16]); 6] = [
        (BITS, &[8; 3]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[3]),
        (PLANAR, &[2]),
        (TILE[0], &[16]),
        (TILE[1], &[16]),
    ];
    let tiles: Vec<Vec<u8>> = (0..12)
        .map(|tile| match tile % 5 {
            1 | 2 => Vec::new(),
            _ => (0..=255).map(|i: u8| i ^ tile).collect(),
        })
        .collect();
    let planes: Vec<&[u8]> = tiles.iter().map(Vec::as_slice).collect();
    for size in [[32, 32], [19, 21]] {
        let pixels = load(&file(true, size, &tags, &planes)).unwrap().1;
        for (i, pixel) in pixels.as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (i % usize::from(size[0]), i / usize::from(size[0]));
            let sample = |plane: usize| {
                let tile = &tiles[plane * 4 + y / 16 * 2 + x / 16];
                tile.get(y % 16 * 16 + x % 16).copied().unwrap_or(0)
            };
            assert_eq!(*pixel, [0, 1, 2].map(sample), "{x}, {y}");
        }
    }
}

/// GDAL's tag for samples that are missing.
#[test]
fn samples_are_what_the_file_says_for_missing_ones() {
    let eight: Vec<u8> = (1..=8).collect();
    let floats: Vec<u8> = (1..=8).flat_map(|i| (i as f32).to_ne_bytes()).collect();
    let four = [0x12, 0x34, 0x56, 0x78];
    let spread: Vec<u8> = (1..=8).map(|i| i * 17).collect();
    for (bits, format, text, strip, pixels, empty) in [
        (8, 1, "200", &eight[..], &eight[..], &[200][..]),
        (8, 1, "200 ", &eight, &eight, &[200]),
        (8, 1, "300", &eight, &eight, &[0]),
        (8, 1, "-1", &eight, &eight, &[0]),
        (8, 1, "1.5", &eight, &eight, &[0]),
        (8, 1, "none", &eight, &eight, &[0]),
        (8, 1, "nan", &eight, &eight, &[0]),
        (4, 1, "13", &four, &spread, &[13 * 17]),
        (32, 3, "-9999", &floats, &floats, &(-9999_f32).to_ne_bytes()),
        (32, 3, "nan", &floats, &floats, &f32::NAN.to_ne_bytes()),
    ] {
        let mut text = text.as_bytes().to_vec();
        text.resize(text.len().next_multiple_of(2) + 2, 0);
        let text: Vec<u16> = text
            .as_chunks()
            .0
            .iter()
            .map(|two| u16::from_le_bytes(*two))
            .collect();
        let tags: [(u16, &[u16]); 4] = [
            (BITS, &[bits]),
            (PHOTOMETRIC, &[1]),
            (FORMAT, &[format]),
            (NODATA, &text),
        ];
        let mut file = strips(&tags, strip, false);
        retype(&mut file, NODATA, 2, 1);
        let found = load(&file).unwrap().1;
        assert_eq!(found, expected(pixels, empty), "{bits} bits, {text:?}");
    }
}

/// What libjpeg would make of nothing is RGB.
#[test]
fn luma_and_chroma_of_jpeg_are_black() {
    let mut jpeg = Vec::new();
    let data = [90; 8 * 2 * 3];
    jpeg_encoder::Encoder::new(&mut jpeg, 100)
        .encode(&data, 8, 2, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let text = [u16::from_le_bytes(*b"20"), u16::from_le_bytes(*b"0\0")];
    let tags: [(u16, &[u16]); 6] = [
        (BITS, &[8; 3]),
        (COMPRESSION, &[7]),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
        (ROWS, &[2]),
        (NODATA, &text),
    ];
    for (tags, empty) in [(&tags[..5], 0), (&tags[..], 200)] {
        let mut file = file(true, [8, 4], tags, &[&[], &jpeg]);
        if empty > 0 {
            retype(&mut file, NODATA, 2, 1);
        }
        let (layout, found) = load(&file).unwrap();
        assert_eq!(layout, Layout::Rgb8);
        assert_eq!(found, [[empty; 48], [90; 48]].concat());
    }
}

/// Nothing is where the header is, and nothing has no length; but some writers know no lengths.
#[test]
fn offsets_and_lengths_of_zero() {
    const OFFSETS: u16 = 273;
    const LENGTHS: u16 = 279;
    let eight: Vec<u8> = (1..=8).collect();
    let tags: [(u16, &[u16]); 3] = [(BITS, &[8]), (PHOTOMETRIC, &[1]), (ROWS, &[2])];
    let whole = file(true, [4, 6], &tags, &[&eight[..]; 3]);
    for tag in [OFFSETS, LENGTHS] {
        let mut file = whole.clone();
        set(&mut file, tag, 1, 0);
        assert_eq!(load(&file).unwrap().1, expected(&eight, &[0]), "{tag}");
    }
    let mut file = whole.clone();
    (0..3).for_each(|i| set(&mut file, LENGTHS, i, 0));
    assert_eq!(load(&file).unwrap().1, eight.repeat(3));
    set(&mut file, OFFSETS, 1, 0);
    assert_eq!(load(&file).unwrap().1, expected(&eight, &[0]));
    // The bits of bytes the other way round are not those of the header.
    let tags = [&tags[..], &[(FILL_ORDER, &[2])]].concat();
    let reversed: Vec<u8> = eight.iter().map(|v| v.reverse_bits()).collect();
    let mut file = super::file(true, [4, 6], &tags, &[&reversed[..]; 3]);
    set(&mut file, OFFSETS, 1, 0);
    assert_eq!(load(&file).unwrap().1, expected(&eight, &[0]));
}
