//! What the kernels need to decode the scans of a file.

use super::file::{File, Huffman, Scan as FileScan};
use imagecuda_kernels::jpeg::{
    huffman::Table,
    jobs::TABLES,
    picture::Picture,
    scan::{Choice, Scan, Segment, UNITS, Unit},
};
use std::{ops::Range, sync::Arc};

/// Bytes of a subsequence.
const SUBSEQUENCE: usize = 64;

/// A scan as the kernels take it, but for its data.
#[derive(Clone, Debug)]
pub(crate) struct ScanPlan {
    /// Without the number of subsequences.
    scan: Scan,
    pub(crate) tables: Vec<Table>,
    /// Where the segments are in the file.
    segments: Vec<Range<usize>>,
}

/// The scans of a picture.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scans: Vec<ScanPlan>,
}

impl Plan {
    /// The plan for a file, or `None` if it is not for the kernels: they take sequential files
    /// that are whole and regular. Others are for the host, which knows what is wrong with them.
    pub(super) fn new(file: &File, bytes: &[u8]) -> Option<Self> {
        if file.progressive || !file.whole {
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
        let plan = |scan| plan_scan(&file.picture, scan, bytes);
        Some(Self {
            scans: file.scans.iter().map(plan).collect::<Option<_>>()?,
        })
    }
}

impl ScanPlan {
    pub(crate) fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The most bytes that the data can take.
    pub(crate) fn most_bytes(&self) -> usize {
        let padded = |segment: &Range<usize>| segment.len().next_multiple_of(SUBSEQUENCE);
        self.segments.iter().map(padded).sum()
    }

    /// Copies the data from the file, without what is stuffed: each segment to where its first
    /// subsequence is. `None` if a segment has none.
    pub(crate) fn read(&self, file: &[u8], data: &mut [u8]) -> Option<(Scan, Vec<Segment>)> {
        let mut scan = self.scan;
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let first = scan.subsequences;
            let start = first as usize * SUBSEQUENCE;
            let bytes = unstuff(&file[segment.clone()], &mut data[start..]);
            if bytes == 0 {
                return None;
            }
            segments.push(Segment {
                first,
                end: ((start + bytes) * 8) as u32,
            });
            // What is behind the end decides nothing, but should be the same each time.
            let end = bytes.next_multiple_of(SUBSEQUENCE);
            data[start + bytes..start + end].fill(0);
            scan.subsequences += (end / SUBSEQUENCE) as u32;
        }
        Some((scan, segments))
    }
}

/// Copies entropy-coded data without what is stuffed, and tells how much is left. (Other threads
/// would help, but take longer to wake than this does.)
fn unstuff(from: &[u8], to: &mut [u8]) -> usize {
    let (mut at, mut done) = (0, 0);
    loop {
        let end = memchr::memchr(0xff, &from[at..]).map_or(from.len(), |found| at + found);
        to[done..done + end - at].copy_from_slice(&from[at..end]);
        done += end - at;
        // Fill bytes are 0xff as well.
        let Some(next) = from[end..].iter().position(|&byte| byte != 0xff) else {
            return done;
        };
        to[done] = 0xff;
        (at, done) = (end + next + 1, done + 1);
    }
}

fn plan_scan(picture: &Picture, from: &FileScan, bytes: &[u8]) -> Option<ScanPlan> {
    if from.spectral != (0, 63) || from.approximation != (0, 0) {
        return None;
    }
    let mut tables = Tables::default();
    let (mut units, mut choices) = (Vec::new(), [Choice::default(); 2]);
    let is_interleaved = from.components.len() > 1;
    for component in &from.components {
        let ac = tables.number(component.ac.as_ref()?, None)?;
        let dc = tables.number(component.dc.as_ref()?, Some(ac))?;
        let part = picture.parts().get(component.index)?;
        let (across, down) = match is_interleaved {
            true => (part.h, part.v),
            false => (1, 1),
        };
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            if units.len() == UNITS {
                return None;
            }
            choices[0].set(units.len(), dc);
            choices[1].set(units.len(), ac);
            units.push(Unit {
                first: part.first_block + y * part.blocks_x + x,
                down: down * part.blocks_x,
                across,
                component: component.index as u32,
            });
        }
    }
    if units.is_empty() {
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
    let segments = segments(from, bytes)?;
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
        subsequence: 8 * SUBSEQUENCE as u32,
        blocks: picture.blocks() as u32,
        tables: choices,
        reserved: [0; 2],
    };
    scan.units[..units.len()].copy_from_slice(&units);
    let plan = ScanPlan {
        scan,
        tables: tables.tables,
        segments,
    };
    // Kernels count bits in 32 bits, and a little past the end.
    (plan.most_bytes() < 1 << 28).then_some(plan)
}

/// What is between the restart markers, which must be there in their order.
fn segments(scan: &FileScan, bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut segments = Vec::with_capacity(scan.restarts.len() + 1);
    let mut start = scan.data.start;
    for (number, &end) in scan.restarts.iter().enumerate() {
        if bytes.get(end + 1) != Some(&(0xd0 + (number % 8) as u8)) {
            return None;
        }
        segments.push(start..end);
        start = end + 2;
    }
    segments.push(start..scan.data.end);
    Some(segments)
}

/// The different tables of a scan.
#[derive(Default)]
struct Tables {
    /// Where they are from; those for DC with the number of the one behind.
    from: Vec<(Arc<Huffman>, Option<u8>)>,
    tables: Vec<Table>,
}

impl Tables {
    fn number(&mut self, table: &Arc<Huffman>, others: Option<u8>) -> Option<u8> {
        let same = |(known, behind): &(Arc<Huffman>, Option<u8>)| {
            *behind == others && Arc::ptr_eq(known, table)
        };
        let number = match self.from.iter().position(same) {
            Some(number) => number,
            None => {
                let behind = others.and_then(|number| self.tables.get(usize::from(number)));
                self.tables
                    .push(Table::new(&table.counts, &table.symbols, behind)?);
                self.from.push((Arc::clone(table), others));
                self.from.len() - 1
            }
        };
        (number < TABLES).then_some(number as u8)
    }
}

#[cfg(test)]
mod tests;
