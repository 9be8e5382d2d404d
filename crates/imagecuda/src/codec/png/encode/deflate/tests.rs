//! Against an inflater that this project did not write.

use super::*;
use flate2::{Decompress, FlushDecompress, Status};
use imagecuda_kernels::png::encode::{matches::Looks, scanlines::CHUNK};

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

/// A block of all of `data`.
fn block(data: &[u8]) -> Vec<u8> {
    let found: Vec<Vec<Match>> = data
        .chunks(CHUNK as usize)
        .map(|data| {
            let mut found = Vec::new();
            Looks::default().find(data, 3, |one| found.push(one));
            found
        })
        .collect();
    let chunks = data.chunks(CHUNK as usize).zip(&found);
    let chunks: Vec<Chunk<'_>> = chunks.map(|(data, found)| (data, &found[..])).collect();
    let mut stream = Vec::new();
    let bits = compress(&chunks, true, &mut stream);
    assert_eq!(bits.div_ceil(8), stream.len() as u64);
    stream
}

#[test]
fn what_is_compressed_is_inflated() {
    for len in (1..40).chain([257, 258, 259, 300, 4096, 65_535, 65_536, 131_072]) {
        for (kind, data) in contents(len as u64, len).into_iter().enumerate() {
            let stream = block(&data);
            assert!(inflate(&stream, len) == data, "{len} bytes of kind {kind}");
            // What cannot be compressed takes the codes of 256 bytes more.
            assert!(stream.len() < len + len / 256 + 128, "{len} of {kind}");
        }
    }
}

#[test]
fn stored_blocks_are_inflated() {
    let [whole, ..] = &contents(9, 150_000)[1..] else {
        panic!()
    };
    let mut stream = Vec::new();
    store(&whole[..70_000], false, &mut stream);
    store(&whole[70_000..], true, &mut stream);
    assert!(inflate(&stream, whole.len()) == *whole);
}

#[test]
fn what_repeats_becomes_small() {
    assert!(block(&[0; 100_000]).len() < 200);
    let [random, ..] = &contents(3, 8_000)[1..] else {
        panic!()
    };
    let twice = [&random[..], &random[..]].concat();
    assert!(block(&twice).len() < 9_000);
}
