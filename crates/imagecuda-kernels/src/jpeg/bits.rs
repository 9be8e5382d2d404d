//! Bits of entropy-coded data, read from any place of it.
//!
//! Data are read as they are in the file, with the zeros that are stuffed behind 0xff. They lie in
//! whole words of memory, of which a reader sees a segment: what is between two restart markers.

/// Reads the bits of a segment in order, and knows when a boundary has been passed.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The file's bytes, four a word, the first one lowest.
    words: &'a [u32],
    /// The next byte that is not in `buffer`, a multiple of 4.
    at: u32,
    /// The word there, fetched ahead of its time.
    next: u32,
    segment: Segment,
    /// Where the caller wants to stop: a multiple of 4, or the segment's end.
    boundary: u32,
    /// Bits, the next one highest; below them zeros.
    buffer: u64,
    /// How many.
    count: u32,
    /// Bits that ever were in `buffer`, stuffing left out.
    loaded: u32,
    /// Those before the boundary, or `u32::MAX` if it is still ahead.
    limit: u32,
    /// Those before the segment's end, likewise.
    end_limit: u32,
    /// Whether the byte before `at` was 0xff.
    after_ff: bool,
}

/// Bytes of entropy-coded data without markers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// Bits are stuffed in a word if one of its bytes is 0xff.
#[inline(always)]
fn has_ff(word: u32) -> bool {
    let zeros = !word;
    zeros.wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

impl<'a> Reader<'a> {
    /// A reader of `segment`, from byte `from` on (a multiple of 4), or from the segment's start
    /// if that is behind it.
    #[inline(always)]
    pub fn new(words: &'a [u32], segment: Segment, from: u32, boundary: u32) -> Self {
        let is_inside = from > segment.start;
        let at = if is_inside { from } else { segment.start & !3 };
        let number = (at / 4) as usize;
        let word = |number: usize| words.get(number).copied().unwrap_or(0);
        Self {
            words,
            at,
            next: word(number),
            segment,
            boundary,
            buffer: 0,
            count: 0,
            loaded: 0,
            limit: u32::MAX,
            end_limit: u32::MAX,
            after_ff: is_inside && word(number.wrapping_sub(1)) >> 24 == 0xff,
        }
    }

    /// Sets the next boundary, which is 32 bytes or more behind the last one, or the end.
    #[inline(always)]
    pub fn go_on(&mut self, boundary: u32) {
        self.boundary = boundary;
        // Only the end may be so near that it has been passed.
        self.limit = if boundary == self.segment.end {
            self.end_limit
        } else {
            u32::MAX
        };
    }

    /// Takes a word, if that has room. Behind the segment's end there are zeros. Whether there
    /// are 32 bits at hand now.
    #[inline(always)]
    pub fn refill(&mut self) -> bool {
        if self.count < 32 {
            let word = self.next;
            let number = (self.at / 4) as usize + 1;
            self.next = self.words.get(number).copied().unwrap_or(0);
            let is_whole = self.at >= self.segment.start && self.at + 4 <= self.segment.end;
            if is_whole && !self.after_ff && !has_ff(word) {
                if self.at == self.boundary {
                    self.limit = self.loaded;
                }
                self.buffer |= u64::from(word.swap_bytes()) << (32 - self.count);
                self.count += 32;
                self.loaded += 32;
            } else {
                self.take_bytes(word);
            }
            self.at += 4;
        }
        self.count >= 32
    }

    /// A word that has stuffing, or is not all of the segment.
    #[inline(always)] // a GPU keeps a reader in registers
    fn take_bytes(&mut self, word: u32) {
        for i in 0..4 {
            let (at, byte) = (self.at + i, (word >> (8 * i)) as u8);
            if at == self.boundary {
                self.limit = self.loaded;
            }
            if at == self.segment.end {
                self.end_limit = self.loaded;
            }
            if at < self.segment.start {
                continue;
            }
            if at >= self.segment.end {
                self.append(0);
                continue;
            }
            // The zero brings the byte: there may be several 0xff before it.
            match (self.after_ff, byte) {
                (true, 0) => self.append(0xff),
                (false, 0..=0xfe) => self.append(byte),
                _ => {}
            }
            self.after_ff = byte == 0xff;
        }
    }

    #[inline(always)]
    fn append(&mut self, byte: u8) {
        self.buffer |= u64::from(byte) << (56 - self.count);
        self.count += 8;
        self.loaded += 8;
    }

    /// The next bits; 32, after a [`refill`](Self::refill) that said so.
    #[inline(always)]
    pub fn peek(&self) -> u32 {
        (self.buffer >> 32) as u32
    }

    /// Whether the boundary has been passed, if there are bits at hand.
    #[inline(always)]
    pub fn is_past(&self) -> bool {
        self.consumed() >= self.limit
    }

    /// Takes up to 32 bits.
    #[inline(always)]
    pub fn consume(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// Skips up to 31 bits, whatever the boundary.
    #[inline(always)]
    pub fn skip(&mut self, bits: u32) {
        while !self.refill() {}
        self.consume(bits);
    }

    #[inline(always)]
    fn consumed(&self) -> u32 {
        self.loaded - self.count
    }

    /// How many bits behind the boundary were taken, once it has been passed.
    #[inline(always)]
    pub fn overshoot(&self) -> u32 {
        self.consumed().wrapping_sub(self.limit)
    }

    /// Whether more bits were taken than the segment has.
    #[inline(always)]
    pub fn is_exhausted(&self) -> bool {
        self.consumed() > self.end_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn words(bytes: &[u8]) -> Vec<u32> {
        let word = |four: &[u8]| {
            let mut word = [0xee; 4];
            word[..four.len()].copy_from_slice(four);
            u32::from_le_bytes(word)
        };
        bytes.chunks(4).map(word).collect()
    }

    fn is_past(reader: &mut Reader<'_>) -> bool {
        while !reader.refill() {}
        reader.is_past()
    }

    /// The bytes until the boundary, with stuffing taken out, then the overshoot.
    fn read(bytes: &[u8], segment: Segment, from: u32, boundary: u32) -> Vec<u8> {
        let words = words(bytes);
        let mut reader = Reader::new(&words, segment, from, boundary);
        let mut out = Vec::new();
        while !is_past(&mut reader) {
            out.push((reader.peek() >> 24) as u8);
            reader.consume(8);
        }
        out.push(reader.overshoot() as u8);
        out
    }

    fn unstuffed(bytes: &[u8]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        let mut before = 0;
        for &byte in bytes {
            match (before, byte) {
                (0xff, 0) => out.push(0xff),
                (_, 0xff) => {}
                (_, byte) => out.push(byte),
            }
            before = byte;
        }
        out.push(0);
        out
    }

    #[test]
    fn every_part_of_every_segment() {
        let data = [
            1, 2, 3, 0xff, 0, 5, 6, 7, 8, 9, 10, 0xff, 0, 0xff, 0, 0, 11, 12, 13, 14, 15, 16, 17,
            18, 0xff, 0xff, 0, 19, 20, 21, 22, 23, 24, 25, 0xff, 0, 26,
        ];
        for start in 0..20 {
            if start > 0 && data[start - 1] == 0xff {
                continue;
            }
            for end in start + 1..=data.len() {
                if data[end - 1] == 0xff {
                    continue;
                }
                let segment = Segment {
                    start: start as u32,
                    end: end as u32,
                };
                let whole = read(&data, segment, 0, end as u32);
                assert_eq!(whole, unstuffed(&data[start..end]), "{start}..{end}");
                // In two parts, as two threads have it.
                for cut in (start / 4 * 4 + 4..end).step_by(4) {
                    let cut = cut as u32;
                    let mut first = read(&data, segment, 0, cut);
                    first.pop();
                    let second = read(&data, segment, cut, end as u32);
                    first.extend(second);
                    assert_eq!(first, whole, "{start}..{cut}..{end}");
                }
            }
        }
    }

    #[test]
    fn goes_on_behind_boundaries() {
        let data: Vec<u8> = (1..140).collect();
        let words = words(&data);
        for end in 73..139 {
            let segment = Segment { start: 2, end };
            let mut reader = Reader::new(&words, segment, 0, 32);
            let mut bits = 0;
            for boundary in [32, 64, end] {
                reader.go_on(boundary);
                while !is_past(&mut reader) {
                    reader.consume(11);
                    bits += 11;
                }
                assert_eq!(reader.overshoot(), bits - (boundary - 2) * 8);
            }
            assert_eq!(reader.is_exhausted(), reader.overshoot() > 0);
        }
    }
}
