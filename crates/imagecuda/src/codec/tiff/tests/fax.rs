//! Faxes. The data were made by libtiff 4.5.0 (`tiffcp -c g3:1d` and so on; of Modified Huffman by
//! Pillow 13) of the picture that `is_black` draws.

use super::*;

const WIDTH: usize = 37;
const HEIGHT: usize = 6;
const ROWS: u16 = 278;
const T4_OPTIONS: u16 = 292;

const HUFFMAN: &[u8] = &[
    0xc8, 0x7c, 0x74, 0x3a, 0x1d, 0x0f, 0xbd, 0xd3, 0xa0, 0xb8, 0x7c, 0x74, 0x3a, 0x1f, 0x1f, 0x81,
    0xc6, 0x3a, 0x8d, 0xd0, 0xe6, 0x3e, 0x3d, 0x38, 0x7c, 0x74, 0x78, 0x74, 0x3c, 0x3a, 0x1f, 0x73,
    0x1c, 0xdf, 0x1d, 0x0e, 0x80, 0x7c, 0x73, 0x1d, 0x0f, 0xb8, 0x47, 0xc7, 0x43, 0xc0, 0x7c, 0x74,
    0x3a, 0x1f, 0x1f, 0x81, 0xc6, 0x3e, 0x3a, 0x1d, 0x0e,
];
const GROUP3: &[u8] = &[
    0x00, 0x1c, 0x87, 0xc7, 0x43, 0xa1, 0xd0, 0xfb, 0xdd, 0x3a, 0x00, 0x1b, 0x87, 0xc7, 0x43, 0xa1,
    0xf1, 0xf8, 0x1c, 0x63, 0xa0, 0x01, 0x8d, 0xd0, 0xe6, 0x3e, 0x3d, 0x38, 0x7c, 0x74, 0x00, 0x2f,
    0x0e, 0x87, 0x87, 0x43, 0xee, 0x63, 0x9b, 0xe3, 0xa1, 0xd0, 0x00, 0xbe, 0x39, 0x8e, 0x87, 0xdc,
    0x23, 0xe3, 0xa1, 0xe0, 0x01, 0x7c, 0x74, 0x3a, 0x1f, 0x1f, 0x81, 0xc6, 0x3e, 0x3a, 0x1d, 0x0e,
];
const GROUP3_2D: &[u8] = &[
    0x00, 0x1e, 0x43, 0xe3, 0xa1, 0xd0, 0xe8, 0x7d, 0xee, 0x9d, 0x00, 0x09, 0x24, 0x92, 0x49, 0x76,
    0x47, 0x0f, 0x00, 0x1c, 0x6e, 0x87, 0x31, 0xf1, 0xe9, 0xc3, 0xe3, 0xa0, 0x01, 0x2a, 0x48, 0x10,
    0x24, 0x94, 0x32, 0x39, 0x84, 0xc2, 0xe0, 0x03, 0x7c, 0x73, 0x1d, 0x0f, 0xb8, 0x47, 0xc7, 0x43,
    0xc0, 0x02, 0xe5, 0x0e, 0x10, 0x4d, 0x28, 0x20, 0x82, 0x09, 0xa0, 0x41, 0x28,
];
const GROUP3_ALIGNED: &[u8] = &[
    0x00, 0x01, 0xc8, 0x7c, 0x74, 0x3a, 0x1d, 0x0f, 0xbd, 0xd3, 0xa0, 0x01, 0xb8, 0x7c, 0x74, 0x3a,
    0x1f, 0x1f, 0x81, 0xc6, 0x3a, 0x00, 0x01, 0x8d, 0xd0, 0xe6, 0x3e, 0x3d, 0x38, 0x7c, 0x74, 0x00,
    0x01, 0x78, 0x74, 0x3c, 0x3a, 0x1f, 0x73, 0x1c, 0xdf, 0x1d, 0x0e, 0x80, 0x01, 0x7c, 0x73, 0x1d,
    0x0f, 0xb8, 0x47, 0xc7, 0x43, 0xc0, 0x01, 0x7c, 0x74, 0x3a, 0x1f, 0x1f, 0x81, 0xc6, 0x3e, 0x3a,
    0x1d, 0x0e,
];
const GROUP3_2D_ALIGNED: &[u8] = &[
    0x00, 0x01, 0xe4, 0x3e, 0x3a, 0x1d, 0x0e, 0x87, 0xde, 0xe9, 0xd0, 0x00, 0x01, 0x24, 0x92, 0x49,
    0x2e, 0xc8, 0xe1, 0xe0, 0x01, 0xc6, 0xe8, 0x73, 0x1f, 0x1e, 0x9c, 0x3e, 0x3a, 0x00, 0x01, 0x2a,
    0x48, 0x10, 0x24, 0x94, 0x32, 0x39, 0x84, 0xc2, 0xe0, 0x01, 0xbe, 0x39, 0x8e, 0x87, 0xdc, 0x23,
    0xe3, 0xa1, 0xe0, 0x01, 0x72, 0x87, 0x08, 0x26, 0x94, 0x10, 0x41, 0x04, 0xd0, 0x20, 0x94,
];
const GROUP4: &[u8] = &[
    0x39, 0x11, 0xf2, 0x3a, 0x23, 0xa2, 0x3a, 0x23, 0xe5, 0xe3, 0xd2, 0xa4, 0x92, 0x49, 0x2e, 0xc8,
    0xe1, 0xe8, 0x24, 0x10, 0x42, 0x3e, 0xcc, 0xef, 0x54, 0x90, 0x20, 0x49, 0x28, 0x64, 0x73, 0x09,
    0x85, 0xe9, 0x0a, 0x49, 0x24, 0x21, 0x04, 0x10, 0x58, 0xf9, 0x43, 0x84, 0x13, 0x4a, 0x08, 0x20,
    0x82, 0x68, 0x10, 0x4a, 0x00, 0x20, 0x02,
];

