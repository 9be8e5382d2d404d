//! What the scans leave of some rows of blocks.

use crate::{Result, memory::zeroed};
use bytemuck::{Pod, Zeroable};

/// Sets of a block's AC coefficients: number k in zigzag order is bit 63 - k, so that what comes
/// first is highest.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Masks {
    /// Those that are not 0 so far.
    pub(super) nonzero: u64,
    /// Those that came in a first scan.
    pub(super) first: u64,
    /// Those that came in a refinement, and are negative.
    pub(super) negative: u64,
}

/// The values of a first scan, block by block.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) band: u64,
    /// With [`PADDING`](Self::PADDING) behind them.
    pub(super) values: Vec<i16>,
    /// Where each row of blocks begins.
    pub(super) rows: Vec<u32>,
}

impl Stream {
    /// Values are read four at a time.
    pub(super) const PADDING: usize = 3;
}

/// Rows of blocks of one component, without those that only fill MCUs.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Blocks in a row.
    pub(super) across: usize,
    pub(super) rows: usize,
    pub(super) masks: Vec<Masks>,
    /// For each bit that refinements bring, the coefficients that have it.
    pub(super) planes: Vec<Vec<u64>>,
    pub(super) streams: Vec<Stream>,
}

impl Part {
    pub(super) fn new(across: usize, rows: usize, planes: usize) -> Result<Self> {
        let blocks = across * rows;
        Ok(Self {
            across,
            rows,
            masks: zeroed(blocks)?,
            planes: (0..planes).map(|_| zeroed(blocks)).collect::<Result<_>>()?,
            streams: Vec::new(),
        })
    }
}
