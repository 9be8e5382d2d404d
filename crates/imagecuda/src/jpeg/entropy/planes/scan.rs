//! A scan of AC coefficients on its way through the blocks.

use super::{
    bits::{Intervals, Reader},
    first::{self, FirstTable},
    part::Part,
    places::Processor,
    refine::{self, RefineTable},
};
use crate::{jpeg::file::Scan, memory::zeroed};

/// Bits that are looked up at once.
pub(super) const LOOKUP: u32 = 11;

/// A scan.
#[derive(Debug)]
pub(super) struct AcScan<'a> {
    table: Table,
    progress: Progress<'a>,
}

/// Where a scan is, between two parts.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    pub(super) reader: Reader<'a>,
    /// The coefficients.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The same as a mask.
    pub(super) band: u64,
    /// The bit that comes now.
    pub(super) low: u8,
    /// Blocks that have no new coefficients.
    pub(super) empty: u32,
    /// For a row of blocks, the coefficients that are found.
    pub(super) found: Vec<u64>,
    /// For a part, the values of these.
    pub(super) values: Vec<i16>,
    /// The number of the plane that is filled.
    pub(super) plane: usize,
}

#[derive(Debug)]
enum Table {
    First(FirstTable),
    Refine(RefineTable),
}

impl<'a> AcScan<'a> {
    /// A scan of a component that has `across` blocks in a row, and at most `blocks` in a part.
    /// `refined` are the bits that have planes.
    pub(super) fn new(
        scan: &Scan,
        intervals: &'a Intervals,
        (across, blocks): (usize, usize),
        refined: &[u8],
    ) -> Option<Self> {
        let (first, last) = scan.spectral;
        let (before, low) = scan.approximation;
        let huffman = scan.components.first()?.ac.as_deref()?;
        let mut progress = Progress {
            reader: Reader::new(intervals, scan.restart_interval),
            first: first.into(),
            last: last.into(),
            band: u64::MAX >> first & u64::MAX << 63u8.checked_sub(last)?,
            low,
            empty: 0,
            found: Vec::new(),
            values: Vec::new(),
            plane: 0,
        };
        let table = if before == 0 {
            progress.found = zeroed(across).ok()?;
            // A value has a code and a sign, at least. Behind the last there is room for none.
            let most = blocks * usize::from(last - first + 1);
            progress.values = zeroed(most.min(4 * intervals.bytes()) + 1).ok()?;
            Table::First(FirstTable::new(huffman, low))
        } else {
            progress.plane = refined.binary_search(&low).ok()?;
            Table::Refine(RefineTable::new(huffman))
        };
        Some(Self { table, progress })
    }

    /// Reads the next part. `None` if anything is not as it should be.
    #[inline(always)]
    pub(super) fn read(&mut self, part: &mut Part, processor: impl Processor) -> Option<()> {
        let progress = &mut self.progress;
        match &self.table {
            Table::First(table) => first::rows(progress, table, part),
            Table::Refine(table) => refine::rows(progress, table, part, processor),
        }
    }
}
