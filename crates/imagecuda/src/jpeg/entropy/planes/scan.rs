//! An AC scan, which reads one part of its component after another.

use super::{
    bits::{Intervals, Reader},
    first::{self, FirstTable},
    part::Part,
    passes::{self, PassTable},
    places::Processor,
    refine::{self, RefineTable},
    steps::{self, StepTable},
};
use crate::{jpeg::file::Scan, memory::zeroed};

/// The number of bits of a look-up.
pub(super) const LOOKUP: u32 = 11;

/// An AC scan: its Huffman table and how far it has come.
#[derive(Debug)]
pub(super) struct AcScan<'a> {
    table: Table,
    progress: Progress<'a>,
}

/// The state of a scan between two parts.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    pub(super) reader: Reader<'a>,
    /// The band: its first and last coefficient in zigzag order.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The band as a mask.
    pub(super) band: u64,
    /// The bit position of this scan.
    pub(super) low: u8,
    /// How many more blocks of the end-of-block run there are.
    pub(super) empty: u32,
    /// For each block of a row, the coefficients that a first scan found.
    pub(super) found: Vec<u64>,
    /// The values of the coefficients that a first scan found in a part.
    pub(super) values: Vec<i16>,
    /// The number of the plane that a refinement fills.
    pub(super) plane: usize,
}

#[derive(Debug)]
enum Table {
    First(FirstTable),
    /// Of a first scan, if only the starts of blocks are recorded.
    Steps(StepTable),
    Refine(RefineTable),
    /// Of a refinement, if only the starts of blocks are recorded.
    Passes(PassTable),
}

impl<'a> AcScan<'a> {
    /// A scan of a component with `across` blocks in a row and at most `blocks` in a part.
    /// `refined` are the bit positions that have planes; `None` if only the starts of blocks are recorded.
    pub(super) fn new(
        scan: &Scan,
        intervals: &'a Intervals<'_>,
        (across, blocks): (usize, usize),
        refined: Option<&[u8]>,
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
        let table = if before > 0 {
            match refined {
                Some(refined) => {
                    progress.plane = refined.binary_search(&low).ok()?;
                    Table::Refine(RefineTable::new(huffman))
                }
                None => Table::Passes(PassTable::new(huffman)),
            }
        } else if refined.is_none() {
            progress.found = zeroed(across).ok()?;
            Table::Steps(StepTable::new(huffman, low, u32::from(last - first) + 1))
        } else {
            progress.found = zeroed(across).ok()?;
            // A value takes at least two bits, a code and a sign. The loop writes one value too
            // many, which needs room.
            let most = blocks * usize::from(last - first + 1);
            progress.values = zeroed(most.min(4 * intervals.bytes().len()) + 1).ok()?;
            Table::First(FirstTable::new(huffman, low))
        };
        Some(Self { table, progress })
    }

    /// Reads the next part. `None` at any irregularity.
    #[inline(always)]
    pub(super) fn read(&mut self, part: &mut Part<'_>, processor: impl Processor) -> Option<()> {
        let progress = &mut self.progress;
        let across = part.across;
        match (&self.table, &mut part.starts) {
            (Table::First(table), None) => first::rows(progress, table, part),
            (Table::Steps(table), Some(starts)) => steps::rows(progress, table, across, starts),
            (Table::Refine(table), None) => refine::rows(progress, table, part, processor),
            (Table::Passes(table), Some(starts)) => {
                passes::rows(progress, table, starts, processor)
            }
            (Table::First(_) | Table::Refine(_), Some(_))
            | (Table::Steps(_) | Table::Passes(_), None) => None,
        }
    }
}
