//! What the kernels need to decode the scans of a file.

use super::file::{File, Huffman, Scan as FileScan};
use imagecuda_kernels::jpeg::{
    bits::Segment,
    huffman::Table,
    jobs::TABLES,
    picture::Picture,
    scan::{Scan, SegmentAt, UNITS, Unit, subsequences},
};
use std::{ops::Range, sync::Arc};

/// A scan as the kernels take it.
#[derive(Clone, Debug)]
pub(crate) struct ScanPlan {
    pub(crate) scan: Scan,
    pub(crate) tables: Vec<Table>,
    /// In the offsets of the plan's data.
    pub(crate) segments: Vec<SegmentAt>,
}

/// The scans of a picture, and where in its file their data are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scans: Vec<ScanPlan>,
    /// What the kernels need of the file's bytes.
    pub(crate) data: Range<usize>,
}

impl Plan {
    /// The plan for a file, or `None` if it is not for the kernels: they take sequential files
    /// that are whole and regular. Others are for the host, which knows what is wrong with them.
    pub(super) fn new(file: &File, bytes: &[u8]) -> Option<Self> {
        if file.progressive || !file.whole {
            return None;
        }
        let start = file.scans.iter().map(|scan| scan.data.start).min()?;
        let end = file.scans.iter().map(|scan| scan.data.end).max()?;
        // Kernels count bytes in 32 bits, and a little past the end.
        if end - start > 1 << 31 {
            return None;
        }
        let mut seen = [false; 4];
        for component in file.scans.iter().flat_map(|scan| &scan.components) {
            if std::mem::replace(seen.get_mut(component.index)?, true) {
                return None;
            }
        }
        if seen.iter().filter(|&&seen| seen).count() != file.picture.components as usize {
            return None;
        }
        let plan = |scan| plan_scan(&file.picture, scan, bytes, start);
        Some(Self {
            scans: file.scans.iter().map(plan).collect::<Option<_>>()?,
            data: start..end,
        })
    }
}

fn plan_scan(
    picture: &Picture,
    from: &FileScan,
    bytes: &[u8],
    data_start: usize,
) -> Option<ScanPlan> {
    if from.spectral != (0, 63) || from.approximation != (0, 0) {
        return None;
    }
    let mut tables = Tables::default();
    let mut units = Vec::new();
    let is_interleaved = from.components.len() > 1;
    for component in &from.components {
        let dc = tables.number(component.dc.as_ref()?, true)?;
        let ac = tables.number(component.ac.as_ref()?, false)?;
        let part = picture.parts().get(component.index)?;
        let (across, down) = match is_interleaved {
            true => (part.h, part.v),
            false => (1, 1),
        };
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            units.push(Unit {
                first: part.first_block + y * part.blocks_x + x,
                down: down * part.blocks_x,
                across: across as u16,
                component: component.index as u8,
                dc,
                ac,
                ..Unit::default()
            });
        }
    }
    if units.is_empty() || units.len() > UNITS {
        return None;
    }
    // A component alone has no blocks that only pad an MCU.
    let (mcus_x, mcus_y) = match &from.components[..] {
        [component] => {
            let part = picture.parts().get(component.index)?;
            (part.width.div_ceil(8), part.height.div_ceil(8))
        }
        _ => (picture.mcus_x, picture.mcus_y),
    };
    let mcus = mcus_x.checked_mul(mcus_y)?;
    let restart_interval = match from.restart_interval {
        0 => mcus,
        interval => interval.min(mcus),
    };
    let segments = segments(from, bytes, data_start)?;
    if segments.len() != mcus.div_ceil(restart_interval) as usize {
        return None;
    }
    let mut scan = Scan {
        units: [Unit::default(); UNITS],
        unit_count: units.len() as u32,
        mcus_x,
        mcus,
        restart_interval,
        segments: segments.len() as u32,
        subsequences: 0,
        blocks: picture.blocks() as u32,
        reserved: 0,
    };
    scan.units[..units.len()].copy_from_slice(&units);
    let mut at = Vec::with_capacity(segments.len());
    for Segment { start, end } in segments {
        at.push(SegmentAt {
            start,
            end,
            first: scan.subsequences,
        });
        scan.subsequences += subsequences(Segment { start, end });
    }
    Some(ScanPlan {
        scan,
        tables: tables.tables,
        segments: at,
    })
}

/// What is between the restart markers, which must be there in their order.
fn segments(scan: &FileScan, bytes: &[u8], data_start: usize) -> Option<Vec<Segment>> {
    let mut segments = Vec::with_capacity(scan.restarts.len() + 1);
    let mut start = scan.data.start;
    let ends = scan.restarts.iter().copied().map(Some).chain([None]);
    for (number, restart) in ends.enumerate() {
        let mut end = restart.unwrap_or(scan.data.end);
        if restart.is_some_and(|at| bytes.get(at + 1) != Some(&(0xd0 + (number % 8) as u8))) {
            return None;
        }
        let next = end + 2;
        // Fill bytes.
        while end > start && bytes.get(end - 1) == Some(&0xff) {
            end -= 1;
        }
        if start >= end {
            return None;
        }
        segments.push(Segment {
            start: (start - data_start) as u32,
            end: (end - data_start) as u32,
        });
        start = next;
    }
    Some(segments)
}

/// The different tables of a scan.
#[derive(Default)]
struct Tables {
    from: Vec<Arc<Huffman>>,
    tables: Vec<Table>,
}

impl Tables {
    fn number(&mut self, table: &Arc<Huffman>, is_dc: bool) -> Option<u8> {
        // Differences have 15 bits at most.
        if is_dc && table.symbols.iter().any(|&symbol| symbol > 15) {
            return None;
        }
        let same = |known: &Arc<Huffman>| Arc::ptr_eq(known, table);
        let number = match self.from.iter().position(same) {
            Some(number) => number,
            None => {
                self.tables.push(Table::new(&table.counts, &table.symbols)?);
                self.from.push(Arc::clone(table));
                self.from.len() - 1
            }
        };
        (number < TABLES).then_some(number as u8)
    }
}
