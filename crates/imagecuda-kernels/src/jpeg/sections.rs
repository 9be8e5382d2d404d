//! How the first pass divides the subsequences of a scan, and how what it finds is put together.
//!
//! A section is decoded by a group of threads by itself, from a few subsequences before it on, its
//! warm-up. In which state its first subsequence begins nobody knows yet. But all states that
//! decoders had there are noted, the right one mostly among them, and likewise behind each
//! subsequence; and from each state which one follows. So a section tells what comes of each entry,
//! and the entry of the first one is known: a segment begins there. The others follow from it, one
//! after the other, or all at once, as each tells what it does to all slots.

use super::scan::{Place, Scan, Segment, State};
use bytemuck::{Pod, Zeroable};

/// Subsequences of a section.
pub const SECTION: u32 = 64;

/// Decoders that begin at each subsequence, at most.
pub const GUESSES: u32 = 6;

/// Decoders that begin before a section, at most.
pub const WARM_UP: u32 = 48;

/// What is before, between and behind subsequences that a section's threads decode, at most.
pub const PLACES: u32 = WARM_UP + SECTION + 1;

/// What has room at a place: a node in each slot, but for the last one.
pub const SLOTS: u32 = 16;

/// The slot that is always empty.
pub const NONE: u32 = SLOTS - 1;

/// Nodes that a section leaves behind: those at its own places.
pub const NODES: u32 = (SECTION + 1) * SLOTS;

/// A state that a decoder was in between two subsequences, what it did in the one behind, and in
/// which slot of the next place it was then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Node(u32);

impl Node {
    /// No node.
    pub const EMPTY: Self = Self(0);

    /// The start of a segment: the only node there, in slot 0, from which anything goes on.
    pub const ROOT: Self = Self(1 << 31 | 1 << 30);

    /// A state, behind which nothing is known.
    #[inline(always)]
    pub fn new(state: State) -> Self {
        Self(1 << 31 | state.number())
    }

    /// The same where a decoder has gone on, ended `units` data units and come to a slot.
    #[inline(always)]
    pub(super) fn with(self, units: u32, next: u32) -> Self {
        Self(self.0 | units << 15 | (NONE - next) << 24)
    }

    /// Whether there is one.
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
        State::of(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn units(self) -> u32 {
        self.0 >> 15 & 511
    }

    /// The slot of the node behind; [`NONE`] if it is not known.
    #[inline(always)]
    fn next(self) -> u32 {
        NONE - (self.0 >> 24 & NONE)
    }
}

/// What a right decoder does in a subsequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Pass(u32);

impl Pass {
    #[inline(always)]
    fn new(here: Node, behind: Node) -> Self {
        let is_behind = u32::from(behind.is_some()) << 29;
        Self(here.0 & 0xc0ff_ffff | is_behind | behind.state().overshoot() << 24)
    }

    /// Whether the decoder is known to come here, and to where behind it: a place may have had no room
    /// for it. Behind a segment's `is_last` subsequence it is of no use.
    #[inline(always)]
    pub fn is_known(self, is_last: bool) -> bool {
        self.0 & 1 << 31 != 0 && (is_last || self.0 & 1 << 29 != 0)
    }

    /// The state that it begins in.
    #[inline(always)]
    pub fn state(self) -> State {
        State::of(self.0 & 0x7fff)
    }

    /// How many data units it ends.
    #[inline(always)]
    pub fn units(self) -> u32 {
        Node(self.0).units()
    }

    /// Bits that its last step takes of the next subsequence.
    #[inline(always)]
    pub fn overshoot(self) -> u32 {
        self.0 >> 24 & 31
    }

    #[inline(always)]
    fn is_root(self) -> bool {
        Node(self.0).is_root()
    }
}

/// What comes of a state at a section's first place: the state behind the section, and how many
/// data units are ended until there, or from the last segment's start on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct End(u32);

impl End {
    /// Nothing that is known.
    pub const NONE: Self = Self(0);

