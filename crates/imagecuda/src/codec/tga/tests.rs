use super::*;
use crate::{
    ErrorKind, Format, SaveOptions, codec, codec::contract::EncodeRequest, picture::Pixels,
};

const WIDTH: u16 = 4;

/// A picture of two rows, from the top down.
fn file(
    kind: u8,
    bits: u8,
    descriptor: u8,
    (map_bits, first, map): (u8, u16, &[u8]),
    data: &[u8],
) -> Vec<u8> {
    let is_there = u8::from(map_bits > 0);
    let colors = map.len() as u16 / u16::from(map_bits.div_ceil(8).max(1));
    let mut file = vec![3, is_there, kind];
    file.extend([first, colors].map(u16::to_le_bytes).concat());
    file.push(map_bits);
    file.extend([0, 0, WIDTH, 2].map(u16::to_le_bytes).concat());
    file.extend([bits, 0x20 ^ descriptor]);
    file.extend_from_slice(b"id.");
    file.extend_from_slice(map);
    file.extend_from_slice(data);
    file
}

const NONE: (u8, u16, &[u8]) = (0, 0, &[]);

fn load(file: &[u8]) -> Result<(Layout, Vec<u8>)> {
    let decoder = codec::open(Format::Tga, file, &Limits::default(), false)?;
    let header = decoder.header();
    let mut out = vec![0xa5; header.bytes()];
    decoder.read_into(&mut out)?;
    Ok((header.layout, out))
}

/// The last bit of a pixel, 5 bits a channel, and what they are of 255.
const PIXELS: [(u16, [u16; 3], [u8; 3]); 8] = [
    (0, [31, 0, 0], [255, 0, 0]),
    (1, [31, 0, 0], [255, 0, 0]),
    (1, [0, 31, 0], [0, 255, 0]),
    (1, [0, 31, 0], [0, 255, 0]),
    (0, [0, 0, 31], [0, 0, 255]),
    (1, [1, 15, 16], [8, 123, 132]),
    (0, [2, 3, 30], [16, 25, 247]),
    (0, [2, 3, 30], [16, 25, 247]),
];

fn pixels_16() -> Vec<u8> {
    let pixel =
        |(bit, [r, g, b], _): (u16, [u16; 3], _)| (bit << 15 | r << 10 | g << 5 | b).to_le_bytes();
    PIXELS.map(pixel).concat()
}

fn expected(alpha: bool) -> (Layout, Vec<u8>) {
    let pixel = |(bit, [r, g, b], color): (u16, [u16; 3], [u8; 3])| {
        // To the nearest.
        let exact = [r, g, b].map(|v| (f64::from(v) * 255.0 / 31.0).round() as u8);
        assert_eq!(exact, color);
        let all = [color[0], color[1], color[2], if bit == 1 { 255 } else { 0 }];
        all[..if alpha { 4 } else { 3 }].to_vec()
    };
    let layout = if alpha { Layout::Rgba8 } else { Layout::Rgb8 };
    (layout, PIXELS.iter().copied().flat_map(pixel).collect())
}

#[test]
fn the_bit_of_16_bits_is_alpha_where_the_header_says_so() {
    let raw = pixels_16();
    // Single ones, a pair, more single ones across the rows' end, a pair.
    let runs = [
        &[1],
        &raw[..4],
        &[0x81],
        &raw[4..6],
        &[1],
        &raw[8..12],
        &[0x81],
        &raw[12..14],
    ]
    .concat();
    let numbers: Vec<u8> = (10..18).collect();
    for (attributes, alpha) in [(0, false), (1, true)] {
        let expected = expected(alpha);
        assert_eq!(
            load(&file(2, 16, attributes, NONE, &raw)).unwrap(),
            expected
        );
        assert_eq!(
            load(&file(10, 16, attributes, NONE, &runs)).unwrap(),
            expected
        );
        let palette = (16, 10, &raw[..]);
        assert_eq!(
            load(&file(1, 8, attributes, palette, &numbers)).unwrap(),
            expected
        );
        let wide: Vec<u8> = numbers.iter().flat_map(|&n| [n, 0]).collect();
        assert_eq!(
            load(&file(1, 16, attributes, palette, &wide)).unwrap(),
            expected
        );
        let runs = [&[7], &numbers[..]].concat();
        assert_eq!(
            load(&file(9, 8, attributes, palette, &runs)).unwrap(),
            expected
        );
    }
    // Of 15 bits there is none.
    assert_eq!(load(&file(2, 15, 1, NONE, &raw)).unwrap(), expected(false));
    assert_eq!(
        load(&file(1, 8, 1, (15, 10, &raw), &numbers)).unwrap(),
        expected(false)
    );
}

#[test]
fn the_fourth_byte_is_alpha_where_the_header_says_so() {
    let raw: Vec<u8> = (0..32).map(|i| i * 7).collect();
    let numbers: Vec<u8> = (0..8).collect();
    let rgba = raw.as_chunks().0.iter().map(|&[b, g, r, a]| [r, g, b, a]);
    let rgba: Vec<[u8; 4]> = rgba.collect();
    let rgb: Vec<u8> = rgba.iter().flat_map(|p| p[..3].to_vec()).collect();
    for (attributes, expected) in [
        (0, (Layout::Rgb8, rgb)),
        (8, (Layout::Rgba8, rgba.concat())),
        // Any other number of bits is alpha as well.
        (1, (Layout::Rgba8, rgba.concat())),
        (7, (Layout::Rgba8, rgba.concat())),
        (15, (Layout::Rgba8, rgba.concat())),
    ] {
        assert_eq!(
            load(&file(2, 32, attributes, NONE, &raw)).unwrap(),
            expected
        );
        let palette = (32, 0, &raw[..]);
        assert_eq!(
            load(&file(1, 8, attributes, palette, &numbers)).unwrap(),
            expected
        );
    }
}

