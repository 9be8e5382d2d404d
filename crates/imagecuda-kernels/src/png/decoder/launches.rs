//! The launches of the kernels, in order, for every machine.

use super::{
    chain, check, copies, find, pack,
    picture::Picture,
    pixels, synchronize, tables, unfilter,
    work::{READ_AHEAD, Room, SECTION, SECTION_THREADS, SUBSEQUENCE},
    write,
};
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// The kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    Gather,
    Find,
    Check,
    Tables,
    /// Decodes the sections of new ranges.
    Synchronize,
    /// Decodes sections again whose entry is not the exit before them.
    Resynchronize,
    Chain,
    Write,
    Expand,
    Jump,
    Pack,
    Strips,
    Unfilter,
    Pixels,
}

/// The number of kernels.
pub const KERNELS: usize = Kernel::Pixels as usize + 1;

/// A launch: a kernel, the number of its first thread block, thread blocks, and the threads of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    pub kernel: Kernel,
    pub first: u32,
    pub blocks: u32,
    pub threads: u32,
}

/// The rounds of a group of pictures. Data of dynamic blocks need one. A final fixed block needs another
/// one, and so does a run of fixed blocks in between.
const ROUNDS: u32 = 3;

/// The rounds of each try of a single picture. Nearly all need one. Data that are not proven right after the last
/// try are left to the host.
pub const TRIES: [u32; 4] = [1, 2, 3, 3];

/// The most thread blocks of kernels that loop over their work.
const MOST_BLOCKS: u32 = 8192;

/// Words of data that a thread block joins: one for each thread.
const GATHERED: u32 = 256;

/// Parts of the data begin at multiples of this many words.
pub const PART_WORDS: u32 = find::BLOCK_WORDS;
const _: () = assert!(PART_WORDS.is_multiple_of(GATHERED));

/// The sizes of a picture's data, from which the launches follow.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Bytes of the data, with their header and checksum.
    pub data_bytes: u32,
    pub room: Room,
}

impl Sizes {
    /// The sizes of `bytes` bytes of data, at least six.
    pub fn new(data_bytes: u32) -> Self {
        let mut sizes = Self {
            data_bytes,
            room: Room::default(),
        };
        sizes.room = Room::new(sizes.end());
        sizes
    }

    /// The bit of the data at which the checksum begins.
    pub fn end(&self) -> u32 {
        8 * (self.data_bytes - 4)
    }

    /// The words of memory for the data.
    pub fn data_words(&self) -> u32 {
        self.data_bytes.div_ceil(4) + READ_AHEAD
    }

    /// The launches for a part of the data. Parts follow each other from word 0 to
    /// [`data_words`](Self::data_words), and begin at multiples of [`PART_WORDS`].
    pub fn part(&self, words: Range<u32>) -> [Launch; 2] {
        let launch = |kernel, blocks: Range<u32>, threads| Launch {
            kernel,
            first: blocks.start,
            blocks: blocks.end.saturating_sub(blocks.start),
            threads,
        };
        let gathered = words.start / GATHERED..words.end.div_ceil(GATHERED);
        // A header may go on in the words after those of its thread block, so the last one waits for
        // the next part.
        let all = self.end().div_ceil(32).div_ceil(find::BLOCK_WORDS);
        let before = |end: u32| (end / find::BLOCK_WORDS).saturating_sub(1).min(all);
        let found = match words.end == self.data_words() {
            true => before(words.start)..all,
            false => before(words.start)..before(words.end),
        };
        [
            launch(Kernel::Gather, gathered, GATHERED),
            launch(Kernel::Find, found, find::THREADS),
        ]
    }

    /// The launches after those of all parts and before the rounds.
    pub fn first(&self) -> [Launch; 2] {
        let launch = |kernel, blocks, threads| Launch {
            kernel,
            first: 0,
            blocks,
            threads,
        };
        let tables = self.room.candidates.min(MOST_BLOCKS / 4);
        // As many as positions usually need.
        let checks = self
            .data_bytes
            .div_ceil(64 * check::THREADS)
            .min(MOST_BLOCKS);
        [
            launch(Kernel::Check, checks, check::THREADS),
            launch(Kernel::Tables, tables, tables::THREADS),
        ]
    }

    /// All launches of a picture whose data are there, in order.
    pub fn all(&self, picture: &Picture) -> impl Iterator<Item = Launch> {
        let rounds = (0..ROUNDS).flat_map(|_| self.round());
        let before = self.part(0..self.data_words()).into_iter();
        let before = before.chain(self.first()).chain(rounds);
        before.chain(self.last(picture))
    }

    /// The thread blocks that a picture has of each kernel.
    pub fn blocks(&self, picture: &Picture) -> [u32; KERNELS] {
        let mut blocks = [0; KERNELS];
        for launch in self.all(picture) {
            blocks[launch.kernel as usize] = launch.blocks;
        }
        blocks
    }

    /// The launches of one round.
    pub fn round(&self) -> [Launch; 3] {
        let launch = |kernel, blocks, threads| Launch {
            kernel,
            first: 0,
            blocks,
            threads,
        };
        [
            launch(Kernel::Synchronize, self.section_blocks(), SECTION_THREADS),
            launch(
                Kernel::Resynchronize,
                self.section_blocks(),
                SECTION_THREADS,
            ),
            launch(Kernel::Chain, 1, chain::THREADS),
        ]
    }

    /// The number of thread blocks that sections usually need.
    fn section_blocks(&self) -> u32 {
        let sections = self.end() / (SECTION * SUBSEQUENCE) + 512;
        sections.min(MOST_BLOCKS)
    }

