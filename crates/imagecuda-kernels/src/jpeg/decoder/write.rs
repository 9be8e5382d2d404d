//! The second pass: coefficients, from the correct states.

use super::{Decoder, Lockstep, Output};
use crate::jpeg::{
    bits::WordSource,
    huffman::ScanTables,
    scan::status,
    sections::SubsequenceEntry,
    table_entry::{END_OF_BLOCK, STEP_BITS},
};

/// The number that the first `size` of `bits` stand for: the standard's EXTEND. `size` is 0 to 15.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    // In two shifts, as one by 32 would shift by 0.
    let value = (bits >> 1 >> (31 - size)) as i32;
    // A number whose first bit is 0 is negative.
    let is_negative = (bits >> 31 == 0) & (size > 0);
    value + if is_negative { 1 - (1 << size) } else { 0 }
}

impl<T: ScanTables, W: WordSource> Decoder<'_, T, W> {
    /// Decodes the subsequence from the state of its `entry`, and writes its coefficients. `before`
    /// units of the segment have ended before it. Returns a [`status`].
    ///
    /// All threads of the `lockstep` call this, also those that are not active.
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
        // The last coefficient and its index in the zigzag. It is written while the next symbol is
        // looked up, as its place in the block has to be looked up too.
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
        // The data end before the blocks do, or within the last code.
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
