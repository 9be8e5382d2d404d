//! The second pass, `jpeg_write`, and the sums that groups of threads carry to the next ones.

use super::{Input, synchronize::Section};
use crate::jpeg::{
    decoder::{Decoder, Output, SingleThread},
    groups::{self, BlockOrigin, GroupDc},
    picture::BLOCK,
    scan::DcSums,
    sections::{SECTION, SLOTS, SectionEntry, walk},
};
use alloc::vec::Vec;

pub(super) fn write(
    input: Input<'_>,
    group: u32,
    (sections, entries): (&[Section], &[SectionEntry]),
    (sums, group_dc, origins): (&mut [DcSums], &mut [GroupDc], &mut [Option<BlockOrigin>]),
    coefficients: &mut [i16],
) -> u32 {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let first = group * groups::GROUP_THREADS;
    let mut wrong = 0;
    let mut dc = DcSums::default();
    // The entries of the section's subsequences.
    let mut subsequence_entries = Vec::new();
    for number in first..scan.group_end(group) {
        let (section, at) = (number / SECTION, number % SECTION);
        let entry = entries[section as usize];
        if at == 0 {
            let nodes = &sections[section as usize].nodes;
            let node = |at, slot| nodes[(at * SLOTS + slot) as usize];
            subsequence_entries.clear();
            let visit = |_, entry| subsequence_entries.push(entry);
            walk(scan.section_len(section), node, entry.slot, visit);
        }
        let Some(subsequence) = scan.find_subsequence(segments, number) else {
            continue;
        };
        let needs_carry = subsequence.first_of_segment < first;
        let start = (
            subsequence.first_of_segment / SECTION,
            subsequence.first_of_segment % SECTION,
        );
        let mut before = 0;
        let mut from = start.1;
        if start.0 < section {
            before = entry
                .units_before
                .wrapping_sub(entries[start.0 as usize].units_before);
            from = 0;
        }
        let own = &subsequence_entries[from as usize..at as usize];
        before += own.iter().map(|entry| entry.units()).sum::<u32>();
        if subsequence.starts_segment() {
            dc = DcSums::default();
        }
        let subsequence_entry = subsequence_entries[at as usize];
        let mut decoder = Decoder::new(scan, input, words, subsequence, subsequence_entry.state());
        let origin = BlockOrigin::new(number, needs_carry);
        sums[number as usize] = dc;
        let mut output = HostOutput {
            coefficients,
            origins,
            origin,
            block: 0,
            dc: DcSums::default(),
        };
        let bad = decoder.write(true, SingleThread, before, subsequence_entry, &mut output);
        let own = output.dc;
        dc = dc.plus(own);
        wrong |= bad;
    }
    group_dc[group as usize].own = dc;
    wrong
}

struct HostOutput<'a> {
    coefficients: &'a mut [i16],
    origins: &'a mut [Option<BlockOrigin>],
    origin: BlockOrigin,
    block: usize,
    dc: DcSums,
}

impl Output for HostOutput<'_> {
    fn dc_sum(&self, component: u32) -> i16 {
        self.dc.get(component as u8)
    }

    fn resume_block(&mut self, block: u32) {
        self.block = block as usize;
    }

    fn begin_block(&mut self, block: u32, component: u32, sum: i16) {
        self.resume_block(block);
        self.origins[self.block] = Some(self.origin);
        self.dc = self.dc.with(component as u8, sum);
    }

    fn put(&mut self, at: u32, value: i16) {
        self.coefficients[self.block * BLOCK + at as usize] = value;
    }
}

pub(super) fn carry(input: Input<'_>, group_dc: &mut [GroupDc]) {
    for group in 0..input.scan.groups() {
        let groups = input.scan.carry_sources(input.segments, group);
        let sum = groups.map(|group| group_dc[group as usize].own);
        group_dc[group as usize].before = sum.fold(DcSums::default(), DcSums::plus);
    }
}
