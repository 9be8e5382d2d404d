use super::*;
use crate::{ErrorKind, codec};
use imagecuda_kernels::layout::Layout;

mod cores;
mod empty;
mod fax;
mod jpeg;
mod lists;
mod luma;
mod old_jpeg;
mod packed;
mod premultiplied;
mod saved;
mod sloppy;
mod tiles;

/// A TIFF of strips or tiles, in either byte order, with the tags given as shorts. Strips of no bytes
/// are left out.
fn file(little: bool, size: [u16; 2], tags: &[(u16, &[u16])], planes: &[&[u8]]) -> Vec<u8> {
    let short = |v: u16| {
        if little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    };
    let long = |v: usize| {
        let v = v as u32;
        if little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    };
    let mut bytes = if little {
        b"II".to_vec()
    } else {
        b"MM".to_vec()
    };
    bytes.extend(short(42));
    bytes.extend([0; 4]); // the directory's offset
    let mut entries: Vec<(u16, u16, usize, Vec<u8>)> = Vec::new();
    let mut add = |tag: u16, values: &[u16]| {
        let value = values.iter().flat_map(|&v| short(v)).collect();
        entries.push((tag, 3, values.len(), value));
    };
    add(256, &size[..1]);
    add(257, &size[1..]);
    tags.iter().for_each(|(tag, values)| add(*tag, values));
    let mut offsets = Vec::new();
    for plane in planes {
        let offset = if plane.is_empty() { 0 } else { bytes.len() };
        offsets.extend(long(offset));
        bytes.extend_from_slice(plane);
    }
    let counts = planes.iter().flat_map(|plane| long(plane.len())).collect();
    let tiled = tags.iter().any(|&(tag, _)| tag == TILE[0]);
    let [places, lengths] = if tiled { [324, 325] } else { [273, 279] };
    entries.push((places, 4, planes.len(), offsets));
    entries.push((lengths, 4, planes.len(), counts));
    entries.sort();
    let mut directory = short(entries.len() as u16).to_vec();
    for (tag, kind, count, mut value) in entries {
        if value.len() > 4 {
            let at = bytes.len();
            bytes.extend_from_slice(&value);
            value = long(at).to_vec();
        }
        value.resize(4, 0);
        directory.extend(short(tag));
        directory.extend(short(kind));
        directory.extend(long(count));
        directory.extend(value);
    }
    let at = long(bytes.len());
    bytes[4..8].copy_from_slice(&at);
    bytes.extend(directory);
    bytes.extend([0; 4]);
    bytes
}

/// Where the entry of a tag is in a file of little byte order.
fn entry(file: &[u8], tag: u16) -> usize {
    let mut at = u32::from_le_bytes(*file[4..].first_chunk().unwrap()) as usize + 2;
    while u16::from_le_bytes([file[at], file[at + 1]]) != tag {
        at += 12;
    }
    at
}

/// Makes the shorts of a tag values of another type, which have `size` bytes.
fn retype(file: &mut [u8], tag: u16, kind: u16, size: u32) {
    let at = entry(file, tag);
    let count = u32::from_le_bytes(*file[at + 4..].first_chunk().unwrap());
    file[at + 2..][..2].copy_from_slice(&kind.to_le_bytes());
    file[at + 4..][..4].copy_from_slice(&(count * 2 / size).to_le_bytes());
}

