//! A lossy WebP as a VP8 key frame, for the video engines of a GPU (RFC 6386).

use super::{WebP, riff};
use crate::{
    VideoDecoder,
    codec::PayloadTarget,
    device::video::{Video, VideoCodec, VideoFrames},
};
use imagecuda_kernels::planes::model;
use std::borrow::Cow;

impl WebP<'_> {
    /// The picture as the engines decode it. `None` if they do not: the host decodes it then.
    pub(super) fn frames(&self, target: PayloadTarget<'_>) -> Option<VideoFrames> {
        // VP8 has no status, and what decoders remember was found by trying. So it has to be asked for.
        if target.video_decoder != VideoDecoder::Engine
            || self.header.layout.has_alpha()
            || !target.device.has_video(target.video_decoder)
        {
            return None;
        }
        let (_, data) = riff::chunks(&self.bytes).find(|(kind, _)| *kind == b"VP8 ")?;
        let size = [self.header.width, self.header.height];
        let header = FrameHeader::read(data, size)?;
        if !header.is_plain {
            return None;
        }
        let video = Video {
            codec: VideoCodec::Vp8,
            is_444: false,
            bits: 8,
            size,
            tile: size,
            columns: 1,
            has_segments: header.has_segments,
            packets: vec![Cow::Borrowed(data)],
        };
        let mut frames = target.device.decode_video(&video, target.video_decoder)?;
        frames.picture.model = model::WEBP;
        Some(frames)
    }
}

/// What a frame's header says.
struct FrameHeader {
    /// The lengths of the token partitions.
    #[cfg_attr(not(test), allow(dead_code, reason = "for tests"))]
    partitions: Vec<usize>,
    /// Whether macroblocks belong to segments, each with a quantizer and a filter level.
    has_segments: bool,
    /// Whether all that a decoder may remember of an earlier frame is said anew. NVIDIA's engines
    /// remember some of it even across key frames: that there are segments, the quantizers and filter
    /// levels of segments that are left out for 0, and changes of filter levels.
    is_plain: bool,
}

impl FrameHeader {
    /// The header of a key frame of that size, with all of its partitions. An engine that misses some
    /// is stuck for 315 ms, and does not tell.
    fn read(data: &[u8], size: [u32; 2]) -> Option<Self> {
        // The frame tag: three bytes. Then three of a start code, and the size in 14 bits a side.
        let tag = data.get(..3)?;
        let tag = u32::from(tag[0]) | u32::from(tag[1]) << 8 | u32::from(tag[2]) << 16;
        let is_shown_key_frame = tag & 1 == 0 && tag >> 4 & 1 == 1;
        let first_length = (tag >> 5) as usize;
        let side = |at: usize| {
            let bytes = [*data.get(at)?, *data.get(at + 1)?];
            Some(u32::from(u16::from_le_bytes(bytes)) & 0x3fff)
        };
        let is_right = is_shown_key_frame
            && data.get(3..6)? == [0x9d, 0x01, 0x2a]
            && [side(6)?, side(8)?] == size;
        if !is_right {
            return None;
        }
        let first = data.get(10..)?.get(..first_length)?;
        let (mut header, count) = Self::of(first);
        let rest = data.get(10 + first_length..)?;
        // Three bytes for the length of each but the last one, which takes the rest.
        let lengths = rest.get(..3 * (count - 1))?;
        let mut left = rest.len() - lengths.len();
        for length in lengths.as_chunks::<3>().0 {
            let [a, b, c] = length.map(usize::from);
            let length = a | b << 8 | c << 16;
            left = left.checked_sub(length)?;
            header.partitions.push(length);
        }
        header.partitions.push(left);
        Some(header)
    }

    /// What the first partition begins with, and the number of token partitions (RFC 6386, 9.2 to 9.5).
    fn of(first: &[u8]) -> (Self, usize) {
        let mut bits = Bits::new(first);
        // Colour space and clamping.
        bits.literal(2);
        let has_segments = bits.literal(1) == 1;
        let (mut is_plain, mut has_levels) = (true, true);
        if has_segments {
            let (has_map, has_data) = (bits.literal(1) == 1, bits.literal(1) == 1);
            is_plain = has_map && has_data;
            if has_data {
                // The values themselves, not what is added to the frame's.
                is_plain &= bits.literal(1) == 1;
                // Four quantizers and four levels, each with a sign.
                (0..4).for_each(|_| is_plain &= bits.optional(8));
                (0..4).for_each(|_| has_levels &= bits.optional(7));
            }
            if has_map {
                (0..3).for_each(|_| _ = bits.optional(8));
            }
        }
        // The filter's type, level and sharpness. Without a level nothing is filtered.
        bits.literal(1);
        let level = bits.literal(6);
        bits.literal(3);
        is_plain &= has_levels || level == 0;
        if bits.literal(1) == 1 {
            is_plain = false;
            if bits.literal(1) == 1 {
                // Changes of the level, for references and modes.
                (0..8).for_each(|_| _ = bits.optional(7));
            }
        }
        let header = Self {
            partitions: Vec::new(),
            has_segments,
            is_plain,
        };
        (header, 1 << bits.literal(2))
    }
}

