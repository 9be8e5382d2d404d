use super::*;
use crate::{SaveOptions, codec, picture::Pixels};
use image::{ImageDecoder, codecs::qoi::QoiDecoder};
use std::io::Cursor;

struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 4) % end
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

fn file(width: u32, height: u32, channels: u8, ops: &[u8]) -> Vec<u8> {
    let size = [width, height].map(u32::to_be_bytes).concat();
    [b"qoif", &size[..], &[channels, 0], ops, &END].concat()
}

fn decode(file: &[u8]) -> Result<Vec<u8>> {
    let decoder = codec::open(Format::Qoi, file, &Limits::default(), false)?;
    let mut out = vec![0xa5; decoder.header().bytes()];
    decoder.read_into(&mut out)?;
    Ok(out)
}

/// What the specification says, a pixel at a time.
fn slow(ops: &[u8], count: usize, channels: usize) -> Vec<u8> {
    let mut seen = [[0_u8; 4]; 64];
    let mut pixel = [0_u8, 0, 0, 255];
    let (mut at, mut run, mut out) = (0, 0, Vec::new());
    for _ in 0..count {
        if run > 0 {
            run -= 1;
        } else {
            let op = usize::from(ops[at]);
            at += 1;
            let change = |v: u8, by: i32| (i32::from(v) + by).rem_euclid(256) as u8;
            if op == 0xfe || op == 0xff {
                let length = op - 0xfb;
                pixel[..length].copy_from_slice(&ops[at..at + length]);
                at += length;
            } else if op < 64 {
                pixel = seen[op];
            } else if op < 128 {
                for (channel, shift) in [(0, 4), (1, 2), (2, 0)] {
                    pixel[channel] = change(pixel[channel], (op >> shift & 3) as i32 - 2);
                }
            } else if op < 192 {
                let other = i32::from(ops[at]);
                at += 1;
                let green = (op as i32 & 63) - 32;
                pixel[0] = change(pixel[0], green - 8 + (other >> 4));
                pixel[1] = change(pixel[1], green);
                pixel[2] = change(pixel[2], green - 8 + (other & 15));
            } else {
                run = op & 63;
            }
            let [r, g, b, a] = pixel.map(usize::from);
            seen[(r * 3 + g * 5 + b * 7 + a * 11) % 64] = pixel;
        }
        out.extend(&pixel[..channels]);
    }
    out
}

/// Some pixels' operations, and how many pixels they are. Without `all` there are neither runs nor
/// indices, and alpha only if it is asked for.
fn operations(random: &mut Random, all: bool, has_alpha: bool) -> (Vec<u8>, usize) {
    let (mut ops, mut count) = (Vec::new(), 0);
    for _ in 0..=random.below(60) {
        let rest = match random.below(8) {
            0 => {
                ops.push(0xfe);
                3
            }
            1 if has_alpha => {
                ops.push(0xff);
                4
            }
            2 => {
                ops.push(0x80 | random.byte() & 63);
                1
            }
            3 | 4 => {
                ops.push(0x40 | random.byte() & 63);
                0
            }
            5 if all => {
                let most = [3, 62][random.below(2) as usize];
                let more = random.below(most);
                ops.push(0xc0 | more as u8);
                count += more as usize;
                0
            }
            // The first pixel's place, or any.
            6 if all => {
                ops.push(53);
                0
            }
            7 if all => {
                ops.push(random.byte() & 63);
                0
            }
            _ => {
                ops.push(0x7f);
                0
            }
        };
        ops.extend((0..rest).map(|_| random.byte()));
        count += 1;
    }
    (ops, count)
}

#[test]
fn pixels_are_those_of_the_specification() {
    let mut random = Random(7);
    for number in 0..4000_u32 {
        let channels = 3 + (number % 2) as u8;
        let (ops, count) = operations(&mut random, true, true);
        let bytes = file(count as u32, 1, channels, &ops);
        let expected = slow(&ops, count, channels.into());
        assert_eq!(decode(&bytes).unwrap(), expected, "{bytes:x?}");
    }
}

