//! The memory on which the kernels of a picture work.

use super::picture::Picture;
use crate::png::block::{ThreadBlock, Words};
use bytemuck::{Pod, Zeroable};

/// Bits of a subsequence.
pub const SUBSEQUENCE: u32 = 512;
/// Subsequences of a section.
pub const SECTION: u32 = 120;
/// Subsequences before a section that its thread block also decodes.
pub const WARM_UP: u32 = 8;
/// Threads of a section's thread block.
pub const SECTION_THREADS: u32 = SECTION + WARM_UP;
/// Words after the data that readers may read.
pub const READ_AHEAD: u32 = 192;
/// No range, or no section.
pub const NONE: u32 = u32::MAX;
/// No place in the output.
pub const NOWHERE: u64 = u64::MAX;

/// The bits that say what is wrong with a picture. If none is set, the pixels are right.
pub mod status {
    /// Some known ranges are not decoded yet. More rounds may help.
    pub const UNFINISHED: u32 = 1;
    /// The chain of blocks breaks off.
    pub const BROKEN: u32 = 2;
    /// There is an invalid code.
    pub const BAD_CODE: u32 = 4;
    /// The data are longer or shorter than the picture, or do not end where they should.
    pub const LENGTH: u32 = 8;
    /// A match reaches back to before the first byte.
    pub const DISTANCE: u32 = 16;
    /// There are more things of some kind than there is room for.
    pub const CROWDED: u32 = 32;
    /// The checksum, Adler-32, is wrong.
    pub const CHECKSUM: u32 = 64;
    /// A row has a filter that does not exist.
    pub const FILTER: u32 = 128;
}

/// The words through which kernels communicate.
pub mod control {
    /// The [`status`](super::status) by which kernels decide. Only kernels with one thread block
    /// write it.
    pub const STATUS: u32 = 0;
    /// The status bits that all other kernels set.
    pub const PROBLEMS: u32 = 1;
    /// Candidates that were found.
    pub const CANDIDATES: u32 = 2;
    /// Positions at which the first bits can be those of a header.
    pub const HITS: u32 = 31;
    /// How many ranges there are, and how many of them are decoded.
    pub const RANGES: u32 = 3;
    pub const DECODED: u32 = 4;
    /// How many sections there are, and how many existed before this round.
    pub const SECTIONS: u32 = 5;
    pub const FIRST_SECTION: u32 = 6;
    /// Stored blocks.
    pub const STORED: u32 = 7;
    /// Strips of rows.
    pub const STRIPS: u32 = 8;
    /// For each plane, how many strips have a thread block.
    pub const TICKETS: u32 = 9;
    /// The number of these words.
    pub const WORDS: u32 = 32;
}

/// Words for the lengths of all codes of a block, of four bits each.
pub const LENGTH_WORDS: u32 = 40;

/// The words of a candidate's header. The first are its [`LENGTH_WORDS`].
pub mod candidate {
    /// The position of its codes.
    pub const PAYLOAD: u32 = super::LENGTH_WORDS;
    /// How many lengths there are for literals and lengths, and how many for distances.
    pub const LITERALS: u32 = PAYLOAD + 1;
    pub const DISTANCES: u32 = PAYLOAD + 2;
    /// The number of these words.
    pub const WORDS: u32 = 48;
}

/// The words of a range.
pub mod range {
    /// The positions of its header and of its codes.
    pub const HEAD: u32 = 0;
    pub const PAYLOAD: u32 = 1;
    /// The end of the part that is decoded: the head of the candidate with this number.
    pub const LIMIT: u32 = 2;
    pub const LIMIT_CANDIDATE: u32 = 3;
    /// Its table.
    pub const TABLE: u32 = 4;
    /// Flags: its block is the last one; it is a run of fixed blocks.
    pub const FLAGS: u32 = 5;
    pub const FINAL: u32 = 1;
    pub const FIXED: u32 = 2;
    /// Its first section, and its number of sections.
    pub const FIRST_SECTION: u32 = 6;
    pub const SECTIONS: u32 = 7;
    /// The section in which its block ends, counted from its first one.
    pub const END_SECTION: u32 = 8;
    /// The position at which its block ends.
    pub const END: u32 = 9;
    /// The range that follows it.
    pub const NEXT: u32 = 10;
    /// The longer range that replaces it.
    pub const LONGER: u32 = 11;
    /// How many candidates the next longer range skips.
    pub const STEP: u32 = 12;
    /// What is wrong with it: see [`super::defect`].
    pub const DEFECT: u32 = 13;
    /// The bytes of the stored blocks after it, and the position at which the last of them ends.
    pub const STORED_BYTES: u32 = 14;
    pub const STORED_END: u32 = 15;
    /// The number of these words.
    pub const WORDS: u32 = 16;
}

