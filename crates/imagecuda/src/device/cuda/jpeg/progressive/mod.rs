//! Progressive files: the host or a kernel finds where each block begins in each scan, and a kernel decodes
//! all blocks from there.

mod by_kernel;
mod groups;
#[cfg(test)]
mod tests;

pub(crate) use self::{by_kernel::ProgressiveJpeg, groups::ProgressiveGroups};

use super::{
    super::{Context, scratch::Scratch},
    BlockKernel, Coefficients, Parts, bytes, picture_job, put,
};
use crate::{
    Result,
    jpeg::{Jpeg, Positions},
};
use bytemuck::{Pod, cast_slice_mut};
use imagecuda_kernels::jpeg::{
    jobs::PictureJob,
    picture::{BLOCK, Picture},
    progressive::{
        Band, Start,
        jobs::{AcScan, BlocksJob, READ_AHEAD},
        symbols::Symbols,
    },
    scaled::Scaled,
};
use std::sync::Arc;

/// Bytes that are few, whatever the picture.
const FEW: usize = 1 << 20;

/// A scan of AC coefficients, and where its parts are in the memory of its picture.
struct ScanParts {
    component: usize,
    band: Band,
    blocks: usize,
    data: usize,
    symbols: usize,
    starts: usize,
}

/// Where the parts of a picture are in its device memory, and in the pinned memory that goes up.
struct Layout {
    /// The picture at its full size.
    picture: Picture,
    picture_job: usize,
    blocks_job: usize,
    ac_scans: usize,
    /// The data of all scans.
    data: usize,
    dc: usize,
    /// Of AC coefficients, in the order of [`Positions::scans`].
    scans: Vec<ScanParts>,
    /// The end of what the host always makes. The starts of blocks follow.
    made: usize,
    end: usize,
}

impl Layout {
    /// `None` if many scans of few bits have more starts than there are coefficients, which go up then.
    fn of(positions: &Positions<'_>, picture: &Picture) -> Option<Self> {
        let scans: Vec<_> = positions.scans().collect();
        let mut parts = Parts::default();
        let picture_job = parts.add(size_of::<PictureJob>());
        let blocks_job = parts.add(size_of::<BlocksJob>());
        let ac_scans = parts.add(scans.len() * size_of::<AcScan>());
        let symbols: Vec<_> = scans
            .iter()
            .map(|_| parts.add(size_of::<Symbols>()))
            .collect();
        // What the host finds comes last.
        let data = parts.add(positions.room() + READ_AHEAD);
        let dc = parts.add(picture.blocks() * size_of::<i16>());
        let made = parts.end;
        let scans = scans.iter().zip(symbols).map(|(scan, symbols)| ScanParts {
            component: scan.component,
            band: scan.band,
            blocks: scan.blocks,
            data: data + scan.data.start,
            symbols,
            starts: parts.add(scan.blocks * size_of::<Start>()),
        });
        let scans = scans.collect();
        (parts.end <= 2 * bytes(picture) + FEW).then_some(Self {
            picture: *picture,
            picture_job,
            blocks_job,
            ac_scans,
            data,
            dc,
            scans,
            made,
            end: parts.end,
        })
    }

    /// Writes what does not depend on where the device memory is.
    fn write(&self, jpeg: &Jpeg<'_>, positions: &Positions<'_>, to: &mut [u8]) {
        let job = picture_job(jpeg.scaled(), jpeg.quantizers());
        put(to, self.picture_job, &[job]);
        for (parts, scan) in self.scans.iter().zip(positions.scans()) {
            put(to, parts.symbols, &[scan.symbols()]);
        }
    }

    /// Writes the jobs of a picture whose device memory is at `base`. Returns the thread blocks that make its
    /// coefficients.
    fn write_jobs(&self, base: u64, to: &mut [u8]) -> u32 {
        let at = |part: usize| base + part as u64;
        let mut blocks = BlocksJob {
            picture: self.picture,
            dc: at(self.dc),
            scans: at(self.ac_scans),
            scan_ends: [0; 4],
            coefficients: 0,
            first_thread_block: 0,
            reserved: 0,
        };
        let mut scans = Vec::with_capacity(self.scans.len());
        for scan in &self.scans {
            scans.push(AcScan {
                data: at(scan.data),
                starts: at(scan.starts),
                symbols: at(scan.symbols),
                band: scan.band,
            });
            for end in blocks.scan_ends.iter_mut().skip(scan.component) {
                *end += 1;
            }
        }
        put(to, self.blocks_job, &[blocks]);
        put(to, self.ac_scans, &scans);
        blocks.thread_blocks()
    }

    /// What the picture is made of once the starts of its blocks are known, by `thread_blocks`. `memory` has
    /// all parts, and `made` has [room](room) for what is made of them.
    fn coefficients(
        &self,
        scaled: Scaled,
        memory: Scratch,
        made: Scratch,
        thread_blocks: u32,
    ) -> Coefficients {
        let (base, coefficients) = (memory.pointer().as_raw(), made.pointer().as_raw());
        Coefficients {
            scaled,
            job: base + self.picture_job as u64,
            coefficients,
            samples: coefficients + bytes(&scaled.picture) as u64,
            has_samples: false,
            memory: made,
            blocks: Some(BlockKernel {
                job: base + self.blocks_job as u64,
                thread_blocks,
                memory,
            }),
        }
    }
}

/// The bytes of a picture's coefficients and samples.
fn room(picture: &Picture) -> usize {
    bytes(picture) + picture.blocks() * BLOCK
}

impl Context {
    /// Finds the blocks of a progressive file on the host, and uploads the file's data. `None` if the
    /// file is not progressive, or has any irregularity.
    pub(crate) fn upload_progressive(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
    ) -> Result<Option<Coefficients>> {
        let Some(positions) = jpeg.positions() else {
            return Ok(None);
        };
        let picture = jpeg.picture();
        let Some(layout) = Layout::of(&positions, picture) else {
            return Ok(None);
        };
        let _current = self.enter()?;
        let mut pinned = self.pinned(layout.end)?;
        let mut memory = self.scratch(layout.end)?;
        let made = self.scratch(room(picture))?;

        let mut found = Found {
            rest: &mut pinned[..],
            before: 0,
        };
        let data = found.at(layout.data, positions.room());
        let dc = found.at(layout.dc, picture.blocks());
        let scans = layout.scans.iter();
        let starts = scans.map(|scan| found.at(scan.starts, scan.blocks));
        if positions.find(data, dc, starts.collect()).is_none() {
            return Ok(None);
        }
        layout.write(jpeg, &positions, &mut pinned);
        let thread_blocks = layout.write_jobs(memory.pointer().as_raw(), &mut pinned);
        memory.wait_on(&self.uploads)?;
        pinned.start_upload(memory.pointer(), layout.end, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        let scaled = *jpeg.scaled();
        Ok(Some(layout.coefficients(
            scaled,
            memory,
            made,
            thread_blocks,
        )))
    }
}

/// Memory that is given out in parts, in the order of their offsets.
struct Found<'a> {
    rest: &'a mut [u8],
    before: usize,
}

impl<'a> Found<'a> {
    /// The `count` numbers at an offset.
    fn at<T: Pod>(&mut self, offset: usize, count: usize) -> &'a mut [T] {
        let end = offset + count * size_of::<T>();
        let (own, rest) = std::mem::take(&mut self.rest).split_at_mut(end - self.before);
        let own = &mut own[offset - self.before..];
        (self.rest, self.before) = (rest, end);
        cast_slice_mut(own)
    }
}
