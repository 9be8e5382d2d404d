mod engines;

use super::*;
use crate::{codec::webp::encoder, picture::Pixels};
use imagecuda_kernels::layout::Layout;
use libwebp_sys::WebPConfig;

/// Noise, that libwebp encodes with these settings.
fn file(size: [u32; 2], set: impl Fn(&mut WebPConfig)) -> Vec<u8> {
    let [width, height] = size;
    let mut seed = width;
    let data: Vec<u8> = (0..width * height * 3)
        .map(|i| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Rough and smooth parts, for which encoders make segments.
            let (x, y) = (i / 3 % width, i / 3 / width);
            (seed >> (24 + (x / 64 + y / 64) % 4)) as u8
        })
        .collect();
    let mut config = encoder::config().unwrap();
    set(&mut config);
    let pixels = Pixels {
        width,
        height,
        layout: Layout::Rgb8,
        data: &data,
    };
    encoder::encode(pixels, &config).unwrap()
}

fn chunk(size: [u32; 2], set: impl Fn(&mut WebPConfig)) -> Vec<u8> {
    let file = file(size, set);
    let (_, chunk) = riff::chunks(&file)
        .find(|(kind, _)| *kind == b"VP8 ")
        .unwrap();
    chunk.to_vec()
}

fn is_whole(data: &[u8], size: [u32; 2]) -> bool {
    FrameHeader::read(data, size).is_some()
}

#[test]
fn partitions_are_found_whatever_is_before_them() {
    for count in 0..4 {
        for segments in 1..=4 {
            for filter in [0, 1] {
                let size = [130, 200];
                let data = chunk(size, |config| {
                    config.quality = 60.0;
                    // Slower methods have one partition.
                    config.method = 2;
                    config.partitions = count;
                    config.segments = segments;
                    config.filter_type = filter;
                    config.filter_sharpness = 3;
                    config.filter_strength = 50;
                });
                let header = FrameHeader::read(&data, size).unwrap();
                let lengths = &header.partitions;
                assert_eq!(lengths.len(), 1 << count, "{segments} {filter}");
                assert!(segments > 1 || !header.has_segments);
                // Noise fills every one of them.
                assert!(lengths.iter().all(|&length| length > 100), "{lengths:?}");
                assert!(!is_whole(&data, [131, 200]));
                // Up to the last partition every byte counts.
                let last = lengths.last().unwrap();
                assert!(!is_whole(&data[..data.len() - last - 1], size));
                assert!(!is_whole(&data[..9], size));
            }
        }
    }
}

/// A frame's header in VP8's arithmetic code, where each value is 0 or 1 alike.
fn coded(values: &[(u32, u32)]) -> Vec<u8> {
    // RFC 6386, 7.3: the encoder, with all bits of the bottom kept.
    let (mut bottom, mut range, mut length) = (0_u128, 255_u128, 0);
    for &(value, count) in values {
        for bit in (0..count).rev() {
            let split = 1 + ((range - 1) >> 1);
            match value >> bit & 1 {
                1 => (bottom, range) = (bottom + split, range - split),
                _ => range = split,
            }
            while range < 128 {
                (bottom, range, length) = (bottom << 1, range << 1, length + 1);
            }
        }
    }
    // The first eight bits are those of the bottom before any shift.
    let bits = length + 8;
    let shifted = bottom << (128 - bits);
    shifted.to_be_bytes().to_vec()
}

#[test]
fn what_is_left_unsaid_is_found() {
    let zero = (0, 1);
    // Colours, segments with a map and data that are absolute, and the rest of the header.
    let header = |quantizers: [u32; 4], levels: [u32; 4], level: u32, deltas: u32| {
        let mut values = vec![(0, 2), (1, 1), (1, 1), (1, 1), (1, 1)];
        let mut put = |value: u32, count: u32| match value {
            0 => values.push(zero),
            _ => values.extend([(1, 1), (value, count), zero]),
        };
        quantizers.iter().for_each(|&v| put(v, 7));
        levels.iter().for_each(|&v| put(v, 6));
        values.extend([zero; 3]);
        values.extend([(0, 1), (level, 6), (5, 3), (deltas, 1)]);
        if deltas == 1 {
            values.push(zero);
        }
        values.extend([(2, 2), (0, 8)]);
        let (header, partitions) = FrameHeader::of(&coded(&values), 0);
        assert_eq!((header.has_segments, partitions), (true, 4));
        // The filter is not that of the version.
        let (other, _) = FrameHeader::of(&coded(&values), 1);
        assert!(level == 0 || !other.is_plain);
        header.is_plain
    };
    assert!(header([36, 33, 26, 20], [11, 7, 4, 18], 18, 0));
    assert!(!header([1, 0, 26, 20], [11, 7, 4, 18], 18, 0));
    assert!(!header([36, 33, 26, 20], [2, 0, 0, 0], 2, 0));
    assert!(header([36, 33, 26, 20], [0; 4], 0, 0));
    assert!(!header([36, 33, 26, 20], [11, 7, 4, 18], 18, 1));
    let plain = |deltas| {
        let values = [
            (0, 3),
            (0, 1),
            (20, 6),
            (3, 3),
            (deltas, 1),
            (0, deltas),
            (1, 2),
            (0, 8),
        ];
        let (header, partitions) = FrameHeader::of(&coded(&values), 0);
        assert_eq!((header.has_segments, partitions), (false, 2));
        header.is_plain
    };
    assert!(plain(0));
    assert!(!plain(1));
}

#[test]
fn damage_is_no_panic() {
    let size = [61, 47];
    let data = chunk(size, |config| (config.partitions, config.method) = (3, 2));
    for at in 0..data.len().min(400) {
        for value in [0, 1, 0x55, 0xff] {
            let mut damaged = data.clone();
            damaged[at] ^= value;
            is_whole(&damaged, size);
        }
        is_whole(&data[..at], size);
    }
    let mut moved = data.clone();
    // Not a key frame.
    moved[0] |= 1;
    assert!(!is_whole(&moved, size));
}
