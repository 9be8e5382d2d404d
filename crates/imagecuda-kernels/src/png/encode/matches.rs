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
    /// The byte after the last of the chunk.
    fn end(&self) -> u32;

    /// The eight bytes from `at`, which are there, the first the lowest.
    fn word(&self, at: u32) -> u64;

    /// How many bytes from `at` on are as those from `before` on.
    fn common(&self, before: u32, at: u32) -> u32;

    /// How many bytes before `at` are as those before `before`: at most `most`.
    fn common_before(&self, before: u32, at: u32, most: u32) -> u32;

    /// Looks at one byte or more, the first of which has eight bytes from it on: remembers each, and
    /// returns the [`candidate`] of the last, or none; then where to look next.
    fn look(&mut self, look: Look, bytes_per_pixel: u32) -> (Option<Found>, Look);

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

/// Where to look, and how often in vain since the last match.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The byte to look at.
    pub at: u32,
    /// Looks in vain.
    pub misses: u32,
}

impl Look {
    /// The `n`th look after this one, where all of them are in vain.
    #[inline(always)]
    pub fn after(self, n: u32) -> Self {
        // One byte for each look, and as many more as the misses say: those of whole groups of looks,
        // and those of the group that is begun, of both ends.
        let passed = |misses: u32| {
            let (groups, rest) = (misses >> PATIENCE, misses % (1 << PATIENCE));
            ((groups * groups.wrapping_sub(1) / 2) << PATIENCE) + groups * rest
        };
        let misses = self.misses + n;
        Self {
            at: self.at + n + passed(misses) - passed(self.misses),
            misses,
        }
    }
}

/// The first eight bytes of a match at least: the same from `before` and from `at` on.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The earlier ones.
    pub before: u32,
    /// The later ones.
    pub at: u32,
}

/// A match whose first bytes are `word`, at `at` or shortly after it: a run of equal bytes or pixels,
/// or what is remembered of the word's slot.
#[inline(always)]
pub fn candidate(
    finder: &impl Finder,
    at: u32,
    word: u64,
    remembered: u32,
    bytes_per_pixel: u32,
) -> Option<Found> {
    let is_same = |other: u32| other + SHORTEST <= finder.end() && finder.word(other) == word;
    let found = |before, at| Some(Found { before, at });
    // Nearly all words are not those of a run, as they themselves show.
    let pixel = 8 * bytes_per_pixel;
    let may_run = pixel >= 64 || word >> pixel == word << pixel >> pixel;
    let is_within = at >= bytes_per_pixel;
    if !may_run {
        let is_found = remembered > 0 && is_same(remembered - place(0));
        return is_found.then(|| Found {
            before: remembered - place(0),
            at,
        });
    }
    if is_within && is_same(at - 1) {
        found(at - 1, at)
    } else if is_within && is_same(at - bytes_per_pixel) {
        found(at - bytes_per_pixel, at)
    } else if is_same(at + 1) {
        found(at, at + 1)
    } else if is_same(at + bytes_per_pixel) {
        found(at, at + bytes_per_pixel)
    } else if remembered > 0 && is_same(remembered - place(0)) {
        found(remembered - place(0), at)
    } else {
        None
    }
}

/// Finds the matches of a chunk.
#[inline(always)]
pub fn find(finder: &mut impl Finder, bytes_per_pixel: u32) {
    // The end of the last match.
    let mut done = 0;
    let mut look = Look { at: 0, misses: 0 };
    while look.at + SHORTEST <= finder.end() {
        let found;
        (found, look) = finder.look(look, bytes_per_pixel);
        let Some(Found { before, at }) = found else {
            continue;
        };
        let length = finder.common(before, at);
        let distance = at - before;
        let most = (at - done).min(before);
        let back = finder.common_before(before, at, most);
        push(finder, at - back, length + back, distance);
        done = at + length;
        if distance > RUN {
            finder.note(at + NOTED, done);
        }
        look = Look {
            at: done,
            misses: 0,
        };
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

    #[inline(always)]
    fn replace(&mut self, slot: u32, place: u32) -> u32 {
        let slot = &mut self.places[slot as usize % PLACES];
        core::mem::replace(slot, place as u16).into()
    }
}

#[cfg(not(target_arch = "nvptx64"))]
impl Finder for SliceFinder<'_> {
    #[inline(always)]
    fn end(&self) -> u32 {
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
    fn look(&mut self, look: Look, bytes_per_pixel: u32) -> (Option<Found>, Look) {
        let word = self.word(look.at);
        let remembered = self.replace(slot(word), place(look.at));
        let found = candidate(self, look.at, word, remembered, bytes_per_pixel);
        (found, look.after(1))
    }

    #[inline(always)]
    fn note(&mut self, first: u32, end: u32) {
        let mut at = first;
        while at < end && at + SHORTEST <= self.end() {
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
