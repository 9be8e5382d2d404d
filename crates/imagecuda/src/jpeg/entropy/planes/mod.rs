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
mod passes;
mod places;
pub(in crate::jpeg) mod processor;
mod refine;
mod scan;
mod script;
mod share;
mod shared;
pub(in crate::jpeg) mod starts;
mod steps;
#[cfg(test)]
mod tests;

pub(in crate::jpeg) use self::share::{Share, is_for_one};
use self::{
    assemble::Row,
    bits::{Intervals, has_all_restarts},
    dc::{DcScan, Samples},
    part::Part,
    processor::{Choice, Task},
    scan::AcScan,
    script::Script,
};
use crate::{
    jpeg::file::{File, Scan},
    memory::{Reused, zeroed},
    parallel::lock,
};
use std::{
    mem,
    ops::Range,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
};

/// The data of a file's scans without stuffing, in the order of the file, and the scans' order.
#[derive(Debug)]
pub(in crate::jpeg) struct Data<'m> {
    script: Script,
    scans: Vec<Intervals<'m>>,
}

impl<'m> Data<'m> {
    /// The bytes of memory for the data of a file. `None` if this decoder cannot decode it.
    pub(in crate::jpeg) fn room(file: &File) -> Option<usize> {
        script(file)?;
        Some(file.scans.iter().map(aligned).sum())
    }

    /// Unstuffs the data of a file. `memory` has [room](Self::room) for them. `None` if this decoder
    /// cannot decode the file.
    pub(in crate::jpeg) fn of(file: &File, bytes: &[u8], memory: &'m mut [u8]) -> Option<Self> {
        Self::unstuffed(file, script(file)?, bytes, memory)
    }

    fn unstuffed(
        file: &File,
        script: Script,
        bytes: &[u8],
        mut memory: &'m mut [u8],
    ) -> Option<Self> {
        let mut scans = Vec::with_capacity(file.scans.len());
        for scan in &file.scans {
            let own = memory.split_off_mut(..aligned(scan))?;
            scans.push(Intervals::of(scan, bytes, own)?);
        }
        Some(Self { script, scans })
    }
}

/// The script of a file. `None` if this decoder cannot decode the file.
fn script(file: &File) -> Option<Script> {
    let has_all = |scan| Some(has_all_restarts(scan, mcus(file, scan)?));
    let script = Script::of(file)?;
    let mut all = file.scans.iter();
    all.all(|scan| has_all(scan) == Some(true))
        .then_some(script)
}

/// The bytes from the data of a scan to those of the next one. Kernels read words.
fn aligned(scan: &Scan) -> usize {
    Intervals::room(scan).next_multiple_of(16)
}

/// Where the data of each scan are in memory.
fn places(file: &File) -> Vec<Range<usize>> {
    let mut end = 0;
    let place = |scan| {
        let start = end;
        end += aligned(scan);
        start..end
    };
    file.scans.iter().map(place).collect()
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
    /// Rows of MCUs of a band.
    step: usize,
    bands: usize,
    dc: Vec<RwLock<dc::Band<'a>>>,
    /// For each component, its part of each band.
    parts: Vec<Vec<RwLock<Part<'a>>>>,
    /// Masks of bands that are finished, whose memory is used again.
    idle: Mutex<Vec<Vec<u64>>>,
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
    pub(in crate::jpeg) fn new(file: &'a File, data: &'a Data<'_>, step: usize) -> Option<Self> {
        Self::build(file, data, step, false)
    }

    /// If `only_starts`, scans record where blocks begin instead of what they are.
    fn build(file: &'a File, data: &'a Data<'_>, step: usize, only_starts: bool) -> Option<Self> {
        let Data {
            script,
            scans: intervals,
        } = data;
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
                let refined = (!only_starts).then_some(&script.refined[index][..]);
                let scan = AcScan::new(scan, &intervals[*number], (across, blocks), refined)?;
                Some(link(number, AnyScan::Ac(index, Box::new(scan))))
            });
            chains.push(links.collect::<Option<_>>()?);
        }
        Some(Self {
            file,
            choice: Choice::best(),
            refined: &script.refined,
            step,
            bands,
            dc: (0..bands).map(|_| RwLock::default()).collect(),
            parts: picture
                .parts()
                .iter()
                .map(|_| (0..bands).map(|_| RwLock::default()).collect())
                .collect(),
            idle: Mutex::default(),
            chains,
        })
    }

    /// The MCU rows of a band.
    pub(in crate::jpeg) fn rows(&self, band: usize) -> Range<usize> {
        let end = self.file.picture.mcus_y as usize;
        band * self.step..end.min((band + 1) * self.step)
    }

    /// Lets a scan read a band. `None` at any irregularity.
    fn read(&self, link: &Link<'a>, band: usize) -> Option<()> {
        let mut scan = lock(&link.scan);
        match &mut *scan {
            AnyScan::Dc(scan) => {
                let rows = self.rows(band);
                let out = self.dc.get(band)?;
                let mut out = out.write().unwrap_or_else(PoisonError::into_inner);
                for (out, component) in out.iter_mut().zip(self.file.picture.parts()) {
                    if out.is_empty() {
                        let blocks = rows.len() * (component.v * component.blocks_x) as usize;
                        *out = Samples::Own(zeroed(blocks).ok()?);
                    }
                }
                self.choice.run(Task::ReadDc(scan, rows, &mut out))
            }
            AnyScan::Ac(index, scan) => {
                let part = self.parts.get(*index)?.get(band)?;
                let part = &mut *part.write().unwrap_or_else(PoisonError::into_inner);
                let blocks = part.across * part.rows;
                match &mut part.starts {
                    Some(starts) if starts.nonzero.is_empty() => {
                        let idle = lock(&self.idle).pop();
                        starts.nonzero = idle.unwrap_or_default();
                        starts.nonzero.clear();
                        starts.nonzero.try_reserve_exact(blocks).ok()?;
                        starts.nonzero.resize(blocks, 0);
                    }
                    None if part.across == 0 => *part = self.part(*index, band)?,
                    _ => {}
                }
                self.choice.run(Task::ReadAc(scan, part))
            }
        }
    }

    /// Makes the memory for a component's part of a band.
    fn part(&self, index: usize, band: usize) -> Option<Part<'a>> {
        let component = self.file.picture.component.get(index)?;
        let rows = self.rows(band);
        let [first, end] = [rows.start, rows.end].map(|row| row * component.v as usize);
        let end = end.min(component.height.div_ceil(8) as usize);
        let across = component.width.div_ceil(8) as usize;
        let rows = end.saturating_sub(first);
        Part::new(across, rows, self.refined[index].len()).ok()
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
        for part in parts {
            let part = mem::take(part.get_mut().unwrap_or_else(PoisonError::into_inner));
            if let Some(starts) = part.starts {
                lock(&self.idle).push(starts.nonzero);
            }
        }
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
    let mut memory = Reused::for_overwrite(Data::room(file)?).ok()?;
    let data = Data::of(file, bytes, &mut memory)?;
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
