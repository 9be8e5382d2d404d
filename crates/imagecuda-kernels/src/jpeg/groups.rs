//! How the subsequences of a scan are divided among groups of threads, and what the groups tell
//! each other.
//!
//! A group has a thread for each of its subsequences, and threads for those before, its warm-up,
//! so that it finds by itself the state in which its first one begins. Whether it found the right
//! one is known as soon as the group before has got there: the same state as the exit of that
//! one's last subsequence.

use super::scan::{Dc, Exit, Place, Scan, Segment, State};
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// Threads of a group.
pub const THREADS: u32 = 256;

/// Bits that a group decodes before its first subsequence.
pub const WARM_UP: u32 = 8 * 4096;

/// Bits in which a decoder falls into step, or probably never does.
pub const PATIENCE: u32 = 8 * 8192;

/// What a group found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Found {
    /// The state behind the subsequence before its first, if the group has a warm-up.
    pub entry: State,
    /// The data units that were ended in its subsequences, or in those of the last segment that
    /// begins there.
    pub units: u32,
    /// Their differences of DC, after the second pass.
    pub dc: Dc,
    /// Those of the groups before, from the start of the segment on in which the group's first
    /// subsequence is, after the third pass.
    pub carried: Dc,
}

/// What each block has to remember of the second pass, until the sums before it are known: the
/// number of its subsequence, and whether the segment begins in a group before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Owner(u32);

impl Owner {
    /// The owner of a block that begins in a subsequence. There are less than 2^31.
    #[inline(always)]
    pub fn new(subsequence: u32, is_carried: bool) -> Self {
        Self(subsequence << 1 | u32::from(is_carried))
    }

    /// The number of the subsequence.
    #[inline(always)]
    pub fn subsequence(self) -> u32 {
        self.0 >> 1
    }

    /// Whether groups before have to do with it.
    #[inline(always)]
    pub fn is_carried(self) -> bool {
        self.0 & 1 != 0
    }
}

impl Scan {
    /// Subsequences before those of a group, which its threads decode as well.
    #[inline(always)]
    pub fn warm_up(&self) -> u32 {
        (WARM_UP / self.subsequence).min(THREADS / 2)
    }

    /// The most subsequences that a decoder comes through.
    #[inline(always)]
    pub fn way(&self) -> u32 {
        (PATIENCE / self.subsequence).clamp(1, Exit::WAY)
    }

    /// Subsequences of a group.
    #[inline(always)]
    pub fn group(&self) -> u32 {
        THREADS - self.warm_up()
    }

    /// How many groups there are.
    #[inline(always)]
    pub fn groups(&self) -> u32 {
        self.subsequences.div_ceil(self.group())
    }

    /// The group of a subsequence.
    #[inline(always)]
    pub fn group_of(&self, subsequence: u32) -> u32 {
        subsequence / self.group()
    }

    /// The first subsequence of a group.
    #[inline(always)]
    pub fn first_of(&self, group: u32) -> u32 {
        group * self.group()
    }

    /// The subsequence behind a group's last.
    #[inline(always)]
    pub fn end_of(&self, group: u32) -> u32 {
        (group * self.group() + self.group()).min(self.subsequences)
    }

    /// The subsequence that a thread of a group that synchronises begins with, if there is one.
    #[inline(always)]
    pub fn place(&self, segments: &[Segment], group: u32, thread: u32) -> Option<Place> {
        let number = (self.first_of(group) + thread).checked_sub(self.warm_up())?;
        let place = self.find(segments, number)?;
        // A warm-up in another segment tells nothing.
        let is_useful =
            thread >= self.warm_up() || self.find(segments, self.first_of(group))?.first <= number;
        is_useful.then_some(place)
    }

    /// The groups before a group from whose results its first subsequence goes on.
    #[inline(always)]
    pub fn carried(&self, segments: &[Segment], group: u32) -> Range<u32> {
        let first = self.first_of(group);
        let start = self
            .find(segments, first)
            .map_or(first, |place| place.first);
        self.group_of(start)..group
    }

    /// Where among a group's subsequences its last segment begins.
    #[inline(always)]
    pub fn last_start(&self, segments: &[Segment], group: u32) -> u32 {
        let last = self.find(segments, self.end_of(group).saturating_sub(1));
        last.map_or(0, |last| last.first.saturating_sub(self.first_of(group)))
    }
}