/// A run at the start is black, and an index finds it. A file of three channels may have alpha, which
/// counts in the hash.
#[test]
fn runs_are_remembered_and_alpha_is_taken() {
    let run = file(3, 1, 4, &[0xc0, 0xfe, 10, 20, 30, 53]);
    let expected = [[0, 0, 0, 255], [10, 20, 30, 255], [0, 0, 0, 255]];
    assert_eq!(decode(&run).unwrap(), expected.as_flattened());
    let alpha = file(3, 1, 3, &[0xff, 1, 2, 3, 0, 0xfe, 9, 9, 9, 3 + 10 + 21]);
    assert_eq!(decode(&alpha).unwrap(), [1, 2, 3, 9, 9, 9, 1, 2, 3]);
}

/// The pixels are those of another decoder, where that one follows the specification.
#[test]
fn another_decoder_gives_the_same_pixels() {
    let other = |bytes: &[u8]| {
        let decoder = QoiDecoder::new(Cursor::new(bytes)).unwrap();
        let mut out = vec![0; decoder.total_bytes() as usize];
        decoder.read_image(&mut out).unwrap();
        out
    };
    let mut random = Random(99);
    for number in 0..2000_u32 {
        let channels = 3 + (number % 2) as u8;
        let (ops, count) = operations(&mut random, false, channels == 4);
        let bytes = file(1, count as u32, channels, &ops);
        assert_eq!(decode(&bytes).unwrap(), other(&bytes), "{bytes:x?}");
    }
    let options = SaveOptions::new();
    for number in 0..2000 {
        let (width, height) = (1 + random.below(20), 1 + random.below(20));
        let layout = [Layout::Rgb8, Layout::Rgba8][number % 2];
        let mut data = Vec::new();
        while data.len() < (width * height * 4) as usize {
            let pixel: [u8; 4] = std::array::from_fn(|_| 90 + random.below(9) as u8);
            let pixel = &pixel[..layout.bytes_per_pixel()];
            data.extend(pixel.repeat(1 + random.below(4) as usize * random.below(40) as usize));
        }
        data.truncate((width * height) as usize * layout.bytes_per_pixel());
        let picture = Pixels {
            width,
            height,
            layout,
            data: &data,
        };
        let mut saved = Cursor::new(Vec::new());
        let request = EncodeRequest::new(picture, &options);
        codec::encode(Format::Qoi, request, &mut saved).unwrap();
        let saved = saved.into_inner();
        assert_eq!(decode(&saved).unwrap(), data);
        assert_eq!(other(&saved), data);
    }
}

#[test]
fn damage_is_an_error() {
    let good = file(3, 2, 4, &[0xfe, 1, 2, 3, 0xff, 4, 5, 6, 7, 0x80, 1, 0xc2]);
    decode(&good).unwrap();
    for length in 0..good.len() {
        let error = decode(&good[..length]).unwrap_err().to_string();
        assert!(error.contains("cut short"), "{length}: {error}");
    }
    let recovered = codec::open(Format::Qoi, &good[..24], &Limits::default(), true).unwrap();
    let mut out = vec![0xa5; 24];
    recovered.read_into(&mut out).unwrap();
    // The last operation is there in part.
    let expected = [[1, 2, 3, 255], [4, 5, 6, 7]].concat();
    assert_eq!(out, [&expected[..], &[0; 16]].concat());
    for (place, byte, text) in [
        (0, b'Q', "signature"),
        (4, 1, "pixels"),
        (12, 5, "5 channels"),
        (13, 2, "colour space 2"),
        (good.len() - 1, 0, "end marker"),
    ] {
        let mut bad = good.clone();
        bad[place] = byte;
        if place == 4 {
            bad[8] = 1;
        }
        let error = decode(&bad).unwrap_err().to_string();
        assert!(error.contains(text), "{text}: {error}");
    }
}