    /// The launches after the rounds, which end with pixels.
    pub fn last(&self, picture: &Picture) -> [Launch; 7] {
        let launch = |kernel, blocks, threads| Launch {
            kernel,
            first: 0,
            blocks,
            threads,
        };
        let tiles = picture.filtered_bytes().div_ceil(copies::TILE);
        let chunks = pack::chunks(picture) * picture.height;
        let strips = pack::most_strips(picture.height) * picture.planes();
        let pixels = match picture.has_groups() {
            true => picture.width / 4 * picture.height,
            false => (picture.width * picture.height * picture.pixel_bytes()).div_ceil(4),
        };
        let pixels = pixels.div_ceil(pixels::THREADS);
        [
            launch(Kernel::Write, self.section_blocks(), SECTION_THREADS),
            launch(Kernel::Expand, tiles, copies::THREADS),
            launch(Kernel::Jump, tiles, copies::JUMP_THREADS),
            launch(Kernel::Pack, chunks, pack::THREADS),
            launch(Kernel::Strips, 1, pack::STRIPS_THREADS),
            launch(Kernel::Unfilter, strips, unfilter::THREADS),
            launch(Kernel::Pixels, pixels, pixels::THREADS),
        ]
    }
}

impl Kernel {
    /// Words of shared memory.
    pub const fn shared(self) -> u32 {
        match self {
            Self::Find => find::SHARED,
            Self::Check => check::SHARED,
            Self::Tables => tables::SHARED,
            Self::Synchronize | Self::Resynchronize => synchronize::SHARED,
            Self::Chain => chain::SHARED,
            Self::Write => write::SHARED,
            Self::Expand => copies::SHARED,
            Self::Strips => pack::STRIPS_SHARED,
            Self::Unfilter => unfilter::SHARED,
            _ => 0,
        }
    }
}

/// The lengths of the parts of memory, in words or in numbers of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lengths {
    pub data: u32,
    pub hits: u32,
    pub candidates: u32,
    pub headers: u32,
    pub tables: u32,
    pub ranges: u32,
    pub lengths: u32,
    pub jumps: u32,
    pub sections: u32,
    pub section_sums: u32,
    pub subsequences: u32,
    pub stored: u32,
    pub tokens: u32,
    pub open_tiles: u32,
    pub checksums: u32,
    pub filters: u32,
    pub strips: u32,
    pub planes: u32,
    pub hand_over: u32,
    pub pixels: u32,
}

impl Lengths {
    /// The number of links: one for each token.
    pub fn links(&self) -> u32 {
        2 * self.tokens
    }

    /// The lengths for a picture.
    pub fn new(sizes: &Sizes, picture: &Picture) -> Self {
        let Room {
            hits,
            candidates,
            ranges,
            sections,
            stored,
        } = sizes.room;
        let rows = picture.height;
        let pixels = picture.width * picture.height * picture.pixel_bytes();
        Self {
            data: sizes.data_words(),
            hits,
            candidates,
            headers: candidates * super::work::candidate::WORDS,
            tables: (candidates + 1) * tables::TABLE_WORDS,
            ranges: ranges * super::work::range::WORDS,
            lengths: ranges + 2,
            jumps: 2 * (ranges + 2),
            sections: sections * super::work::section::WORDS,
            section_sums: sections,
            subsequences: sections * SECTION,
            stored: stored * super::work::STORED_WORDS,
            // Whole fours of words, each of two tokens.
            tokens: picture.filtered_bytes().div_ceil(8) * 4,
            open_tiles: picture.filtered_bytes().div_ceil(copies::TILE),
            checksums: 2 * rows * pack::chunks(picture),
            filters: rows,
            strips: pack::most_strips(rows) + 1,
            planes: picture.plane_words(),
            hand_over: pack::most_strips(rows) * picture.planes() * picture.stride(),
            pixels: pixels.div_ceil(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_launch_has_blocks_and_threads() {
        let picture = Picture {
            width: 1,
            height: 1,
            depth: 1,
            ..Picture::default()
        };
        for data_bytes in (6..300).chain([8191, 8192, 1 << 20, (1 << 28) - 1]) {
            let sizes = Sizes::new(data_bytes);
            let (first, round, last) = (sizes.first(), sizes.round(), sizes.last(&picture));
            let all = sizes.part(0..sizes.data_words());
            for launch in all.iter().chain(&first).chain(&round).chain(&last) {
                let is_right = launch.blocks > 0 && launch.threads > 0;
                assert!(is_right, "{data_bytes} bytes: {launch:?}");
            }
        }
    }

    #[test]
    fn parts_are_the_whole() {
        for data_bytes in [6, 8192, 16_384, 16_388, 24_580, 1 << 20, 5_000_000] {
            let sizes = Sizes::new(data_bytes);
            let end = sizes.data_words();
            let whole = sizes.part(0..end);
            for step in [1, 2, 5, 100] {
                let mut next = whole.map(|launch| launch.first);
                let mut from = 0;
                while from < end {
                    let to = end.min(from + step * PART_WORDS);
                    for (launch, next) in sizes.part(from..to).iter().zip(&mut next) {
                        assert!(launch.blocks == 0 || launch.first == *next, "{launch:?}");
                        *next += launch.blocks;
                    }
                    from = to;
                }
                let all = whole.map(|launch| launch.first + launch.blocks);
                assert_eq!(next, all, "{data_bytes} bytes, {step}");
            }
        }
    }
}
