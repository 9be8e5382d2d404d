//! The first pass: in which states decoders cross the boundaries.

use super::{Decoder, Lockstep, Nodes};
use crate::jpeg::{
    bits::WordSource, huffman::ScanTables, scan::State, sections::Node, table_entry::STEP_BITS,
};

impl<T: ScanTables, W: WordSource> Decoder<'_, T, W> {
    /// Decodes its subsequence and the next ones, and inserts a node at each boundary. Stops where
    /// another decoder had the same state, and at the end of the segment or of the section.
    ///
    /// `at` is the number of its subsequence among those that `nodes` has boundaries of, and
    /// `node` the node there that it starts from, in `slot`; [`Node::EMPTY`] if it starts from a
    /// guess. All threads of the `lockstep` call this, also those that are not active.
    #[inline(always)]
    pub fn synchronize(
        &mut self,
        is_active: bool,
        lockstep: impl Lockstep,
        nodes: impl Nodes,
        mut at: u32,
        (mut node, mut slot): (Node, u32),
    ) {
        let count = nodes.count();
        let subsequence_bits = self.scan.subsequence_bits << STEP_BITS;
        // The units that ended since the node.
        let mut units = 0;
        let mut is_active = is_active & !self.is_done();
        if !is_active {
            self.limit = 0;
        }
        while lockstep.any(is_active) {
            // Without branches: the threads of a warp would wait for each other at each. A decoder
            // that is done with its subsequence takes steps of 0.
            units += self.step();
            units += self.step();
            units += self.step();
            units += self.step();
            // More than once where one step crosses two boundaries: the last subsequence of a
            // segment may be shorter than a step.
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
            // A decoder that has stopped takes steps of 0 too.
            if !is_active {
                self.limit = 0;
            }
        }
    }

    /// Decodes as many symbols as one look-up shows and fit the block. Returns how many blocks they
    /// end: 0 or 1, as only the last of them can end one.
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
}
