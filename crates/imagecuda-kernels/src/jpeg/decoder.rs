//! A decoder of a sequential scan, which many threads run at once.
//!
//! A Huffman decoder that begins at a wrong bit soon falls into step with one that began at the
//! right one. So the data are cut into subsequences. Each is decoded from its first bit, as if a
//! block began there ([`synchronize`](Decoder::synchronize)); each decoder then goes on through
//! the next ones until it arrives where another one has been, in the same [`State`]. From then on
//! both are the same. What was decoded on the way is only counted; a second pass
//! ([`Decoder::write`]) knows from the counts where everything goes.
//!
//! The first coefficient of a block, its DC, is coded as its difference to that of the block
//! before. The second pass adds up the differences within a subsequence; what those before it
//! come to is known behind that pass, and added to the coefficients when they are read.

use super::{
    bits::{Reader, Words},
    huffman::{END, FIRST, Tables},
    picture::BLOCK,
    scan::{Choice, Dc, Exit, NATURAL, Place, Scan, State, status},
};

/// Threads that take the same steps together, and so have to stay together until all are done.
pub trait Together {
    /// Whether any of them still is active.
    fn any(&self, is_active: bool) -> bool;
}

/// A thread by itself.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Together for Alone {
    #[inline(always)]
    fn any(&self, is_active: bool) -> bool {
        is_active
    }
}

/// What decoders leave for each other behind the subsequences of a group.
pub trait Exits: Copy {
    /// Leaves `exit` behind subsequence `at`, unless a greater one is there. What was there.
    fn leave(self, at: u32, exit: Exit) -> Exit;

    /// The subsequences.
    fn count(self) -> u32;
}

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a, T: Tables, W> {
    scan: &'a Scan,
    tables: T,
    /// That of the next symbol, and that of those that are not first in their block; then those
    /// of the next block, found ahead of their time.
    table: T::Table,
    others: T::Table,
    next: [T::Table; 2],
    reader: Reader<W>,
    place: Place,
    /// The bit behind the subsequence.
    limit: u32,
    choices: [Choice; 2],
    /// [`Choice::BITS`] times the number of the data unit in its MCU, of the one behind, and of
    /// units there.
    unit: u32,
    after: u32,
    units: u32,
    /// The next coefficient of its block, in zigzag order.
    index: u32,
}

