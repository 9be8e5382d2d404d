//! The arguments of the kernel that makes the blocks of progressive pictures. All addresses are of
//! device memory.

use super::{super::picture::Picture, Band};
use bytemuck::{Pod, Zeroable};

/// A scan of AC coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AcScan {
    /// Its data without stuffing: `u32`, and [`READ_AHEAD`] more bytes.
    pub data: u64,
    /// A [`Start`](super::Start) for each block of its component, row by row, without the blocks
    /// that only fill MCUs.
    pub starts: u64,
    /// Its [`Symbols`](super::symbols::Symbols).
    pub symbols: u64,
    /// What it has.
    pub band: Band,
}

/// Bytes after the data that decoders may read. A block of a scan takes less than 256 bytes.
pub const READ_AHEAD: usize = 288;

/// Blocks that a thread block of `jpeg_blocks` makes, one for each thread.
pub const BLOCKS_THREADS: u32 = 128;

/// A scan of AC coefficients without restart markers, in which `jpeg_positions` finds where blocks begin. A thread
/// block takes the next job of a list, so a job may wait for those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PositionsJob {
    /// Its data without stuffing: `u32`, of [`bits`](Self::bits) bits, and [`READ_AHEAD`] more bytes.
    pub data: u64,
    /// Its [`Symbols`](super::symbols::Symbols).
    pub symbols: u64,
    /// Which AC coefficients of each block of its component are not zero: `u64`, in which number k has bit
    /// `63 - k`. The scans of a component have the same memory. The first one does not read it.
    pub nonzero: u64,
    /// Where each block begins: [`Start`](super::Start), as of [`AcScan::starts`].
    pub starts: u64,
    /// A `u32`: how many blocks are finished; 0 at first.
    pub progress: u64,
    /// The same of the scan of its component before, which has an earlier job; 0 if there is none.
    pub before: u64,
    /// A `u32` in which [`status`](super::super::scan::status) bits are set if the data are irregular.
    pub status: u64,
    /// What it has.
    pub band: Band,
    /// The bits of its data: below [`MOST_POSITION_BITS`].
    pub bits: u32,
    /// The blocks of its component, without those that only fill MCUs: below [`MOST_POSITION_BLOCKS`].
    pub blocks: u32,
}

/// The end of the bits of a scan for `jpeg_positions`, and of its blocks.
pub const MOST_POSITION_BITS: u32 = 1 << 29;
/// See [`MOST_POSITION_BITS`].
pub const MOST_POSITION_BLOCKS: u32 = 1 << 22;

/// Threads of a thread block of `jpeg_positions`.
pub const POSITIONS_THREADS: u32 = 160;

/// A picture whose blocks are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BlocksJob {
    /// The picture.
    pub picture: Picture,
    /// The DC coefficient of each block of the picture: `i16`.
    pub dc: u64,
    /// An [`AcScan`] for each scan of AC coefficients, those of the first component first, and then
    /// in the order of the file.
    pub scans: u64,
    /// The number of scans of each component and of those before it.
    pub scan_ends: [u32; 4],
    /// The picture's coefficients, of which all are written: their offset in bytes from an address
    /// that the launch passes.
    pub coefficients: u64,
    /// The thread blocks of the launch's pictures before this one.
    pub first_thread_block: u32,
    /// Zero.
    pub reserved: u32,
}

impl BlocksJob {
    /// The thread blocks for this picture.
    pub fn thread_blocks(&self) -> u32 {
        (self.picture.blocks() as u32).div_ceil(BLOCKS_THREADS)
    }
}
