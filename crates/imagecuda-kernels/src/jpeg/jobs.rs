//! The arguments of the decoding kernels: the scans, and then the picture, of a launch. All
//! addresses are of device memory.

use super::{
    picture::{BLOCK, Picture},
    scan::Scan,
    stuffing::CHUNK,
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
    /// A [`Table`](super::huffman::Table) for each Huffman table.
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
    /// The sections of the launch's scans before this one.
    pub first_section: u32,
    /// Zero.
    pub reserved: u32,
}

/// Bytes after the data that decoders read ahead, and that mean nothing.
pub const READ_AHEAD: usize = 256;

impl ScanJob {
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

/// A picture whose coefficients are decoded, and that is to become pixels.
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
}
