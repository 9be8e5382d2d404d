//! Animations: giants, and many frames.

use super::{Bomb, Fate, bomb, png::inflating, zeros};
use crate::support::animations::png_chunk;

/// A GIF of so many frames, each the whole of a canvas of one colour.
fn gif([width, height]: [u16; 2], [w, h]: [u16; 2], frames: usize, codes: &[u8]) -> Vec<u8> {
    let size = |w: u16, h: u16| [w.to_le_bytes(), h.to_le_bytes()].concat();
    let mut file = [&b"GIF89a"[..], &size(width, height), &[0x80, 0, 0], &[0; 6]].concat();
    let blocks: Vec<u8> = codes
        .chunks(255)
        .flat_map(|part| [&[part.len() as u8], part].concat())
        .collect();
    let frame = [
        &[0x21, 0xf9, 4, 4, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0][..],
        &size(w, h),
        &[0, 2],
        &blocks,
        &[0],
    ]
    .concat();
    (0..frames).for_each(|_| file.extend(&frame));
    file.push(0x3b);
    file
}

/// So many pixels of colour 0, as a GIF packs them: each code one pixel longer than that before.
fn lzw(pixels: usize) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut out = Vec::new();
    let mut put = |code: u32, size: u32, out: &mut Vec<u8>| {
        bits |= code << count;
        count += size;
        while count >= 8 {
            out.push(bits as u8);
            (bits, count) = (bits >> 8, count - 8);
        }
    };
    const CLEAR: u32 = 4;
    let mut size = 3;
    let mut left = pixels;
    while left > 0 {
        put(CLEAR, size, &mut out);
        // The table is empty again, and its codes are from 6 on.
        put(0, 3, &mut out);
        (size, left) = (3, left - 1);
        for code in 6..1 << 12 {
            if code == 1 << size {
                size += 1;
            }
            let length = code as usize - 4;
            if left < length {
                break;
            }
            put(code, size, &mut out);
            left -= length;
        }
    }
    put(CLEAR + 1, size, &mut out);
    put(0, 8, &mut out);
    out
}

/// An animated PNG that claims `claimed` frames, and has `frames` of 1 × 1.
fn apng([width, height]: [u32; 2], claimed: u32, frames: u32, profile: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    png_chunk(
        &mut file,
        b"IHDR",
        &[
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[8, 0, 0, 0, 0],
        ]
        .concat(),
    );
    if !profile.is_empty() {
        png_chunk(&mut file, b"iCCP", profile);
    }
    png_chunk(
        &mut file,
        b"acTL",
        &[claimed.to_be_bytes(), [0; 4]].concat(),
    );
    let mut number = 0_u32;
    let control = |number: u32, w: u32, h: u32| {
        let numbers = [number, w, h, 0, 0].map(u32::to_be_bytes).concat();
        [&numbers[..], &[0, 1, 0, 100, 0, 0]].concat()
    };
    png_chunk(&mut file, b"fcTL", &control(number, width, height));
    png_chunk(
        &mut file,
        b"IDAT",
        &zeros((width as usize + 1) * height as usize),
    );
    let pixel = zeros(2);
    for _ in 1..frames {
        number += 1;
        png_chunk(&mut file, b"fcTL", &control(number, 1, 1));
        number += 1;
        png_chunk(
            &mut file,
            b"fdAT",
            &[&number.to_be_bytes()[..], &pixel].concat(),
        );
    }
    png_chunk(&mut file, b"IEND", &[]);
    file
}

pub(super) fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, data) in chunks {
        body.extend(*kind);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn three(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.to_le_bytes();
    [a, b, c]
}

/// The data of a lossless picture of one colour, whose codes take no bits at all.
pub(super) fn vp8l(width: u32, height: u32) -> Vec<u8> {
    let mut bits: Vec<u8> = Vec::new();
    let mut put =
        |value: u32, count: u32| (0..count).for_each(|i| bits.push((value >> i & 1) as u8));
    put(0x2f, 8);
    put(width - 1, 14);
    put(height - 1, 14);
    put(0, 1 + 3); // alpha, version
    put(0, 1 + 1 + 1); // no transform, no cache, one group of codes
    for _ in 0..5 {
        put(1, 1); // simple
        put(0, 1); // one symbol
        put(0, 1); // of one bit
        put(0, 1);
    }
    bits.chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit))
        .collect()
}

fn extended(width: u32, height: u32, flags: u8) -> (&'static [u8; 4], Vec<u8>) {
    (
        b"VP8X",
        [&[flags, 0, 0, 0][..], &three(width - 1), &three(height - 1)].concat(),
    )
}

/// An animated WebP of frames of one size.
fn animated_webp(canvas: u32, side: u32, frames: usize) -> Vec<u8> {
    let mut still = riff(&[(b"VP8L", vp8l(side, side))])[12..].to_vec();
    let mut frame = [[0; 3], [0; 3], three(side - 1), three(side - 1), three(10)].concat();
    frame.push(0);
    frame.append(&mut still);
    let mut chunks = vec![extended(canvas, canvas, 2), (b"ANIM", vec![0; 6])];
    chunks.extend(vec![(b"ANMF", frame); frames]);
    riff(&chunks)
}

