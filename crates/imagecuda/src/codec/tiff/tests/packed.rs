//! Samples of other depths than bytes, signed ones, short floats, and colours that are not RGB.

use super::*;

const PREDICTOR: u16 = 317;
const SUBSAMPLING: u16 = 530;

/// Packs numbers of so many bits from the high bit down.
fn pack(values: &[u32], bits: usize) -> Vec<u8> {
    let mut packed = vec![0_u8; (values.len() * bits).div_ceil(8)];
    for (i, value) in values.iter().enumerate() {
        for bit in 0..bits {
            let at = i * bits + bit;
            packed[at / 8] |= ((value >> (bits - 1 - bit) & 1) as u8) << (7 - at % 8);
        }
    }
    packed
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let floats = bytes.as_chunks().0.iter();
    floats.map(|v| f32::from_ne_bytes(*v)).collect()
}

#[test]
fn gray_of_9_to_31_bits() {
    for bits in (9..32_u16).filter(|bits| !bits.is_multiple_of(8)) {
        let top = u32::MAX >> (32 - bits);
        let values: Vec<u32> = (0..13_u32)
            .map(|i| match i {
                0 => 0,
                1 => top,
                _ => i.wrapping_mul(2_654_435_761) & top,
            })
            .collect();
        let share = |&v: &u32| f64::from(v) / f64::from(top);
        for photometric in [0, 1] {
            let tags = [(BITS, &[bits][..]), (PHOTOMETRIC, &[photometric])];
            let (layout, found) = load_row(13, &tags, |_| pack(&values, bits.into()));
            let shares = values.iter().map(share);
            let expected = shares.map(|v| if photometric == 0 { 1.0 - v } else { v });
            match bits {
                ..16 => {
                    assert_eq!(layout, Layout::L16);
                    let expected = expected.map(|v| (v * 65535.0).round() as u16);
                    assert_eq!(found, native(&expected.collect::<Vec<_>>()), "{bits} bits");
                }
                _ => {
                    assert_eq!(layout, Layout::L32F);
                    let expected: Vec<f32> = expected.map(|v| v as f32).collect();
                    assert_eq!(floats(&found), expected, "{bits} bits");
                }
            }
        }
    }
}

#[test]
fn samples_of_24_bits_have_the_byte_order_of_the_file() {
    let data = |little| match little {
        true => vec![0x56, 0x34, 0x12],
        false => vec![0x12, 0x34, 0x56],
    };
    let tags = [(BITS, &[24][..]), (PHOTOMETRIC, &[1])];
    let (layout, found) = load_row(1, &tags, data);
    let expected = f64::from(0x12_3456) / f64::from(0xff_ffff);
    assert_eq!(
        (layout, floats(&found)),
        (Layout::L32F, vec![expected as f32])
    );
    // 1.5 · 2³ with 7 bits of exponent, whose middle is 63, and 16 of fraction.
    let code = 66_u32 << 16 | 0x8000 | 1 << 23;
    let data = |little| match little {
        true => code.to_le_bytes()[..3].to_vec(),
        false => code.to_be_bytes()[1..].to_vec(),
    };
    let tags = [(BITS, &[24][..]), (PHOTOMETRIC, &[1]), (FORMAT, &[3])];
    let (_, found) = load_row(1, &tags, data);
    assert_eq!(floats(&found), [-12.0]);
}

