//! The arguments of the decoding kernels: the scans, and then the picture, of a launch. All
//! addresses are of device memory.

use super::{
    huffman::Table,
    picture::{BLOCK, Picture},
    scan::Scan,
    stuffing::CHUNK,
    tile::{TILE, tiles_down},
};
use bytemuck::{Pod, Zeroable};

/// The most Huffman tables that the kernels take of a scan: as many as fit shared memory on every
/// GPU. The standard allows more, but files have two or four.
pub const MAX_TABLES: usize = 4;

/// A scan that is to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct ScanJob {
    /// The scan.
    pub scan: Scan,
    /// The groups of the launch's scans before this one.
    pub first_group: u32,
    /// Huffman tables of the scan.
    pub table_count: u32,
    /// The chunks of the launch's scans before this one.
    pub first_chunk: u32,
    /// Bytes of the file's data.
    pub file_bytes: u32,
    /// The file's data, with stuffing and markers, aligned to 16.
    pub file: u64,
    /// For each chunk of the file's data, how many bytes before it are kept: `u32`.
    pub kept_before: u64,
    /// The unstuffed data: `u32`, zeros at first, and [`READ_AHEAD`] more bytes.
    pub data: u64,
    /// A [`Segment`](super::scan::Segment) for each segment.
    pub segments: u64,
    /// A [`Table`] for each Huffman table.
    pub tables: u64,
    /// [`SECTION_NODES`](super::sections::SECTION_NODES) of each section:
    /// [`Node`](super::sections::Node).
    pub nodes: u64,
    /// [`SLOTS`](super::sections::SLOTS) of each section:
    /// [`SectionExit`](super::sections::SectionExit); and as many to mend sections with.
    pub exits: u64,
    /// A [`SectionEntry`](super::sections::SectionEntry) for each section.
    pub entries: u64,
    /// For each subsequence the [`DcSums`](super::scan::DcSums) before it, within its group and
    /// segment.
    pub dc_sums: u64,
    /// A [`GroupDc`](super::groups::GroupDc) for each group.
    pub group_dc: u64,
    /// A [`BlockOrigin`](super::groups::BlockOrigin) for each block of the picture.
    pub block_origins: u64,
    /// The picture's coefficients, zeros at first.
    pub coefficients: u64,
    /// A `u32` that [`status`](super::scan::status) bits are set in.
    pub status: u64,
    /// A `u32` that counts the groups whose coefficients are written, 0 at first.
    pub written_groups: u64,
    /// Zero.
    pub reserved: u64,
    /// The sections of the launch's scans before this one.
    pub first_section: u32,
    /// A bit for each Huffman table, the first one's lowest: whether it has subtables.
    pub with_subtables: u32,
}

/// Bytes after the data that decoders read ahead, and that mean nothing.
pub const READ_AHEAD: usize = 256;

impl ScanJob {
    /// Bytes of shared memory that the tables take.
    #[inline(always)]
    pub fn table_bytes(&self) -> u32 {
        Table::start(self.with_subtables, self.table_count)
    }

    /// The chunks of the file's data.
    #[inline(always)]
    pub fn chunks(&self) -> u32 {
        self.file_bytes.div_ceil(CHUNK as u32)
    }
}

/// Where to find what is to be added to a component's DC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DcAddresses {
    /// [`ScanJob::dc_sums`] of its scan; 0 if nothing is to be added.
    pub dc_sums: u64,
    /// [`ScanJob::group_dc`] of its scan.
    pub group_dc: u64,
    /// Subsequences of a group.
    pub group_len: u64,
}

/// Threads of a thread block of the kernels that make pixels.
pub const PIXEL_THREADS: u32 = 128;

/// Blocks of coefficients for a thread block of `jpeg_inverse`: eight threads share one.
pub const INVERSE_BLOCKS: u32 = PIXEL_THREADS / 8;

/// Pixels of a row for a warp of the kernels after it: each thread makes a tile.
pub const ROW_PIXELS: u32 = 32 * TILE;

/// Tiles from top to bottom for a thread block of these kernels: one for each warp.
pub const ROW_TILES: u32 = PIXEL_THREADS / 32;

/// A picture whose coefficients are decoded, and that is to become pixels. One launch makes the
/// pixels of many pictures. Memory is named by offsets in bytes from addresses that the launch
/// passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PictureJob {
    /// The picture.
    pub picture: Picture,
    /// Each component's divisors, in natural order.
    pub quantizers: [[u16; BLOCK]; 4],
    /// What is to be added to each component's DC.
    pub dc: [DcAddresses; 4],
    /// [`ScanJob::block_origins`].
    pub block_origins: u64,
    /// The picture's coefficients.
    pub coefficients: u64,
    /// Its samples.
    pub samples: u64,
    /// Its pixels.
    pub pixels: u64,
    /// The curves and the matrix that convert its colours, for `jpeg_to_shaped`.
    pub shaper: u64,
    /// The thread blocks of `jpeg_inverse` for the launch's pictures before this one.
    pub first_inverse: u32,
    /// The thread blocks of the kernel that makes pixels, for the launch's pictures before this one.
    pub first_row: u32,
    /// Samples on a side of the blocks of each component: [`Scaled::sizes`](super::scaled::Scaled::sizes).
    pub sizes: [u32; 4],
}

const _: () = assert!(size_of::<PictureJob>().is_multiple_of(16));

impl Picture {
    /// The thread blocks of a row of tiles.
    #[inline(always)]
    fn blocks_of_row(&self) -> u32 {
        self.width.div_ceil(ROW_PIXELS)
    }

    /// The thread blocks of the kernel that makes the picture's pixels.
    pub fn pixel_blocks(&self) -> u32 {
        self.blocks_of_row() * tiles_down(self.height).div_ceil(ROW_TILES)
    }
}

impl PictureJob {
    /// The thread blocks of `jpeg_inverse` for this picture.
    pub fn inverse_blocks(&self) -> u32 {
        (self.picture.blocks() as u32).div_ceil(INVERSE_BLOCKS)
    }

    /// The thread blocks of the kernel that makes this picture's pixels.
    pub fn pixel_blocks(&self) -> u32 {
        self.picture.pixel_blocks()
    }

    /// The first tile that a thread block makes: how many there are to its left, and above it.
    #[inline(always)]
    pub fn first_tile_of_block(&self, number: u32) -> (u32, u32) {
        let of_row = self.picture.blocks_of_row();
        let row = number / of_row;
        ((number - row * of_row) * 32, row * ROW_TILES)
    }
}

/// The number of the job that a thread block works on. Jobs are in the order of their first thread
/// blocks, which `first` tells of a job's number.
#[inline(always)]
pub fn job_of_block(count: u32, block: u32, first: impl Fn(usize) -> u32) -> usize {
    let (mut low, mut high) = (0, count as usize);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if first(middle) <= block {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