#[test]
fn gray_with_and_without_alpha() {
    let raw: Vec<u8> = (0..16).collect();
    let gray = (Layout::L8, raw[..8].to_vec());
    assert_eq!(load(&file(3, 8, 0, NONE, &raw)).unwrap(), gray);
    // There is no other gray of 16 bits, however many of them are said to be alpha.
    for attributes in [0, 1, 8, 15] {
        assert_eq!(
            load(&file(3, 16, attributes, NONE, &raw)).unwrap(),
            (Layout::La8, raw.clone())
        );
    }
    let runs = [&[7], &raw[..8]].concat();
    assert_eq!(load(&file(11, 8, 0, NONE, &runs)).unwrap(), gray);
}

#[test]
fn rows_and_columns_run_as_the_header_says() {
    let raw: Vec<u8> = (0..8).collect();
    for (flip, expected) in [
        (0, [0, 1, 2, 3, 4, 5, 6, 7]),
        (0x20, [4, 5, 6, 7, 0, 1, 2, 3]),
        (0x10, [3, 2, 1, 0, 7, 6, 5, 4]),
        (0x30, [7, 6, 5, 4, 3, 2, 1, 0]),
    ] {
        let found = load(&file(3, 8, flip, NONE, &raw)).unwrap();
        assert_eq!(found, (Layout::L8, expected.to_vec()));
    }
}

#[test]
fn interleaved_rows_are_refused() {
    let file = |descriptor| file(3, 8, descriptor, NONE, &[1, 2, 3, 4, 5, 6, 7, 8]);
    for order in [0, 0x10, 0x20, 0x30] {
        assert!(load(&file(order)).is_ok());
        for interleaving in [0x40, 0x80, 0xc0] {
            let file = file(order | interleaving);
            let error = load(&file).unwrap_err();
            let is_said = matches!(error.kind(), ErrorKind::Unsupported(what) if what.contains("interleaved"));
            assert!(is_said, "{error}");
            assert!((CODEC.recover)(&file, &Limits::default()).is_err());
        }
    }
}

#[test]
fn what_is_damaged_or_missing() {
    let raw = pixels_16();
    let palette = (16, 10, &raw[..]);
    let whole = file(1, 8, 1, palette, &[10, 11, 12, 13, 14, 15, 16, 17]);
    for cut in 0..whole.len() {
        assert!(load(&whole[..cut]).is_err());
    }
    for number in [9, 18] {
        assert!(load(&file(1, 8, 1, palette, &[number; 8])).is_err());
    }
    // The rows until the cut, of those with a palette too.
    let cut = &whole[..whole.len() - 1];
    let decoder = codec::open(Format::Tga, cut, &Limits::default(), true).unwrap();
    let mut out = vec![0xa5; 32];
    decoder.read_into(&mut out).unwrap();
    assert_eq!(out[..28], expected(true).1[..28]);
    assert_eq!(out[28..], [0; 4]);
}

fn saved(width: u32, pixels: &[u8], layout: Layout) -> Vec<u8> {
    let pixels = Pixels {
        width,
        height: pixels.len() as u32 / width / layout.channels() as u32,
        layout,
        data: pixels,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let options = SaveOptions::new();
    codec::encode(Format::Tga, EncodeRequest::new(pixels, &options), &mut file).unwrap();
    file.into_inner()
}

/// The numbers of pixels that each packet of a saved file has.
fn packets(file: &[u8]) -> Vec<usize> {
    let bytes = usize::from(file[16]) / 8;
    let mut rest = &file[18..file.len() - 26];
    let mut counts = Vec::new();
    while let Some((&head, data)) = rest.split_first() {
        let count = usize::from(head & 127) + 1;
        counts.push(count);
        rest = &data[bytes * if head < 128 { count } else { 1 }..];
    }
    counts
}

/// The specification forbids it, and Pillow cannot read it.
#[test]
fn no_saved_run_goes_on_in_the_next_row() {
    for layout in [Layout::Rgb8, Layout::Rgba8] {
        let channels = layout.channels();
        // One colour; noise of two colours; pixels of which no two neighbours are equal.
        let kinds: [fn(usize) -> usize; 3] = [
            |_| 7,
            |i| i.wrapping_mul(0x9e37_79b9) >> 13 & 1,
            |i| i % 251,
        ];
        for color in kinds {
            for width in [1, 2, 3, 127, 128, 129, 256, 300] {
                let pixels: Vec<u8> = (0..4 * width * channels)
                    .map(|i| (color(i / channels) * (1 + i % channels)) as u8)
                    .collect();
                let file = saved(width as u32, &pixels, layout);
                assert_eq!(load(&file).unwrap(), (layout, pixels));
                let mut x = 0;
                for count in packets(&file) {
                    x += count;
                    assert!(x <= width, "{width}");
                    x %= width;
                }
                // Never longer than without runs.
                let plain = 4 * (width * channels + width.div_ceil(128));
                assert!(file.len() <= 18 + plain + 26, "{width}: {}", file.len());
            }
        }
    }
    let footer = b"TRUEVISION-XFILE.\0";
    assert!(saved(1, &[9; 3], Layout::Rgb8).ends_with(footer));
    let flat = saved(200, &[9; 200 * 3 * 2], Layout::Rgb8);
    assert_eq!(packets(&flat), [128, 72, 128, 72]);
    let pixels = [1, 2, 2, 3, 4, 4].map(|v| [v; 3]).concat();
    assert_eq!(packets(&saved(6, &pixels, Layout::Rgb8)), [1, 2, 1, 2]);
}
