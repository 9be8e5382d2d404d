//! The masks and values that the scans record for some rows of blocks.

use crate::{Result, memory::zeroed};
use bytemuck::{Pod, Zeroable};
use imagecuda_kernels::jpeg::progressive::Start;

/// Sets of a block's AC coefficients. Number k in zigzag order is bit 63 - k, so the first one is
/// the highest bit.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Masks {
    /// The coefficients that are not 0 so far.
    pub(super) nonzero: u64,
    /// The coefficients that appeared in a first scan.
    pub(super) first: u64,
    /// The negative ones among those that appeared in a refinement.
    pub(super) negative: u64,
}

/// The values that one first scan found, block by block.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) band: u64,
    /// The values, then [`PADDING`](Self::PADDING) zeros.
    pub(super) values: Vec<i16>,
    /// The number of each row's first value.
    pub(super) rows: Vec<u32>,
}

impl Stream {
    /// Values are read four at a time, so up to three more than exist.
    pub(super) const PADDING: usize = 3;
}

/// Some rows of blocks of one component, without the blocks that only fill MCUs.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Blocks in a row.
    pub(super) across: usize,
    pub(super) rows: usize,
    pub(super) masks: Vec<Masks>,
    /// For each refined bit position, each block's coefficients that have this bit set.
    pub(super) planes: Vec<Vec<u64>>,
    pub(super) streams: Vec<Stream>,
    /// Instead of planes and streams, for each scan where each block begins.
    pub(super) starts: Option<Vec<Vec<Start>>>,
}

impl Part {
    /// `planes` is the number of planes, or `None` to record where blocks begin instead.
    pub(super) fn new(across: usize, rows: usize, planes: Option<usize>) -> Result<Self> {
        let blocks = across * rows;
        let all = 0..planes.unwrap_or(0);
        Ok(Self {
            across,
            rows,
            masks: zeroed(blocks)?,
            planes: all.map(|_| zeroed(blocks)).collect::<Result<_>>()?,
            streams: Vec::new(),
            starts: planes.is_none().then(Vec::new),
        })
    }
}
