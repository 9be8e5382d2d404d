//! What the kernels of a picture work on.

use super::picture::Picture;
use crate::png::block::{ThreadBlock, Words};
use bytemuck::{Pod, Zeroable};

/// Bits of a subsequence.
pub const SUBSEQUENCE: u32 = 512;
/// Subsequences of a section.
pub const SECTION: u32 = 120;
/// Subsequences before a section that its thread block decodes too.
pub const WARM_UP: u32 = 8;
/// Threads of a section's thread block.
pub const SECTION_THREADS: u32 = SECTION + WARM_UP;
/// Words after the data that readers may read.
pub const READ_AHEAD: u32 = 192;
/// No range, and no section.
pub const NONE: u32 = u32::MAX;
/// No place in the output.
pub const NOWHERE: u64 = u64::MAX;

/// What is wrong with a picture, as bits. None: its pixels are right.
pub mod status {
    /// Ranges are known that are not decoded yet. More rounds may do it.
    pub const UNFINISHED: u32 = 1;
    /// The chain of blocks breaks off.
    pub const BROKEN: u32 = 2;
    /// There is a code that means nothing.
    pub const BAD_CODE: u32 = 4;
    /// The data are longer or shorter than the picture, or do not end where they should.
    pub const LENGTH: u32 = 8;
    /// A match reaches back to before the first byte.
    pub const DISTANCE: u32 = 16;
    /// There is more of something than there is room for.
    pub const CROWDED: u32 = 32;
    /// The checksum, Adler-32, is wrong.
    pub const CHECKSUM: u32 = 64;
    /// A row has a filter that does not exist.
    pub const FILTER: u32 = 128;
}

/// The words that kernels tell each other things by.
pub mod control {
    /// The [`status`](super::status) that kernels decide by. Only kernels of one thread block write
    /// it.
    pub const STATUS: u32 = 0;
    /// The status bits of all other kernels.
    pub const PROBLEMS: u32 = 1;
    /// Candidates that were found.
    pub const CANDIDATES: u32 = 2;
    /// Ranges, and those that are decoded.
    pub const RANGES: u32 = 3;
    pub const DECODED: u32 = 4;
    /// Sections, and those before the new ones of this round.
    pub const SECTIONS: u32 = 5;
    pub const FIRST_SECTION: u32 = 6;
    /// Stored blocks.
    pub const STORED: u32 = 7;
    /// Strips of rows.
    pub const STRIPS: u32 = 8;
    /// For each plane, the strips that have a thread block.
    pub const TICKETS: u32 = 9;
    /// The words.
    pub const WORDS: u32 = 32;
}

/// Words of a range.
pub mod range {
    /// Where its header begins, and its codes.
    pub const HEAD: u32 = 0;
    pub const PAYLOAD: u32 = 1;
    /// Where it ends at the latest: at the head of the candidate of this number.
    pub const LIMIT: u32 = 2;
    pub const LIMIT_CANDIDATE: u32 = 3;
    /// Its table.
    pub const TABLE: u32 = 4;
    /// Whether its block is the last one, and whether it is a run of fixed blocks.
    pub const FLAGS: u32 = 5;
    pub const FINAL: u32 = 1;
    pub const FIXED: u32 = 2;
    /// Its first section, and how many it has.
    pub const FIRST_SECTION: u32 = 6;
    pub const SECTIONS: u32 = 7;
    /// Its section in which the block ends, counted from its first one.
    pub const END_SECTION: u32 = 8;
    /// Where the block ends.
    pub const END: u32 = 9;
    /// The range that follows it.
    pub const NEXT: u32 = 10;
    /// The range that replaces it.
    pub const LONGER: u32 = 11;
    /// The candidates that the next longer range leaves out.
    pub const STEP: u32 = 12;
    /// What is wrong with it: see [`super::defect`].
    pub const DEFECT: u32 = 13;
    /// The bytes of the stored blocks behind it, and where the last of these ends.
    pub const STORED_BYTES: u32 = 14;
    pub const STORED_END: u32 = 15;
    /// The words.
    pub const WORDS: u32 = 16;
}

/// What is wrong with a range.
pub mod defect {
    /// A code that means nothing.
    pub const BAD_CODE: u32 = 1;
    /// A section does not begin where the one before it ended.
    pub const APART: u32 = 2;
    /// What follows it is no block.
    pub const NO_BLOCK: u32 = 4;
}

/// Words of a section.
pub mod section {
    /// Where its first code begins, and the first code behind it.
    pub const ENTRY: u32 = 0;
    pub const EXIT: u32 = 1;
    /// Bytes that it makes.
    pub const BYTES: u32 = 2;
    /// Where the block ends in it; 0 if it does not.
    pub const END: u32 = 3;
    /// Whether it has a code that means nothing.
    pub const BAD: u32 = 4;
    /// Its range.
    pub const RANGE: u32 = 5;
    /// The words.
    pub const WORDS: u32 = 8;
}

/// Words of a stored block: where its bytes are, how many, the range before it, and the bytes of
/// stored blocks between the two.
pub const STORED_WORDS: u32 = 4;

