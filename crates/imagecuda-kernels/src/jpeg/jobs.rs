//! What a kernel is told of the scans, or of the pictures, that one launch works on. Addresses are
//! those of device memory.

use super::{
    huffman::Table,
    picture::{BLOCK, Picture},
    scan::{Scan, SegmentAt},
};
use bytemuck::{Pod, Zeroable};

/// Huffman tables that a scan can have.
pub const TABLES: usize = 8;

/// A scan that is to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ScanJob {
    /// The scan.
    pub scan: Scan,
    /// The number of its first group among those of the launch.
    pub first_group: u32,
    /// Tables of the scan.
    pub table_count: u32,
    /// Whole words of data.
    pub word_count: u64,
    /// The data: [`word_count`](Self::word_count) `u32`.
    pub words: u64,
    /// The scan's segments: [`SegmentAt`].
    pub segments: u64,
    /// The scan's tables: [`Table`].
    pub tables: u64,
    /// An [`Exit`](super::scan::Exit) for each subsequence.
    pub exits: u64,
    /// A [`Found`](super::groups::Found) for each group.
    pub found: u64,
    /// The coefficients of the picture, zeros.
    pub coefficients: u64,
    /// A `u32` that gets a [`status`](super::scan::status).
    pub status: u64,
    /// Zero.
    pub reserved: u64,
}

/// A picture whose coefficients are to become pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PictureJob {
    /// The picture.
    pub picture: Picture,
    /// Each component's divisors, in natural order.
    pub quantizers: [[u16; BLOCK]; 4],
}

const _: () = {
    assert!(size_of::<Table>() % 16 == 0);
    assert!(size_of::<ScanJob>() % 8 == 0);
    assert!(size_of::<SegmentAt>() == 12);
};
