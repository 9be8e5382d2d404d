//! What the kernels are told of a picture. Addresses are those of device memory.

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
    /// Which of them are not zero: a `u64` for each data unit.
    pub masks: u64,
    /// Where each data unit begins, in bits from the start of its group: `u32`.
    pub offsets: u64,
    /// How many bits each group has; then where it begins: `u64`, and one more for the end of all.
    pub groups: u64,
    /// What luma and chroma are divided by.
    pub divisors: [Divisors; 2],
    /// Their codes.
    pub tables: [Tables; 2],
}