/// Sets one of the longs of a tag.
fn set(file: &mut [u8], tag: u16, index: usize, value: u32) {
    let at = entry(file, tag);
    let [count, place] = [4, 8].map(|i| u32::from_le_bytes(*file[at + i..].first_chunk().unwrap()));
    let list = if count == 1 { at + 8 } else { place as usize };
    file[list + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    std::io::Write::write_all(&mut encoder, data).unwrap();
    encoder.finish().unwrap()
}

fn load(bytes: &[u8]) -> Result<(Layout, Vec<u8>)> {
    let decoder = codec::open(Format::Tiff, bytes, &Limits::default(), false)?;
    let header = decoder.header();
    let mut out = vec![0xa5; header.bytes()];
    decoder.read_into(&mut out)?;
    Ok((header.layout, out))
}

const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const TILE: [u16; 2] = [322, 323];
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const SAMPLES: u16 = 277;
const PLANAR: u16 = 284;
const COLOR_MAP: u16 = 320;
const EXTRA: u16 = 338;
const FORMAT: u16 = 339;

/// Loads a TIFF of one row in both byte orders; `data` is the strip in either.
fn load_row(
    width: u16,
    tags: &[(u16, &[u16])],
    data: impl Fn(bool) -> Vec<u8>,
) -> (Layout, Vec<u8>) {
    let [little, big] = [true, false]
        .map(|little| load(&file(little, [width, 1], tags, &[&data(little)])).unwrap());
    assert_eq!(little, big);
    little
}

fn shorts(values: &[u16], little: bool) -> Vec<u8> {
    let short = |&v: &u16| {
        if little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    };
    values.iter().flat_map(short).collect()
}

fn native(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

#[test]
fn packed_gray_of_every_depth() {
    for bits in 1..8_u16 {
        let max = (1 << bits) - 1;
        let values: Vec<u16> = (0..21).map(|i| (i * 5 + 1) % (max + 1)).collect();
        let mut packed = vec![0_u8; (21 * usize::from(bits)).div_ceil(8)];
        for (i, value) in values.iter().enumerate() {
            for bit in 0..bits {
                let at = i * usize::from(bits) + usize::from(bit);
                packed[at / 8] |= ((value >> (bits - 1 - bit) & 1) as u8) << (7 - at % 8);
            }
        }
        let expected: Vec<u8> = values
            .iter()
            .map(|&v| (f64::from(v) * 255.0 / f64::from(max)).round() as u8)
            .collect();
        let inverted: Vec<u8> = expected.iter().map(|v| 255 - v).collect();
        for (photometric, expected) in [(1, &expected), (0, &inverted)] {
            let tags = [(BITS, &[bits][..]), (PHOTOMETRIC, &[photometric])];
            let loaded = load_row(21, &tags, |_| packed.clone());
            assert_eq!(loaded, (Layout::L8, expected.clone()), "{bits} bits");
        }
        // The same with the bits of every byte the other way round.
        let tags = [(BITS, &[bits][..]), (PHOTOMETRIC, &[1]), (FILL_ORDER, &[2])];
        let reversed: Vec<u8> = packed.iter().map(|byte| byte.reverse_bits()).collect();
        assert_eq!(load_row(21, &tags, |_| reversed.clone()).1, expected);
    }
}

#[test]
fn palette_with_and_without_alpha() {
    let map: Vec<u16> = (0..3 * 16).map(|i| i * 257 * 5).collect();
    let tags = [(BITS, &[4][..]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
    let (layout, out) = load_row(3, &tags, |_| vec![0x0f, 0x30]);
    assert_eq!(layout, Layout::Rgb8);
    assert_eq!(out, [0, 80, 160, 75, 155, 235, 15, 95, 175]);

    let map: Vec<u16> = (0..3 * 256).map(|i| (i % 256) / (1 + i / 256)).collect();
    let tags = [
        (BITS, &[8, 8][..]),
        (PHOTOMETRIC, &[3]),
        (SAMPLES, &[2]),
        (COLOR_MAP, &map),
        (EXTRA, &[2]),
    ];
    let (layout, out) = load_row(2, &tags, |_| vec![120, 7, 255, 9]);
    assert_eq!(
        (layout, out),
        (Layout::Rgba8, vec![120, 60, 40, 7, 255, 127, 85, 9])
    );
}

#[test]
fn alpha_is_straightened() {
    let tags = |alpha| {
        [
            (BITS, &[8; 4][..]),
            (PHOTOMETRIC, &[2]),
            (SAMPLES, &[4]),
            (EXTRA, alpha),
        ]
    };
    let data = |_| vec![50, 100, 0, 100, 9, 9, 9, 0, 200, 10, 20, 100];
    let (layout, out) = load_row(3, &tags(&[1]), data);
    assert_eq!(layout, Layout::Rgba8);
    assert_eq!(out, [128, 255, 0, 100, 0, 0, 0, 0, 255, 26, 51, 100]);
    assert_eq!(load_row(3, &tags(&[2]), data), (Layout::Rgba8, data(true)));
    // A fourth sample that is no alpha.
    let rgb = vec![50, 100, 0, 9, 9, 9, 200, 10, 20];
    assert_eq!(load_row(3, &tags(&[0]), data), (Layout::Rgb8, rgb));
    // And one that nothing is said of.
    assert_eq!(
        load_row(3, &tags(&[2])[..3], data),
        (Layout::Rgba8, data(true))
    );
}

#[test]
fn cmyk() {
    let tags = [(BITS, &[8; 4][..]), (PHOTOMETRIC, &[5]), (SAMPLES, &[4])];
    let data = vec![0, 51, 255, 0, 0, 0, 51, 102];
    assert_eq!(
        load_row(2, &tags, |_| data.clone()),
        (Layout::Cmyk8, data.clone())
    );
    let tags = [(BITS, &[16; 4][..]), (PHOTOMETRIC, &[5]), (SAMPLES, &[4])];
    let data = [0, 13_107, 65_535, 0];
    assert_eq!(
        load_row(1, &tags, |little| shorts(&data, little)),
        (Layout::Cmyk16, native(&data))
    );
    // With alpha they are RGB.
    let tags = [
        (BITS, &[8; 5][..]),
        (PHOTOMETRIC, &[5]),
        (SAMPLES, &[5]),
        (EXTRA, &[2]),
    ];
    let data = |_| vec![0, 51, 255, 0, 9, 0, 0, 51, 102, 77];
    assert_eq!(
        load_row(2, &tags, data),
        (Layout::Rgba8, vec![255, 204, 0, 9, 153, 153, 122, 77])
    );
}

#[test]
fn deep_samples_keep_their_depth() {
    let rgb = |bits, format| {
        [
            (BITS, bits),
            (PHOTOMETRIC, &[2][..]),
            (SAMPLES, &[3]),
            (FORMAT, format),
        ]
    };
    let data = |little| shorts(&[1, 258, 65_535], little);
    let loaded = load_row(1, &rgb(&[16; 3], &[1; 3]), data);
    assert_eq!(loaded, (Layout::Rgb16, native(&[1, 258, 65_535])));

    let floats = |values: &[f32]| {
        values
            .iter()
            .flat_map(|v| v.to_ne_bytes())
            .collect::<Vec<_>>()
    };
    // One, two to the minus 24 (the least), and a negative one.
    let data = |little| shorts(&[0x3c00, 1, 0xc100], little);
    let loaded = load_row(1, &rgb(&[16; 3], &[3; 3]), data);
    assert_eq!(
        loaded,
        (Layout::Rgb32F, floats(&[1.0, 2_f32.powi(-24), -2.5]))
    );

    let gray = |bits, format| [(BITS, bits), (PHOTOMETRIC, &[1][..]), (FORMAT, format)];
    let double = |little| match little {
        true => 2.5_f64.to_le_bytes().to_vec(),
        false => 2.5_f64.to_be_bytes().to_vec(),
    };
    assert_eq!(
        load_row(1, &gray(&[64], &[3]), double),
        (Layout::L32F, floats(&[2.5]))
    );
    let long = |little| match little {
        true => (1_u32 << 31).to_le_bytes().to_vec(),
        false => (1_u32 << 31).to_be_bytes().to_vec(),
    };
    let (layout, out) = load_row(1, &gray(&[32], &[1]), long);
    assert_eq!((layout, out), (Layout::L32F, floats(&[0.5])));
}

#[test]
fn planes_are_woven() {
    let tags = [
        (BITS, &[8; 4][..]),
        (PHOTOMETRIC, &[2]),
        (SAMPLES, &[4]),
        (PLANAR, &[2]),
        (EXTRA, &[0]),
    ];
    let planes: [&[u8]; 4] = [&[1, 2, 3, 4], &[5, 6, 7, 8], &[9, 10, 11, 12], &[99; 4]];
    let (layout, out) = load(&file(true, [2, 2], &tags, &planes)).unwrap();
    assert_eq!(
        (layout, out),
        (Layout::Rgb8, vec![1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12])
    );
}

#[test]
fn luma_and_chroma() {
    let tags = [
        (BITS, &[8; 3][..]),
        (PHOTOMETRIC, &[6]),
        (SAMPLES, &[3]),
        (530, &[1, 1]),
    ];
    let (layout, out) = load_row(2, &tags, |_| vec![76, 85, 255, 90, 128, 128]);
    assert_eq!((layout, out), (Layout::Rgb8, vec![254, 0, 0, 90, 90, 90]));
}

#[test]
fn says_what_it_does_not_read() {
    for (tags, what) in [
        (
            &[(BITS, &[8][..]), (PHOTOMETRIC, &[1]), (FORMAT, &[5])][..],
            "complex",
        ),
        (&[(BITS, &[33]), (PHOTOMETRIC, &[1])], "33-bit"),
        (&[(BITS, &[8]), (PHOTOMETRIC, &[10])], "ITU"),
        (
            &[(BITS, &[8]), (PHOTOMETRIC, &[1]), (259, &[34_887])],
            "LERC",
        ),
        (
            &[(BITS, &[5, 6, 5]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3])],
            "not alike",
        ),
    ] {
        let error = load(&file(true, [1, 1], tags, &[&[0; 8]])).unwrap_err();
        let found = matches!(error.kind(), ErrorKind::Unsupported(text) if text.contains(what));
        assert!(found, "{error}");
    }
    let short = [(BITS, &[8; 3][..]), (PHOTOMETRIC, &[5]), (SAMPLES, &[3])];
    let error = load(&file(true, [1, 1], &short, &[&[0; 8]])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
}
