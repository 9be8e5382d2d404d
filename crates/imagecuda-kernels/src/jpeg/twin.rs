//! The kernels of Huffman decoding on the host: thread after thread, and the same results.

use super::{
    decoder::{Alone, Decoder, Nodes, Output},
    groups::{self, Found, Owner},
    huffman::{Entry, Table, Tables},
    picture::{BLOCK, Picture},
    scan::{Blocks, Dc, NATURAL, Scan, Segment, State, status},
    sections::{self, End, Joint, Map, NONE, Node, PLACES, SECTION, SLOTS, walk},
    stuffing::{CHUNK, PIECE, Piece},
};
use alloc::{vec, vec::Vec};
use bytemuck::{cast, cast_slice_mut};
use core::cell::Cell;

/// The data of a scan, of those that the `file` has. So many bytes before each chunk are `kept`.
pub fn unstuff(scan: &Scan, segments: &[Segment], file: &[u8], kept: &[u32]) -> Vec<u32> {
    let bytes = scan.subsequence / 8;
    let mut words = vec![0; (scan.subsequences * bytes) as usize / 4];
    let data: &mut [u8] = cast_slice_mut(&mut words);
    for (chunk, &kept) in kept.iter().enumerate() {
        let mut kept = kept;
        let end = (chunk * CHUNK + CHUNK).min(file.len());
        for start in (chunk * CHUNK..end).step_by(PIECE) {
            let here = &file[start..end.min(start + PIECE)];
            let mut all = [0; PIECE];
            all[..here.len()].copy_from_slice(here);
            let piece = Piece {
                bytes: cast(all),
                before: start.checked_sub(1).map_or(0, |before| file[before]),
                len: here.len() as u32,
            };
            piece.place(segments, start as u32, kept, bytes, |at, byte| {
                if let Some(to) = data.get_mut(at as usize) {
                    *to = byte;
                }
            });
            kept += piece.kept();
        }
    }
    words
}

/// A scan and its data.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The scan.
    pub scan: &'a Scan,
    /// Its Huffman tables.
    pub tables: &'a [Table],
    /// Its data.
    pub words: &'a [u32],
    /// Its segments.
    pub segments: &'a [Segment],
}

/// Decodes a scan to the `coefficients` of its picture, which are zeros. What is wrong with it, as
/// [`status`]; if anything is, the coefficients mean nothing.
pub fn decode(input: Input<'_>, picture: &Picture, coefficients: &mut [i16]) -> u32 {
    let scan = input.scan;
    let mut sections = Vec::new();
    for section in 0..scan.sections() {
        sections.push(synchronize(input, section));
    }
    let (joints, mut wrong) = join(&sections);
    let mut sums = vec![Dc::default(); scan.subsequences as usize];
    let mut found = vec![Found::default(); scan.groups() as usize];
    let mut owners = vec![None; scan.blocks as usize];
    for group in 0..scan.groups() {
        let written = (&mut sums[..], &mut found[..], &mut owners[..]);
        wrong |= write(input, group, (&sections, &joints), written, coefficients);
    }
    carry(input, &mut found);
    for (number, part) in picture.parts().iter().enumerate() {
        for block in part.first_block as usize..part.first_block as usize + part.blocks() {
            if let Some(owner) = owners.get(block).copied().flatten() {
                let first = &mut coefficients[block * BLOCK];
                let sum = before(owner, &sums, &found);
                *first = first.wrapping_add(sum.get(number as u8));
            }
        }
    }
    wrong
}

/// The differences of DC before a subsequence in its segment.
fn before(owner: Owner, sums: &[Dc], found: &[Found]) -> Dc {
    let own = sums[owner.subsequence() as usize];
    match owner.is_carried() {
        true => own.plus(found[(owner.subsequence() / groups::THREADS) as usize].carried),
        false => own,
    }
}

/// What a section leaves behind.
struct Section {
    nodes: Vec<Node>,
    ends: Vec<End>,
}

fn synchronize(input: Input<'_>, section: u32) -> Section {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let end = scan.warm_up() + scan.section(section);
    let nodes = vec![Cell::new(Node::EMPTY); (PLACES * SLOTS) as usize];
    let places: Vec<_> = (0..end)
        .map(|at| scan.place(segments, section, at))
        .collect();
    for (row, place) in nodes.chunks(SLOTS as usize).zip(&places) {
        if place.is_some_and(|place| place.is_first()) {
            row[0].set(Node::ROOT);
        }
    }
    let nodes = SectionNodes {
        nodes: &nodes,
        count: end,
    };
    // The last one first: at any place those of one subsequence arrive before those of two, as they do
    // where all begin together.
    for (at, place) in (0..end).zip(&places).rev() {
        let Some(place) = *place else {
            continue;
        };
        let is_first = place.is_first();
        for guess in 0..if is_first { 1 } else { scan.guesses() } {
            let state = State::guess(scan.guess(guess));
            let mut decoder = Decoder::new(scan, input, words, place, state);
            decoder.synchronize(true, Alone, nodes, at, is_first);
        }
    }
    let own = &nodes.nodes[(scan.warm_up() * SLOTS) as usize..];
    let own: Vec<_> = own.iter().map(Cell::get).collect();
    let node = |at, slot| own[(at * SLOTS + slot) as usize];
    let ends = (0..SLOTS).map(|slot| sections::end(scan.section(section), node, slot));
    Section {
        ends: ends.collect(),
        nodes: own,
    }
}

