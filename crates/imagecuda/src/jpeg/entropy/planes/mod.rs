//! A fast decoder of progressive files whose scans are in order.
//!
//! Only the positions of the coefficients have to be decoded bit after bit. A scan records them in
//! [`Masks`](part::Masks) of 64 bits a block. A refinement steps from zero to zero in these masks,
//! and skips the correction bits in between by their count. First scans append their values to a
//! list. A second pass then assembles blocks from masks and values. It needs no order, so it runs
//! one row of MCUs at a time, right before the inverse DCT.
//!
//! At the first irregularity this decoder gives up, and the plain decoder starts again from the
//! beginning. So errors, and the pixels of damaged files, are always the plain decoder's.

mod assemble;
mod bits;
mod dc;
mod first;
mod part;
mod places;
pub(in crate::jpeg) mod processor;
mod refine;
mod scan;
mod script;
mod shared;
pub(in crate::jpeg) mod starts;
#[cfg(test)]
mod tests;

use self::{
    assemble::Row,
    bits::Intervals,
    dc::DcScan,
    part::Part,
    processor::{Choice, Task},
    scan::AcScan,
    script::Script,
};
use crate::{
    jpeg::file::{File, Scan},
    memory::zeroed,
    parallel::lock,
};
use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The script of a file, and the data of its scans in the order of the file.
#[derive(Debug)]
pub(in crate::jpeg) struct Data(Script, Vec<Intervals>);

impl Data {
    /// `None` if this decoder cannot decode the file.
    pub(in crate::jpeg) fn of(file: &File, bytes: &[u8]) -> Option<Self> {
        let script = Script::of(file)?;
        let intervals = file
            .scans
            .iter()
            .map(|scan| Intervals::of(scan, mcus(file, scan)?, bytes));
        Some(Self(script, intervals.collect::<Option<_>>()?))
    }
}

/// The number of MCUs of a scan.
fn mcus(file: &File, scan: &Scan) -> Option<u64> {
    let picture = &file.picture;
    let (x, y) = match &scan.components[..] {
        [one] => {
            let component = picture.component.get(one.index)?;
            (component.width.div_ceil(8), component.height.div_ceil(8))
        }
        _ => (picture.mcus_x, picture.mcus_y),
    };
    Some(u64::from(x) * u64::from(y))
}

/// Decodes a picture in bands of `step` MCU rows. Each scan reads the bands in order, and the scans
/// of a chain read each band in the chain's order.
pub(in crate::jpeg) struct Decoder<'a> {
    file: &'a File,
    choice: Choice,
    refined: &'a [Vec<u8>; 4],
    /// Whether only the starts of blocks are recorded.
    only_starts: bool,
    /// Rows of MCUs of a band.
    step: usize,
    bands: usize,
    dc: Vec<RwLock<dc::Band>>,
    /// For each component, its part of each band.
    parts: Vec<Vec<RwLock<Part>>>,
    chains: Vec<Vec<Link<'a>>>,
}

/// A scan in a chain.
struct Link<'a> {
    scan: Mutex<AnyScan<'a>>,
    /// The size of its data in bytes.
    weight: usize,
}

