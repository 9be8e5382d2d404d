//! How the subsequences of a scan are divided among groups of threads, and what the groups tell
//! each other.
//!
//! A group has a thread for each of its [`GROUP`] subsequences, and [`WARM_UP`] threads for those
//! before, so that it finds by itself the state in which its first one begins. Whether it found
//! the right one is known as soon as the group before has got there: the same state as the exit
//! of that one's last subsequence.

use super::scan::{Exit, Place, Scan, SegmentAt, State};
use bytemuck::{Pod, Zeroable};

/// Subsequences of a group.
pub const GROUP: u32 = THREADS - WARM_UP;

/// Subsequences before those of a group, which its threads decode as well.
pub const WARM_UP: u32 = 32;

/// Threads of a group that synchronises.
pub const THREADS: u32 = 256;

/// How many subsequences a decoder goes on through. One that has not fallen into step by then
/// probably never does.
pub const ROUNDS: u32 = 64;

/// What a group found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Found {
    /// The state behind the subsequence before its first, if the group has a warm-up.
    pub entry: State,
    /// Zero.
    pub reserved: u32,
    /// Unused, zero.
    pub reserved2: u64,
    /// All that was done in its subsequences, or in those of the last segment that begins there.
    pub total: Exit,
}

/// How many groups `subsequences` are.
pub fn groups(subsequences: u32) -> u32 {
    subsequences.div_ceil(GROUP)
}

impl Scan {
    /// The first subsequence of a group.
    #[inline(always)]
    pub fn first_of(&self, group: u32) -> u32 {
        group * GROUP
    }

    /// The group of a subsequence.
    #[inline(always)]
    pub fn group_of(&self, subsequence: u32) -> u32 {
        subsequence / GROUP
    }

    /// The subsequence behind a group's last.
    #[inline(always)]
    pub fn end_of(&self, group: u32) -> u32 {
        (group * GROUP + GROUP).min(self.subsequences)
    }

    /// The subsequence that a thread of a group that synchronises begins with, if there is one.
    #[inline(always)]
    pub fn place(&self, segments: &[SegmentAt], group: u32, thread: u32) -> Option<Place> {
        let number = (self.first_of(group) + thread).checked_sub(WARM_UP)?;
        if number >= self.subsequences {
            return None;
        }
        let place = Place::find(segments, number)?;
        // A warm-up in another segment tells nothing.
        let is_useful =
            thread >= WARM_UP || Place::find(segments, self.first_of(group))?.first <= number;
        is_useful.then_some(place)
    }
}