/// Which of each section's entries is right, and what is wrong.
fn join(sections: &[Section]) -> (Vec<Joint>, u32) {
    let mut joints = Vec::new();
    let (mut entry, mut before, mut wrong) = (0, 0u32, 0);
    for (number, section) in sections.iter().enumerate() {
        joints.push(Joint { entry, before });
        if entry == NONE {
            wrong |= status::UNSYNCHRONIZED;
        }
        before = before.wrapping_add(section.ends[entry as usize].units());
        if let Some(next) = sections.get(number + 1) {
            let end = |slot| section.ends[slot as usize];
            let nodes = next.nodes.first_chunk().copied().unwrap_or_default();
            entry = Map::new(end, nodes).of(entry);
        }
    }
    (joints, wrong)
}

impl<'a> Tables for Input<'a> {
    type Table = Option<&'a Table>;
    type Unit = u32;

    fn unit(self, number: u32) -> u32 {
        number
    }

    fn number(self, unit: u32) -> u32 {
        unit
    }

    fn tables(self, unit: u32) -> ([Self::Table; 2], u32) {
        let tables = self.scan.unit(unit).tables;
        let after = unit + 1;
        let after = if after < self.scan.unit_count {
            after
        } else {
            0
        };
        (tables.map(|number| self.tables.get(number as usize)), after)
    }

    fn look_up(table: Self::Table, bits: u32) -> Entry {
        table.map_or(Entry::NONE, |table| table.look_up(bits))
    }

    fn blocks(self, unit: u32) -> Blocks {
        self.scan.unit(unit).blocks
    }

    fn natural(self, index: u32) -> u32 {
        NATURAL[index as usize].into()
    }
}

#[derive(Clone, Copy)]
struct SectionNodes<'a> {
    nodes: &'a [Cell<Node>],
    count: u32,
}

impl Nodes for SectionNodes<'_> {
    fn enter(self, at: u32, state: State) -> (u32, bool) {
        let row = &self.nodes[(at * SLOTS) as usize..][..NONE as usize];
        for (slot, node) in (0..).zip(row) {
            if !node.get().is_some() {
                node.set(Node::new(state));
                return (slot, true);
            }
            if node.get().state() == state {
                return (slot, false);
            }
        }
        (NONE, false)
    }

    fn put(self, at: u32, slot: u32, node: Node) {
        self.nodes[(at * SLOTS + slot) as usize].set(node);
    }

    fn count(self) -> u32 {
        self.count
    }
}

fn write(
    input: Input<'_>,
    group: u32,
    (sections, joints): (&[Section], &[Joint]),
    (sums, found, owners): (&mut [Dc], &mut [Found], &mut [Option<Owner>]),
    coefficients: &mut [i16],
) -> u32 {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let first = group * groups::THREADS;
    let mut wrong = 0;
    let mut dc = Dc::default();
    // What the decoders before do in the section.
    let mut passes = Vec::new();
    for number in first..scan.end_of(group) {
        let (section, at) = (number / SECTION, number % SECTION);
        let joint = joints[section as usize];
        if at == 0 {
            let nodes = &sections[section as usize].nodes;
            let node = |at, slot| nodes[(at * SLOTS + slot) as usize];
            passes.clear();
            let visit = |_, pass| passes.push(pass);
            walk(scan.section(section), node, joint.entry, visit);
        }
        let Some(place) = scan.find(segments, number) else {
            continue;
        };
        let is_carried = place.first < first;
        let start = (place.first / SECTION, place.first % SECTION);
        let mut before = 0;
        let mut from = start.1;
        if start.0 < section {
            before = joint.before.wrapping_sub(joints[start.0 as usize].before);
            from = 0;
        }
        let own = &passes[from as usize..at as usize];
        before += own.iter().map(|pass| pass.units()).sum::<u32>();
        if place.is_first() {
            dc = Dc::default();
        }
        let pass = passes[at as usize];
        let mut decoder = Decoder::new(scan, input, words, place, pass.state());
        let owner = Owner::new(number, is_carried);
        sums[number as usize] = dc;
        let mut output = HostOutput {
            coefficients,
            owners,
            owner,
            block: 0,
            dc: Dc::default(),
        };
        let bad = decoder.write(true, Alone, before, pass, &mut output);
        let own = output.dc;
        dc = dc.plus(own);
        wrong |= bad;
    }
    found[group as usize].dc = dc;
    wrong
}

struct HostOutput<'a> {
    coefficients: &'a mut [i16],
    owners: &'a mut [Option<Owner>],
    owner: Owner,
    block: usize,
    dc: Dc,
}

impl Output for HostOutput<'_> {
    fn sum(&self, component: u32) -> i16 {
        self.dc.get(component as u8)
    }

    fn go_on(&mut self, block: u32) {
        self.block = block as usize;
    }

    fn begin(&mut self, block: u32, component: u32, sum: i16) {
        self.go_on(block);
        self.owners[self.block] = Some(self.owner);
        self.dc = self.dc.with(component as u8, sum);
    }

    fn put(&mut self, at: u32, value: i16) {
        self.coefficients[self.block * BLOCK + at as usize] = value;
    }
}

fn carry(input: Input<'_>, found: &mut [Found]) {
    for group in 0..input.scan.groups() {
        let groups = input.scan.carried(input.segments, group);
        let sum = groups.map(|group| found[group as usize].dc);
        found[group as usize].carried = sum.fold(Dc::default(), Dc::plus);
    }
}
