//! The kernels of Huffman decoding on the CPU: the same bodies, one thread after the other, with
//! the same results. Machines without a GPU test the kernels with it.

use super::{
    decoder::{Decoder, Nodes, Output, SingleThread},
    groups::{self, BlockOrigin, GroupDc},
    huffman::{ScanTables, Table},
    picture::{BLOCK, Picture},
    scan::{BlockGrid, DcSums, NATURAL, Scan, Segment, State, status},
    sections::{
        self, BOUNDARIES, MENDINGS, NO_SLOT, Node, SECTION, SLOTS, SectionEntry, SectionExit,
        SectionMap, walk,
    },
    stuffing::{CHUNK, PIECE, Piece},
    table_entry::TableEntry,
};
use alloc::{vec, vec::Vec};
use bytemuck::{cast, cast_slice_mut};
use core::{cell::Cell, mem};

/// `jpeg_unstuff`: the data of a scan. `kept` says how many bytes before each chunk of `file` are
/// kept.
pub fn unstuff(scan: &Scan, segments: &[Segment], file: &[u8], kept: &[u32]) -> Vec<u32> {
    let bytes = scan.subsequence_bits / 8;
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
            piece.scatter(segments, start as u32, kept, bytes, |at, byte| {
                if let Some(to) = data.get_mut(at as usize) {
                    *to = byte;
                }
            });
            kept += piece.kept();
        }
    }
    words
}

/// A scan and its unstuffed data.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The scan.
    pub scan: &'a Scan,
    /// Its Huffman tables.
    pub tables: &'a [Table],
    /// Its unstuffed data.
    pub words: &'a [u32],
    /// Its segments.
    pub segments: &'a [Segment],
}

/// Decodes a scan to the `coefficients` of its picture, which are zeros at first. Returns a
/// [`status`]; if that is not 0, the coefficients mean nothing.
pub fn decode(input: Input<'_>, picture: &Picture, coefficients: &mut [i16]) -> u32 {
    let scan = input.scan;
    let mut sections = Vec::new();
    for section in 0..scan.sections() {
        sections.push(synchronize(input, section));
    }
    for _ in 0..MENDINGS {
        let mend = |number: usize| {
            mend(
                input,
                number as u32,
                sections[..number].last(),
                &sections[number],
            )
        };
        let mended: Vec<_> = (0..sections.len()).map(mend).collect();
        for (section, mended) in sections.iter_mut().zip(mended) {
            *section = mended.unwrap_or_else(|| mem::take(section));
        }
    }
    let (entries, mut wrong) = join(&sections);
    let mut sums = vec![DcSums::default(); scan.subsequences as usize];
    let mut group_dc = vec![GroupDc::default(); scan.groups() as usize];
    let mut origins = vec![None; scan.blocks as usize];
    for group in 0..scan.groups() {
        let written = (&mut sums[..], &mut group_dc[..], &mut origins[..]);
        wrong |= write(input, group, (&sections, &entries), written, coefficients);
    }
    carry(input, &mut group_dc);
    for (number, part) in picture.parts().iter().enumerate() {
        for block in part.first_block as usize..part.first_block as usize + part.blocks() {
            if let Some(origin) = origins.get(block).copied().flatten() {
                let first = &mut coefficients[block * BLOCK];
                let sum = dc_before(origin, &sums, &group_dc);
                *first = first.wrapping_add(sum.get(number as u8));
            }
        }
    }
    wrong
}

/// The sum of the DC differences between the start of a block's segment and its subsequence.
fn dc_before(origin: BlockOrigin, sums: &[DcSums], group_dc: &[GroupDc]) -> DcSums {
    let own = sums[origin.subsequence() as usize];
    match origin.needs_carry() {
        true => own.plus(group_dc[(origin.subsequence() / groups::GROUP_THREADS) as usize].before),
        false => own,
    }
}

/// What `jpeg_synchronize` writes of a section.
#[derive(Default)]
struct Section {
    nodes: Vec<Node>,
    exits: Vec<SectionExit>,
}