pub(super) fn all() -> Vec<Bomb> {
    let few = lzw(64 * 64);
    vec![
        bomb(
            "giant",
            "65,535² pixels",
            "gif",
            gif([65_535; 2], [65_535; 2], 1, &few),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "gif",
            gif([16_384; 2], [16_384; 2], 1, &few),
            Fate::NoMemory,
        ),
        bomb(
            "one colour",
            "2,048² pixels",
            "gif",
            gif([2048; 2], [2048; 2], 1, &lzw(2048 * 2048)),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "a frame larger than its canvas",
            "65,535² pixels on 64²",
            "gif",
            gif([64; 2], [65_535; 2], 1, &few),
            Fate::Anything,
        ),
        bomb(
            "many frames",
            "100,000 of 8²",
            "gif",
            gif([64; 2], [8; 2], 100_000, &lzw(64)),
            Fate::Picture(64, 64),
        ),
        bomb(
            "many frames on a large canvas",
            "100,000 of 1² on 2,048²",
            "gif",
            gif([2048; 2], [1; 2], 100_000, &lzw(1)),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "empty blocks",
            "5,000,000 extensions, 500 frames",
            "gif",
            {
                let file = gif([64; 2], [64; 2], 500, &few);
                [&file[..19], &[0x21, 0xff, 0].repeat(5_000_000), &file[19..]].concat()
            },
            Fate::Picture(64, 64),
        ),
        bomb(
            "extensions of no kind",
            "8,000,000 of them",
            "gif",
            {
                let file = gif([64; 2], [64; 2], 1, &lzw(64 * 64));
                [&file[..19], &[0x21, 0x42, 0].repeat(8_000_000), &file[19..]].concat()
            },
            Fate::Picture(64, 64),
        ),
        bomb(
            "zeros and controls without data",
            "10,000,000 of them",
            "gif",
            {
                let file = gif([64; 2], [64; 2], 1, &lzw(64 * 64));
                [
                    &file[..19],
                    &[0, 0x21, 0xf9, 0].repeat(5_000_000),
                    &file[19..],
                ]
                .concat()
            },
            Fate::Picture(64, 64),
        ),
        bomb(
            "claimed frames",
            "2³² - 1 of 64²",
            "png",
            apng([64; 2], u32::MAX, 3, &[]),
            Fate::Anything,
        ),
        bomb(
            "many frames",
            "100,000 of 1² on 2,048²",
            "png",
            apng([2048; 2], 100_000, 100_000, &[]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "many small frames of APNG",
            "60,000 of 8²",
            "png",
            apng([8; 2], 60_000, 60_000, &[]),
            Fate::Picture(8, 8),
        ),
        bomb(
            "frames of a large profile",
            "2,000 with 15 MB inflated each",
            "png",
            apng([64; 2], 2000, 2000, &inflating(15_000_000)),
            Fate::Picture(64, 64),
        ),
        bomb(
            "frames of a profile that is too large",
            "4,000 with 60 MB inflated each",
            "png",
            apng([64; 2], 4000, 4000, &inflating(60_000_000)),
            Fate::Picture(64, 64),
        ),
        bomb(
            "giant canvas",
            "2²⁴ × 2²⁴ pixels",
            "webp",
            riff(&[extended(1 << 24, 1 << 24, 2), (b"ANIM", vec![0; 6])]),
            Fate::Refused,
        ),
        bomb(
            "giant animation",
            "16,384² pixels",
            "webp",
            animated_webp(16_384, 16, 3),
            Fate::NoMemory,
        ),
        bomb(
            "one colour at the limit",
            "16,383² pixels",
            "webp",
            riff(&[(b"VP8L", vp8l(16_383, 16_383))]),
            Fate::NoMemory,
        ),
        bomb(
            "one colour",
            "2,048² pixels",
            "webp",
            riff(&[(b"VP8L", vp8l(2048, 2048))]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "one colour, too large",
            "16,383² pixels",
            "webp",
            riff(&[(b"VP8L", vp8l(16_383, 16_383))]),
            Fate::Refused,
        ),
        bomb(
            "many frames",
            "10,000 of 16²",
            "webp",
            animated_webp(64, 16, 10_000),
            Fate::Picture(64, 64),
        ),
        bomb(
            "frames without end",
            "260,000 of 1² on 16²",
            "webp",
            animated_webp(16, 1, 260_000),
            Fate::Picture(16, 16),
        ),
        bomb(
            "full frames",
            "100 of 2,048²",
            "webp",
            animated_webp(2048, 2048, 100),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "unknown chunks",
            "2,000,000 of them",
            "webp",
            {
                let mut chunks = vec![extended(64, 64, 0)];
                chunks.extend(vec![(b"abcd", vec![]); 2_000_000]);
                chunks.push((b"VP8L", vp8l(64, 64)));
                riff(&chunks)
            },
            Fate::Picture(64, 64),
        ),
        bomb(
            "a profile by its length",
            "4 GB, not there",
            "webp",
            {
                let mut file = riff(&[
                    extended(64, 64, 0x20),
                    (b"ICCP", vec![0; 4]),
                    (b"VP8L", vp8l(64, 64)),
                ]);
                file[34..38].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
                file
            },
            Fate::Refused,
        ),
    ]
}
