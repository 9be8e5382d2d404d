//! How sections are joined: maps from the slots of a section to those of the next one, which can be
//! composed.

use super::{NO_SLOT, Node, SLOTS, SectionExit};
use bytemuck::{Pod, Zeroable};

/// What a section does to slots: from each slot of its first boundary to one of the next section's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct SectionMap(u64);

impl SectionMap {
    /// The map of no section.
    pub const IDENTITY: Self = Self(0xfedc_ba98_7654_3210);

    /// The map of a section with the exits `exit`, where `nodes` are at the next section's first
    /// boundary.
    #[inline(always)]
    pub fn new(exit: impl Fn(u32) -> SectionExit, nodes: [Node; SLOTS as usize]) -> Self {
        const STATE: u32 = 1 << 31 | 0x7fff;
        if nodes[0].is_root() {
            return Self(0);
        }
        let mut map = 0;
        for slot in 0..SLOTS {
            let exit = exit(slot);
            let wanted = Node::new(exit.state());
            let mut next = NO_SLOT;
            // A loop of constant length: the nodes stay in a GPU's registers.
            for other in 0..NO_SLOT {
                if nodes[other as usize].0 & STATE == wanted.0 {
                    next = next.min(other);
                }
            }
            if !exit.is_some() {
                next = NO_SLOT;
            }
            map |= u64::from(next) << (4 * slot);
        }
        Self(map)
    }

    /// The slot of the next section that a slot leads to.
    #[inline(always)]
    pub fn apply(self, slot: u32) -> u32 {
        (self.0 >> (4 * slot)) as u32 & NO_SLOT
    }
}

/// Sections that are joined at a time.
pub const JOIN_BATCH: u32 = 1024;

/// Sections of a run. The maps of a run are composed, for all slots at once, before runs are
/// joined.
pub const JOIN_RUN: u32 = 32;

/// Threads that join sections: one for each slot of each run.
pub const JOIN_THREADS: u32 = JOIN_BATCH / JOIN_RUN * SLOTS;

/// What is known of a section once sections are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SectionEntry {
    /// The correct slot of its first boundary; [`NO_SLOT`] if none is.
    pub slot: u32,
    /// The sum of the units of all sections before, which wraps. Only the difference of two
    /// sections of one segment means something.
    pub units_before: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::scan::State;

    fn slots(node: impl Fn(u32) -> Node) -> [Node; SLOTS as usize] {
        std::array::from_fn(|slot| node(slot as u32))
    }

    #[test]
    fn maps_are_from_state_to_state() {
        let exits = [33, 34, 33, 40];
        let exit = |slot: u32| match exits.get(slot as usize) {
            Some(&number) => SectionExit::new(State::from_bits(number), 1),
            None => SectionExit::NONE,
        };
        let nodes = [34, 33];
        let node = |slot: u32| match nodes.get(slot as usize) {
            Some(&number) => Node::new(State::from_bits(number)),
            None => Node::EMPTY,
        };
        let map = SectionMap::new(exit, slots(node));
        let expected = [1, 0, 1, NO_SLOT, NO_SLOT];
        assert!((0..).zip(expected).all(|(slot, to)| map.apply(slot) == to));
        assert_eq!(map.apply(NO_SLOT), NO_SLOT);
        assert!((0..SLOTS).all(|slot| SectionMap::IDENTITY.apply(slot) == slot));
    }

    #[test]
    fn nothing_goes_on_into_a_segment() {
        let exits = |_| SectionExit::new(State::from_bits(9), 1);
        let node = |slot| match slot {
            0 => Node::ROOT.linked(7, 0),
            1 => Node::new(State::from_bits(9)),
            _ => Node::EMPTY,
        };
        assert_eq!(SectionMap::new(exits, slots(node)), SectionMap(0));
    }
}