fn synchronize(input: Input<'_>, section: u32) -> Section {
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
fn mend(
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
fn join(sections: &[Section]) -> (Vec<SectionEntry>, u32) {
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

impl<'a> ScanTables for Input<'a> {
    type Table = Option<&'a Table>;
    type Unit = u32;

    fn unit(self, number: u32) -> u32 {
        number
    }

    fn unit_number(self, unit: u32) -> u32 {
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

    fn look_up(table: Self::Table, bits: u32) -> TableEntry {
        table.map_or(TableEntry::NONE, |table| table.look_up(bits))
    }

    fn blocks(self, unit: u32) -> BlockGrid {
        self.scan.unit(unit).blocks
    }

    fn natural_order(self, index: u32) -> u32 {
        NATURAL[index as usize].into()
    }
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

fn write(
    input: Input<'_>,
    group: u32,
    (sections, entries): (&[Section], &[SectionEntry]),
    (sums, group_dc, origins): (&mut [DcSums], &mut [GroupDc], &mut [Option<BlockOrigin>]),
    coefficients: &mut [i16],
) -> u32 {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let first = group * groups::GROUP_THREADS;
    let mut wrong = 0;
    let mut dc = DcSums::default();
    // The entries of the section's subsequences.
    let mut subsequence_entries = Vec::new();
    for number in first..scan.group_end(group) {
        let (section, at) = (number / SECTION, number % SECTION);
        let entry = entries[section as usize];
        if at == 0 {
            let nodes = &sections[section as usize].nodes;
            let node = |at, slot| nodes[(at * SLOTS + slot) as usize];
            subsequence_entries.clear();
            let visit = |_, entry| subsequence_entries.push(entry);
            walk(scan.section_len(section), node, entry.slot, visit);
        }
        let Some(subsequence) = scan.find_subsequence(segments, number) else {
            continue;
        };
        let needs_carry = subsequence.first_of_segment < first;
        let start = (
            subsequence.first_of_segment / SECTION,
            subsequence.first_of_segment % SECTION,
        );
        let mut before = 0;
        let mut from = start.1;
        if start.0 < section {
            before = entry
                .units_before
                .wrapping_sub(entries[start.0 as usize].units_before);
            from = 0;
        }
        let own = &subsequence_entries[from as usize..at as usize];
        before += own.iter().map(|entry| entry.units()).sum::<u32>();
        if subsequence.starts_segment() {
            dc = DcSums::default();
        }
        let subsequence_entry = subsequence_entries[at as usize];
        let mut decoder = Decoder::new(scan, input, words, subsequence, subsequence_entry.state());
        let origin = BlockOrigin::new(number, needs_carry);
        sums[number as usize] = dc;
        let mut output = HostOutput {
            coefficients,
            origins,
            origin,
            block: 0,
            dc: DcSums::default(),
        };
        let bad = decoder.write(true, SingleThread, before, subsequence_entry, &mut output);
        let own = output.dc;
        dc = dc.plus(own);
        wrong |= bad;
    }
    group_dc[group as usize].own = dc;
    wrong
}

struct HostOutput<'a> {
    coefficients: &'a mut [i16],
    origins: &'a mut [Option<BlockOrigin>],
    origin: BlockOrigin,
    block: usize,
    dc: DcSums,
}

impl Output for HostOutput<'_> {
    fn dc_sum(&self, component: u32) -> i16 {
        self.dc.get(component as u8)
    }

    fn resume_block(&mut self, block: u32) {
        self.block = block as usize;
    }

    fn begin_block(&mut self, block: u32, component: u32, sum: i16) {
        self.resume_block(block);
        self.origins[self.block] = Some(self.origin);
        self.dc = self.dc.with(component as u8, sum);
    }

    fn put(&mut self, at: u32, value: i16) {
        self.coefficients[self.block * BLOCK + at as usize] = value;
    }
}

fn carry(input: Input<'_>, group_dc: &mut [GroupDc]) {
    for group in 0..input.scan.groups() {
        let groups = input.scan.carry_sources(input.segments, group);
        let sum = groups.map(|group| group_dc[group as usize].own);
        group_dc[group as usize].before = sum.fold(DcSums::default(), DcSums::plus);
    }
}
