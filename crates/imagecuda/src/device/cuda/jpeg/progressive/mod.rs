//! Progressive files: the host finds where each block begins in each scan, and a kernel decodes all
//! blocks from there.

use super::{super::Context, BlockKernel, Coefficients, Parts, bytes, picture_job, put};
use crate::{Result, jpeg::Jpeg};
use bytemuck::{Pod, cast_slice_mut};
use imagecuda_kernels::jpeg::{
    jobs::PictureJob,
    picture::BLOCK,
    progressive::{
        Start,
        jobs::{AcScan, BlocksJob, READ_AHEAD},
        symbols::Symbols,
    },
};
use std::sync::Arc;

/// Bytes that are few, whatever the picture.
const FEW: usize = 1 << 20;

/// Where the parts of a scan of AC coefficients are in the memory that is uploaded.
struct ScanParts {
    symbols: usize,
    starts: usize,
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
        let _current = self.enter()?;
        let picture = *jpeg.picture();
        let scans: Vec<_> = positions.scans().collect();
        let mut parts = Parts::default();
        let job = parts.add(size_of::<PictureJob>());
        let blocks_job = parts.add(size_of::<BlocksJob>());
        let scans_at = parts.add(scans.len() * size_of::<AcScan>());
        let mut of_scans: Vec<_> = scans
            .iter()
            .map(|_| ScanParts {
                symbols: parts.add(size_of::<Symbols>()),
                starts: 0,
            })
            .collect();
        // What the host finds comes last.
        let data_at = parts.add(positions.room() + READ_AHEAD);
        let dc_at = parts.add(picture.blocks() * size_of::<i16>());
        for (of_scan, scan) in of_scans.iter_mut().zip(&scans) {
            of_scan.starts = parts.add(scan.blocks * size_of::<Start>());
        }
        // Many scans of few bits have more starts than there are coefficients, which go up then.
        if parts.end > 2 * bytes(&picture) + FEW {
            return Ok(None);
        }
        let mut pinned = self.pinned(parts.end)?;
        let mut memory = self.scratch(parts.end)?;
        let made = self.scratch(bytes(&picture) + picture.blocks() * BLOCK)?;
        let base = memory.pointer().as_raw();

        let mut found = Found {
            rest: &mut pinned[..],
            before: 0,
        };
        let data = found.at(data_at, positions.room());
        let dc = found.at(dc_at, picture.blocks());
        let starts = of_scans.iter().zip(&scans);
        let starts = starts.map(|(part, scan)| found.at(part.starts, scan.blocks));
        if positions.find(data, dc, starts.collect()).is_none() {
            return Ok(None);
        }
        let mut blocks = BlocksJob {
            picture,
            dc: base + dc_at as u64,
            scans: base + scans_at as u64,
            scan_ends: [0; 4],
            coefficients: 0,
            first_thread_block: 0,
            reserved: 0,
        };
        let mut jobs = Vec::with_capacity(scans.len());
        for (part, scan) in of_scans.iter().zip(&scans) {
            put(&mut pinned, part.symbols, &[scan.symbols()]);
            jobs.push(AcScan {
                data: base + (data_at + scan.data.start) as u64,
                starts: base + part.starts as u64,
                symbols: base + part.symbols as u64,
                band: scan.band,
            });
            for end in blocks.scan_ends.iter_mut().skip(scan.component) {
                *end += 1;
            }
        }
        put(
            &mut pinned,
            job,
            &[picture_job(jpeg.scaled(), jpeg.quantizers())],
        );
        put(&mut pinned, blocks_job, &[blocks]);
        put(&mut pinned, scans_at, &jobs);
        memory.wait_on(&self.uploads)?;
        pinned.start_upload(memory.pointer(), parts.end, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        Ok(Some(Coefficients {
            scaled: *jpeg.scaled(),
            job: base + job as u64,
            coefficients: made.pointer().as_raw(),
            samples: made.pointer().as_raw() + bytes(&picture) as u64,
            has_samples: false,
            memory: made,
            blocks: Some(BlockKernel {
                job: base + blocks_job as u64,
                thread_blocks: blocks.thread_blocks(),
                memory,
            }),
        }))
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
