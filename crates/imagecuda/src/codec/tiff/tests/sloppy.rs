//! Tags that are missing, or are not as they should be.

use super::*;

const ROWS: u16 = 278;
const OFFSETS: u16 = 273;
const LENGTHS: u16 = 279;

/// Takes a tag out of a directory: it becomes an unknown one.
fn remove(file: &mut [u8], tag: u16) {
    let at = entry(file, tag);
    file[at..at + 2].copy_from_slice(&60_000_u16.to_le_bytes());
}

fn gray(tags: &[(u16, &[u16])], strips: &[&[u8]]) -> Vec<u8> {
    let tags = [&[(BITS, &[8][..]), (PHOTOMETRIC, &[1])], tags].concat();
    file(true, [4, 6], &tags, strips)
}

#[test]
fn strips_are_found_without_lengths_and_rows() {
    let pixels: Vec<u8> = (1..=24).collect();
    let strips: Vec<&[u8]> = pixels.chunks(8).collect();
    let expected = (Layout::L8, pixels.clone());
    for compression in [1, 8] {
        let packed: Vec<Vec<u8>> = match compression {
            1 => strips.iter().map(|strip| strip.to_vec()).collect(),
            _ => strips.iter().map(|strip| deflated(strip)).collect(),
        };
        let packed: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
        let compression = [compression];
        let whole = gray(&[(COMPRESSION, &compression), (ROWS, &[2])], &packed);
        for tags in [&[LENGTHS][..], &[ROWS], &[LENGTHS, ROWS]] {
            let mut file = whole.clone();
            tags.iter().for_each(|&tag| remove(&mut file, tag));
            assert_eq!(load(&file).unwrap(), expected, "{tags:?}");
        }
        let none = gray(&[(COMPRESSION, &compression), (ROWS, &[0])], &packed);
        assert_eq!(load(&none).unwrap(), expected);
        // More strips than there are rows.
        let more = [&packed[..], &packed[..1]].concat();
        let more = gray(&[(COMPRESSION, &compression), (ROWS, &[2])], &more);
        assert_eq!(load(&more).unwrap(), expected);
        // Too few are damage.
        let few = gray(&[(COMPRESSION, &compression), (ROWS, &[2])], &packed[..2]);
        assert!(load(&few).is_err());
        let mut out = vec![0xa5; 24];
        let decoder = read::open(&few, &Limits::default()).unwrap();
        decoder.read_into(&mut out).unwrap();
        assert_eq!(out, [&pixels[..16], &[0; 8]].concat());
    }
    // Without compression the samples say how long strips are.
    let mut short = gray(&[(ROWS, &[2])], &strips);
    (0..3).for_each(|strip| set(&mut short, LENGTHS, strip, 3));
    assert_eq!(load(&short).unwrap(), expected);
    let one = gray(&[(ROWS, &[u16::MAX])], &[&pixels]);
    assert_eq!(load(&one).unwrap(), expected);
}

#[test]
fn tiles_in_the_tags_of_strips() {
    let tiles: Vec<Vec<u8>> = (0..2).map(|tile| vec![tile + 7; 256]).collect();
    let tiles: Vec<&[u8]> = tiles.iter().map(Vec::as_slice).collect();
    let tags: [(u16, &[u16]); 4] = [
        (BITS, &[8]),
        (PHOTOMETRIC, &[1]),
        (TILE[0], &[16]),
        (TILE[1], &[16]),
    ];
    let mut file = file(true, [32, 16], &tags, &tiles);
    let expected = load(&file).unwrap();
    for (tag, other) in [(324, OFFSETS), (325, LENGTHS)] {
        let at = entry(&file, tag);
        file[at..at + 2].copy_from_slice(&other.to_le_bytes());
    }
    assert_eq!(load(&file).unwrap(), expected);
}

