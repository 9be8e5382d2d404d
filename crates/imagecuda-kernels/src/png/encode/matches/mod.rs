//! What was there before: matches within a chunk.
//!
//! Every fourth byte is looked at: whether eight bytes from it on were there before, one byte or one
//! pixel earlier, or at the last place with the same hash. All places are remembered, in groups of 32
//! bytes; a look knows the places of the groups before its own. So all looks of a group can be made
//! at once, and their order makes no difference.
//!
//! A chunk is cut into segments. Each takes its matches from its start to its end, and no match
//! leaves its segment. So all segments can be gone through at once.

use super::scanlines::CHUNK;
use bytemuck::{Pod, Zeroable};

/// The shortest that is looked for: shorter ones cost more than the bytes themselves, filtered as
/// they are.
pub const SHORTEST: u32 = 8;

/// The longest that Deflate has.
pub const LONGEST: u32 = 258;

/// One of so many bytes is looked at.
pub const LOOK: u32 = 4;

/// Looks of a chunk.
pub const LOOKS: usize = (CHUNK / LOOK) as usize;

/// Bytes that are remembered at once.
pub const GROUP: u32 = 32;

/// Words of a bit for each look of a chunk.
pub const LOOK_WORDS: usize = LOOKS / 32;

/// Bytes of a segment: two of the longest matches.
pub const SEGMENT: u32 = 2 * LONGEST;

/// Segments of a chunk.
pub const SEGMENTS: u32 = CHUNK.div_ceil(SEGMENT);

/// The most matches of a segment. Two that were one are long.
pub const MOST_OF_SEGMENT: u32 = SEGMENT / SHORTEST;

/// The most matches of a chunk.
pub const MOST: u32 = SEGMENTS * MOST_OF_SEGMENT;

const HASH_BITS: u32 = 12;

/// Places that are remembered.
pub const PLACES: usize = 1 << HASH_BITS;

/// Bytes that were there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Match {
    /// Its first byte in the chunk.
    pub start: u16,
    /// 3 to [`LONGEST`].
    pub length: u16,
    /// How far back the same bytes begin.
    pub distance: u16,
    /// Zero.
    pub reserved: u16,
}

impl Match {
    /// The byte after it.
    #[inline(always)]
    pub fn end(self) -> u32 {
        u32::from(self.start) + u32::from(self.length)
    }
}

/// A chunk in whatever memory.
pub trait Bytes {
    /// The byte after the last of the chunk.
    fn end(&self) -> u32;

    /// The eight bytes from `at` on, the first the lowest. Those past the end may be anything.
    fn word(&self, at: u32) -> u64;

    /// A byte.
    fn byte(&self, at: u32) -> u8;
}

/// A chunk, all of whose looks have been made.
pub trait Looked: Bytes {
    /// The first look from `look` on that found something.
    fn next(&self, look: u32) -> Option<u32>;

    /// What a look found: a [`place`].
    fn found(&self, look: u32) -> u32;
}

/// The slot of eight bytes.
#[inline(always)]
pub fn slot(word: u64) -> u32 {
    let (low, high) = (word as u32, (word >> 32) as u32);
    let hash = low.wrapping_mul(0x9e37_79b1);
    hash.wrapping_add(high.wrapping_mul(0x85eb_ca77)) >> (32 - HASH_BITS)
}

/// The place of a byte, of which a later one has a higher number: 0 is none.
#[inline(always)]
pub fn place(at: u32) -> u32 {
    at + 1
}

/// Whether a look at `at` has the bytes that it needs.
#[inline(always)]
pub fn may_look(end: u32, at: u32) -> bool {
    at + SHORTEST <= end
}

/// Whether eight bytes may be those of a run, as far as they themselves show.
#[inline(always)]
fn may_be_run(word: u64, bytes_per_pixel: u32) -> bool {
    let pixel = 8 * bytes_per_pixel;
    pixel >= 64 || word >> pixel == word << pixel >> pixel
}

/// Looks at `at`, whose eight bytes are `word`: the place of the same bytes, which are a run of equal
/// bytes or pixels, or at the place that is `remembered` of the word's slot.
#[inline(always)]
pub fn look(bytes: &impl Bytes, at: u32, word: u64, remembered: u32, bytes_per_pixel: u32) -> u32 {
    // Nearly all words are not those of a run, as they themselves show.
    if may_be_run(word, bytes_per_pixel) {
        let is_run = |distance| at >= distance && bytes.word(at - distance) == word;
        if is_run(1) {
            return place(at - 1);
        }
        if is_run(bytes_per_pixel) {
            return place(at - bytes_per_pixel);
        }
    }
    match remembered > 0 && bytes.word(remembered - place(0)) == word {
        true => remembered,
        false => 0,
    }
}

/// Goes through a segment, and calls `push` with its matches.
#[inline(always)]
pub fn segment(chunk: &impl Looked, number: u32, mut push: impl FnMut(Match)) {
    let mut done = number * SEGMENT;
    let end = chunk.end().min(done + SEGMENT);
    while let Some(look) = chunk.next(done.div_ceil(LOOK)) {
        let at = LOOK * look;
        if !may_look(end, at) {
            return;
        }
        let before = chunk.found(look) - place(0);
        let mut length = SHORTEST;
        while at + length < end {
            let difference = chunk.word(before + length) ^ chunk.word(at + length);
            if difference != 0 {
                length += difference.trailing_zeros() / 8;
                break;
            }
            length += 8;
        }
        let (mut start, distance) = (at, at - before);
        while start > done
            && start > distance
            && chunk.byte(start - 1) == chunk.byte(start - 1 - distance)
        {
            start -= 1;
        }
        done = end.min(at + length);
        let mut left = done - start;
        while left > 0 {
            // What is left is no shorter than a match may be.
            let length = match left {
                ..=LONGEST => left,
                _ => LONGEST.min(left - 3),
            };
            push(Match {
                start: start as u16,
                length: length as u16,
                distance: distance as u16,
                reserved: 0,
            });
            start += length;
            left -= length;
        }
    }
}

/// The first bit from `look` on of words of a chunk's looks.
#[inline(always)]
pub fn first_bit(look: u32, word: impl Fn(u32) -> u32) -> Option<u32> {
    let mut number = look / 32;
    let mut mask = u32::MAX << (look % 32);
    while number < LOOK_WORDS as u32 {
        let bits = word(number) & mask;
        if bits != 0 {
            return Some(32 * number + bits.trailing_zeros());
        }
        mask = u32::MAX;
        number += 1;
    }
    None
}

#[cfg(not(target_arch = "nvptx64"))]
mod on_host;

#[cfg(not(target_arch = "nvptx64"))]
pub use on_host::Looks;

#[cfg(test)]
mod tests;
