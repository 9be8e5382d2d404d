//! The first pass: `jpeg_synchronize`, `jpeg_mend` and `jpeg_join`.

use super::Input;
use crate::jpeg::{
    decoder::{Decoder, Nodes, SingleThread},
    scan::{State, status},
    sections::{
        self, BOUNDARIES, NO_SLOT, Node, SECTION, SLOTS, SectionEntry, SectionExit, SectionMap,
    },
};
use alloc::{vec, vec::Vec};
use core::cell::Cell;

/// What `jpeg_synchronize` writes of a section.
#[derive(Default)]
pub(super) struct Section {
    pub(super) nodes: Vec<Node>,
    exits: Vec<SectionExit>,
}

pub(super) fn synchronize(input: Input<'_>, section: u32) -> Section {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let end = scan.warm_up() + scan.section_len(section);
    let nodes = vec![Cell::new(Node::EMPTY); (BOUNDARIES * SLOTS) as usize];
    let subsequences: Vec<_> = (0..end)
        .map(|at| scan.section_subsequence(segments, section, at))
        .collect();
    for (row, subsequence) in nodes.chunks(SLOTS as usize).zip(&subsequences) {
        if subsequence.is_some_and(|subsequence| subsequence.starts_segment()) {
            row[0].set(Node::ROOT);
        }
    }
    let nodes = SectionNodes {
        nodes: &nodes,
        count: end,
    };
    // The last subsequence first. So decoders reach a boundary in the order of how far they come
    // from, as they do on a GPU, where all start at the same time.
    for (at, subsequence) in (0..end).zip(&subsequences).rev() {
        let Some(subsequence) = *subsequence else {
            continue;
        };
        let starts_segment = subsequence.starts_segment();
        for guess in 0..if starts_segment { 1 } else { scan.guesses() } {
            let state = State::block_start(scan.guessed_unit(guess));
            let mut decoder = Decoder::new(scan, input, words, subsequence, state);
            let node = if starts_segment {
                Node::ROOT
            } else {
                Node::EMPTY
            };
            decoder.synchronize(true, SingleThread, nodes, at, (node, 0));
        }
    }
    Section::new(
        scan.section_len(section),
        &nodes.nodes[(scan.warm_up() * SLOTS) as usize..],
    )
}

impl Section {
    fn new(count: u32, nodes: &[Cell<Node>]) -> Self {
        let nodes: Vec<_> = nodes.iter().map(Cell::get).collect();
        let node = |at, slot| nodes[(at * SLOTS + slot) as usize];
        let exits = (0..SLOTS).map(|slot| sections::exit(count, node, slot));
        Self {
            exits: exits.collect(),
            nodes,
        }
    }
}

/// `jpeg_mend`: a section that goes on from the exits of the one before. `None` if it did before.
pub(super) fn mend(
    input: Input<'_>,
    number: u32,
    before: Option<&Section>,
    section: &Section,
) -> Option<Section> {
    let first = |slot: u32| section.nodes[slot as usize];
    let exit = |slot: u32| section.exits[slot as usize];
    let exits = before.map_or(&[][..], |before| &before.exits);
    let wanted = || {
        exits
            .iter()
            .map(|exit| exit.wanted())
            .filter(|node| node.is_some())
    };
    let is_root = first(0).is_root();
    let goes_on = |slot: u32| exit(slot).is_some() || !first(slot).is_some();
    let is_whole = match is_root {
        true => goes_on(0),
        false => {
            (0..NO_SLOT).all(goes_on) && wanted().all(|node| sections::has_wanted(node, first))
        }
    };
    if is_whole {
        return None;
    }
    let count = input.scan.section_len(number);
    let nodes: Vec<_> = section
        .nodes
        .iter()
        .map(|node| Cell::new(node.root_only()))
        .collect();
    let to = SectionNodes {
        nodes: &nodes,
        count,
    };
    let follow = |at: u32, node: Node, slot: u32| {
        if let Some(subsequence) = input
            .scan
            .find_subsequence(input.segments, number * SECTION + at)
        {
            let mut decoder =
                Decoder::new(input.scan, input, input.words, subsequence, node.state());
            decoder.synchronize(true, SingleThread, to, at, (node, slot));
        }
    };
    if !is_root {
        let old = (0..NO_SLOT).map(first).map(Node::unlinked);
        for node in wanted().chain(old).filter(|node| node.is_some()) {
            if let (slot, true) = to.insert(0, node.state()) {
                follow(0, node, slot);
            }
        }
    }
    for at in 0..count {
        let node = nodes[(at * SLOTS) as usize].get();
        if node.is_root() {
            follow(at, node, 0);
        }
    }
    Some(Section::new(count, &nodes))
}

/// `jpeg_join`: the entry of each section, and a [`status`].
pub(super) fn join(sections: &[Section]) -> (Vec<SectionEntry>, u32) {
    let mut entries = Vec::new();
    let (mut slot, mut units_before, mut wrong) = (0, 0u32, 0);
    for (number, section) in sections.iter().enumerate() {
        entries.push(SectionEntry { slot, units_before });
        if slot == NO_SLOT {
            wrong |= status::UNSYNCHRONIZED;
        }
        units_before = units_before.wrapping_add(section.exits[slot as usize].units());
        if let Some(next) = sections.get(number + 1) {
            let exit = |slot| section.exits[slot as usize];
            let nodes = next.nodes.first_chunk().copied().unwrap_or_default();
            slot = SectionMap::new(exit, nodes).apply(slot);
        }
    }
    (entries, wrong)
}

#[derive(Clone, Copy)]
struct SectionNodes<'a> {
    nodes: &'a [Cell<Node>],
    count: u32,
}

impl Nodes for SectionNodes<'_> {
    fn insert(self, at: u32, state: State) -> (u32, bool) {
        let row = &self.nodes[(at * SLOTS) as usize..][..NO_SLOT as usize];
        for (slot, node) in (0..).zip(row) {
            if !node.get().is_some() {
                node.set(Node::new(state));
                return (slot, true);
            }
            if node.get().state() == state {
                return (slot, false);
            }
        }
        (NO_SLOT, false)
    }

    fn update(self, at: u32, slot: u32, node: Node) {
        self.nodes[(at * SLOTS + slot) as usize].set(node);
    }

    fn count(self) -> u32 {
        self.count
    }
}