#[test]
fn signed_samples_have_their_signs() {
    let tags = |bits| [(BITS, bits), (PHOTOMETRIC, &[1][..]), (FORMAT, &[2][..])];
    let (layout, found) = load_row(4, &tags(&[8]), |_| vec![0, 127, 0x81, 0x80]);
    let expected = vec![0.0, 1.0, -1.0, (-128.0_f64 / 127.0) as f32];
    assert_eq!((layout, floats(&found)), (Layout::L32F, expected));
    let values = [300_i16, -9999, i16::MAX].map(|v| v as u16);
    let (_, found) = load_row(3, &tags(&[16]), |little| shorts(&values, little));
    let expected = [300.0, -9999.0, 32767.0].map(|v: f64| (v / 32767.0) as f32);
    assert_eq!(floats(&found), expected);
    let (_, found) = load_row(2, &tags(&[12]), |_| pack(&[0x7ff, 0xfff], 12));
    assert_eq!(floats(&found), [1.0, (-1.0 / 2047.0_f64) as f32]);
    let long = |little| match little {
        true => (-1_i32 << 30).to_le_bytes().to_vec(),
        false => (-1_i32 << 30).to_be_bytes().to_vec(),
    };
    let (_, found) = load_row(1, &tags(&[32]), long);
    assert_eq!(floats(&found), [-0.5]);
}

