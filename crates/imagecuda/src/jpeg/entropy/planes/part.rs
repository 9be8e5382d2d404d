//! The masks and values that the scans record for some rows of blocks.

use crate::{Result, memory::zeroed};
use bytemuck::{Pod, Zeroable};
use imagecuda_kernels::jpeg::progressive::Start;
use std::vec;

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
pub(super) struct Part<'a> {
    /// Blocks in a row.
    pub(super) across: usize,
    pub(super) rows: usize,
    pub(super) masks: Vec<Masks>,
    /// For each refined bit position, each block's coefficients that have this bit set.
    pub(super) planes: Vec<Vec<u64>>,
    pub(super) streams: Vec<Stream>,
    /// What is recorded instead of all these.
    pub(super) starts: Option<Starts<'a>>,
}

/// Where blocks begin, and what is needed to find out.
#[derive(Debug)]
pub(super) struct Starts<'a> {
    /// For each block the coefficients that are not 0 so far.
    pub(super) nonzero: Vec<u64>,
    /// For each scan that is still to be read where its starts go: one for each block.
    pub(super) to: vec::IntoIter<&'a mut [Start]>,
}

impl Part<'_> {
    /// A part with planes.
    pub(super) fn new(across: usize, rows: usize, planes: usize) -> Result<Self> {
        let blocks = across * rows;
        Ok(Self {
            across,
            rows,
            masks: zeroed(blocks)?,
            planes: (0..planes).map(|_| zeroed(blocks)).collect::<Result<_>>()?,
            streams: Vec::new(),
            starts: None,
        })
    }
}
