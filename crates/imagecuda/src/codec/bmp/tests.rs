use super::*;
use crate::picture::Pixels;
use crate::{ErrorKind, codec};

const COLORS: [[u8; 3]; 4] = [[10, 20, 30], [200, 0, 0], [0, 200, 0], [0, 0, 200]];

/// A bitmap's header of `size` bytes, with the masks where that size has them.
fn dib(
    size: u32,
    [width, height]: [i32; 2],
    bits: u16,
    compression: u32,
    masks: &[u32],
) -> Vec<u8> {
    let mut header = size.to_le_bytes().to_vec();
    if size == 12 {
        for value in [width as u16, height as u16, 1, bits] {
            header.extend(value.to_le_bytes());
        }
        return header;
    }
    header.extend([width, height].iter().flat_map(|side| side.to_le_bytes()));
    header.extend([1, bits].iter().flat_map(|value| value.to_le_bytes()));
    header.extend(compression.to_le_bytes());
    header.resize(40.min(size as usize), 0);
    header.extend(masks.iter().flat_map(|mask| mask.to_le_bytes()));
    header.resize(header.len().max(size as usize), 0);
    header
}

fn palette(entry: usize) -> Vec<u8> {
    let color = |&[r, g, b]: &[u8; 3]| [b, g, r, 0][..entry].to_vec();
    COLORS.iter().flat_map(color).collect()
}

/// A file; where `offset` is not given, it is right.
fn file(head: &[u8], pixels: &[u8], offset: Option<usize>) -> Vec<u8> {
    let offset = offset.unwrap_or(FILE_HEADER + head.len()) as u32;
    let size = (FILE_HEADER + head.len() + pixels.len()) as u32;
    [
        b"BM",
        &size.to_le_bytes()[..],
        &[0; 4],
        &offset.to_le_bytes(),
        head,
        pixels,
    ]
    .concat()
}

fn load(file: &[u8]) -> Result<(Layout, Vec<u8>)> {
    let decoder = codec::open(Format::Bmp, file, &Limits::default(), false)?;
    let header = decoder.header();
    let mut out = vec![0xa5; header.bytes()];
    decoder.read_into(&mut out)?;
    Ok((header.layout, out))
}

fn colors(indices: &[usize]) -> Vec<u8> {
    indices.iter().flat_map(|&index| COLORS[index]).collect()
}