    #[inline(always)]
    fn new(state: State, units: u32) -> Self {
        Self(1 << 31 | units << 15 | state.number())
    }

    #[inline(always)]
    fn is_some(self) -> bool {
        self.0 != 0
    }

    #[inline(always)]
    fn state(self) -> State {
        State::of(self.0 & 0x7fff)
    }

    /// The data units.
    #[inline(always)]
    pub fn units(self) -> u32 {
        self.0 >> 15 & 0xffff
    }
}

const _: () = assert!(SECTION * 511 <= 0xffff);

/// Goes through `count` subsequences from a slot of the first place on, and tells what is done in
/// each. The slot behind them; [`NONE`] if it is not known. `node` gives what is in a slot of a
/// place.
#[inline(always)]
pub fn walk(
    count: u32,
    node: impl Fn(u32, u32) -> Node,
    mut slot: u32,
    mut visit: impl FnMut(u32, Pass),
) -> u32 {
    // What is in slot 0 does not depend on what comes before, so it is there in time.
    let mut root = node(0, 0);
    let mut here = node(0, slot);
    for at in 0..count {
        if root.is_root() {
            here = root;
        }
        root = node(at + 1, 0);
        slot = here.next();
        let behind = node(at + 1, slot);
        visit(at, Pass::new(here, behind));
        here = behind;
    }
    slot
}

/// What comes of a slot of a section's first place.
#[inline(always)]
pub fn end(count: u32, node: impl Fn(u32, u32) -> Node, slot: u32) -> End {
    let mut units = 0;
    let last = walk(count, &node, slot, |_, pass| {
        units = pass.units() + if pass.is_root() { 0 } else { units };
    });
    let last = node(count, last);
    match last.is_some() {
        true => End::new(last.state(), units),
        false => End::NONE,
    }
}

/// What a section does: each slot of its first place to that of the next section's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Map(u64);

impl Map {
    /// That of no section.
    pub const SAME: Self = Self(0xfedc_ba98_7654_3210);

    /// That of a section with those `end`s, where the next one begins with those nodes.
    #[inline(always)]
    pub fn new(end: impl Fn(u32) -> End, nodes: [Node; SLOTS as usize]) -> Self {
        const STATE: u32 = 1 << 31 | 0x7fff;
        if nodes[0].is_root() {
            return Self(0);
        }
        let mut map = 0;
        for slot in 0..SLOTS {
            let end = end(slot);
            let wanted = Node::new(end.state());
            let mut next = NONE;
            // Not dynamic places, as a GPU has the nodes in registers.
            for other in 0..NONE {
                if nodes[other as usize].0 & STATE == wanted.0 {
                    next = next.min(other);
                }
            }
            if !end.is_some() {
                next = NONE;
            }
            map |= u64::from(next) << (4 * slot);
        }
        Self(map)
    }

    /// Where a slot leads to.
    #[inline(always)]
    pub fn of(self, slot: u32) -> u32 {
        (self.0 >> (4 * slot)) as u32 & NONE
    }
}

/// Sections that are put together at once.
pub const JOINED: u32 = 1024;

/// Sections of a run: what a run does to each slot is known before the runs are put together.
pub const RUN: u32 = 32;

/// Threads that put sections together: one for each slot of each run.
pub const JOINERS: u32 = JOINED / RUN * SLOTS;

/// What is known of a section once all are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Joint {
    /// The slot of its first place that is right; [`NONE`] if it is not there.
    pub entry: u32,
    /// The data units of all sections before; of those in which segments begin, what is behind the
    /// last start. They wrap.
    pub before: u32,
}

impl Scan {
    /// Decoders that begin at a subsequence.
    #[inline(always)]
    pub fn guesses(&self) -> u32 {
        self.unit_count.clamp(1, GUESSES)
    }

    /// The data unit that one of them begins with.
    #[inline(always)]
    pub fn guess(&self, number: u32) -> u32 {
        number * self.unit_count / self.guesses()
    }

    /// Subsequences before a section that its threads decode as well.
    #[inline(always)]
    pub fn warm_up(&self) -> u32 {
        WARM_UP / self.guesses()
    }