/// Of how many of each thing there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Room {
    pub candidates: u32,
    pub ranges: u32,
    pub sections: u32,
    pub stored: u32,
}

impl Room {
    /// What data of so many bits may need.
    pub fn new(bits: u32) -> Self {
        let bytes = bits / 8;
        let candidates = (bytes / 1024 + 512).min(8192);
        let ranges = candidates + 512;
        Self {
            candidates,
            ranges,
            sections: 2 * (bits / (SECTION * SUBSEQUENCE)) + ranges + 256,
            stored: (bytes / 64 + 1024).min(16384),
        }
    }
}

/// All memory of a picture that is decoded.
#[derive(Clone, Copy)]
pub struct Work<G, L> {
    pub picture: Picture,
    pub room: Room,
    /// The file, and the pieces of it that are the data: for each its first byte in the file, and its
    /// first byte in the data. The last of these is the end.
    pub file: G,
    pub pieces: G,
    pub piece_count: u32,
    /// Bits of the data without their header's and checksum's, whose end this is.
    pub end: u32,
    /// The data.
    pub data: G,
    /// See [`control`].
    pub control: G,
    /// The positions of headers, in any order.
    pub candidates: G,
    /// A table for each candidate in order, and that of fixed codes.
    pub tables: G,
    /// See [`range`].
    pub ranges: G,
    /// Bytes of each range, and where the first one goes.
    pub lengths: L,
    pub places: L,
    /// Two ranges ahead, of two steps, twice; and the bytes of these.
    pub jumps: G,
    pub sums: L,
    /// See [`section`].
    pub sections: G,
    /// The bytes of the sections before each.
    pub section_sums: L,
    /// For each subsequence its bytes, and where its first code begins.
    pub subsequences: G,
    /// See [`STORED_WORDS`].
    pub stored: G,
    /// A token for each byte that begins a symbol, zeros at first.
    pub tokens: G,
    /// For each byte its value, or where it is from.
    pub links: G,
    /// For each tile of these whether some are not values.
    pub open_tiles: G,
    /// The sums of each thread block of `png_pack`.
    pub checksums: G,
    /// The filter of each row.
    pub filters: G,
    /// The first row of each strip.
    pub strips: G,
    /// Bytes of rows, in planes.
    pub planes: G,
    /// The last rows of strips, zeros at first.
    pub hand_over: L,
    /// The colours of a palette.
    pub palette: G,
    /// The pixels.
    pub pixels: G,
}

/// The work of a thread block's picture.
pub type WorkOf<B> = Work<<B as ThreadBlock>::Global, <B as ThreadBlock>::Longs>;

impl<G: Words, L> Work<G, L> {
    #[inline(always)]
    pub(super) fn range(&self, number: u32, word: u32) -> u32 {
        self.ranges.get(number * range::WORDS + word)
    }

    #[inline(always)]
    pub(super) fn set_range(&self, number: u32, word: u32, value: u32) {
        self.ranges.set(number * range::WORDS + word, value);
    }

    #[inline(always)]
    pub(super) fn section(&self, number: u32, word: u32) -> u32 {
        self.sections.get(number * section::WORDS + word)
    }

    #[inline(always)]
    pub(super) fn set_section(&self, number: u32, word: u32, value: u32) {
        self.sections.set(number * section::WORDS + word, value);
    }

    #[inline(always)]
    pub(super) fn status(&self) -> u32 {
        self.control.get(control::STATUS)
    }

    /// Sets a status bit for a later kernel.
    #[inline(always)]
    pub(super) fn report(&self, problem: u32) {
        self.control.or(control::PROBLEMS, problem);
    }

    /// The candidates there is room for.
    #[inline(always)]
    pub(super) fn candidate_count(&self) -> u32 {
        let found = self.control.get(control::CANDIDATES);
        found.min(self.room.candidates)
    }

    /// Begins a range: its words, and its sections, all of one thread. Returns the number of its first
    /// section.
    #[inline(always)]
    pub(super) fn begin_range(&self, number: u32, words: [u32; 6], step: u32) -> (u32, u32) {
        let [_, payload, limit, ..] = words;
        for (word, value) in (0..).zip(words) {
            self.set_range(number, word, value);
        }
        let bits = limit.saturating_sub(payload);
        let count = bits.div_ceil(SECTION * SUBSEQUENCE).max(1);
        let first = self.control.add(control::SECTIONS, count);
        self.set_range(number, range::FIRST_SECTION, first);
        self.set_range(number, range::SECTIONS, count);
        self.set_range(number, range::END_SECTION, NONE);
        self.set_range(number, range::END, 0);
        self.set_range(number, range::NEXT, NONE);
        self.set_range(number, range::LONGER, NONE);
        self.set_range(number, range::STEP, step);
        self.set_range(number, range::DEFECT, 0);
        self.set_range(number, range::STORED_BYTES, 0);
        self.set_range(number, range::STORED_END, 0);
        (first, count)
    }
}
