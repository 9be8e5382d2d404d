//! A decoder of a sequential scan, which many threads run at once.
//!
//! A Huffman decoder that begins at a wrong bit soon falls into step with one that began at the
//! right one. So the data are cut into subsequences. Each is decoded from its first bit, as if a
//! block began there, by a few decoders: one for each data unit of the MCU that this block may be
//! ([`synchronize`](Decoder::synchronize)). Each then goes on through the next subsequences until
//! it arrives where another one has been, in the same [`State`]. From then on both are the same.
//! What was decoded on the way is only counted; a second pass ([`Decoder::write`]) knows from the
//! counts where everything goes.
//!
//! The first coefficient of a block, its DC, is coded as its difference to that of the block
//! before. The second pass adds up the differences within a subsequence; what those before it
//! come to is known behind that pass, and added to the coefficients when they are read.

use super::{
    bits::{BitReader, WordSource},
    huffman::ScanTables,
    scan::{Scan, State, Subsequence, status},
    sections::{Node, SubsequenceEntry},
    table_entry::{END_OF_BLOCK, STEP_BITS, Step},
};

/// Threads that take the same steps together, and so have to stay together until all are done.
pub trait Lockstep {
    /// Whether any of them still is active.
    fn any(&self, is_active: bool) -> bool;
}

/// A thread by itself.
#[derive(Clone, Copy, Debug)]
pub struct SingleThread;

impl Lockstep for SingleThread {
    #[inline(always)]
    fn any(&self, is_active: bool) -> bool {
        is_active
    }
}

/// What decoders leave for each other between the subsequences of a section.
pub trait Nodes: Copy {
    /// Has a state at a place. Its slot there, [`NO_SLOT`](super::sections::NO_SLOT) if there is no room;
    /// and whether nobody was there in this state before.
    fn insert(self, at: u32, state: State) -> (u32, bool);

    /// Writes a node that has been entered in a slot, with what is known of it now.
    fn update(self, at: u32, slot: u32, node: Node);

    /// How many subsequences there are.
    fn count(self) -> u32;
}

/// Where the second pass of a subsequence leaves what it decodes.
pub trait Output {
    /// A component's sum of differences of DC until now.
    fn dc_sum(&self, component: u32) -> i16;

    /// Goes on in a block that begins before the subsequence.
    fn resume_block(&mut self, block: u32);

    /// Begins a block, with what the sum of its component is from here on.
    fn begin_block(&mut self, block: u32, component: u32, sum: i16);

    /// A coefficient of the block, which is not zero, and its place there, below 64.
    fn put(&mut self, at: u32, value: i16);
}

/// How far a decoder has come: the next coefficient of its block, in zigzag order, and above its 8
/// bits how many bits it has taken since the start of its first subsequence. So a [`Step`] is added
/// at once.
type Position = u32;

/// What tells that a block has ended.
const BLOCK_ENDED: Position = 0xc0;

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a, T: ScanTables, W> {
    scan: &'a Scan,
    tables: T,
    /// That of the next symbol, and that of those that are not first in their block; then those
    /// of the next block, found ahead of their time.
    table: T::Table,
    ac_table: T::Table,
    next_tables: [T::Table; 2],
    /// The data unit in its MCU, the one behind, and the one behind that.
    unit: T::Unit,
    next_unit: T::Unit,
    second_next_unit: T::Unit,
    reader: BitReader<W>,
    subsequence: Subsequence,
    position: Position,
    /// What is behind the subsequence, and behind the segment.
    limit: Position,
    segment_end: Position,
}

/// The number that `bits` stand for, of which the first `size` count: 0 to 15.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    // Twice, as a shift by 32 is none.
    let value = (bits >> 1 >> (31 - size)) as i32;
    // Without the leading one it is negative.
    let is_negative = (bits >> 31 == 0) & (size > 0);
    value + if is_negative { 1 - (1 << size) } else { 0 }
}

