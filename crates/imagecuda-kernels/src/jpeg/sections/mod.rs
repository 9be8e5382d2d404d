//! The sections of the first pass, and how they are joined.
//!
//! A thread block decodes a section without knowing its correct first state. It notes all states
//! that decoders have at the boundaries. Each slot of the first boundary so has an exit: the state
//! after the section that follows from it. The correct slot of the first section is known, as a
//! segment begins there. Its exit says which slot of the next section is correct, and so on.

mod join;

pub use self::join::{JOIN_BATCH, JOIN_RUN, JOIN_THREADS, SectionEntry, SectionMap};

use super::scan::{Scan, Segment, State, Subsequence};
use bytemuck::{Pod, Zeroable};

/// Subsequences of a section.
pub const SECTION: u32 = 64;

/// The most decoders that start at one boundary.
pub const MAX_GUESSES: u32 = 6;

/// The same where data are dense.
const DENSE_GUESSES: u32 = 2;

/// The most decoders that start in a warm-up of subsequences of `LONG` bits. The most subsequences of
/// any warm-up, too.
pub const MAX_WARM_UP: u32 = 48;

/// Bits of the longest subsequence.
const LONG: u32 = 512;

/// The most boundaries of a section and its warm-up.
pub const BOUNDARIES: u32 = MAX_WARM_UP + SECTION + 1;

/// Slots of a boundary. Each but the last can hold a node.
pub const SLOTS: u32 = 16;

/// The slot that is always empty. As a link: it is not known which node follows.
pub const NO_SLOT: u32 = SLOTS - 1;

/// Nodes that a section writes to memory: those at its own boundaries.
pub const SECTION_NODES: u32 = (SECTION + 1) * SLOTS;

/// A state that a decoder had at a boundary; and, once it has crossed the next subsequence, how
/// many data units ended in that, and the slot of the node that followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Node(u32);

impl Node {
    /// No node.
    pub const EMPTY: Self = Self(0);

    /// The start of a segment: the only node at its boundary that matters, in slot 0. Every path
    /// goes on from it.
    pub const ROOT: Self = Self(1 << 31 | 1 << 30);

    /// A node of a state, without a link.
    #[inline(always)]
    pub fn new(state: State) -> Self {
        Self(1 << 31 | state.bits())
    }

    /// The same node with a link: `units` data units ended, and slot `next` followed.
    #[inline(always)]
    pub(super) fn linked(self, units: u32, next: u32) -> Self {
        Self(self.0 | units << 15 | (NO_SLOT - next) << 24)
    }

    /// The same node without its link.
    #[inline(always)]
    pub fn unlinked(self) -> Self {
        Self(self.0 & (Self::ROOT.0 | 0x7fff))
    }

    /// [`Node::ROOT`], if this is the start of a segment, and no node otherwise.
    #[inline(always)]
    pub fn root_only(self) -> Self {
        match self.is_root() {
            true => Self::ROOT,
            false => Self::EMPTY,
        }
    }

    /// Whether this is a node, and not an empty slot.
    #[inline(always)]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }

    /// Whether a segment begins here.
    #[inline(always)]
    pub fn is_root(self) -> bool {
        self.0 & 1 << 30 != 0
    }