/// [`Choice::BITS`] times the number of the data unit behind another one.
#[inline(always)]
fn after(unit: u32, units: u32) -> u32 {
    let after = unit + Choice::BITS;
    if after < units { after } else { 0 }
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

impl<'a, T: Tables, W: Words> Decoder<'a, T, W> {
    /// A decoder at a subsequence, in the state `from` of the one before it.
    #[inline(always)]
    pub fn new(scan: &'a Scan, tables: T, words: W, place: Place, from: State) -> Self {
        let start = place.number * scan.subsequence;
        let unit = from.unit() * Choice::BITS;
        let units = scan.unit_count * Choice::BITS;
        let behind = after(unit, units);
        let [first, others] = scan.tables.map(|choice| tables.table(choice.get(unit)));
        Self {
            scan,
            tables,
            table: if from.index() == 0 { first } else { others },
            others,
            next: scan.tables.map(|choice| tables.table(choice.get(behind))),
            choices: scan.tables,
            reader: Reader::new(words, start + from.overshoot()),
            place,
            limit: (start + scan.subsequence).min(place.end),
            unit,
            after: behind,
            units,
            index: from.index(),
        }
    }

    /// Whether it has decoded all symbols that begin in the subsequence.
    #[inline(always)]
    fn is_past(&self) -> bool {
        self.reader.position() >= self.limit
    }

    /// Whether the segment ends with the subsequence.
    #[inline(always)]
    fn is_last(&self) -> bool {
        self.limit == self.place.end
    }

    /// Goes on to coefficient `index` of the block, or to the next data unit. Whether that is in
    /// another MCU.
    #[inline(always)]
    fn advance(&mut self, index: u32, ends: bool) -> bool {
        if index != self.index {
            self.table = self.others;
        }
        self.index = index;
        if ends {
            self.index = 0;
            [self.table, self.others] = self.next;
            self.unit = self.after;
            self.after = after(self.after, self.units);
            let choices = self.choices;
            self.next = choices.map(|choice| self.tables.table(choice.get(self.after)));
        }
        ends & (self.unit == 0)
    }

    /// Decodes its subsequence, which is number `at` of its group's, and the next ones, until it
    /// arrives where another decoder has been in the same state, or one that came a longer way.
    /// Leaves `exits` behind them. Whether it gave up before that. Threads that are together all
    /// call this, those that are not active as well.
    ///
    /// However fast the decoders are: what is left behind a subsequence in the end is of the one
    /// that came the longest way, or of one that had been in its state.
    #[inline(always)]
    pub fn synchronize(
        &mut self,
        is_active: bool,
        together: impl Together,
        exits: impl Exits,
        mut at: u32,
    ) -> bool {
        let (count, longest, subsequence) = (exits.count(), self.scan.way(), self.scan.subsequence);
        let (mut way, mut units) = (1, 0);
        let mut is_active = is_active & !self.is_past();
        if !is_active {
            self.limit = 0;
        }
        let mut is_lost = false;
        while together.any(is_active) {
            // Without branches, as the threads that are together would wait for each other in each;
            // who is past stands still.
            self.step(&mut units);
            self.step(&mut units);
            self.step(&mut units);
            self.step(&mut units);
            // Once more where a segment's last subsequence is shorter than the symbol before.
            while is_active & self.is_past() {
                let overshoot = self.reader.position() - self.limit;
                let state = State::new(overshoot, self.unit / Choice::BITS, self.index);
                let exit = Exit::new(way, units, state);
                let before = exits.leave(at, exit);
                let is_known = before.is_some() & (before.state() == state);
                let is_late = before > exit;
                at += 1;
                is_active = !(is_known | is_late | self.is_last()) & (at < count);
                is_lost = is_active & (way >= longest);
                is_active &= !is_lost;
                self.limit = (self.limit + subsequence).min(self.place.end);
                (way, units) = (way + 1, 0);
            }
            // Who has stopped stands still as well.
            if !is_active {
                self.limit = 0;
            }
        }
        is_lost
    }

    /// Decodes the symbols that are shown, and counts the data units that they end.
    #[inline(always)]
    fn step(&mut self, units: &mut u32) {
        let position = self.reader.position();
        let entry = T::look_up(self.table, self.reader.peek()).filter(position < self.limit);
        let code = entry.code();
        // All at once, if none but the last one ends the block or the subsequence. (What is there
        // before the entry is does not delay what follows from it.)
        let is_far = position + FIRST <= self.limit;
        let are_within = entry.advance() <= if is_far { 63 - self.index } else { 0 };
        let (mut bits, mut next) = (code.bits(), self.index + code.advance());
        let mut ends = next > 63;
        if are_within {
            (bits, next) = (entry.bits(), self.index + entry.advance());
            ends = entry.ends();
        }
        self.reader.consume(bits);
        self.advance(next, ends);
        *units += u32::from(ends);
    }

    /// Decodes the subsequence once more, where `before` data units were ended in its segment
    /// before it. Calls `put` with the place of each coefficient that is not zero among all of
    /// the picture, and with the coefficient, and `begin` with the number of each block that
    /// begins; its first coefficient is the sum of the differences in this subsequence, which are
    /// returned, beside what is wrong with the data, as [`status`]. Threads that are together all
    /// call this, those that are not active as well.
    #[inline(always)]
    pub fn write(
        &mut self,
        is_active: bool,
        together: impl Together,
        before: u32,
        mut begin: impl FnMut(usize),
        mut put: impl FnMut(usize, i16),
    ) -> (Dc, u32) {
        let scan = self.scan;
        let first = self.place.segment * scan.restart_interval;
        let mcus = scan.mcus.saturating_sub(first).min(scan.restart_interval);
        let mut left = (mcus * scan.unit_count).saturating_sub(before);
        let was_active = is_active & (left > 0);
        let mut is_active = was_active & !self.is_past();
        let mcu = first + before / scan.unit_count.max(1);
        let mcus_x = scan.mcus_x.max(1);
        let (mut x, mut y) = (mcu % mcus_x, mcu / mcus_x);
        let mut dc = Dc::default();
        let mut unit = scan.unit(self.unit / Choice::BITS);
        let mut after = scan.unit(self.after / Choice::BITS);
        let mut block = unit.block(x, y);
        let mut is_invalid = false;
        let mut step = |mut is_active: bool| {
            if is_active {
                let bits = self.reader.peek();
                let code = T::look_up(self.table, bits).code();
                self.reader.consume(code.bits());
                let skipped = code.bits().wrapping_sub(code.size()) & 31;
                let mut value = extend(bits << skipped, code.size());
                let is_first = self.index == 0;
                let next = self.index + code.advance();
                is_invalid |= code.is_invalid() | ((next > 64) & (code.advance() != END));
                if is_first {
                    let component = unit.component as u8;
                    dc = dc.plus(Dc::of(component, value));
                    value = i32::from(dc.get(component));
                    begin(block);
                }
                if value != 0 {
                    let at = NATURAL[(next.wrapping_sub(1) & 63) as usize];
                    put(block * BLOCK + usize::from(at), value as i16);
                }
                is_active = !self.is_past();
                let is_next_mcu = self.advance(next, next > 63);
                if next > 63 {
                    left -= 1;
                    is_active &= left > 0;
                    if is_next_mcu {
                        x += 1;
                        if x >= mcus_x {
                            (x, y) = (0, y + 1);
                        }
                    }
                    unit = after;
                    block = unit.block(x, y);
                    // Fetched ahead of its time.
                    after = scan.unit(self.after / Choice::BITS);
                }
            }
            is_active
        };
        while together.any(is_active) {
            is_active = step(is_active);
            is_active = step(is_active);
        }
        let mut wrong = 0;
        if was_active && is_invalid {
            wrong |= status::INVALID;
        }
        // The data end before the blocks do, or within the last one.
        let is_short = self.is_last() && left > 0 || self.reader.position() > self.place.end;
        if was_active && is_short {
            wrong |= status::CUT_SHORT;
        }
        (dc, wrong)
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