#[test]
fn integers_of_any_type() {
    let pixels: Vec<u8> = (1..=24).collect();
    let mut file = gray(&[(SAMPLES, &[1])], &[&pixels]);
    let expected = load(&file).unwrap();
    for tag in [256, BITS, PHOTOMETRIC, SAMPLES] {
        // A short in four bytes, the others of which are 0, is a long too.
        let at = entry(&file, tag);
        file[at + 2] = 4;
        assert_eq!(load(&file).unwrap(), expected, "{tag}");
    }
    // A negative one is none.
    let at = entry(&file, BITS);
    file[at + 2..][..2].copy_from_slice(&8_u16.to_le_bytes());
    file[at + 8..][..2].copy_from_slice(&(-8_i16).to_le_bytes());
    assert!(load(&file).is_err());
}

#[test]
fn samples_and_colours_that_are_not_said() {
    let pixels: Vec<u8> = (1..=12).collect();
    let rgb = |tags: &[(u16, &[u16])]| load(&file(true, [2, 2], tags, &[&pixels])).unwrap();
    let expected = (Layout::Rgb8, pixels.clone());
    for tags in [
        &[(BITS, &[8; 3][..]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3])][..],
        &[(BITS, &[8]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3])],
        &[(BITS, &[8; 3]), (PHOTOMETRIC, &[2])],
        &[(BITS, &[8]), (PHOTOMETRIC, &[2])],
        &[(BITS, &[8; 3]), (SAMPLES, &[3])],
        &[(BITS, &[8; 3])],
    ] {
        assert_eq!(rgb(tags), expected, "{tags:?}");
    }
    let gray = load(&file(true, [4, 3], &[(BITS, &[8])], &[&pixels]));
    assert_eq!(gray.unwrap(), (Layout::L8, pixels));
}

/// Codes of writers before TIFF 5.0: from the low bit up, and longer one code later.
#[test]
fn old_lzw() {
    let pixels: Vec<u8> = (0..64 * 64_u32).map(|i| (i * i / 97) as u8).collect();
    let mut encoder = weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8);
    let old = encoder.encode(&pixels).unwrap();
    assert_eq!((old[0], old[1] & 1), (0, 1));
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let new = encoder.encode(&pixels).unwrap();
    let tags: [(u16, &[u16]); 3] = [(BITS, &[8]), (PHOTOMETRIC, &[1]), (COMPRESSION, &[5])];
    for data in [old, new] {
        let found = load(&file(true, [64, 64], &tags, &[&data])).unwrap();
        assert_eq!(found, (Layout::L8, pixels.clone()));
        assert!(load(&file(true, [64, 64], &tags, &[&data[..data.len() / 2]])).is_err());
    }
}

/// Of "imagecuda imagecuda imagecuda!", by `xz --lzma2=preset=6 --delta=dist=1 --check=none`.
#[test]
fn lzma() {
    let data: &[u8] = LZMA;
    let tags: [(u16, &[u16]); 3] = [(BITS, &[8]), (PHOTOMETRIC, &[1]), (COMPRESSION, &[34_925])];
    let found = load(&file(true, [10, 3], &tags, &[data])).unwrap();
    assert_eq!(found.1, b"imagecuda imagecuda imagecuda!");
    assert!(load(&file(true, [10, 3], &tags, &[&data[..data.len() / 2]])).is_err());
}

const LZMA: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x00, 0xff, 0x12, 0xd9, 0x41, 0x02, 0x01, 0x03, 0x01,
    0x00, 0x21, 0x01, 0x16, 0x79, 0x20, 0xc4, 0xee, 0xe0, 0x00, 0x1d, 0x00, 0x13, 0x5d, 0x00, 0x34,
    0x81, 0x1a, 0x8c, 0x64, 0xf3, 0x76, 0x09, 0xc5, 0xae, 0xb8, 0x32, 0x3e, 0xa8, 0x56, 0x44, 0xfc,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x27, 0x1e, 0x2d, 0x3a, 0x4c, 0x00, 0x06, 0x72, 0x9e, 0x7a,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x59, 0x5a,
];