fn is_black(x: usize, y: usize) -> bool {
    (x * x + 3 * y * x) / 11 % 5 < 2
}

fn expected() -> Vec<u8> {
    let pixel = |i: usize| {
        if is_black(i % WIDTH, i / WIDTH) {
            0
        } else {
            255
        }
    };
    (0..WIDTH * HEIGHT).map(pixel).collect()
}

fn fax(compression: u16, options: u16, more: &[(u16, &[u16])], data: &[u8]) -> Vec<u8> {
    let (compression, options) = ([compression], [options]);
    let mut tags: Vec<(u16, &[u16])> = vec![
        (BITS, &[1]),
        (COMPRESSION, &compression),
        (PHOTOMETRIC, &[1]),
        (T4_OPTIONS, &options),
    ];
    tags.extend(more);
    file(true, [WIDTH as u16, HEIGHT as u16], &tags, &[data])
}

const KINDS: [(u16, u16, &[u8]); 6] = [
    (2, 0, HUFFMAN),
    (3, 0, GROUP3),
    (3, 1, GROUP3_2D),
    (3, 4, GROUP3_ALIGNED),
    (3, 5, GROUP3_2D_ALIGNED),
    (4, 0, GROUP4),
];

#[test]
fn of_every_kind_and_bit_order() {
    for (compression, options, data) in KINDS {
        let found = load(&fax(compression, options, &[], data)).unwrap();
        assert_eq!(found, (Layout::L8, expected()), "{compression}, {options}");
        let reversed: Vec<u8> = data.iter().map(|byte| byte.reverse_bits()).collect();
        let reversed = fax(compression, options, &[(FILL_ORDER, &[2])], &reversed);
        assert_eq!(load(&reversed).unwrap(), found, "{compression}, {options}");
        // Some writers know no lengths, and by default all rows are in one strip.
        let mut sloppy = fax(compression, options, &[(ROWS, &[u16::MAX, u16::MAX])], data);
        retype(&mut sloppy, ROWS, 4, 4);
        set(&mut sloppy, 279, 0, 0);
        assert_eq!(load(&sloppy).unwrap(), found, "{compression}, {options}");
    }
}

/// Without a word on colours, no ink is white.
#[test]
fn white_is_zero_by_default() {
    let tags: [(u16, &[u16]); 2] = [(BITS, &[1]), (COMPRESSION, &[4])];
    let found = load(&file(true, [WIDTH as u16, HEIGHT as u16], &tags, &[GROUP4]));
    let inverted: Vec<u8> = expected().iter().map(|v| 255 - v).collect();
    assert_eq!(found.unwrap().1, inverted);
}

#[test]
fn cut_or_damaged_rows_are_errors() {
    let whole = expected();
    for (compression, options, data) in KINDS {
        let mut before = 0;
        // After the rows, Group 4 has three bytes that no decoder needs.
        for length in 1..data.len() - 3 {
            let cut = fax(compression, options, &[], &data[..length]);
            let error = load(&cut).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
            let decoder = read::open(&cut, &Limits::default()).unwrap();
            let mut out = vec![0xa5; WIDTH * HEIGHT];
            if decoder.read_into(&mut out).is_err() {
                assert_eq!(before, 0, "{compression}, {options}");
                continue;
            }
            let rows = out.chunks(WIDTH).zip(whole.chunks(WIDTH));
            let good = rows.take_while(|(row, expected)| row == expected).count();
            assert!(good >= before, "{compression}, {options}: {length}");
            before = good;
            assert!(out[good * WIDTH..].iter().all(|&v| v == 0));
        }
        assert!(before + 2 >= HEIGHT, "{compression}, {options}: {before}");
    }
    // Rows that are wider than the picture.
    for (compression, options, data) in KINDS {
        let compression = [compression];
        let tags: [(u16, &[u16]); 4] = [
            (BITS, &[1]),
            (COMPRESSION, &compression),
            (PHOTOMETRIC, &[1]),
            (T4_OPTIONS, &[options]),
        ];
        assert!(load(&file(true, [20, 6], &tags, &[data])).is_err());
    }
}

/// An end of the page before its last row leaves the rest white, in strips of any height.
#[test]
fn the_end_may_come_early() {
    // One row of no change, and twice an end-of-line code.
    let data = [0x80, 0x08, 0x00, 0x80];
    let tags: [(u16, &[u16]); 3] = [(BITS, &[1]), (COMPRESSION, &[4]), (PHOTOMETRIC, &[0])];
    let (_, found) = load(&file(true, [8, 4], &tags, &[&data])).unwrap();
    assert_eq!(found, [255; 32]);
    // No row at all is damage.
    assert!(load(&file(true, [8, 4], &tags, &[&[0x00, 0x10, 0x01]])).is_err());
    // And so are parts that are not compressed.
    let error = load(&file(true, [8, 4], &tags, &[&[0x03, 0xff, 0xff]])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
}

/// Without end-of-line codes, which libtiff writes and other programs do not.
#[test]
fn group_3_without_line_ends() {
    // Eight white: 10011.
    let data = [0b1001_1100, 0b1110_0111];
    let tags: [(u16, &[u16]); 3] = [(BITS, &[1]), (COMPRESSION, &[3]), (PHOTOMETRIC, &[0])];
    let (_, found) = load(&file(true, [8, 3], &tags, &[&data])).unwrap();
    assert_eq!(found, [255; 24]);
}