    /// The state.
    #[inline(always)]
    pub fn state(self) -> State {
        State::from_bits(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn units(self) -> u32 {
        self.0 >> 15 & 511
    }

    /// The slot of the node that follows; [`NO_SLOT`] if that is not known.
    #[inline(always)]
    fn next_slot(self) -> u32 {
        NO_SLOT - (self.0 >> 24 & NO_SLOT)
    }
}

/// What is known of the correct decoder at a subsequence, before the second pass decodes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct SubsequenceEntry(u32);

impl SubsequenceEntry {
    #[inline(always)]
    fn new(node: Node, next: Node) -> Self {
        let has_next = u32::from(next.is_some()) << 29;
        Self(node.0 & 0xc0ff_ffff | has_next | next.state().overshoot() << 24)
    }

    /// Whether the state is known, and the next one: a boundary may have had no slot left for it.
    /// After the last subsequence of a segment (`is_last`) no state is needed.
    #[inline(always)]
    pub fn is_known(self, is_last: bool) -> bool {
        self.0 & 1 << 31 != 0 && (is_last || self.0 & 1 << 29 != 0)
    }

    /// The state at the start of the subsequence.
    #[inline(always)]
    pub fn state(self) -> State {
        State::from_bits(self.0 & 0x7fff)
    }

    /// The data units that end in it.
    #[inline(always)]
    pub fn units(self) -> u32 {
        Node(self.0).units()
    }

    /// Bits of the next subsequence that its last code takes.
    #[inline(always)]
    pub fn overshoot(self) -> u32 {
        self.0 >> 24 & 31
    }

    #[inline(always)]
    fn is_root(self) -> bool {
        Node(self.0).is_root()
    }
}

/// What follows from a slot of a section's first boundary: the state after the section, and the
/// data units that end in the section. If segments begin in it, only those since the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct SectionExit(u32);

impl SectionExit {
    /// Nothing is known.
    pub const NONE: Self = Self(0);

    #[inline(always)]
    fn new(state: State, units: u32) -> Self {
        Self(1 << 31 | units << 15 | state.bits())
    }

    /// Whether what follows is known.
    #[inline(always)]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }

    #[inline(always)]
    fn state(self) -> State {
        State::from_bits(self.0 & 0x7fff)
    }

    /// The data units.
    #[inline(always)]
    pub fn units(self) -> u32 {
        self.0 >> 15 & 0xffff
    }

    /// The node that the next section needs at its first boundary; [`Node::EMPTY`] if nothing is
    /// known.
    #[inline(always)]
    pub fn wanted(self) -> Node {
        match self.is_some() {
            true => Node::new(self.state()),
            false => Node::EMPTY,
        }
    }
}

/// Whether a section has the node `wanted` at its first boundary, where `first` are its nodes.
#[inline(always)]
pub fn has_wanted(wanted: Node, first: impl Fn(u32) -> Node) -> bool {
    let mut has = false;
    for slot in 0..NO_SLOT {
        let node = first(slot);
        has |= node.is_some() & (node.state() == wanted.state());
    }
    has
}

/// Times that sections are mended. Each time a section gets the states that the one before it had
/// at its end the time before.
pub const MENDINGS: u32 = 2;

/// Threads that mend a section: one for each exit of the section before, and one for each node at its
/// own first boundary.
pub const MEND_THREADS: u32 = 32;

const _: () = assert!(MENDINGS.is_multiple_of(2) && MEND_THREADS == 2 * SLOTS);

const _: () = assert!(SECTION * 511 <= 0xffff);

/// Follows the links over `count` subsequences, from a slot of the first boundary on, and calls
/// `visit` with each. Returns the slot of the last boundary; [`NO_SLOT`] if it is not known. `node`
/// gives the node of a boundary and a slot.
#[inline(always)]
pub fn walk(
    count: u32,
    node: impl Fn(u32, u32) -> Node,
    mut slot: u32,
    mut visit: impl FnMut(u32, SubsequenceEntry),
) -> u32 {
    // Slot 0 is loaded early, as which slot that is does not depend on the node before.
    let mut root = node(0, 0);
    let mut current = node(0, slot);
    for at in 0..count {
        if root.is_root() {
            current = root;
        }
        root = node(at + 1, 0);
        slot = current.next_slot();
        let next = node(at + 1, slot);
        visit(at, SubsequenceEntry::new(current, next));
        current = next;
    }
    slot
}

/// The exit of a slot of a section's first boundary. As for [`walk`].
#[inline(always)]
pub fn exit(count: u32, node: impl Fn(u32, u32) -> Node, slot: u32) -> SectionExit {
    let mut units = 0;
    let last = walk(count, &node, slot, |_, entry| {
        units = entry.units() + if entry.is_root() { 0 } else { units };
    });
    let last = node(count, last);
    match last.is_some() {
        true => SectionExit::new(last.state(), units),
        false => SectionExit::NONE,
    }
}

impl Scan {
    /// Decoders that start at a boundary.
    #[inline(always)]
    pub fn guesses(&self) -> u32 {
        let most = match self.is_dense() {
            true => DENSE_GUESSES,
            false => MAX_GUESSES,
        };
        self.unit_count.clamp(1, most)
    }

    /// Whether [`LONG`] bits have fewer than eight data units. Decoders of such data meet late, and
    /// more of them than there are slots would cross a boundary. There are few data units to start
    /// with too, and so a wrong guess costs less.
    #[inline(always)]
    fn is_dense(&self) -> bool {
        let bits = u64::from(self.subsequences) * u64::from(self.subsequence_bits);
        bits / u64::from(LONG / 8) > u64::from(self.mcus) * u64::from(self.unit_count)
    }

    /// The data unit that decoder `number` of them starts with.
    #[inline(always)]
    pub fn guessed_unit(&self, number: u32) -> u32 {
        number * self.unit_count / self.guesses()
    }

    /// Subsequences of a warm-up: more of them where they are short.
    #[inline(always)]
    pub fn warm_up(&self) -> u32 {
        let of_long = MAX_WARM_UP / self.guesses();
        (of_long * LONG / self.subsequence_bits.max(1)).min(MAX_WARM_UP)
    }

    /// The number of sections.
    #[inline(always)]
    pub fn sections(&self) -> u32 {
        self.subsequences.div_ceil(SECTION)
    }

    /// The number of subsequences of a section.
    #[inline(always)]
    pub fn section_len(&self, number: u32) -> u32 {
        (self.subsequences - number * SECTION).min(SECTION)
    }

    /// Subsequence `at` of a section and its warm-up, if there is one.
    #[inline(always)]
    pub fn section_subsequence(
        &self,
        segments: &[Segment],
        section: u32,
        at: u32,
    ) -> Option<Subsequence> {
        let first = section * SECTION;
        let number = (first + at).checked_sub(self.warm_up())?;
        let subsequence = self.find_subsequence(segments, number)?;
        // A warm-up in another segment is of no use.
        let is_useful = at >= self.warm_up()
            || self.find_subsequence(segments, first)?.first_of_segment <= number;
        is_useful.then_some(subsequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes at three boundaries: two paths that meet, and one that breaks off.
    fn node(at: u32, slot: u32) -> Node {
        let state = |number| Node::new(State::from_bits(number));
        match (at, slot) {
            (0, 0) => state(5).linked(3, 1),
            (0, 1) => state(6).linked(2, 0),
            (0, 2) => state(7),
            (1, 0) => state(8).linked(4, 0),
            (1, 1) => state(9).linked(1, 0),
            (2, 0) => state(33),
            _ => Node::EMPTY,
        }
    }

    #[test]
    fn exits_are_what_comes_of_each_slot() {
        let exit = |slot| exit(2, node, slot);
        assert_eq!((exit(0).state().bits(), exit(0).units()), (33, 4));
        assert_eq!((exit(1).state().bits(), exit(1).units()), (33, 6));
        assert_eq!(exit(2), SectionExit::NONE);
        assert_eq!(exit(NO_SLOT), SectionExit::NONE);
        let mut entries = std::vec::Vec::new();
        assert_eq!(walk(2, node, 0, |_, entry| entries.push(entry)), 0);
        let found =
            |entry: &SubsequenceEntry| (entry.state().bits(), entry.units(), entry.overshoot());
        assert_eq!(found(&entries[0]), (5, 3, 9));
        assert_eq!(found(&entries[1]), (9, 1, 1));
        assert!(entries.iter().all(|entry| entry.is_known(false)));
    }

    #[test]
    fn a_lost_path_is_not_known() {
        let mut known = std::vec::Vec::new();
        let visit = |_, entry: SubsequenceEntry| {
            known.push([true, false].map(|is_last| entry.is_known(is_last)))
        };
        assert_eq!(walk(2, node, 2, visit), NO_SLOT);
        assert_eq!(known, [[true, false], [false, false]]);
    }

    #[test]
    fn a_segment_begins_anew() {
        let node = |at, slot| match (at, slot) {
            (1, 0) => Node::ROOT.linked(7, 0),
            (1, 1) => Node::new(State::from_bits(9)),
            _ => node(at, slot),
        };
        assert_eq!(exit(2, node, 0).units(), 7);
        assert_eq!(exit(2, node, NO_SLOT).units(), 7);
    }
}
