//! Reads the header of a block with dynamic codes.

use super::bits::{Reader, Source, bits};
use crate::png::block::Words;

/// The order in which a header stores the lengths of the code-length code.
const ORDER: [u32; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Words of the table of a code-length code: a byte for each 7 bits, of which the first bit is the
/// highest. Its lowest three bits are the code's length, and the others its symbol.
pub(super) const TABLE_WORDS: u32 = 32;
/// The Kraft sum of a complete code.
const COMPLETE: u32 = 1 << 16;

/// What the first bits of a header say.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// How many code lengths there are for literals and lengths, and for distances too.
    pub(super) literals: u32,
    pub(super) all: u32,
    /// How many lengths of the code-length code there are.
    given: u32,
}

impl Start {
    /// Reads it at a position.
    #[inline(always)]
    pub(super) fn new(source: impl Source, position: u32) -> Self {
        let header = bits(source, position, 17);
        let literals = (header >> 3 & 31) + 257;
        Self {
            literals,
            all: literals + (header >> 8 & 31) + 1,
            given: (header >> 13 & 15) + 4,
        }
    }

    /// The position of the first code length of the header at a position.
    #[inline(always)]
    pub(super) fn codes(&self, position: u32) -> u32 {
        position + 17 + 3 * self.given
    }
}

/// Makes the table of the code-length code of the header at a position. The code is known to be
/// complete.
#[inline(always)]
pub(super) fn make_table(table: impl Words, source: impl Source, position: u32, start: &Start) {
    let at = position + 17;
    let packed = u64::from(bits(source, at, 30)) | u64::from(bits(source, at + 30, 27)) << 30;
    // Three bits for each symbol, in the order of symbols; and the number of codes of each length, in
    // the byte of that number.
    let (mut lengths, mut counts) = (0u64, 0u64);
    for (i, symbol) in (0..).zip(ORDER) {
        if i < start.given {
            let length = packed >> (3 * i) & 7;
            lengths |= length << (3 * symbol);
            counts += 1u64 << (8 * length);
        }
    }
    // The place of the next code of each length.
    let (mut next, mut place) = (0u64, 0u64);
    for length in 1..8 {
        next |= place << (8 * length);
        place += (counts >> (8 * length) & 255) << (7 - length);
    }
    for word in 0..TABLE_WORDS {
        table.set(word, 0);
    }
    for symbol in 0..19 {
        let length = (lengths >> (3 * symbol)) as u32 & 7;
        if length == 0 {
            continue;
        }
        let place = (next >> (8 * length)) as u32 & 255;
        next += 1 << (7 - length) << (8 * length);
        let entry = length | symbol << 3;
        // A code has 128 >> length bytes. The codes of six and seven bits share words with others.
        if length > 5 {
            let bytes = if length == 6 { entry * 0x0101 } else { entry };
            let before = table.get(place / 4);
            table.set(place / 4, before | bytes << (8 * (place % 4)));
        } else {
            let words = place / 4..(place / 4 + (32 >> length)).min(TABLE_WORDS);
            for word in words {
                table.set(word, entry * 0x0101_0101);
            }
        }
    }
}

/// Reads a code: how many code lengths it stands for, and which. `last` is the length before.
#[inline(always)]
fn next<S: Source>(reader: &mut Reader<S>, table: impl Words, last: u32) -> (u32, u32) {
    let bits = reader.peek();
    let reversed = bits.reverse_bits();
    let entry = table.get(reversed >> 27) >> (reversed >> 22 & 24);
    let (length, symbol) = (entry & 7, entry >> 3 & 31);
    let rest = bits >> length;
    // No `match`: threads would take different ways. The numbers are for 16, 17, and 18.
    let is_run = symbol >= 16;
    let run = 4 * (symbol & 3);
    let extra = if is_run { 0x732 >> run & 15 } else { 0 };
    let least = if is_run { 0xb33 >> run & 15 } else { 1 };
    let repeated = if symbol == 16 { last } else { 0 };
    reader.take(length + extra);
    let repeats = least + (rest & ((1 << extra) - 1));
    (repeats, if is_run { repeated } else { symbol })
}

