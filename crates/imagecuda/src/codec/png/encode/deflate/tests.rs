//! Against an inflater that this project did not write.

use super::*;
use flate2::{Decompress, FlushDecompress, Status};

fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

/// Pieces of data of many kinds.
fn contents(seed: u64, len: usize) -> Vec<Vec<u8>> {
    let mut next = noise(seed);
    let random: Vec<u8> = (0..len).map(|_| next() as u8).collect();
    let few: Vec<u8> = (0..len).map(|_| (next() % 3) as u8 * 77).collect();
    // As differences of a photograph are: small ones most often.
    let peaked: Vec<u8> = (0..len)
        .map(|_| {
            (next().trailing_zeros() as u8).wrapping_mul(if next() & 1 == 0 { 1 } else { 255 })
        })
        .collect();
    let mut repeats = Vec::new();
    while repeats.len() < len {
        let at = next() as usize % (repeats.len() + 1);
        let count = 1 + next() as usize % 700;
        match next() % 3 {
            0 => repeats.extend_from_within(at..repeats.len().min(at + count)),
            1 => repeats.extend(std::iter::repeat_n(next() as u8, count)),
            _ => repeats.extend((0..count % 50).map(|_| next() as u8)),
        }
    }
    repeats.truncate(len);
    // Frequencies as those of Fibonacci want the longest codes.
    let mut deep = Vec::new();
    let (mut a, mut b, mut byte) = (1, 1, 0u8);
    while deep.len() < len {
        deep.extend(std::iter::repeat_n(byte, a));
        (a, b, byte) = (b, a + b, byte.wrapping_add(1));
    }
    deep.truncate(len);
    for i in (1..len).rev() {
        deep.swap(i, next() as usize % (i + 1));
    }
    vec![vec![7; len], random, few, peaked, repeats, deep]
}

fn inflate(stream: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 64);
    let mut inflater = Decompress::new(false);
    let status = inflater.decompress_vec(stream, &mut out, FlushDecompress::Finish);
    assert_eq!(status.unwrap(), Status::StreamEnd);
    assert_eq!(inflater.total_in() as usize, stream.len(), "bytes are left");
    out
}

#[test]
fn what_is_compressed_is_inflated() {
    let mut finder = Finder::default();
    for len in (1..40).chain([257, 258, 259, 300, 4096, 65_535, 65_536, 150_000]) {
        for (kind, data) in contents(len as u64, len).into_iter().enumerate() {
            let mut stream = Vec::new();
            compress(&data, finder.find(&data), true, &mut stream);
            assert!(inflate(&stream, len) == data, "{len} bytes of kind {kind}");
            assert!(
                stream.len() <= stored_size(len),
                "{len} bytes of kind {kind}"
            );
        }
    }
}

#[test]
fn bands_are_one_stream() {
    let mut finder = Finder::default();
    let bands: Vec<Vec<u8>> = [1, 1000, 70_000, 3]
        .into_iter()
        .flat_map(|len| contents(9, len))
        .collect();
    let mut stream = Vec::new();
    for (i, band) in bands.iter().enumerate() {
        match i % 4 {
            1 => store(band, i == bands.len() - 1, &mut stream),
            _ => compress(band, finder.find(band), i == bands.len() - 1, &mut stream),
        }
    }
    let whole = bands.concat();
    assert!(inflate(&stream, whole.len()) == whole);
}

#[test]
fn what_repeats_becomes_small() {
    let mut finder = Finder::default();
    let mut size = |data: &[u8]| {
        let mut stream = Vec::new();
        compress(data, finder.find(data), true, &mut stream);
        stream.len()
    };
    assert!(size(&[0; 100_000]) < 200);
    let [random, ..] = &contents(3, 100_000)[1..] else {
        panic!()
    };
    let twice = [&random[..20_000], &random[..20_000]].concat();
    assert!(size(&twice) < 21_000);
    assert_eq!(size(random), stored_size(100_000));
}
