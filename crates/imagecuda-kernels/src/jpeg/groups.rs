//! How the second pass divides the subsequences of a scan among groups of threads, and what the
//! groups tell each other of DC.

use super::{
    scan::{DcSums, Scan, Segment},
    sections::SECTION,
};
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// Threads of a group, each of which has a subsequence: some whole sections.
pub const GROUP_THREADS: u32 = 256;

/// Sections of a group.
pub const GROUP_SECTIONS: u32 = GROUP_THREADS / SECTION;

/// What a group found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GroupDc {
    /// The differences of DC of its data units, or of those of the last segment that begins there.
    pub own: DcSums,
    /// Those of the groups before, from the start of the segment on in which the group's first
    /// subsequence is, after the third pass.
    pub before: DcSums,
}

/// What each block has to remember of the second pass, until the sums before it are known: the
/// number of its subsequence, and whether the segment begins in a group before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct BlockOrigin(u32);

impl BlockOrigin {
    /// The owner of a block that begins in a subsequence. There are less than 2^31.
    #[inline(always)]
    pub fn new(subsequence: u32, needs_carry: bool) -> Self {
        Self(subsequence << 1 | u32::from(needs_carry))
    }

    /// The number of the subsequence.
    #[inline(always)]
    pub fn subsequence(self) -> u32 {
        self.0 >> 1
    }

    /// Whether groups before have to do with it.
    #[inline(always)]
    pub fn needs_carry(self) -> bool {
        self.0 & 1 != 0
    }
}

impl Scan {
    /// How many groups there are.
    #[inline(always)]
    pub fn groups(&self) -> u32 {
        self.subsequences.div_ceil(GROUP_THREADS)
    }

    /// The subsequence behind a group's last.
    #[inline(always)]
    pub fn group_end(&self, group: u32) -> u32 {
        (group * GROUP_THREADS + GROUP_THREADS).min(self.subsequences)
    }

    /// The groups before a group from whose results its first subsequence goes on.
    #[inline(always)]
    pub fn carry_sources(&self, segments: &[Segment], group: u32) -> Range<u32> {
        let first = group * GROUP_THREADS;
        let start = self
            .find_subsequence(segments, first)
            .map_or(first, |subsequence| subsequence.first_of_segment);
        start / GROUP_THREADS..group
    }

    /// Where among a group's subsequences its last segment begins.
    #[inline(always)]
    pub fn last_segment_start(&self, segments: &[Segment], group: u32) -> u32 {
        let last = self.find_subsequence(segments, self.group_end(group).saturating_sub(1));
        last.map_or(0, |last| {
            last.first_of_segment.saturating_sub(group * GROUP_THREADS)
        })
    }
}