#[test]
fn palettes_that_are_deep_or_short() {
    let map: Vec<u16> = (0..3 * 5).map(|i| i * 4000).collect();
    let tags = [(BITS, &[8][..]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
    let (layout, found) = load_row(3, &tags, |_| vec![0, 4, 5]);
    let color = |i: u16| [0, 5, 10].map(|c| (f64::from((i + c) * 4000) / 257.0).round() as u8);
    assert_eq!(layout, Layout::Rgb8);
    assert_eq!(found, [color(0), color(4), [0; 3]].concat());
    let map: Vec<u16> = (0..3 * 65_536_u32).map(|i| (i * 7) as u16).collect();
    let tags = [(BITS, &[16][..]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
    let (layout, found) = load_row(2, &tags, |little| shorts(&[3, 40_000], little));
    let color = |i: u32| [0, 1, 2].map(|c| ((i + c * 65_536) * 7) as u16);
    assert_eq!(layout, Layout::Rgb16);
    assert_eq!(found, native(&[color(3), color(40_000)].concat()));
}

/// 8-bit colours are in both bytes, or in one. A low byte of one colour shows that all have 16 bits.
#[test]
fn palettes_of_8_bits() {
    let colors: Vec<u16> = (0..3 * 256_u32).map(|i| (i * 85 % 256) as u16).collect();
    let expected = [3, 255].map(|i| [0, 1, 2].map(|c| colors[c * 256 + i] as u8));
    for factor in [1, 256, 257] {
        let map: Vec<u16> = colors.iter().map(|v| v * factor).collect();
        let tags = [(BITS, &[8][..]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
        let (layout, found) = load_row(2, &tags, |_| vec![3, 255]);
        assert_eq!(
            (layout, found),
            (Layout::Rgb8, expected.concat()),
            "{factor}"
        );
    }
    let mut map: Vec<u16> = colors.iter().map(|v| v * 256).collect();
    map[7] = 1;
    let tags = [(BITS, &[8][..]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
    let exact = expected.map(|color| color.map(|v| (f64::from(v) * 256.0 / 257.0).round() as u8));
    assert_eq!(load_row(2, &tags, |_| vec![3, 255]).1, exact.concat());
}

#[test]
fn a_mask_is_white_inside() {
    let tags = [(BITS, &[1][..]), (PHOTOMETRIC, &[4])];
    let (layout, found) = load_row(8, &tags, |_| vec![0b1010_0001]);
    assert_eq!(
        (layout, found),
        (Layout::L8, vec![255, 0, 255, 0, 0, 0, 0, 255])
    );
}

/// By the published values of sRGB's primaries in L*a*b* of D50.
#[test]
fn lab_is_srgb() {
    let colors = [
        ([100.0, 0.0, 0.0], [255, 255, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([54.29, 80.80, 69.89], [255, 0, 0]),
        ([87.82, -79.27, 80.99], [0, 255, 0]),
        ([29.57, 68.30, -112.03], [0, 0, 255]),
        ([53.585, 0.0, 0.0], [128, 128, 128]),
    ];
    for (lab, rgb) in colors {
        let [l, a, b]: [f64; 3] = lab;
        let signed = |v: f64| (v.round() as i8) as u8;
        let wide = |v: f64| ((v * 256.0).round() as i16) as u16;
        let offset = |v: f64| (v + 128.0).round() as u8;
        let wide_offset = |v: f64| ((v + 128.0) * 256.0).round() as u16;
        let share = (l * 2.55).round() as u8;
        let tags = |bits, kind| [(BITS, bits), (PHOTOMETRIC, kind), (SAMPLES, &[3][..])];
        for (kind, codes) in [
            (&[8], [share, signed(a), signed(b)]),
            (&[9], [share, offset(a), offset(b)]),
        ] {
            let (layout, found) = load_row(1, &tags(&[8; 3], kind), |_| codes.to_vec());
            assert_eq!(layout, Layout::Rgb8);
            let far = found.iter().zip(rgb).map(|(a, b)| a.abs_diff(b)).max();
            assert!(far.unwrap() <= 12, "{lab:?}, {kind:?}: {found:?}");
        }
        let whole = (l * 655.35).round() as u16;
        let icc = (l * 652.80).round() as u16;
        for (kind, codes) in [
            (&[8], [whole, wide(a), wide(b)]),
            (&[9], [icc, wide_offset(a), wide_offset(b)]),
        ] {
            let data = |little| shorts(&codes, little);
            let (layout, found) = load_row(1, &tags(&[16; 3], kind), data);
            assert_eq!(layout, Layout::Rgb16);
            let found = found.as_chunks().0.iter().map(|v| u16::from_ne_bytes(*v));
            for (found, rgb) in found.zip(rgb) {
                let expected = u16::from(rgb) * 257;
                assert!(
                    found.abs_diff(expected) < 3 * 257,
                    "{lab:?}, {kind:?}: {found}"
                );
            }
        }
    }
}

#[test]
fn luminance_as_a_logarithm() {
    // 2⁰ is 64 · 256, and half a step more. Rows are packed byte by byte: a run, and a literal.
    let tags = [
        (BITS, &[16][..]),
        (COMPRESSION, &[34_676]),
        (PHOTOMETRIC, &[32_844]),
    ];
    let data = [0x80, 0x40, 2, 0, 128];
    let found = load(&file(true, [2, 1], &tags, &[&data])).unwrap();
    let expected = [0.5, 128.5].map(|v: f64| (v / 256.0).exp2() as f32);
    assert_eq!(found.0, Layout::L32F);
    for (found, expected) in floats(&found.1).into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
    }
    // White of equal energy has u' = 4/19 and v' = 9/19: 86 and 194 of 410.
    let tags = [
        (BITS, &[16; 3][..]),
        (COMPRESSION, &[34_676]),
        (PHOTOMETRIC, &[32_845]),
        (SAMPLES, &[3]),
    ];
    let data = [1, 0x40, 1, 0, 1, 86, 1, 194];
    let decoder = file(true, [1, 1], &tags, &[&data]);
    let header = codec::open(Format::Tiff, &decoder, &Limits::default(), false).unwrap();
    assert_eq!(
        header.header().curve,
        imagecuda_kernels::expand::Curve::Linear
    );
    let (layout, found) = load(&decoder).unwrap();
    assert_eq!(layout, Layout::Rgb32F);
    for found in floats(&found) {
        assert!((found - 1.0).abs() < 0.02, "{found}");
    }
}

/// Blocks of luma with their chroma after them, and parts of blocks at the edges.
#[test]
fn chroma_that_pixels_share() {
    for (across, down) in [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2), (2, 4)] {
        let (width, height) = (7_usize, 5_usize);
        let (columns, rows) = (width.div_ceil(across), height.div_ceil(down));
        let luma = |x: usize, y: usize| (x * 23 + y * 31) as u8;
        let chroma = |x: usize, y: usize| [(x * 40 + 90) as u8, (y * 30 + 100) as u8];
        let mut data = Vec::new();
        let mut full = Vec::new();
        for block in 0..columns * rows {
            let (bx, by) = (block % columns, block / columns);
            for i in 0..across * down {
                data.push(luma(bx * across + i % across, by * down + i / across));
            }
            data.extend(chroma(bx, by));
        }
        for i in 0..width * height {
            let (x, y) = (i % width, i / width);
            full.push(luma(x, y));
            full.extend(chroma(x / across, y / down));
        }
        let sampling = [across as u16, down as u16];
        let tags = |compression, sampling| {
            [
                (BITS, &[8; 3][..]),
                (COMPRESSION, compression),
                (PHOTOMETRIC, &[6]),
                (SAMPLES, &[3]),
                (SUBSAMPLING, sampling),
            ]
        };
        let size = [7, 5];
        let plain = load(&file(true, size, &tags(&[1], &[1, 1]), &[&full])).unwrap();
        for (compression, data) in [(&[1_u16], data.clone()), (&[8], deflated(&data))] {
            let tags = tags(compression, &sampling);
            let found = load(&file(true, size, &tags, &[&data])).unwrap();
            assert_eq!(found, plain, "{across}x{down}");
            let cut = file(
                true,
                size,
                &tags,
                &[&data[..data.len() - 1 - data.len() / 3]],
            );
            // What is not compressed goes on in what is after it.
            assert_eq!(load(&cut).is_err(), compression == &[8]);
            // Nothing said is 2x2.
            if sampling == [2, 2] {
                let found = load(&file(true, size, &tags[..4], &[&data])).unwrap();
                assert_eq!(found, plain);
            }
        }
    }
}

/// Also where the rows of blocks have no whole samples for each row of pixels.
#[test]
fn shared_chroma_of_16_bits_has_the_byte_order_of_the_file() {
    for (across, down) in [(1, 2), (2, 2), (1, 4), (2, 4), (4, 4)] {
        for width in 1..=5_usize {
            let (height, columns) = (5_usize, width.div_ceil(across));
            let luma = |x: usize, y: usize| (x * 9001 + y * 5003) as u16;
            let chroma =
                |x: usize, y: usize| [(x * 4001 + 25_000) as u16, (y * 3001 + 30_000) as u16];
            let (mut shared, mut full) = (Vec::new(), Vec::new());
            for block in 0..columns * height.div_ceil(down) {
                let (bx, by) = (block % columns, block / columns);
                let lumas = (0..across * down)
                    .map(|i| luma(bx * across + i % across, by * down + i / across));
                shared.extend(lumas);
                shared.extend(chroma(bx, by));
            }
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                full.push(luma(x, y));
                full.extend(chroma(x / across, y / down));
            }
            let load = |little: bool, sampling: [u16; 2], samples: &[u16]| {
                let tags: [(u16, &[u16]); 4] = [
                    (BITS, &[16; 3]),
                    (PHOTOMETRIC, &[6]),
                    (SAMPLES, &[3]),
                    (SUBSAMPLING, &sampling),
                ];
                let size = [width as u16, height as u16];
                load(&file(little, size, &tags, &[&shorts(samples, little)])).unwrap()
            };
            let expected = load(true, [1, 1], &full);
            for little in [true, false] {
                let found = load(little, [across as u16, down as u16], &shared);
                assert_eq!(
                    found, expected,
                    "{across}x{down}, {width} wide, little: {little}"
                );
            }
        }
    }
}

/// As in libtiff, a row for the predictor is a part of a row of blocks, and may end within a sample.
#[test]
fn predicted_chroma_whose_rows_end_within_samples_is_refused() {
    let tags: [(u16, &[u16]); 6] = [
        (BITS, &[16; 3]),
        (COMPRESSION, &[8]),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
        (SUBSAMPLING, &[1, 4]),
        (PREDICTOR, &[2]),
    ];
    let error = load(&file(true, [3, 4], &tags, &[&deflated(&[0; 36])])).unwrap_err();
    assert!(error.to_string().contains("within samples"), "{error}");
    // Six samples a column.
    load(&file(true, [2, 4], &tags, &[&deflated(&[0; 24])])).unwrap();
}