/// The bits that say what is wrong with a range.
pub mod defect {
    /// An invalid code.
    pub const BAD_CODE: u32 = 1;
    /// A section does not start where the one before it ended.
    pub const APART: u32 = 2;
    /// No block follows it.
    pub const NO_BLOCK: u32 = 4;
}

/// The words of a section.
pub mod section {
    /// The position of its first code, and of the first code after it.
    pub const ENTRY: u32 = 0;
    pub const EXIT: u32 = 1;
    /// Bytes that it makes.
    pub const BYTES: u32 = 2;
    /// The position at which the block ends in it; 0 if it does not.
    pub const END: u32 = 3;
    /// Whether it has an invalid code.
    pub const BAD: u32 = 4;
    /// The number of its range.
    pub const RANGE: u32 = 5;
    /// The number of these words.
    pub const WORDS: u32 = 8;
}

/// The number of words of a stored block: the place of its bytes, their number, the range before
/// it, and the number of bytes in stored blocks between the range and it.
pub const STORED_WORDS: u32 = 4;

/// The number of things of each kind for which there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Room {
    pub hits: u32,
    pub candidates: u32,
    pub ranges: u32,
    pub sections: u32,
    pub stored: u32,
}

impl Room {
    /// The room for data of this many bits.
    pub fn new(bits: u32) -> Self {
        let bytes = bits / 8;
        let candidates = (bytes / 1024 + 512).min(8192);
        let ranges = candidates + 512;
        Self {
            // There is one in 60 to 130 bytes, but periodic data may have many.
            hits: bytes / 16 + 16384,
            candidates,
            ranges,
            sections: 2 * (bits / (SECTION * SUBSEQUENCE)) + ranges + 256,
            stored: (bytes / 64 + 1024).min(16384),
        }
    }
}

/// All memory for decoding a picture.
#[derive(Clone, Copy)]
pub struct Work<G, L> {
    pub picture: Picture,
    pub room: Room,
    /// The file, and the pieces of the data in it. Each piece has two words: its first byte in the
    /// file, and in the data. After the last piece, the second word is the size of the data.
    pub file: G,
    pub pieces: G,
    pub piece_count: u32,
    /// The bit of the data at which the checksum starts. All blocks end before it.
    pub end: u32,
    /// The data.
    pub data: G,
    /// See [`control`].
    pub control: G,
    /// The positions at which the first bits can be those of a header, in any order.
    pub hits: G,
    /// The positions of candidates, in any order.
    pub candidates: G,
    /// See [`candidate`], in the same order.
    pub headers: G,
    /// A table for each candidate in their order, then that of fixed codes.
    pub tables: G,
    /// See [`range`].
    pub ranges: G,
    /// The bytes of each range, and the place of its first byte in the output.
    pub lengths: L,
    pub places: L,
    /// For finding the chain: pointers several ranges ahead, for two alternating steps, and the
    /// bytes they skip.
    pub jumps: G,
    pub sums: L,
    /// See [`section`].
    pub sections: G,
    /// For each section, the bytes of the sections before it.
    pub section_sums: L,
    /// For each subsequence, its bytes and the position of its first code.
    pub subsequences: G,
    /// See [`STORED_WORDS`].
    pub stored: G,
    /// The token of each byte that starts a symbol, two in a word. Other bytes have zeros.
    pub tokens: G,
    /// The value of each byte, or a link to the byte that has it.
    pub links: G,
    /// For each tile of links, whether some are not values yet.
    pub open_tiles: G,
    /// The checksum sums of each thread block of `png_pack`.
    pub checksums: G,
    /// The filter of each row.
    pub filters: G,
    /// The first row of each strip.
    pub strips: G,
    /// Bytes of rows, in planes.
    pub planes: G,
    /// The last rows of strips, passed to the next strip; zeros at first.
    pub hand_over: L,
    /// The colours of a palette.
    pub palette: G,
    /// The pixels.
    pub pixels: G,
}

/// The `Work` with the memory of a thread block's machine.
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

    /// The number of candidates, at most as many as there is room for.
    #[inline(always)]
    pub(super) fn candidate_count(&self) -> u32 {
        let found = self.control.get(control::CANDIDATES);
        found.min(self.room.candidates)
    }

    /// Initialises a range: its words and its sections. One thread does this. Returns the number of
    /// its first section.
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
