//! The data that the kernels need to decode the scans of a file.

mod tables;

use self::tables::Tables;
use super::file::{File, Scan as FileScan};
use imagecuda_kernels::jpeg::{
    huffman::Table,
    picture::Picture,
    scan::{BlockGrid, MAX_UNITS, Scan, Segment, Unit},
    stuffing::CHUNK,
};
use std::{ops::Range, sync::Arc};

/// The size of a subsequence in bytes, and the size where a picture alone has too few data for more
/// threads than a GPU has. Each thread then has half as much to do.
const SUBSEQUENCE: usize = 64;
const SHORT_SUBSEQUENCE: usize = 32;

/// The most bytes of data with short subsequences.
const MOST_SHORT: usize = 800 << 10;

/// Kernels count bits, including padding, in 32 bits.
const MOST_BYTES: usize = 1 << 28;

/// A scan in the form that the kernels take.
#[derive(Clone, Debug)]
pub(crate) struct ScanPlan {
    pub(crate) scan: Scan,
    pub(crate) tables: Arc<[Table]>,
    pub(crate) segments: Vec<Segment>,
    /// The range of its data in the file.
    pub(crate) data: Range<usize>,
    /// For each chunk of the data: how many bytes before it remain once stuffing and markers are
    /// removed.
    pub(crate) kept: Vec<u32>,
}

/// The plans of all scans of a picture.
#[derive(Clone, Debug)]
pub(crate) struct GpuPlan {
    pub(crate) scans: Vec<ScanPlan>,
}

impl GpuPlan {
    /// The plan for a file. `None` if the kernels cannot decode it: they take sequential files that
    /// are complete and regular. The host decodes the others, and reports what is wrong with them.
    /// Pictures that are decoded `alone` have shorter subsequences.
    pub(super) fn new(file: &File, bytes: &[u8], alone: bool) -> Option<Self> {
        if !Self::is_for_kernels(file) {
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
        let data: usize = file.scans.iter().map(|scan| scan.data.len()).sum();
        let subsequence = match alone && data <= MOST_SHORT {
            true => SHORT_SUBSEQUENCE,
            false => SUBSEQUENCE,
        };
        let plan = |scan| plan_scan(&file.picture, scan, bytes, subsequence);
        Some(Self {
            scans: file.scans.iter().map(plan).collect::<Option<_>>()?,
        })
    }
}

impl GpuPlan {
    /// Whether a file is sequential and complete.
    pub(super) fn is_for_kernels(file: &File) -> bool {
        !file.progressive && file.whole && file.is_usual()
    }
}

impl ScanPlan {
    /// The size of the data in bytes, once stuffing is removed and segments are padded.
    pub(crate) fn bytes(&self) -> usize {
        self.scan.subsequences as usize * (self.scan.subsequence_bits / 8) as usize
    }
}

fn plan_scan(
    picture: &Picture,
    from: &FileScan,
    bytes: &[u8],
    subsequence: usize,
) -> Option<ScanPlan> {
    if from.spectral != (0, 63) || from.approximation != (0, 0) {
        return None;
    }
    let mut tables = Tables::default();
    let mut units = Vec::new();
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
            let blocks = BlockGrid {
                first: part.first_block + y * part.blocks_x + x,
                row_step: down * part.blocks_x,
                mcu_step: across,
                component: component.index as u32,
            };
            units.push(Unit {
                blocks,
                tables: [dc, ac].map(u32::from),
                reserved: [0; 2],
            });
        }
    }
    if units.is_empty() || units.len() > MAX_UNITS {
        return None;
    }
    // In a scan of one component, no block only fills an MCU.
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
    let file = bytes.get(from.data.clone())?;
    if file.len() >= MOST_BYTES {
        return None;
    }
    let kept = kept(from);
    let segments = segments(from, file, &kept, subsequence)?;
    if segments.len() != mcus.div_ceil(restart_interval) as usize {
        return None;
    }
    let last = segments.last()?;
    let mut scan = Scan {
        units: [Unit::default(); MAX_UNITS],
        unit_count: units.len() as u32,
        mcus_x,
        mcus,
        restart_interval,
        segments: segments.len() as u32,
        subsequences: last.end_bit.div_ceil(8 * subsequence as u32),
        subsequence_bits: 8 * subsequence as u32,
        blocks: picture.blocks() as u32,
    };
    scan.units[..units.len()].copy_from_slice(&units);
    Some(ScanPlan {
        scan,
        tables: tables.build()?,
        segments,
        data: from.data.clone(),
        kept,
    })
}

/// For each chunk, how many bytes before it remain. Of 0xff and the byte after it one remains; of a
/// restart marker none.
fn kept(scan: &FileScan) -> Vec<u32> {
    let mut restarts = scan.restarts.iter().peekable();
    let (mut marks, mut markers) = (0, 0);
    let chunks = scan.marks.iter().zip((0u32..).step_by(CHUNK));
    chunks
        .map(|(&marks_here, start)| {
            let chunk = scan.data.start + start as usize;
            while restarts.next_if(|&&restart| restart + 1 < chunk).is_some() {
                markers += 1;
            }
            let kept = start - marks - markers;
            marks += marks_here;
            kept
        })
        .collect()
}

/// The segments between restart markers. `None` if the markers are not in order, or a segment has
/// no data.
fn segments(
    scan: &FileScan,
    file: &[u8],
    kept: &[u32],
    subsequence: usize,
) -> Option<Vec<Segment>> {
    let mut segments = Vec::with_capacity(scan.restarts.len() + 1);
    let (mut first, mut start, mut kept_before) = (0, 0, 0);
    let ends = scan.restarts.iter().map(|&end| end - scan.data.start);
    for (number, end) in ends.chain([file.len()]).enumerate() {
        if end < file.len() && file.get(end + 1) != Some(&(0xd0 + (number % 8) as u8)) {
            return None;
        }
        // Counting starts at the last chunk, whose number of remaining bytes is known, or at the
        // start of the segment.
        let chunk = (end.checked_sub(1)? / CHUNK).max(start / CHUNK);
        let (from, before) = match chunk * CHUNK > start {
            true => (chunk * CHUNK, *kept.get(chunk)?),
            false => (start, kept_before),
        };
        let marks = memchr::memchr_iter(0xff, file.get(from..end)?).count();
        let kept_here = before + (end - from - marks) as u32;
        let bytes = kept_here
            .checked_sub(kept_before)
            .filter(|&bytes| bytes > 0)?;
        segments.push(Segment {
            first_subsequence: first,
            end_bit: (first * subsequence as u32 + bytes) * 8,
            file_start: start as u32,
            kept_before,
        });
        first += bytes.div_ceil(subsequence as u32);
        if first as usize > MOST_BYTES / subsequence {
            return None;
        }
        (start, kept_before) = (end + 2, kept_here);
    }
    Some(segments)
}

#[cfg(test)]
mod tests;
