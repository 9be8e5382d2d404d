//! What was there before: matches within a chunk.
//!
//! One place is remembered for each hash of eight bytes. Where nothing is found, fewer and fewer
//! bytes are looked at, so that photographs take little time.

use super::scanlines::CHUNK;
use bytemuck::{Pod, Zeroable};

/// The shortest that is looked for: shorter ones cost more than the bytes themselves, filtered as
/// they are.
pub const SHORTEST: u32 = 8;

/// The longest that Deflate has.
pub const LONGEST: u32 = 258;

const HASH_BITS: u32 = 12;

/// Places that are remembered.
pub const PLACES: usize = 1 << HASH_BITS;

/// The most matches of a chunk.
pub const MOST: u32 = CHUNK / SHORTEST;

/// After so many looks in vain (a power of two), one byte more is passed at each.
const PATIENCE: u32 = 4;

/// Within a match, one of so many bytes is remembered.
pub const NOTED: u32 = 4;

/// A match no further back is a run, within which nothing is remembered.
const RUN: u32 = 8;

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

/// A chunk in whatever memory, places that are remembered (all are 0 at first), and a list of
/// matches.
pub trait Finder {
    /// The bytes of the chunk.
    fn len(&self) -> u32;

    /// The eight bytes from `at`, which are there, the first the lowest.
    fn word(&self, at: u32) -> u64;

    /// How many bytes from `at` on are as those from `before` on.
    fn common(&self, before: u32, at: u32) -> u32;

    /// How many bytes before `at` are as those before `before`: at most `most`.
    fn common_before(&self, before: u32, at: u32, most: u32) -> u32;

    /// Remembers `place` in `slot`, and returns what was there.
    fn replace(&mut self, slot: u32, place: u32) -> u32;

    /// Remembers `first`, and every [`NOTED`]th byte after it that is before `end`. They are
    /// ordered: of two in one slot the later stays.
    fn note(&mut self, first: u32, end: u32);

    /// Adds a match to the list.
    fn push(&mut self, found: Match);
}

/// The slot of eight bytes.
#[inline(always)]
pub fn slot(word: u64) -> u32 {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH_BITS)) as u32
}

/// The place of a byte in a slot: 0 is none.
#[inline(always)]
pub fn place(at: u32) -> u32 {
    at + 1
}

/// A match from `at` with bytes from `before` on.
#[derive(Clone, Copy)]
struct Found {
    before: u32,
    at: u32,
    length: u32,
}

/// Whether a run of equal bytes or pixels goes on at `at`, or begins there.
#[inline(always)]
fn run(finder: &impl Finder, at: u32, word: u64, bytes_per_pixel: u32) -> Option<Found> {
    let is_same = |other: u32| other + SHORTEST <= finder.len() && finder.word(other) == word;
    let (before, at) = if at >= bytes_per_pixel && is_same(at - 1) {
        (at - 1, at)
    } else if at >= bytes_per_pixel && is_same(at - bytes_per_pixel) {
        (at - bytes_per_pixel, at)
    } else if is_same(at + 1) {
        (at, at + 1)
    } else if is_same(at + bytes_per_pixel) {
        (at, at + bytes_per_pixel)
    } else {
        return None;
    };
    let length = finder.common(before, at);
    Some(Found { before, at, length })
}

/// Finds the matches of a chunk.
#[inline(always)]
pub fn find(finder: &mut impl Finder, bytes_per_pixel: u32) {
    // The end of the last match, and where to look.
    let (mut done, mut at) = (0, 0);
    let mut misses = 0;
    while at + SHORTEST <= finder.len() {
        let word = finder.word(at);
        let remembered = finder.replace(slot(word), place(at));
        let found = run(finder, at, word, bytes_per_pixel).or_else(|| {
            let before = remembered.wrapping_sub(place(0));
            let is_same = remembered > 0 && finder.word(before) == word;
            is_same.then(|| {
                let length = finder.common(before, at);
                Found { before, at, length }
            })
        });
        let Some(found) = found else {
            at += 1 + (misses >> PATIENCE);
            misses += 1;
            continue;
        };
        let distance = found.at - found.before;
        let most = (found.at - done).min(found.before);
        let back = finder.common_before(found.before, found.at, most);
        push(finder, found.at - back, found.length + back, distance);
        done = found.at + found.length;
        if distance > RUN {
            finder.note(found.at + NOTED, done);
        }
        at = done;
        misses = 0;
    }
}

/// Adds a match of any length.
#[inline(always)]
fn push(finder: &mut impl Finder, mut start: u32, mut length: u32, distance: u32) {
    while length > 0 {
        // What is left is no shorter than a match may be.
        let part = match length {
            ..=LONGEST => length,
            _ => LONGEST.min(length - 3),
        };
        finder.push(Match {
            start: start as u16,
            length: part as u16,
            distance: distance as u16,
            reserved: 0,
        });
        start += part;
        length -= part;
    }
}

/// A [`Finder`] over slices.
#[cfg(not(target_arch = "nvptx64"))]
#[derive(Debug)]
pub struct SliceFinder<'a> {
    /// The chunk.
    pub data: &'a [u8],
    /// What is remembered.
    pub places: &'a mut [u16; PLACES],
    /// The matches.
    pub matches: &'a mut alloc::vec::Vec<Match>,
}

#[cfg(not(target_arch = "nvptx64"))]
impl SliceFinder<'_> {
    #[inline(always)]
    fn checked_word(&self, at: usize) -> Option<u64> {
        let word = self.data.get(at..at + 8)?.first_chunk()?;
        Some(u64::from_le_bytes(*word))
    }
}

#[cfg(not(target_arch = "nvptx64"))]
impl Finder for SliceFinder<'_> {
    #[inline(always)]
    fn len(&self) -> u32 {
        self.data.len() as u32
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        self.checked_word(at as usize).unwrap_or_default()
    }

    #[inline(always)]
    fn common(&self, before: u32, at: u32) -> u32 {
        let (before, at) = (before as usize, at as usize);
        let mut length = 0;
        while let (Some(a), Some(b)) = (
            self.checked_word(before + length),
            self.checked_word(at + length),
        ) {
            if a != b {
                return length as u32 + (a ^ b).trailing_zeros() / 8;
            }
            length += 8;
        }
        let rest = self.data[before + length..].iter();
        let rest = rest.zip(&self.data[at + length..]);
        length as u32 + rest.take_while(|(a, b)| a == b).count() as u32
    }

    #[inline(always)]
    fn common_before(&self, before: u32, at: u32, most: u32) -> u32 {
        let (before, at) = (&self.data[..before as usize], &self.data[..at as usize]);
        let back = before.iter().rev().zip(at.iter().rev()).take(most as usize);
        back.take_while(|(a, b)| a == b).count() as u32
    }

    #[inline(always)]
    fn replace(&mut self, slot: u32, place: u32) -> u32 {
        let slot = &mut self.places[slot as usize % PLACES];
        core::mem::replace(slot, place as u16).into()
    }

    #[inline(always)]
    fn note(&mut self, first: u32, end: u32) {
        let mut at = first;
        while at < end && at + SHORTEST <= self.len() {
            self.replace(slot(self.word(at)), place(at));
            at += NOTED;
        }
    }

    #[inline(always)]
    fn push(&mut self, found: Match) {
        self.matches.push(found);
    }
}

#[cfg(test)]
mod tests;
