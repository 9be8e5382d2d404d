//! The groups of subsequences of the second pass, and how DC is carried from group to group.

use super::{
    scan::{DcSums, Scan, Segment},
    sections::{Node, SECTION, SECTION_NODES},
};
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// Subsequences of a group, and threads of its thread block: some whole sections.
pub const GROUP_THREADS: u32 = 256;

/// Sections of a group.
pub const GROUP_SECTIONS: u32 = GROUP_THREADS / SECTION;

/// Bytes of the nodes of a group's sections.
pub const GROUP_NODE_BYTES: u32 = GROUP_SECTIONS * SECTION_NODES * size_of::<Node>() as u32;

/// What the DC of a group adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GroupDc {
    /// The sum of the group's DC differences. If segments begin in the group, the sum from the last
    /// of them on.
    pub own: DcSums,
    /// The DC sum carried in from earlier groups of the same segment. The last thread block of
    /// `jpeg_write` writes it.
    pub before: DcSums,
}

/// Where a block began: the number of the subsequence, and whether its segment began in an earlier
/// group. The inverse DCT finds by it what has to be added to the block's DC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct BlockOrigin(u32);

impl BlockOrigin {
    /// That of a block that begins in a subsequence, whose number is below 2^31.
    #[inline(always)]
    pub fn new(subsequence: u32, needs_carry: bool) -> Self {
        Self(subsequence << 1 | u32::from(needs_carry))
    }

    /// The number of the subsequence.
    #[inline(always)]
    pub fn subsequence(self) -> u32 {
        self.0 >> 1
    }

    /// Whether the DC of earlier groups has to be added too.
    #[inline(always)]
    pub fn needs_carry(self) -> bool {
        self.0 & 1 != 0
    }
}

/// The prefix sums of some groups' own DC, and what is carried into the first of them.
#[derive(Clone, Copy, Debug)]
pub struct GroupSums<F> {
    /// The number of the first group.
    pub first: u32,
    /// What is carried into it.
    pub carried: DcSums,
    /// The sum of the DC of as many groups from the first one on.
    pub up_to: F,
}

impl<F: Fn(u32) -> DcSums> GroupSums<F> {
    /// The DC that is carried into one of the groups, or into the one after them, from group `start` on. All groups
    /// for which that is before the first one have the same `start`: a segment spans it.
    #[inline(always)]
    pub fn before(&self, group: u32, start: u32) -> DcSums {
        let all = (self.up_to)(group - self.first);
        match start.checked_sub(self.first) {
            None => self.carried.plus(all),
            Some(count) => all.since((self.up_to)(count)),
        }
    }
}

impl Scan {
    /// The number of groups.
    #[inline(always)]
    pub fn groups(&self) -> u32 {
        self.subsequences.div_ceil(GROUP_THREADS)
    }

    /// The subsequence after a group's last one.
    #[inline(always)]
    pub fn group_end(&self, group: u32) -> u32 {
        (group * GROUP_THREADS + GROUP_THREADS).min(self.subsequences)
    }

    /// The first of the [`carry_sources`](Self::carry_sources) of a group.
    #[inline(always)]
    pub fn carry_start(&self, segments: &[Segment], group: u32) -> u32 {
        self.carry_sources(segments, group).start
    }

    /// The earlier groups whose DC is carried into a group: those since its first segment began.
    #[inline(always)]
    pub fn carry_sources(&self, segments: &[Segment], group: u32) -> Range<u32> {
        let first = group * GROUP_THREADS;
        let start = self
            .find_subsequence(segments, first)
            .map_or(first, |subsequence| subsequence.first_of_segment);
        start / GROUP_THREADS..group
    }

    /// Where the last segment of a group begins: counted in subsequences from the group's first.
    #[inline(always)]
    pub fn last_segment_start(&self, segments: &[Segment], group: u32) -> u32 {
        let last = self.find_subsequence(segments, self.group_end(group).saturating_sub(1));
        last.map_or(0, |last| {
            last.first_of_segment.saturating_sub(group * GROUP_THREADS)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_carried_from_batch_to_batch() {
        let own = |group: u32| {
            let sum = DcSums::default().with(0, (group * 7919) as i16);
            sum.with(3, (group as i16).wrapping_mul(-12_345))
        };
        // Where the segments begin that groups begin in.
        let starts = [
            0, 0, 0, 0, 0, 0, 0, 7, 7, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 18, 20,
        ];
        let start =
            |group: u32| starts[(0..=group as usize).rfind(|&i| starts[i] <= group).unwrap()];
        let sum = |groups: Range<u32>| groups.map(own).fold(DcSums::default(), DcSums::plus);
        for batch in 1..=21 {
            let (mut first, mut carried) = (0, DcSums::default());
            while first < 21 {
                let up_to = |count| sum(first..first + count);
                let sums = GroupSums {
                    first,
                    carried,
                    up_to,
                };
                let next = 21.min(first + batch);
                for group in first..next {
                    let expected = sum(start(group)..group);
                    assert_eq!(
                        sums.before(group, start(group)),
                        expected,
                        "{batch} {group}"
                    );
                }
                if next < 21 {
                    carried = sums.before(next, start(next));
                }
                first = next;
            }
        }
    }
}
