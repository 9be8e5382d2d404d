//! The arguments of the kernel that makes the blocks of progressive pictures. All addresses are of
//! device memory.

use super::{
    super::{picture::Picture, scan::BlockGrid},
    Band,
    chain::{Purpose, Steps},
    symbols::Symbols,
};
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

/// A Huffman table of a scan.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Table {
    /// What 11 bits show.
    pub steps: Steps,
    /// All codes.
    pub symbols: Symbols,
}

impl Table {
    /// The table for a purpose.
    pub fn new(symbols: Symbols, purpose: Purpose) -> Self {
        Self {
            steps: Steps::new(&symbols, purpose),
            symbols,
        }
    }
}

/// The data of an interval between restart markers: the number of its first bit, and of the bit
/// after its last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Interval {
    /// The number of the first bit.
    pub start: u32,
    /// The number of the bit after the last one.
    pub end: u32,
}

/// The blocks of a component in an MCU of a scan of DC coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct DcUnit {
    /// The blocks.
    pub blocks: BlockGrid,
    /// The number of its table.
    pub table: u32,
    /// Zero.
    pub reserved: [u32; 3],
}

/// The most blocks of an MCU.
pub const MOST_UNITS: usize = 10;

/// The most Huffman tables of a scan.
pub const MOST_TABLES: usize = 4;

/// The kinds of scans: numbers for [`ChainJob::kind`].
pub mod kind {
    /// Differences of DC coefficients.
    pub const DC: u32 = 0;
    /// One more bit of DC coefficients.
    pub const DC_BITS: u32 = 1;
    /// AC coefficients.
    pub const FIRST: u32 = 2;
    /// One more bit of AC coefficients.
    pub const REFINEMENT: u32 = 3;
}

/// A scan that a thread block follows from its first block to the last. A thread block takes the
/// next job of a list, so a job may wait for those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct ChainJob {
    /// What it has. For DC coefficients the first and the last are 0.
    pub band: Band,
    /// For DC coefficients, the blocks of an MCU: the first [`unit_count`](Self::unit_count).
    pub units: [DcUnit; MOST_UNITS],
    /// Its data without stuffing: `u32`, and [`READ_AHEAD`] more bytes.
    pub data: u64,
    /// An [`Interval`] for each.
    pub intervals: u64,
    /// Its [`Table`]s.
    pub tables: u64,
    /// Which AC coefficients of a component's blocks are not zero: `u64`. The scans of a component
    /// take turns.
    pub masks: u64,
    /// [`AcScan::starts`], or [`BlocksJob::dc`].
    pub results: u64,
    /// A `u32`: how many groups of [`GROUP`] blocks are finished; 0 at first.
    pub progress: u64,
    /// The same of the scan to follow, 0 if there is none.
    pub followed: u64,
    /// A `u32` that [`status`](super::super::scan::status) bits are set in.
    pub status: u64,
    /// One of [`kind`].
    pub kind: u32,
    /// Its blocks.
    pub blocks: u32,
    /// Blocks of an interval.
    pub interval: u32,
    /// Huffman tables.
    pub table_count: u32,
    /// Blocks of an MCU, and MCUs in a row.
    pub unit_count: u32,
    /// See [`unit_count`](Self::unit_count).
    pub mcus_x: u32,
    /// Zero.
    pub reserved: [u32; 2],
}

const _: () = assert!(size_of::<Table>().is_multiple_of(16));

/// Blocks that a thread block treats together.
pub const GROUP: u32 = 32;

/// Threads of a thread block of `jpeg_chain`: a warp that follows the scan, and one that does the
/// rest.
pub const CHAIN_THREADS: u32 = 64;

impl ChainJob {
    /// What its tables are for.
    #[inline(always)]
    pub fn purpose(&self) -> Purpose {
        match self.kind {
            kind::FIRST => Purpose::First(self.band.low),
            kind::REFINEMENT => Purpose::Refinement,
            _ => Purpose::Dc,
        }
    }

    /// For DC coefficients the unit of a block of the scan, and the block's number in the picture.
    #[inline(always)]
    pub fn unit(&self, number: u32) -> (&DcUnit, u32) {
        let mcu = number / self.unit_count;
        let unit = (number - mcu * self.unit_count) as usize;
        // For the compiler: the number is below 10.
        let unit = &self.units[if unit < MOST_UNITS { unit } else { 0 }];
        let row = mcu / self.mcus_x;
        (unit, unit.blocks.block(mcu - row * self.mcus_x, row))
    }
}

/// Bytes after the data that decoders may read. A block of a scan takes less than 256 bytes.
pub const READ_AHEAD: usize = 288;

/// Blocks that a thread block of `jpeg_blocks` makes, one for each thread.
pub const BLOCKS_THREADS: u32 = 128;

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
