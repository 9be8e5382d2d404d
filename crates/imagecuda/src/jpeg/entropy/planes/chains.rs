//! Progressive files whose scans kernels follow too.

use super::{Data, bits::Intervals};
use crate::jpeg::file::{File, Huffman, Scan};
use bytemuck::Zeroable;
use imagecuda_kernels::jpeg::{
    picture::Picture,
    progressive::{
        Band, Start,
        jobs::{ChainJob, DcUnit, Interval, MOST_TABLES, MOST_UNITS, Table, kind},
        symbols::Symbols,
    },
    scan::BlockGrid,
};

/// A scan to follow. The addresses of its job are 0.
pub(crate) struct Chain {
    pub(crate) job: ChainJob,
    /// The component of a scan of AC coefficients.
    pub(crate) component: Option<usize>,
    /// The number of the scan to follow.
    pub(crate) follows: Option<usize>,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) tables: Vec<Table>,
    /// Its data without stuffing.
    data: Intervals,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a scan of {} blocks", self.job.blocks)
    }
}

impl Chain {
    /// Its data without stuffing.
    pub(crate) fn data(&self) -> &[u8] {
        self.data.bytes()
    }
}

/// The scans of a progressive file, in the order of the file.
#[derive(Debug)]
pub(crate) struct Chains(pub(crate) Vec<Chain>);

impl Chains {
    /// `None` if kernels cannot follow the scans.
    pub(in crate::jpeg) fn of(file: &File, bytes: &[u8]) -> Option<Self> {
        let Data(script, intervals) = Data::of(file, bytes)?;
        let mut before = [None; 5];
        // Which components have first bits of DC coefficients.
        let mut begun = [false; 4];
        let mut chains = Vec::with_capacity(file.scans.len());
        for (number, (scan, data)) in file.scans.iter().zip(intervals).enumerate() {
            let is_dc = script.dc.contains(&number);
            if is_dc {
                for component in &scan.components {
                    let begun = begun.get_mut(component.index)?;
                    // The first scan comes once, and before all others.
                    if *begun == (scan.approximation.0 == 0) {
                        return None;
                    }
                    *begun = true;
                }
            }
            let component = scan.components.first()?.index;
            let before = before.get_mut(if is_dc { 4 } else { component })?;
            let follows = before.replace(number);
            chains.push(chain(&file.picture, scan, data, is_dc, follows)?);
        }
        let components = file.picture.components as usize;
        begun
            .iter()
            .take(components)
            .all(|&begun| begun)
            .then_some(Self(chains))
    }
}

fn chain(
    picture: &Picture,
    scan: &Scan,
    data: Intervals,
    is_dc: bool,
    follows: Option<usize>,
) -> Option<Chain> {
    let (before, low) = scan.approximation;
    let mut job = ChainJob {
        band: Band {
            first: scan.spectral.0.into(),
            last: scan.spectral.1.into(),
            low: low.into(),
            refines: u32::from(before > 0),
        },
        kind: match (is_dc, before) {
            (true, 0) => kind::DC,
            (true, _) => kind::DC_BITS,
            (false, 0) => kind::FIRST,
            (false, _) => kind::REFINEMENT,
        },
        ..ChainJob::zeroed()
    };
    let first = scan.components.first()?;
    let component = (!is_dc).then_some(first.index);
    let part = picture.parts().get(first.index)?;
    let alone = (part.width.div_ceil(8), part.height.div_ceil(8));
    let (mcus_x, mcus_y) = match &scan.components[..] {
        [_] => alone,
        _ => (picture.mcus_x, picture.mcus_y),
    };
    let mut huffman: Vec<&Huffman> = Vec::new();
    if is_dc {
        for from in &scan.components {
            let table = match before {
                0 => number_of(&mut huffman, from.dc.as_deref()?),
                _ => 0,
            };
            units(
                &mut job,
                picture,
                from.index,
                table,
                scan.components.len() > 1,
            )?;
        }
    } else {
        huffman.push(first.ac.as_deref()?);
        job.unit_count = 1;
    }
    job.mcus_x = mcus_x;
    job.blocks = mcus_x.checked_mul(mcus_y)?.checked_mul(job.unit_count)?;
    job.interval = match scan.restart_interval {
        0 => job.blocks,
        interval => interval.checked_mul(job.unit_count)?,
    };
    job.table_count = huffman.len() as u32;
    if huffman.len() > MOST_TABLES || data.bytes().len() >= Start::MOST_BITS as usize / 8 {
        return None;
    }
    let purpose = job.purpose();
    let table = |from: &&Huffman| Table::new(Symbols::new(&from.counts, &from.symbols), purpose);
    Some(Chain {
        job,
        component,
        follows,
        intervals: data
            .places()
            .iter()
            .map(|&(start, end)| Interval {
                start: 8 * start as u32,
                end: 8 * end as u32,
            })
            .collect(),
        tables: huffman.iter().map(table).collect(),
        data,
    })
}

/// The number of a table among those of a scan.
fn number_of<'a>(all: &mut Vec<&'a Huffman>, table: &'a Huffman) -> u32 {
    let known = all.iter().position(|known| *known == table);
    known.unwrap_or_else(|| {
        all.push(table);
        all.len() - 1
    }) as u32
}

/// Adds the blocks that a component has in an MCU.
fn units(
    job: &mut ChainJob,
    picture: &Picture,
    index: usize,
    table: u32,
    is_interleaved: bool,
) -> Option<()> {
    let part = picture.parts().get(index)?;
    let (across, down) = match is_interleaved {
        true => (part.h, part.v),
        false => (1, 1),
    };
    for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
        let number = job.unit_count as usize;
        *job.units.get_mut(number).filter(|_| number < MOST_UNITS)? = DcUnit {
            blocks: BlockGrid {
                first: part.first_block + y * part.blocks_x + x,
                row_step: down * part.blocks_x,
                mcu_step: across,
                component: index as u32,
            },
            table,
            reserved: [0; 3],
        };
        job.unit_count += 1;
    }
    Some(())
}
