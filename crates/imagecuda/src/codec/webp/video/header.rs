//! The header of a VP8 frame (RFC 6386): whether all of its data are there, and what it leaves unsaid.

/// What a frame's header says.
pub(super) struct FrameHeader {
    /// The lengths of the token partitions.
    #[cfg_attr(not(test), allow(dead_code, reason = "for tests"))]
    pub(super) partitions: Vec<usize>,
    /// Whether macroblocks belong to segments, each with a quantizer and a filter level.
    pub(super) has_segments: bool,
    /// Whether all that a decoder may remember of an earlier frame is said anew. NVIDIA's engines
    /// remember some of it even across key frames: that there are segments, the quantizers and filter
    /// levels of segments that are left out for 0, and changes of filter levels.
    pub(super) is_plain: bool,
}

impl FrameHeader {
    /// The header of a key frame of that size, with all of its partitions. An engine that misses some
    /// is stuck for 315 ms, and does not tell.
    pub(super) fn read(data: &[u8], size: [u32; 2]) -> Option<Self> {
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
        let (mut header, count) = Self::of(first, tag >> 1 & 7);
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

    /// What the first partition of a frame of that version begins with, and the number of token
    /// partitions (RFC 6386, 9.2 to 9.5).
    pub(super) fn of(first: &[u8], version: u32) -> (Self, usize) {
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
        let is_simple = bits.literal(1) == 1;
        let level = bits.literal(6);
        bits.literal(3);
        is_plain &= has_levels || level == 0;
        // The version implies a filter, too. Decoders differ on which of both counts.
        is_plain &= match version {
            0 => !is_simple,
            1 | 2 => is_simple || level == 0,
            _ => false,
        };
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
