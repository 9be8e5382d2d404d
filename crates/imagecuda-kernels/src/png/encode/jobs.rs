//! The arguments of the encoding kernels. All addresses are of device memory.

use super::scanlines::Scanlines;
use bytemuck::{Pod, Zeroable};

/// A picture that is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct EncodeJob {
    /// The picture.
    pub lines: Scanlines,
    /// The pixels, row by row.
    pub pixels: u64,
    /// The filter of each row: `u8`.
    pub filters: u64,
    /// The filtered bytes: [`CHUNK`](super::scanlines::CHUNK) for every chunk.
    pub data: u64,
    /// [`MOST`](super::matches::MOST) [`Match`](super::matches::Match)es for every chunk.
    pub matches: u64,
    /// How many there are of them: `u32` for every chunk.
    pub match_counts: u64,
    /// [`Sums`](super::checksum::Sums) of every chunk.
    pub sums: u64,
    /// How often each symbol occurs: `[u32; SYMBOLS]` for every chunk.
    pub counts: u64,
    /// The codes: `[u32; SYMBOLS]` for every block.
    pub codes: u64,
    /// The headers: `[u32; WORDS]` for every block.
    pub headers: u64,
    /// The bits of the headers: `u32` for every block.
    pub header_bits: u64,
    /// For each chunk its bits, and later the bit at which it begins: `u64`. One more is the bit
    /// after the last chunk, and another one Adler-32.
    pub positions: u64,
}
