//! `jpeg_blocks` and `jpeg_chain` on the CPU.

use super::{
    super::{picture::Picture, scan::NATURAL},
    Band, Start,
    block::{Block, Coefficients, Nothing, bit, difference},
    chain::{self, Ahead, Chain, LIST, NO_ZERO},
    jobs::{ChainJob, Interval, Table, kind},
    symbols::Symbols,
};
use alloc::vec::Vec;

/// A scan of AC coefficients. See [`AcScan`](super::jobs::AcScan).
#[derive(Clone, Copy, Debug)]
pub struct EmulatedScan<'a> {
    /// The number of its component.
    pub component: usize,
    /// Its data without stuffing.
    pub data: &'a [u32],
    /// For each block of its component where it begins.
    pub starts: &'a [Start],
    /// Its Huffman table.
    pub symbols: &'a Symbols,
    /// What it has.
    pub band: Band,
}

/// Makes all blocks of a picture in natural order, from the DC coefficients and the scans.
pub fn blocks(picture: &Picture, dc: &[i16], scans: &[EmulatedScan<'_>], out: &mut [[i16; 64]]) {
    for (number, (out, &dc)) in (0..).zip(out.iter_mut().zip(dc)) {
        let (component, row, column) = picture.find_block(number);
        let part = &picture.component[component];
        let mut block = Block::new(Natural([0; 64]));
        let (across, down) = (part.width.div_ceil(8), part.height.div_ceil(8));
        if column < across && row < down {
            let at = (row * across + column) as usize;
            for scan in scans.iter().filter(|scan| scan.component == component) {
                block.add(scan.band, scan.symbols, scan.data, scan.starts[at]);
            }
        }
        *out = block.coefficients.0;
        out[0] = dc;
    }
}

struct Natural([i16; 64]);

impl Coefficients for Natural {
    fn get(&self, k: u32) -> i16 {
        self.0[usize::from(NATURAL[k as usize])]
    }

    fn set(&mut self, k: u32, value: i16) {
        self.0[usize::from(NATURAL[k as usize])] = value;
    }
}

/// The memory of a chain: the entries of its tables, and a list for the current block.
#[derive(Clone, Copy)]
struct Memory<'a> {
    tables: &'a [Table],
    list: &'a [u8; LIST],
}

impl chain::Memory for Memory<'_> {
    fn step(self, table: u32, bits: u32) -> u32 {
        self.tables[table as usize].steps.get(bits)
    }

    fn before(self, _: u32, zero: u32) -> u32 {
        self.list[zero as usize].into()
    }
}

/// `jpeg_chain` for one scan. The job's addresses are not used: `data`, `intervals` and `tables` are
/// what is there. `masks` are those of the component. Returns where each block begins, or `None` if
/// something is wrong.
pub fn chain(
    job: &ChainJob,
    data: &[u32],
    intervals: &[Interval],
    tables: &[Table],
    masks: &mut [u64],
) -> Option<Vec<Start>> {
    let mut chain = Chain::new(data, 0, job.purpose(), job.band.last - job.band.first);
    let mut starts = Vec::with_capacity(job.blocks as usize);
    let mut end = 0;
    for number in 0..job.blocks {
        if number % job.interval == 0 {
            let interval = intervals.get((number / job.interval) as usize)?;
            chain.restart(data, interval.start);
            end = interval.end;
        }
        let is_dc = job.kind == kind::DC;
        let table = if is_dc { job.unit(number).0.table } else { 0 };
        let old = if is_dc { 0 } else { masks[number as usize] };
        let mut list = [NO_ZERO as u8; LIST];
        let some = chain::list(old, job.band, |zero, before| {
            list[zero as usize] = before as u8;
        });
        let memory = Memory {
            tables,
            list: &list,
        };
        let symbols = &tables[table as usize].symbols;
        let ahead = Ahead {
            block: 0,
            table,
            symbols,
            some,
        };
        let start = chain.pass(memory, ahead);
        if chain.is_wrong || chain.position() > end {
            return None;
        }
        starts.push(start);
        if !is_dc {
            let mut block = Block::with(Nothing, old);
            block.add(job.band, symbols, data, start);
            masks[number as usize] = block.some();
        }
    }
    Some(starts)
}

/// `jpeg_chain` for a scan of DC coefficients, whose first bits may be in `dc`.
pub fn dc(
    job: &ChainJob,
    data: &[u32],
    intervals: &[Interval],
    tables: &[Table],
    dc: &mut [i16],
) -> Option<()> {
    if job.kind == kind::DC_BITS {
        for number in 0..job.blocks {
            let bit = dc_bit(data, intervals, job.interval, number)?;
            dc[job.unit(number).1 as usize] |= (bit << job.band.low) as i16;
        }
        return Some(());
    }
    let mut before = [0u32; 4];
    let starts = chain(job, data, intervals, tables, &mut [])?;
    for (number, start) in (0..).zip(starts) {
        if number % job.interval == 0 {
            before = [0; 4];
        }
        let (unit, block) = job.unit(number);
        let before = &mut before[unit.blocks.component as usize & 3];
        let table = &tables[unit.table as usize];
        *before = before.wrapping_add(difference(&table.symbols, data, start));
        dc[block as usize] = (*before << job.band.low) as i16;
    }
    Some(())
}

/// The bit of a block in a refinement of DC coefficients. `None` if the data end before.
fn dc_bit(data: &[u32], intervals: &[Interval], interval: u32, number: u32) -> Option<u32> {
    let of = intervals.get((number / interval) as usize)?;
    let at = of.start + number % interval;
    (at < of.end).then(|| bit(data, at))
}