impl<'a, T: ScanTables, W: WordSource> Decoder<'a, T, W> {
    /// A decoder at a subsequence, in the state `from` of the one before it.
    #[inline(always)]
    pub fn new(scan: &'a Scan, tables: T, words: W, subsequence: Subsequence, from: State) -> Self {
        let start = subsequence.number * scan.subsequence_bits;
        let unit = tables.unit(from.unit());
        let ([dc, ac], next) = tables.tables(unit);
        let (next_tables, second_next_unit) = tables.tables(next);
        // No decoder comes as far as what is cut off.
        let end = (subsequence.segment_end - start).min(1 << 23) << STEP_BITS;
        Self {
            scan,
            tables,
            table: if from.index() == 0 { dc } else { ac },
            ac_table: ac,
            next_tables,
            unit,
            next_unit: next,
            second_next_unit,
            reader: BitReader::new(words, start + from.overshoot()),
            subsequence,
            position: from.overshoot() << STEP_BITS | from.index(),
            limit: (scan.subsequence_bits << STEP_BITS).min(end),
            segment_end: end,
        }
    }

    /// Whether it has decoded all symbols that begin in the subsequence.
    #[inline(always)]
    fn is_done(&self) -> bool {
        self.position >= self.limit
    }

    /// Takes a step, if it is one. Whether a block ends with it.
    #[inline(always)]
    fn advance(&mut self, step: Step, is_one: bool) -> bool {
        let before = self.position;
        self.position += step;
        let goes_on = (before ^ self.position) & 32 << STEP_BITS != 0;
        let position = self.position >> STEP_BITS;
        self.reader.take(step >> STEP_BITS, goes_on, position);
        let ends = self.position & BLOCK_ENDED != 0;
        if is_one {
            self.table = self.ac_table;
        }
        if ends {
            self.position &= !0xff;
            [self.table, self.ac_table] = self.next_tables;
            (self.unit, self.next_unit) = (self.next_unit, self.second_next_unit);
            (self.next_tables, self.second_next_unit) = self.tables.tables(self.next_unit);
        }
        ends
    }

    /// Decodes its subsequence, which is number `at` of those of a section, and the next ones, until
    /// it arrives where another decoder has been in the same state, or at the end of its segment.
    /// Leaves `nodes` between them. One at the start of a segment is at the right state. Threads that are
    /// together all call this, those that are not active as well.
    #[inline(always)]
    pub fn synchronize(
        &mut self,
        is_active: bool,
        lockstep: impl Lockstep,
        nodes: impl Nodes,
        mut at: u32,
        starts_segment: bool,
    ) {
        let count = nodes.count();
        let subsequence_bits = self.scan.subsequence_bits << STEP_BITS;
        // Where it is from, if that is a node, and what it has ended since.
        let (mut node, mut slot) = match starts_segment {
            true => (Node::ROOT, 0),
            false => (Node::EMPTY, 0),
        };
        let mut units = 0;
        let mut is_active = is_active & !self.is_done();
        if !is_active {
            self.limit = 0;
        }
        while lockstep.any(is_active) {
            // Without branches, as the threads that are together would wait for each other in each;
            // who is past stands still.
            units += self.step();
            units += self.step();
            units += self.step();
            units += self.step();
            // Once more where a segment's last subsequence is shorter than the step into it.
            while is_active & self.is_done() {
                let overshoot = (self.position - self.limit) >> STEP_BITS;
                let state = State::new(
                    overshoot,
                    self.tables.unit_number(self.unit),
                    self.position & 63,
                );
                let (next, is_new) = nodes.insert(at + 1, state);
                if node.is_some() {
                    nodes.update(at, slot, node.linked(units, next));
                }
                let is_last = self.limit == self.segment_end;
                at += 1;
                is_active = is_new & !is_last & (at < count);
                self.limit = (self.limit + subsequence_bits).min(self.segment_end);
                (node, slot, units) = (Node::new(state), next, 0);
            }
            // Who has stopped stands still as well.
            if !is_active {
                self.limit = 0;
            }
        }
    }

    /// Decodes the symbols that are shown, none of which but the last one ends its block. How many
    /// data units they end.
    #[inline(always)]
    fn step(&mut self) -> u32 {
        let is_one = !self.is_done();
        let entry = T::look_up(self.table, self.reader.peek()).filter(is_one);
        let step = match (self.position & 63) + entry.advance() <= 63 {
            true => entry.step(),
            false => entry.code().step(),
        };
        u32::from(self.advance(step, is_one))
    }

