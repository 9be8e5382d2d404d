//! Whatever deflated data a PNG has, kernels and host make the same of it. All else about the file is
//! right, so that the data are what is tried.

use super::{input::Input, load};
use flate2::{Crc, Decompress, FlushDecompress};
use imagecuda::Format;

/// The colour types and their depths.
const KINDS: [(u8, u8); 15] = [
    (0, 8),
    (2, 8),
    (6, 8),
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 16),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 16),
];

/// Bytes that the data may inflate to.
const MOST: usize = 1 << 16;

pub(super) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (color, depth) = input.pick(&KINDS);
    let width = u32::from(input.byte()) + 1;
    let piece = usize::from(input.number()) + 1;
    let flags = input.byte();
    let deflated = input.rest();
    let inflated = inflate(deflated);
    let bits = u32::from(depth)
        * match color {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
    // One row of everything fits any data; of several rows most do not.
    let bytes = inflated.len() as u32;
    let (width, height) = match flags & 1 {
        0 => ((bytes.saturating_sub(1) * 8 / bits).max(1), 1),
        _ => (width, bytes / ((width * bits).div_ceil(8) + 1)),
    };
    let mut sum = adler(&inflated);
    if flags & 14 == 14 {
        sum ^= 1;
    }
    let stream = [&[0x78, 0x9c], deflated, &sum.to_be_bytes()].concat();

    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.max(1).to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    if color == 3 {
        chunk(&mut file, b"PLTE", &[1, 2, 3, 200, 100, 50, 9, 8, 7]);
    }
    for piece in stream.chunks(piece) {
        chunk(&mut file, b"IDAT", piece);
    }
    chunk(&mut file, b"IEND", &[]);
    load::by_kernels(&load::options(Format::Png), &file);
}

/// As much as the data inflate to, and [`MOST`] at most.
fn inflate(deflated: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MOST);
    let mut inflate = Decompress::new(false);
    // What is wrong with the data is what decoders have to find.
    let _ = inflate.decompress_vec(deflated, &mut bytes, FlushDecompress::Finish);
    bytes
}

/// Adler-32, by its definition.
fn adler(bytes: &[u8]) -> u32 {
    let add = |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    };
    let (a, b) = bytes.iter().fold((1, 0), add);
    b << 16 | a
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let mut sum = Crc::new();
    for part in [&kind[..], data] {
        sum.update(part);
        file.extend(part);
    }
    file.extend(sum.sum().to_be_bytes());
}
