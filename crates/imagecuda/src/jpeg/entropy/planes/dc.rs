//! Scans of DC coefficients.

use super::{
    super::table::{Codes, codes},
    bits::{Bits, Intervals, Reader, extended},
    scan::LOOKUP,
};
use crate::jpeg::file::{File, Huffman, Scan};
use std::ops::{Deref, DerefMut, Range};

/// The state of a DC scan between two bands.
#[derive(Debug)]
pub(super) struct DcScan<'a> {
    parts: Vec<DcPart>,
    reader: Reader<'a>,
    /// Whether the scan has one component, so that an MCU is one block.
    alone: bool,
    low: u8,
    mcus_x: usize,
}

#[derive(Debug)]
struct DcPart {
    /// The component's number in the picture.
    component: usize,
    /// Blocks of an MCU across and down.
    factors: (usize, usize),
    /// Blocks in a row, including those that only fill MCUs.
    across: usize,
    /// Rows of blocks that a scan of this component alone has.
    rows: usize,
    /// `None` in a refinement scan.
    table: Option<DcTable>,
    last: i32,
}

/// The DC coefficients of a band of MCU rows, for each component.
pub(super) type Band<'a> = [Samples<'a>; 4];

/// The DC coefficients of a component's part of a band: empty before a scan has read it.
#[derive(Debug)]
pub(super) enum Samples<'a> {
    Own(Vec<i16>),
    /// In memory of the caller's.
    Given(&'a mut [i16]),
}

impl Default for Samples<'_> {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Deref for Samples<'_> {
    type Target = [i16];

    #[inline(always)]
    fn deref(&self) -> &[i16] {
        match self {
            Self::Own(samples) => samples,
            Self::Given(samples) => samples,
        }
    }
}

impl DerefMut for Samples<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [i16] {
        match self {
            Self::Own(samples) => samples,
            Self::Given(samples) => samples,
        }
    }
}

impl<'a> DcScan<'a> {
    pub(super) fn new(file: &File, scan: &Scan, intervals: &'a Intervals<'_>) -> Option<Self> {
        let alone = scan.components.len() == 1;
        let mut mcus_x = file.picture.mcus_x as usize;
        let mut parts = Vec::new();
        for from in &scan.components {
            let component = file.picture.component.get(from.index)?;
            if alone {
                mcus_x = component.width.div_ceil(8) as usize;
            }
            parts.push(DcPart {
                component: from.index,
                factors: (component.h as usize, component.v as usize),
                across: component.blocks_x as usize,
                rows: component.height.div_ceil(8) as usize,
                table: match scan.approximation.0 {
                    0 => Some(DcTable::new(from.dc.as_deref()?)),
                    _ => None,
                },
                last: 0,
            });
        }
        Some(Self {
            parts,
            reader: Reader::new(intervals, scan.restart_interval),
            alone,
            low: scan.approximation.1 & 15,
            mcus_x,
        })
    }

    /// Reads the MCU rows `mcu_rows` of the picture, which must be the next ones. `None` at any
    /// irregularity.
    #[inline(always)]
    pub(super) fn read(&mut self, mcu_rows: &Range<usize>, out: &mut Band<'_>) -> Option<()> {
        let mut rows = mcu_rows.len();
        if let ([part], true) = (&self.parts[..], self.alone) {
            let [first, end] = [mcu_rows.start, mcu_rows.end].map(|row| row * part.factors.1);
            rows = end.min(part.rows).saturating_sub(first);
        }
        for row in 0..rows {
            self.row(row, out)?;
        }
        self.reader.is_sound().then_some(())
    }

    #[inline(always)]
    fn row(&mut self, row: usize, out: &mut Band<'_>) -> Option<()> {
        // The blocks of each component's rows are written in order.
        let mut rows = [const { None }; MOST_ROWS];
        let mut free = rows.iter_mut();
        let mut outs = out.each_mut().map(|samples| Some(&mut samples[..]));
        for (number, part) in self.parts.iter().enumerate() {
            let (h, v) = if self.alone { (1, 1) } else { part.factors };
            let blocks = outs.get_mut(part.component)?.take()?;
            let start = row * v * part.across;
            let blocks = blocks.get_mut(start..start + v * part.across)?;
            for blocks in blocks.chunks_mut(part.across) {
                *free.next()? = Some((number, h, blocks.iter_mut()));
            }
        }
        let mut x = 0;
        while x < self.mcus_x {
            let (count, begins) = self.reader.take(self.mcus_x - x)?;
            if begins {
                self.parts.iter_mut().for_each(|part| part.last = 0);
            }
            let mut bits = self.reader.bits;
            for _ in 0..count {
                for (number, h, blocks) in rows.iter_mut().map_while(Option::as_mut) {
                    let part = self.parts.get_mut(*number)?;
                    let blocks = blocks.take(*h);
                    match &part.table {
                        Some(table) => {
                            for to in blocks {
                                part.last = part.last.wrapping_add(table.difference(&mut bits)?);
                                *to = (part.last << self.low) as i16;
                            }
                        }
                        None => {
                            // Enough for a bit of each of these blocks.
                            bits.fill();
                            for to in blocks {
                                *to |= (bits.number(1) << self.low) as i16;
                            }
                        }
                    }
                }
            }
            self.reader.bits = bits;
            x += count;
        }
        Some(())
    }
}

/// The most rows of blocks of an MCU, which has ten blocks at most.
const MOST_ROWS: usize = 10;

/// For the next bits: the difference (16 bits), this, and the bits that it takes (6).
#[derive(Debug)]
struct DcTable {
    entries: Box<[u32; 1 << LOOKUP]>,
    codes: Codes,
}

/// There is more to it: then the size is in the place of the difference, and the length is the
/// code's.
const SLOW: u32 = 1 << 7;

impl DcTable {
    fn new(huffman: &Huffman) -> Self {
        // Codes that are longer.
        let mut entries = Box::new([SLOW; 1 << LOOKUP]);
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = LOOKUP.checked_sub(length) else {
                continue;
            };
            let size = u32::from(symbol & 15);
            let places = entries.iter_mut().skip((code << free) as usize);
            for (rest, entry) in (0i32..1 << free).zip(places) {
                *entry = match free.checked_sub(size) {
                    Some(unused) => {
                        let difference = extended(rest >> unused, size);
                        (difference as u32) << 16 | (length + size)
                    }
                    None => size << 16 | SLOW | length,
                };
            }
        }
        let codes = Codes::new(huffman);
        Self { entries, codes }
    }

    #[inline(always)]
    fn difference(&self, bits: &mut Bits<'_>) -> Option<i32> {
        let entry = self.entries[bits.index()];
        bits.fill();
        if entry & SLOW != 0 {
            let difference;
            (difference, *bits) = self.slow(entry, *bits)?;
            return Some(difference);
        }
        bits.skip(entry & 63);
        Some(entry as i32 >> 16)
    }

    // By value. A reference would keep the reader in memory instead of registers.
    #[cold]
    #[inline(never)]
    fn slow<'a>(&self, entry: u32, mut bits: Bits<'a>) -> Option<(i32, Bits<'a>)> {
        let (size, length) = match entry & 63 {
            0 => {
                let (symbol, length) = self.codes.find((bits.buffer >> 48) as u32)?;
                (u32::from(symbol & 15), length)
            }
            length => (entry >> 16, length),
        };
        bits.skip(length);
        Some((bits.value(size), bits))
    }
}