    /// Decodes the subsequence once more, where `before` data units were ended in its segment
    /// before it, to where the first `entry` came. What is wrong with the data, as [`status`].
    /// Threads that are together all call this, those that are not active as well.
    #[inline(always)]
    pub fn write(
        &mut self,
        is_active: bool,
        lockstep: impl Lockstep,
        before: u32,
        entry: SubsequenceEntry,
        output: &mut impl Output,
    ) -> u32 {
        let scan = self.scan;
        let is_last = self.limit == self.segment_end;
        self.limit += entry.overshoot() << STEP_BITS;
        let first = self.subsequence.segment * scan.restart_interval;
        let mcus = scan.mcus.saturating_sub(first).min(scan.restart_interval);
        let mut left = (mcus * scan.unit_count).saturating_sub(before);
        let was_active = is_active & (left > 0);
        let mut is_active = was_active & !self.is_done();
        let mcu = first + before / scan.unit_count.max(1);
        let mcus_x = scan.mcus_x.max(1);
        let (mut x, mut y) = (mcu % mcus_x, mcu / mcus_x);
        let mut blocks = self.tables.blocks(self.unit);
        let mut ahead = self.tables.blocks(self.next_unit);
        let mut block = blocks.block(x, y);
        output.resume_block(block);
        // The last coefficient and its place in a zigzag: it is written when the next symbol is
        // being looked up, as its place in the block has to be looked up too.
        let (mut last, mut last_at) = (0, 0);
        let mut is_invalid = false;
        let mut step = |mut is_active: bool| {
            if is_active {
                let bits = self.reader.peek();
                let natural = self.tables.natural_order(last_at);
                let sum = output.dc_sum(blocks.component);
                let code = T::look_up(self.table, bits).code();
                if last != 0 {
                    output.put(natural, last);
                }
                let skipped = code.bits().wrapping_sub(code.size()) & 31;
                last = extend(bits << skipped, code.size()) as i16;
                let index = self.position & 63;
                let next = index + code.advance();
                is_invalid |= code.is_invalid() | ((next > 64) & (code.advance() != END_OF_BLOCK));
                last_at = next.wrapping_sub(1) & 63;
                if index == 0 {
                    last = last.wrapping_add(sum);
                    output.begin_block(block, blocks.component, last);
                }
                let ends = self.advance(code.step(), true);
                is_active = !self.is_done();
                if ends {
                    left -= 1;
                    is_active &= left > 0;
                    x += u32::from(self.tables.unit_number(self.unit) == 0);
                    if x >= mcus_x {
                        (x, y) = (0, y + 1);
                    }
                    blocks = ahead;
                    block = blocks.block(x, y);
                    ahead = self.tables.blocks(self.next_unit);
                }
            }
            is_active
        };
        while lockstep.any(is_active) {
            is_active = step(is_active);
            is_active = step(is_active);
        }
        if last != 0 {
            output.put(self.tables.natural_order(last_at), last);
        }
        let mut wrong = 0;
        if was_active && !entry.is_known(is_last) {
            wrong |= status::UNSYNCHRONIZED;
        }
        if was_active && is_invalid {
            wrong |= status::INVALID;
        }
        // The data end before the blocks do, or within the last one.
        let is_past_end = self.position >> STEP_BITS > self.segment_end >> STEP_BITS;
        if was_active && (is_last && left > 0 || is_past_end) {
            wrong |= status::CUT_SHORT;
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_extended_as_in_the_standard() {
        assert_eq!(extend(u32::MAX, 0), 0);
        assert_eq!(extend(0, 0), 0);
        for size in 1..=15u32 {
            for bits in 0..1u32 << size {
                let expected = match bits >> (size - 1) {
                    0 => bits as i32 - (1 << size) + 1,
                    _ => bits as i32,
                };
                assert_eq!(extend(bits << (32 - size) | 0x1234 >> size, size), expected);
            }
        }
    }
}