    /// How many sections there are.
    #[inline(always)]
    pub fn sections(&self) -> u32 {
        self.subsequences.div_ceil(SECTION)
    }

    /// The subsequences of a section.
    #[inline(always)]
    pub fn section(&self, number: u32) -> u32 {
        (self.subsequences - number * SECTION).min(SECTION)
    }

    /// Subsequence `at` of those that a section's threads decode, if there is one.
    #[inline(always)]
    pub fn place(&self, segments: &[Segment], section: u32, at: u32) -> Option<Place> {
        let first = section * SECTION;
        let number = (first + at).checked_sub(self.warm_up())?;
        let place = self.find(segments, number)?;
        // A warm-up in another segment tells nothing.
        let is_useful = at >= self.warm_up() || self.find(segments, first)?.first <= number;
        is_useful.then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes at three places: two paths that meet, one that is lost.
    fn node(at: u32, slot: u32) -> Node {
        let state = |number| Node::new(State::of(number));
        match (at, slot) {
            (0, 0) => state(5).with(3, 1),
            (0, 1) => state(6).with(2, 0),
            (0, 2) => state(7),
            (1, 0) => state(8).with(4, 0),
            (1, 1) => state(9).with(1, 0),
            (2, 0) => state(33),
            _ => Node::EMPTY,
        }
    }

    fn slots(node: impl Fn(u32) -> Node) -> [Node; SLOTS as usize] {
        std::array::from_fn(|slot| node(slot as u32))
    }

    #[test]
    fn ends_are_what_comes_of_each_slot() {
        let end = |slot| end(2, node, slot);
        assert_eq!((end(0).state().number(), end(0).units()), (33, 4));
        assert_eq!((end(1).state().number(), end(1).units()), (33, 6));
        assert_eq!(end(2), End::NONE);
        assert_eq!(end(NONE), End::NONE);
        let mut passes = std::vec::Vec::new();
        assert_eq!(walk(2, node, 0, |_, pass| passes.push(pass)), 0);
        let found = |pass: &Pass| (pass.state().number(), pass.units(), pass.overshoot());
        assert_eq!(found(&passes[0]), (5, 3, 9));
        assert_eq!(found(&passes[1]), (9, 1, 1));
        assert!(passes.iter().all(|pass| pass.is_known(false)));
    }

    #[test]
    fn a_lost_path_is_not_known() {
        let mut known = std::vec::Vec::new();
        let visit = |_, pass: Pass| known.push([true, false].map(|is_last| pass.is_known(is_last)));
        assert_eq!(walk(2, node, 2, visit), NONE);
        assert_eq!(known, [[true, false], [false, false]]);
    }

    #[test]
    fn a_segment_begins_anew() {
        let node = |at, slot| match (at, slot) {
            (1, 0) => Node::ROOT.with(7, 0),
            (1, 1) => Node::new(State::of(9)),
            _ => node(at, slot),
        };
        assert_eq!(end(2, node, 0).units(), 7);
        assert_eq!(end(2, node, NONE).units(), 7);
        assert_eq!(Map::new(|_| End::NONE, slots(|slot| node(1, slot))), Map(0));
    }

    #[test]
    fn maps_are_from_state_to_state() {
        let ends = [33, 34, 33, 40];
        let end = |slot: u32| match ends.get(slot as usize) {
            Some(&number) => End::new(State::of(number), 1),
            None => End::NONE,
        };
        let nodes = [34, 33];
        let node = |slot: u32| match nodes.get(slot as usize) {
            Some(&number) => Node::new(State::of(number)),
            None => Node::EMPTY,
        };
        let map = Map::new(end, slots(node));
        let expected = [1, 0, 1, NONE, NONE];
        assert!((0..).zip(expected).all(|(slot, to)| map.of(slot) == to));
        assert_eq!(map.of(NONE), NONE);
        assert!((0..SLOTS).all(|slot| Map::SAME.of(slot) == slot));
    }
}
