//! Where the kernels find what they need of a picture.

use super::{Parts, bytes, put};
use crate::jpeg::ScanPlan;
use imagecuda_kernels::jpeg::{
    groups::{BlockOrigin, GROUP_THREADS, GroupDc},
    jobs::{DcAddresses, READ_AHEAD, ScanJob},
    picture::Picture,
    scan::{DcSums, Segment},
    sections::{Node, SECTION_NODES, SLOTS, SectionEntry, SectionExit},
};

/// Where the parts of a picture are, in three regions of device memory: one that is uploaded, one
/// that kernels write, and one that is zeroed before. The regions may be of one buffer, and each
/// begins at a multiple of 256.
pub(super) struct PictureParts {
    pub(super) scans: Vec<ScanParts>,
    /// Bytes of the first region.
    pub(super) uploaded: usize,
    /// Bytes of the second region.
    pub(super) work: usize,
    /// In the third region, and all of its bytes.
    pub(super) coefficients: usize,
    block_origins: usize,
    pub(super) zeros: usize,
}

/// The offsets of the parts of a scan.
#[derive(Default)]
pub(super) struct ScanParts {
    pub(super) segments: usize,
    pub(super) kept_before: usize,
    pub(super) file: usize,
    /// In the second region.
    nodes: usize,
    exits: usize,
    entries: usize,
    dc_sums: usize,
    group_dc: usize,
    /// In the third region.
    data: usize,
    written_groups: usize,
}

/// The addresses of the regions.
#[derive(Clone, Copy)]
pub(super) struct Regions {
    pub(super) uploaded: u64,
    pub(super) work: u64,
    pub(super) zeros: u64,
}

impl PictureParts {
    /// The parts of a picture. The files' data come last in the first region.
    pub(super) fn new(picture: &Picture, plans: &[ScanPlan]) -> Self {
        let mut uploaded = Parts::default();
        let mut scans: Vec<ScanParts> = Vec::with_capacity(plans.len());
        for plan in plans {
            scans.push(ScanParts {
                segments: uploaded.add(size_of_val(&plan.segments[..])),
                kept_before: uploaded.add(size_of_val(&plan.kept[..])),
                ..ScanParts::default()
            });
        }
        for (parts, plan) in scans.iter_mut().zip(plans) {
            parts.file = uploaded.add(plan.data.len());
        }
        let (mut work, mut zeros) = (Parts::default(), Parts::default());
        let coefficients = zeros.add(bytes(picture));
        // These are zeroed too: some blocks have no data unit, and the data may end within a word.
        let block_origins = zeros.add(picture.blocks() * size_of::<BlockOrigin>());
        for (parts, plan) in scans.iter_mut().zip(plans) {
            let scan = &plan.scan;
            let sections = scan.sections() as usize;
            parts.nodes = work.add(sections * SECTION_NODES as usize * size_of::<Node>());
            parts.exits = work.add(2 * sections * SLOTS as usize * size_of::<SectionExit>());
            parts.entries = work.add(sections * size_of::<SectionEntry>());
            parts.dc_sums = work.add(scan.subsequences as usize * size_of::<DcSums>());
            parts.group_dc = work.add(scan.groups() as usize * size_of::<GroupDc>());
            parts.data = zeros.add(plan.bytes() + READ_AHEAD);
            parts.written_groups = zeros.add(size_of::<u32>());
        }
        Self {
            scans,
            uploaded: uploaded.end,
            work: work.end,
            coefficients,
            block_origins,
            zeros: zeros.end,
        }
    }

    /// Writes what is uploaded of the scans, but for their files' data.
    pub(super) fn write(&self, plans: &[ScanPlan], to: &mut [u8]) {
        for (plan, at) in plans.iter().zip(&self.scans) {
            put::<Segment>(to, at.segments, &plan.segments);
            put::<u32>(to, at.kept_before, &plan.kept);
        }
    }

    /// Writes the files' data.
    pub(super) fn write_files(&self, plans: &[ScanPlan], file: &[u8], to: &mut [u8]) {
        for (plan, at) in plans.iter().zip(&self.scans) {
            put::<u8>(to, at.file, &file[plan.data.clone()]);
        }
    }

    /// What is to be added to each component's DC, and the address of the block origins.
    pub(super) fn dc(&self, plans: &[ScanPlan], regions: Regions) -> ([DcAddresses; 4], u64) {
        let mut dc = [DcAddresses::default(); 4];
        for (plan, parts) in plans.iter().zip(&self.scans) {
            for unit in &plan.scan.units[..plan.scan.unit_count as usize] {
                dc[unit.blocks.component as usize] = DcAddresses {
                    dc_sums: regions.work + parts.dc_sums as u64,
                    group_dc: regions.work + parts.group_dc as u64,
                    group_len: GROUP_THREADS.into(),
                };
            }
        }
        (dc, regions.zeros + self.block_origins as u64)
    }

    /// The jobs of the scans, whose tables are at the addresses of `tables`.
    pub(super) fn scan_jobs(
        &self,
        plans: &[ScanPlan],
        regions: Regions,
        tables: impl IntoIterator<Item = u64>,
    ) -> impl Iterator<Item = ScanJob> {
        let uploaded = move |at: usize| regions.uploaded + at as u64;
        let in_work = move |at: usize| regions.work + at as u64;
        let in_zeros = move |at: usize| regions.zeros + at as u64;
        let scans = plans.iter().zip(&self.scans).zip(tables);
        scans.map(move |((plan, parts), tables)| ScanJob {
            scan: plan.scan,
            first_group: 0,
            table_count: plan.tables.len() as u32,
            first_chunk: 0,
            file_bytes: plan.data.len() as u32,
            file: uploaded(parts.file),
            kept_before: uploaded(parts.kept_before),
            data: in_zeros(parts.data),
            segments: uploaded(parts.segments),
            tables,
            nodes: in_work(parts.nodes),
            exits: in_work(parts.exits),
            entries: in_work(parts.entries),
            dc_sums: in_work(parts.dc_sums),
            group_dc: in_work(parts.group_dc),
            block_origins: in_zeros(self.block_origins),
            coefficients: in_zeros(self.coefficients),
            status: 0,
            written_groups: in_zeros(parts.written_groups),
            reserved: 0,
            first_section: 0,
            with_subtables: (0..)
                .zip(&plan.tables[..])
                .map(|(number, table)| u32::from(table.has_subtables()) << number)
                .sum(),
        })
    }
}