/// What is known of a header after some of its code lengths.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    /// The position of the next code.
    pub(super) position: u32,
    /// How many lengths were read, and the last of them.
    at: u32,
    last: u32,
    /// Kraft sums.
    literal_sum: u32,
    distance_sum: u32,
    /// The greatest length of a distance code, and that of the end of the block.
    distance_most: u32,
    end_length: u32,
}

/// Whether a header is one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    /// There is more to be read.
    Open,
    Yes,
}

/// Stands for the length before the first one, which cannot be repeated.
const NO_LENGTH: u32 = 31;

impl Progress {
    /// Before the first code length.
    #[inline(always)]
    pub(super) fn new(position: u32) -> Self {
        Self {
            position,
            at: 0,
            last: NO_LENGTH,
            literal_sum: 0,
            distance_sum: 0,
            distance_most: 0,
            end_length: 0,
        }
    }

    /// As three words.
    #[inline(always)]
    pub(super) fn to_words(self) -> [u32; 3] {
        let small = self.at | self.last << 9 | self.distance_most << 14 | self.end_length << 18;
        // Sums are even, and at most 2^16.
        let sums = self.literal_sum >> 1 | self.distance_sum >> 1 << 16;
        [self.position, small, sums]
    }

    /// Made of these words.
    #[inline(always)]
    pub(super) fn of_words([position, small, sums]: [u32; 3]) -> Self {
        Self {
            position,
            at: small & 511,
            last: small >> 9 & 31,
            distance_most: small >> 14 & 15,
            end_length: small >> 18 & 15,
            literal_sum: (sums & 0xffff) << 1,
            distance_sum: sums >> 16 << 1,
        }
    }

    /// Reads at most `codes` codes of a header whose data end at `end`. It is none if a code is not
    /// complete. A distance code may also be a single code of one bit, or empty.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        source: impl Source,
        table: impl Words,
        start: &Start,
        (codes, end): (u32, u32),
    ) -> Verdict {
        let mut reader = Reader::new(source, self.position);
        let mut left = codes;
        while left > 0 && self.at < start.all {
            let (repeats, value) = next(&mut reader, table, self.last);
            let after = self.at + repeats;
            // The part of each code, and none for codes that do not exist.
            let part = COMPLETE >> value & (COMPLETE - 1);
            let of_literals = after.min(start.literals).saturating_sub(self.at);
            let of_distances = repeats - of_literals;
            self.literal_sum += part * of_literals;
            self.distance_sum += part * of_distances;
            if of_distances > 0 {
                self.distance_most = self.distance_most.max(value);
            }
            if self.at <= 256 && after > 256 {
                self.end_length = value;
            }
            let is_too_much = self.literal_sum > COMPLETE || self.distance_sum > COMPLETE;
            if is_too_much || after > start.all || value == NO_LENGTH {
                return Verdict::No;
            }
            (self.at, self.last) = (after, value);
            left -= 1;
        }
        self.position = reader.position;
        if self.at < start.all {
            return Verdict::Open;
        }
        let is_single = self.distance_most <= 1 && self.distance_sum <= COMPLETE / 2;
        let are_distances_right = self.distance_sum == COMPLETE || is_single;
        let is_complete = self.literal_sum == COMPLETE && self.end_length > 0;
        match is_complete && are_distances_right && self.position <= end {
            true => Verdict::Yes,
            false => Verdict::No,
        }
    }
}

/// Writes the code lengths between two states of a header, eight to a word. Calls `put` with a word's number
/// and bits of it, of which the others belong to lengths before or after.
#[inline(always)]
pub(super) fn write_lengths(
    source: impl Source,
    table: impl Words,
    (begin, end): (Progress, &Progress),
    mut put: impl FnMut(u32, u32),
) {
    let mut reader = Reader::new(source, begin.position);
    let (mut at, mut last, mut word) = (begin.at, begin.last, 0);
    while at < end.at {
        let (mut repeats, value) = next(&mut reader, table, last);
        last = value;
        while repeats > 0 {
            let now = repeats.min(8 - at % 8);
            let lengths = (value * 0x1111_1111) & (u32::MAX >> (32 - 4 * now));
            word |= lengths << (4 * (at % 8));
            at += now;
            repeats -= now;
            if at.is_multiple_of(8) {
                put(at / 8 - 1, word);
                word = 0;
            }
        }
    }
    if !at.is_multiple_of(8) {
        put(at / 8, word);
    }
}

#[cfg(test)]
mod tests;