#[test]
fn what_runs_skip_has_the_first_color() {
    // From the bottom up: a run and the end of the row; a skip to the right and up; the end.
    let expected = [
        0, 0, 0, 0, 0, //
        0, 0, 0, 2, 3, //
        0, 0, 0, 0, 0, //
        1, 1, 0, 0, 0,
    ];
    let eight = [2, 1, 0, 0, 0, 2, 3, 1, 0, 2, 2, 3, 0, 1];
    let four = [2, 0x11, 0, 0, 0, 2, 3, 1, 0, 2, 0x23, 0, 0, 1];
    // The same by runs, and with rows that end when they are full.
    let runs = [2, 1, 0, 0, 0, 2, 3, 1, 1, 2, 9, 3, 0, 1];
    for (bits, compression, data) in [(8, 1, eight), (4, 2, four), (8, 1, runs)] {
        // Two of a literal are no literal.
        let data = match data[8..10] {
            [0, 2] if bits == 8 => [&data[..8], &[1, 2, 1, 3, 0, 1]].concat(),
            [0, 2] => [&data[..8], &[2, 0x23, 0, 1]].concat(),
            _ => data.to_vec(),
        };
        let mut head = dib(40, [5, 4], bits, compression, &[]);
        head[32] = 4;
        head.extend(palette(4));
        let (layout, found) = load(&file(&head, &data, None)).unwrap();
        assert_eq!(
            (layout, found),
            (Layout::Rgb8, colors(&expected)),
            "{bits} bits"
        );
        // From the top down, rows have the other order.
        let mut turned = head.clone();
        turned[8..12].copy_from_slice(&(-4_i32).to_le_bytes());
        let rows: Vec<usize> = expected.chunks(5).rev().flatten().copied().collect();
        let found = load(&file(&turned, &data, None)).unwrap().1;
        assert_eq!(found, colors(&rows), "{bits} bits from the top down");
        // What is after the last row need not be said.
        let mut data = data[..data.len() - 2].to_vec();
        data.extend([0, 0, 5, if bits == 8 { 1 } else { 0x11 }]);
        let found = load(&file(&head, &data, None)).unwrap().1;
        let full = [&[1; 5][..], &expected[5..]].concat();
        assert_eq!(found, colors(&full), "{bits} bits");
        // A skip ends where the picture does.
        for skip in [
            &[0, 2, 200, 0, 9, 0x11, 0, 0, 0, 1][..],
            &[0, 2, 0, 5],
            &[0, 2, 9, 1, 0, 2, 0, 255],
        ] {
            let found = load(&file(&head, skip, None)).unwrap().1;
            assert_eq!(found, colors(&[0; 20]), "{bits} bits, {skip:?}");
        }
        let error = load(&file(&head, &data[..6], None)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

#[test]
fn literals_of_runs() {
    let expected = [1, 2, 3, 0, 1, 1, 2, 3, 0, 1];
    let eight: &[u8] = &[
        0, 5, 1, 2, 3, 0, 1, 0, 0, 0, 0, 3, 1, 2, 3, 0, 1, 0, 1, 1, 0, 1,
    ];
    let four: &[u8] = &[
        0, 5, 0x12, 0x30, 0x10, 0, 0, 0, 0, 3, 0x12, 0x30, 1, 0, 1, 0x10, 0, 1,
    ];
    for (bits, compression, data) in [(8, 1, eight), (4, 2, four)] {
        let mut head = dib(40, [5, 2], bits, compression, &[]);
        head[32] = 4;
        head.extend(palette(4));
        let found = load(&file(&head, data, None)).unwrap().1;
        assert_eq!(found, colors(&expected), "{bits} bits");
    }
}

/// OS/2 has runs of 24 bits.
#[test]
fn runs_of_colors() {
    let head = dib(64, [4, 3], 24, 4, &[]);
    let data = [
        &[2, 30, 20, 10, 2, 0, 0, 200, 0, 0][..], // two runs
        &[0, 3, 0, 200, 0, 200, 0, 0, 30, 20, 10, 0, 0, 0], // three pixels, filled up
        &[0, 2, 1, 0, 1, 0, 0, 200, 0, 1],        // a skip and a run
    ]
    .concat();
    let mut expected = colors(&[0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 1, 1]);
    for black in [0, 2, 3, 7] {
        expected[3 * black..][..3].fill(0);
    }
    expected[3..6].copy_from_slice(&COLORS[1]);
    assert_eq!(
        load(&file(&head, &data, None)).unwrap(),
        (Layout::Rgb8, expected)
    );
    for cut in [1, 4, 11, 23] {
        let error = load(&file(&head, &data[..cut], None)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
    for (bits, compression) in [(1, 3), (8, 4), (32, 4)] {
        let error = load(&file(&dib(64, [4, 3], bits, compression, &[]), &data, None));
        let error = error.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
    }
}

#[test]
fn masks_of_24_bits() {
    // Two pixels, whose fields are blue, red and 4 bits of green; and 2 bytes that fill up the row.
    let masks = [0xff00, 0xf_0000, 0xff];
    let pixels = [10, 20, 0x0f, 30, 40, 0xf3, 0, 0];
    for size in [40, 52, 124] {
        let head = dib(size, [2, 1], 24, 3, &masks);
        let found = load(&file(&head, &pixels, None)).unwrap();
        assert_eq!(found, (Layout::Rgb8, vec![20, 255, 10, 40, 51, 30]));
    }
}

/// Files say where their pixels are. What they say cannot be where the header is.
#[test]
fn pixels_are_behind_the_header_whatever_it_says() {
    let mut indexed = dib(40, [4, 1], 8, 0, &[]);
    indexed[32] = 4;
    indexed.extend(palette(4));
    let masks = [0xf800, 0x07e0, 0x001f];
    let eight_masks = [0xff_0000, 0xff00, 0xff, 0xff00_0000];
    let bytes: Vec<u8> = (1..=16).collect();
    for (head, least, pixels) in [
        (&indexed, 40, &[0, 1, 2, 3][..]),
        (&dib(40, [4, 1], 24, 0, &[]), 40, &bytes[..12]),
        (&dib(12, [4, 1], 24, 0, &[]), 12, &bytes[..12]),
        (&dib(40, [4, 1], 16, 3, &masks), 52, &bytes[..8]),
        (&dib(56, [4, 1], 32, 3, &eight_masks), 56, &bytes),
        (&dib(108, [4, 1], 32, 3, &eight_masks), 108, &bytes),
    ] {
        let right = load(&file(head, pixels, None)).unwrap();
        for offset in [0, 1, 13, 14, 14 + least / 2, 14 + least - 1] {
            let found = load(&file(head, pixels, Some(offset))).unwrap();
            assert_eq!(found, right, "at {offset}, of {} bytes", head.len());
        }
        // What lies between is left alone.
        let padded = [&[0xee; 7][..], pixels].concat();
        let found = load(&file(head, &padded, Some(14 + head.len() + 7))).unwrap();
        assert_eq!(found, right);
    }
    // A palette may be shorter than it is said to be.
    indexed[32] = 0;
    assert_eq!(
        load(&file(&indexed, &[3, 1, 0, 2], None)).unwrap().1,
        colors(&[3, 1, 0, 2])
    );
}

#[test]
fn channels_of_any_width() {
    let cases: [(u16, &[u32]); 6] = [
        (16, &[0xf800, 0x07e0, 0x001f, 0]),
        (16, &[0x0f00, 0x00f0, 0x000f, 0xf000]),
        (16, &[0x7c00, 0x03e0, 0x001f, 0x8000]),
        (32, &[0x3ff0_0000, 0x000f_fc00, 0x0000_03ff, 0xc000_0000]),
        (32, &[0xff00_0000, 0x00ff_0000, 0x0000_ff00, 0]),
        (32, &[0x0000_00ff, 0x0000_ff00, 0x00ff_0000, 0xff00_0000]),
    ];
    for (bits, masks) in cases {
        let pixels: Vec<u32> = (0..64_u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
        let bytes: Vec<u8> = pixels
            .iter()
            .flat_map(|pixel| pixel.to_le_bytes()[..usize::from(bits) / 8].to_vec())
            .collect();
        let (layout, found) = load(&file(&dib(56, [64, 1], bits, 3, masks), &bytes, None)).unwrap();
        let channels = if masks[3] == 0 { 3 } else { 4 };
        assert_eq!(layout.channels(), channels);
        let expected = pixels.iter().flat_map(|pixel| {
            masks[..channels].iter().map(move |mask| {
                let [value, most] =
                    [pixel & mask, *mask].map(|v| f64::from(v >> mask.trailing_zeros()));
                (value / most * 255.0).round() as u8
            })
        });
        assert_eq!(found, expected.collect::<Vec<_>>(), "{masks:x?}");
        // The masks of Windows CE are after the header.
        let behind = load(&file(&dib(40, [64, 1], bits, 6, masks), &bytes, None)).unwrap();
        assert_eq!(behind, (layout, found));
    }
    for masks in [
        [0xf800, 0x05e0, 0x1f],
        [0xf_f000, 0xff0, 0xf],
        [0xf800, 0, 0x1f],
    ] {
        let error = load(&file(&dib(40, [1, 1], 16, 3, &masks), &[0; 4], None)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

#[test]
fn palettes_of_every_depth() {
    let width = 13;
    for (bits, size) in [
        (1, 12),
        (1, 40),
        (2, 40),
        (4, 40),
        (4, 64),
        (8, 12),
        (8, 16),
        (8, 124),
    ] {
        let indices: Vec<usize> = (0..width * 2)
            .map(|i| (i * 7 / 3 % 4) & ((1 << bits) - 1))
            .collect();
        let mut pixels = Vec::new();
        for row in indices.chunks(width).rev() {
            let mut packed = vec![0_u8; (width * bits).div_ceil(32) * 4];
            for (x, index) in row.iter().enumerate() {
                packed[x * bits / 8] |= (*index as u8) << (8 - bits - x * bits % 8);
            }
            pixels.extend(packed);
        }
        let mut head = dib(size, [width as i32, 2], bits as u16, 0, &[]);
        head.extend(palette(if size == 12 { 3 } else { 4 }));
        let whole = file(&head, &pixels, None);
        assert_eq!(
            load(&whole).unwrap().1,
            colors(&indices),
            "{bits} bits, {size}"
        );
        // The last row need not be filled up.
        let used = (width * bits).div_ceil(8);
        let padding = (width * bits).div_ceil(32) * 4 - used;
        let short = &whole[..whole.len() - padding];
        assert_eq!(load(short).unwrap().1, colors(&indices));
        assert!(load(&short[..short.len() - 1]).is_err());
        // From the top down.
        let half = pixels.len() / 2;
        let turned = [&pixels[half..], &pixels[..half]].concat();
        if size > 12 {
            head[8..12].copy_from_slice(&(-2_i32).to_le_bytes());
            assert_eq!(
                load(&file(&head, &turned, None)).unwrap().1,
                colors(&indices)
            );
        }
    }
    // A palette of more colours than numbers.
    let mut head = dib(40, [2, 1], 8, 0, &[]);
    head[32..34].copy_from_slice(&300_u16.to_le_bytes());
    head.extend(palette(4).repeat(75));
    assert_eq!(
        load(&file(&head, &[6, 3, 0, 0], None)).unwrap().1,
        colors(&[2, 3])
    );
}

#[test]
fn a_png_inside() {
    let mut png = std::io::Cursor::new(Vec::new());
    let pixels = Pixels {
        width: 2,
        height: 1,
        layout: Layout::Rgb8,
        data: &[1, 2, 3, 4, 5, 6],
    };
    let options = crate::SaveOptions::new();
    codec::encode(Format::Png, EncodeRequest::new(pixels, &options), &mut png).unwrap();
    let found = load(&file(&dib(40, [2, 1], 0, 5, &[]), png.get_ref(), None)).unwrap();
    assert_eq!(found, (Layout::Rgb8, vec![1, 2, 3, 4, 5, 6]));
}
