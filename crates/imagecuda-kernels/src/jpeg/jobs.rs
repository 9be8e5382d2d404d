//! What a kernel is told of the scans, or of the pictures, that one launch works on. Addresses are
//! those of device memory.

use super::{
    picture::{BLOCK, Picture},
    scan::Scan,
    stuffing::CHUNK,
};
use bytemuck::{Pod, Zeroable};

/// Huffman tables that a scan can have; as many fit shared memory anywhere. A scan can have more,
/// but files have two or four.
pub const MAX_TABLES: usize = 4;

/// A scan that is to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct ScanJob {
    /// The scan.
    pub scan: Scan,
    /// The number of its first group among those of the launch.
    pub first_group: u32,
    /// Tables of the scan.
    pub table_count: u32,
    /// The number of its first chunk among those of the launch.
    pub first_chunk: u32,
    /// The bytes of the data as the file has them.
    pub file_bytes: u32,
    /// The data as the file has them, aligned to 16.
    pub file: u64,
    /// How many bytes before each chunk of those are not dropped: `u32`.
    pub kept_before: u64,
    /// The data: `u32`, zeros at first, and [`READ_AHEAD`] behind them.
    pub data: u64,
    /// The scan's segments: [`Segment`](super::scan::Segment).
    pub segments: u64,
    /// The scan's tables: [`Table`](super::huffman::Table).
    pub tables: u64,
    /// [`SECTION_NODES`](super::sections::SECTION_NODES) of each section: [`Node`](super::sections::Node).
    pub nodes: u64,
    /// [`SLOTS`](super::sections::SLOTS) of each section: [`SectionExit`](super::sections::SectionExit).
    pub exits: u64,
    /// A [`SectionEntry`](super::sections::SectionEntry) for each section.
    pub entries: u64,
    /// The [`DcSums`](super::scan::DcSums) before each subsequence, in its group and segment.
    pub dc_sums: u64,
    /// A [`GroupDc`](super::groups::GroupDc) for each group.
    pub group_dc: u64,
    /// An [`BlockOrigin`](super::groups::BlockOrigin) for each block of the picture.
    pub block_origins: u64,
    /// The coefficients of the picture, zeros.
    pub coefficients: u64,
    /// A `u32` that gets a [`status`](super::scan::status).
    pub status: u64,
    /// The number of its first section among those of the launch.
    pub first_section: u32,
    /// Zero.
    pub reserved: u32,
}

/// Bytes that are read behind the data, and mean nothing.
pub const READ_AHEAD: usize = 256;

impl ScanJob {
    /// How many chunks its data in the file are.
    #[inline(always)]
    pub fn chunks(&self) -> u32 {
        self.file_bytes.div_ceil(CHUNK as u32)
    }
}

/// A component's sums of DC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DcAddresses {
    /// As [`ScanJob::dc_sums`] of its scan; 0 if coefficients need nothing added.
    pub dc_sums: u64,
    /// As [`ScanJob::group_dc`] of its scan.
    pub group_dc: u64,
    /// Subsequences of a group in its scan.
    pub group_len: u64,
}

/// A picture whose coefficients are to become pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PictureJob {
    /// The picture.
    pub picture: Picture,
    /// Each component's divisors, in natural order.
    pub quantizers: [[u16; BLOCK]; 4],
    /// What is to be added to the components' first coefficients.
    pub dc: [DcAddresses; 4],
    /// As [`ScanJob::block_origins`].
    pub block_origins: u64,
}
