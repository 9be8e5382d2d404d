//! The arguments of the encoding kernels. All addresses are of device memory.

use super::{coding::Tables, fdct::Divisors, frame::Frame};
use bytemuck::{Pod, Zeroable};

/// A picture that is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct EncodeJob {
    /// The picture.
    pub frame: Frame,
    /// The coefficients of each data unit, in zigzag order: `[i16; 64]`.
    pub coefficients: u64,
    /// A mask of those that are not zero: `u64`, for each data unit.
    pub masks: u64,
    /// Where each data unit begins, in bits from the start of its group: `u32`.
    pub offsets: u64,
    /// For each group its bits, and later where it begins: `u64`. One more is where the last one
    /// ends.
    pub groups: u64,
    /// The divisors of luma and of chroma.
    pub divisors: [Divisors; 2],
    /// The codes of luma and of chroma.
    pub tables: [Tables; 2],
}
