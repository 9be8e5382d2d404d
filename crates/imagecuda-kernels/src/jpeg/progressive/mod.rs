//! Progressive files: the coefficients of each block, from where it begins in each scan.
//!
//! A refinement has a bit for each coefficient that is not zero so far. So where a block ends
//! depends on all scans before, and scans have to be read in order. That is done once, for the
//! positions alone: it gives the **start** of each block in each scan. Then blocks do not depend on
//! each other any more, and each thread of a kernel decodes one.
//!
//! - [`Start`]: where a block begins in a scan.
//! - [`symbols`]: Huffman codes, one at a time.
//! - [`block`]: all scans of a block.
//! - [`positions`]: where blocks begin, as a kernel finds it. The host can find it too.
//! - [`jobs`]: the arguments of the kernels.
//! - `cpu_emulation`: the kernels on the CPU.

pub mod block;
#[cfg(not(target_arch = "nvptx64"))]
pub mod cpu_emulation;
pub mod jobs;
pub mod positions;
pub mod symbols;

use bytemuck::{Pod, Zeroable};

/// Where a block begins in the data of a scan of AC coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Start(u32);

impl Start {
    /// The end of positions.
    pub const MOST_BITS: u32 = 1 << 31;

    /// The block begins at a bit of the data, below [`MOST_BITS`](Self::MOST_BITS). If it
    /// `is_ended`, it is in an end-of-block run, and has no symbols.
    #[inline(always)]
    pub fn new(bit: u32, is_ended: bool) -> Self {
        Self(bit & !Self::MOST_BITS | if is_ended { Self::MOST_BITS } else { 0 })
    }

    /// The number of its first bit.
    #[inline(always)]
    pub fn bit(self) -> u32 {
        self.0 & !Self::MOST_BITS
    }

    /// Whether it is in an end-of-block run.
    #[inline(always)]
    pub fn is_ended(self) -> bool {
        self.0 & Self::MOST_BITS != 0
    }
}

/// The AC coefficients that a scan has, and which of their bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Band {
    /// The first and the last coefficient, in zigzag order: from 1 to 63.
    pub first: u32,
    /// See [`first`](Self::first).
    pub last: u32,
    /// The position of the scan's lowest bit.
    pub low: u32,
    /// 1 if the scan adds this bit to coefficients that other scans began; otherwise 0.
    pub refines: u32,
}
