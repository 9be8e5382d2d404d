//! The groups of subsequences of the second pass, and how DC is carried from group to group.

use super::{
    scan::{DcSums, Scan, Segment},
    sections::SECTION,
};
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// Subsequences of a group, and threads of its thread block: some whole sections.
pub const GROUP_THREADS: u32 = 256;

/// Sections of a group.
pub const GROUP_SECTIONS: u32 = GROUP_THREADS / SECTION;

/// What the DC of a group adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GroupDc {
    /// The sum of the group's DC differences. If segments begin in the group, the sum from the last
    /// of them on.
    pub own: DcSums,
    /// The DC sum carried in from earlier groups of the same segment. `jpeg_carry` writes it.
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
