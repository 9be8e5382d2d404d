//! The argument of the kernels on a GPU.

use super::{
    launches::{KERNELS, Lengths},
    picture::Picture,
    work::Room,
};
use bytemuck::{Pod, Zeroable};

/// A picture to decode, one of those of a launch: the memory of a [`Work`](super::work::Work) as device addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DecodeJob {
    pub picture: Picture,
    pub room: Room,
    pub lengths: Lengths,
    pub file_words: u32,
    pub piece_count: u32,
    pub end: u32,
    /// The thread blocks of each kernel. Where other pictures have more, the rest does nothing.
    pub blocks: [u32; KERNELS],
    pub file: u64,
    pub pieces: u64,
    pub data: u64,
    pub control: u64,
    pub hits: u64,
    pub candidates: u64,
    pub headers: u64,
    pub tables: u64,
    pub ranges: u64,
    pub range_lengths: u64,
    pub places: u64,
    pub jumps: u64,
    pub sums: u64,
    pub sections: u64,
    pub section_sums: u64,
    pub subsequences: u64,
    pub stored: u64,
    pub tokens: u64,
    pub links: u64,
    pub open_tiles: u64,
    pub checksums: u64,
    pub filters: u64,
    pub strips: u64,
    pub planes: u64,
    pub hand_over: u64,
    pub palette: u64,
    pub pixels: u64,
}