/// VP8's arithmetic decoder (RFC 6386, 7.3), for values whose bits are 0 or 1 alike.
struct Bits<'a> {
    rest: &'a [u8],
    value: u32,
    range: u32,
    /// Bits shifted out of `value` since the last byte came in.
    shifted: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut bits = Self {
            rest: data,
            value: 0,
            range: 255,
            shifted: 0,
        };
        bits.value = u32::from(bits.byte()) << 8;
        bits.value |= u32::from(bits.byte());
        bits
    }

    /// The next byte. After the end there are zeros.
    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                byte
            }
            None => 0,
        }
    }

    fn bit(&mut self) -> u32 {
        let split = 1 + ((self.range - 1) >> 1);
        let bit = u32::from(self.value >= split << 8);
        match bit {
            1 => {
                self.range -= split;
                self.value -= split << 8;
            }
            _ => self.range = split,
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifted += 1;
            if self.shifted == 8 {
                self.shifted = 0;
                self.value |= u32::from(self.byte());
            }
        }
        bit
    }

    /// A number of so many bits, the highest first.
    fn literal(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |number, _| number << 1 | self.bit())
    }

    /// A flag, which it returns, and that many bits if it is set.
    fn optional(&mut self, count: u32) -> bool {
        let is_there = self.literal(1) == 1;
        if is_there {
            self.literal(count);
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Device, LoadOptions,
        device::{Payload, video::test_gpu},
    };
    use webp::{Encoder, PixelLayout, WebPConfig};

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
        let mut config = WebPConfig::new().unwrap();
        set(&mut config);
        let file = Encoder::new(&data, PixelLayout::Rgb, width, height);
        file.encode_advanced(&config).unwrap().to_vec()
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
            let (header, partitions) = FrameHeader::of(&coded(&values));
            assert_eq!((header.has_segments, partitions), (true, 4));
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
            let (header, partitions) = FrameHeader::of(&coded(&values));
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

    /// The pixels on a GPU, and whether its engines decoded them.
    fn pixels(device: &Device, file: &[u8], decoder: VideoDecoder) -> (Vec<f32>, bool) {
        let options = LoadOptions::new().video_decoder(decoder);
        let decoded = options.open_bytes(device, file).unwrap();
        let by_engines = matches!(decoded.payload, Payload::Video(_));
        (
            decoded.into_image().unwrap().download().unwrap(),
            by_engines,
        )
    }

    /// Pictures with and without segments, of all filters and sizes, in mixed order through the same
    /// decoders.
    #[test]
    fn engines_give_libwebps_pixels_in_any_order() {
        let Some(device) = test_gpu() else {
            return;
        };
        let mut files = Vec::new();
        for (i, size) in [
            [160, 120],
            [61, 47],
            [333, 211],
            [640, 480],
            [1001, 777],
            [1920, 1080],
        ]
        .into_iter()
        .enumerate()
        {
            for segments in [1, 4, 2] {
                for (filter_type, strength) in [(1, 60), (0, 30), (1, 0)] {
                    files.push(file(size, |config| {
                        config.quality = [75.0, 20.0, 95.0][(i + segments as usize) % 3];
                        config.segments = segments;
                        config.filter_type = filter_type;
                        config.filter_strength = strength;
                        config.filter_sharpness = i as i32;
                        config.partitions = i as i32 % 4;
                        config.method = 2;
                    }));
                }
            }
        }
        let expected: Vec<_> = files
            .iter()
            .map(|file| pixels(&device, file, VideoDecoder::Host).0)
            .collect();
        let cpu = Device::cpu();
        let mut seed = 7_usize;
        let mut by_engines = 0;
        for _ in 0..4 * files.len() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (seed >> 33) % files.len();
            let (made, by) = pixels(&device, &files[number], VideoDecoder::Engine);
            by_engines += usize::from(by);
            assert!(made == expected[number], "file {number}");
        }
        for (file, expected) in files.iter().zip(&expected) {
            assert!(pixels(&cpu, file, VideoDecoder::Engine).0 == *expected);
        }
        println!("{by_engines} of {} by engines", 4 * files.len());
        assert!(by_engines > files.len());
    }
}