enum AnyScan<'a> {
    Dc(DcScan<'a>),
    /// The component's number, and its scan.
    Ac(usize, Box<AcScan<'a>>),
}

impl<'a> Decoder<'a> {
    /// `step` is the number of MCU rows of a band, at least 1.
    pub(in crate::jpeg) fn new(file: &'a File, data: &'a Data, step: usize) -> Option<Self> {
        let Data(script, intervals) = data;
        let picture = &file.picture;
        let bands = (picture.mcus_y as usize).div_ceil(step);
        let link = |number: &usize, scan| Link {
            scan: Mutex::new(scan),
            weight: intervals[*number].bytes().len(),
        };
        let mut chains = vec![
            script
                .dc
                .iter()
                .map(|number| {
                    let scan = DcScan::new(file, file.scans.get(*number)?, &intervals[*number])?;
                    Some(link(number, AnyScan::Dc(scan)))
                })
                .collect::<Option<Vec<_>>>()?,
        ];
        for (index, component) in picture.parts().iter().enumerate() {
            let across = component.width.div_ceil(8) as usize;
            let blocks = across * step * component.v as usize;
            let links = script.ac[index].iter().map(|number| {
                let scan = file.scans.get(*number)?;
                let refined = &script.refined[index];
                let scan = AcScan::new(scan, &intervals[*number], (across, blocks), refined)?;
                Some(link(number, AnyScan::Ac(index, Box::new(scan))))
            });
            chains.push(links.collect::<Option<_>>()?);
        }
        Some(Self {
            file,
            choice: Choice::best(),
            refined: &script.refined,
            only_starts: false,
            step,
            bands,
            dc: (0..bands).map(|_| RwLock::default()).collect(),
            parts: picture
                .parts()
                .iter()
                .map(|_| (0..bands).map(|_| RwLock::default()).collect())
                .collect(),
            chains,
        })
    }

    /// The MCU rows of a band.
    pub(in crate::jpeg) fn rows(&self, band: usize) -> Range<usize> {
        let end = self.file.picture.mcus_y as usize;
        band * self.step..end.min((band + 1) * self.step)
    }

    /// Lets a scan read a band. `None` at any irregularity.
    fn read(&self, link: &Link<'_>, band: usize) -> Option<()> {
        let mut scan = lock(&link.scan);
        match &mut *scan {
            AnyScan::Dc(scan) => {
                let rows = self.rows(band);
                let out = self.dc.get(band)?;
                let mut out = out.write().unwrap_or_else(PoisonError::into_inner);
                for (out, component) in out.iter_mut().zip(self.file.picture.parts()) {
                    if out.is_empty() {
                        *out = zeroed(rows.len() * (component.v * component.blocks_x) as usize)
                            .ok()?;
                    }
                }
                self.choice.run(Task::ReadDc(scan, rows, &mut out))
            }
            AnyScan::Ac(index, scan) => {
                let part = self.parts.get(*index)?.get(band)?;
                let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
                if part.across == 0 {
                    *part = self.part(*index, band)?;
                }
                self.choice.run(Task::ReadAc(scan, &mut part))
            }
        }
    }

    /// Makes the memory for a component's part of a band.
    fn part(&self, index: usize, band: usize) -> Option<Part> {
        let component = self.file.picture.component.get(index)?;
        let rows = self.rows(band);
        let [first, end] = [rows.start, rows.end].map(|row| row * component.v as usize);
        let end = end.min(component.height.div_ceil(8) as usize);
        let across = component.width.div_ceil(8) as usize;
        let planes = (!self.only_starts).then_some(self.refined[index].len());
        Part::new(across, end.saturating_sub(first), planes).ok()
    }

    /// The MCU rows of all bands, in order.
    pub(in crate::jpeg) fn bands(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        (0..self.bands).map(|band| self.rows(band))
    }

    /// Reads all bands with all scans on this thread, and calls `finish` for each band once it is
    /// read. `None` at any irregularity, or if `finish` returns it.
    pub(in crate::jpeg) fn one_by_one(
        mut self,
        mut finish: impl FnMut(&Self, usize) -> Option<()>,
    ) -> Option<()> {
        for band in 0..self.bands {
            for link in self.chains.iter().flatten() {
                self.read(link, band)?;
            }
            finish(&self, band)?;
            self.forget(band);
        }
        Some(())
    }

    /// The same on this thread and on rayon's threads. `finish` is called in any order.
    pub(in crate::jpeg) fn shared(
        &self,
        finish: impl Fn(usize) -> Option<()> + Sync,
    ) -> Option<()> {
        shared::run(self, &finish)
    }

    /// Assembles a component's blocks of one MCU row, which all scans must have read.
    pub(in crate::jpeg) fn blocks(
        &self,
        index: usize,
        mcu_row: usize,
        out: &mut [[i16; 64]],
    ) -> Option<()> {
        let (band, row) = (mcu_row / self.step, mcu_row % self.step);
        let component = self.file.picture.parts().get(index)?;
        let (v, across) = (component.v as usize, component.blocks_x as usize);
        let dc = read(self.dc.get(band)?);
        let part = read(self.parts.get(index)?.get(band)?);
        for (out, row) in out.chunks_exact_mut(across).zip(row * v..(row + 1) * v) {
            let zeros;
            let dc = match &dc[index][..] {
                [] => {
                    zeros = vec![0; across];
                    &zeros
                }
                dc => dc.get(row * across..(row + 1) * across)?,
            };
            let row = Row {
                part: &part,
                number: row,
                dc,
                refined: &self.refined[index],
            };
            self.choice.run(Task::Assemble(row, out))?;
        }
        Some(())
    }

    /// Frees the memory of a band.
    fn forget(&mut self, band: usize) {
        let parts = self
            .parts
            .iter_mut()
            .filter_map(|bands| bands.get_mut(band));
        parts.for_each(|part| *part = RwLock::default());
        if let Some(dc) = self.dc.get_mut(band) {
            *dc = RwLock::default();
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Decodes all coefficients of a file. `None` if this decoder cannot decode it; the contents of
/// `out` are then undefined.
pub(super) fn coefficients(file: &File, bytes: &[u8], out: &mut [[i16; 64]]) -> Option<()> {
    let data = Data::of(file, bytes)?;
    let picture = &file.picture;
    let share = Share::of(file);
    let decoder = Decoder::new(file, &data, share.rows)?;
    let mut all: Vec<_> = decoder
        .bands()
        .map(|rows| Mutex::new((rows, Vec::new())))
        .collect();
    let mut rest = out;
    for component in picture.parts() {
        let blocks = (component.v * component.blocks_x) as usize;
        for band in &mut all {
            let (rows, outs) = band.get_mut().unwrap_or_else(PoisonError::into_inner);
            outs.push(rest.split_off_mut(..rows.len() * blocks)?);
        }
    }
    let finish = |decoder: &Decoder<'_>, band: usize| {
        let (rows, outs) = &mut *lock(all.get(band)?);
        for (index, (component, out)) in picture.parts().iter().zip(outs).enumerate() {
            let blocks = (component.v * component.blocks_x) as usize;
            for (row, out) in rows.clone().zip(out.chunks_exact_mut(blocks)) {
                decoder.blocks(index, row, out)?;
            }
        }
        Some(())
    };
    match share.is_alone {
        true => decoder.one_by_one(finish),
        false => decoder.shared(|band| finish(&decoder, band)),
    }
}

/// How the threads share a file.
pub(in crate::jpeg) struct Share {
    /// Whether one thread decodes the file, as more would not pay: the file is small, or so many are
    /// being decoded that each thread has one of its own.
    pub(in crate::jpeg) is_alone: bool,
    /// The number of MCU rows of a band.
    pub(in crate::jpeg) rows: usize,
}

/// How many files are being decoded.
static DECODING: AtomicUsize = AtomicUsize::new(0);

impl Share {
    /// Counts the file as being decoded until this is dropped.
    pub(in crate::jpeg) fn of(file: &File) -> Self {
        let files = DECODING.fetch_add(1, Ordering::Relaxed) + 1;
        let is_alone = is_for_one(file) || files > rayon::current_num_threads() / 2;
        let rows = file.picture.mcus_y as usize;
        // With several threads, bands are large enough to keep them busy. With one thread, bands are
        // small enough that their masks and values stay in the cache.
        let rows = match is_alone {
            true => (BLOCKS * rows / file.picture.blocks().max(1)).clamp(1, rows),
            false => rows.div_ceil(BANDS),
        };
        Self { is_alone, rows }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        DECODING.fetch_sub(1, Ordering::Relaxed);
    }
}

const BLOCKS: usize = 1 << 13;
const BANDS: usize = 24;

/// Whether one thread decodes the file even if no other file is being decoded.
pub(in crate::jpeg) fn is_for_one(file: &File) -> bool {
    file.picture.pixels() < SMALL || rayon::current_num_threads() == 1
}

/// Below this number of pixels more threads do not pay.
const SMALL: usize = 1 << 16;
