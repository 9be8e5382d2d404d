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
    huffman::{END, Entry, Tables},
    picture::BLOCK,
    scan::{Dc, Exit, NATURAL, Place, Scan, State, Unit, status},
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

/// Symbols that are decoded before the threads that are together see whether any is active.
const STEPS: usize = 2;

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a, T, W> {
    scan: &'a Scan,
    tables: T,
    reader: Reader<W>,
    place: Place,
    /// The bit behind the subsequence.
    limit: u32,
    /// The number of the data unit in its MCU, the unit, and the one behind it.
    number: u32,
    unit: Unit,
    next: Unit,
    /// The next coefficient of its block, in zigzag order.
    index: u32,
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
        let number = from.unit();
        Self {
            scan,
            tables,
            reader: Reader::new(words, start + from.overshoot()),
            place,
            limit: (start + scan.subsequence).min(place.end),
            number,
            unit: scan.unit(number),
            next: scan.unit(scan.after(number)),
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

    /// The next symbol, or two, which `bits` begin with.
    #[inline(always)]
    fn entry(&self, bits: u32) -> Entry {
        let table = self.unit.coding.table(self.index == 0);
        self.tables.look_up(table, bits)
    }

    /// Moves to the next data unit. Whether it is in another MCU.
    #[inline(always)]
    fn next_unit(&mut self) -> bool {
        self.number = self.scan.after(self.number);
        self.unit = self.next;
        // Fetched ahead of its time.
        self.next = self.scan.unit(self.scan.after(self.number));
        self.number == 0
    }

    /// Decodes the subsequence, and counts. Threads that are together all call this, those that
    /// are not active as well.
    #[inline(always)]
    pub fn synchronize(&mut self, is_active: bool, together: impl Together) -> Exit {
        let mut units = 0;
        let mut is_active = is_active & !self.is_past();
        while together.any(is_active) {
            for _ in 0..STEPS {
                if is_active {
                    let entry = self.entry(self.reader.peek());
                    let mut code = entry.code();
                    // Two symbols, if the first one ends neither the block nor the subsequence.
                    let ends = (self.index + code.advance() > 63)
                        | (self.reader.position() + code.bits() >= self.limit);
                    if let (Some(both), false) = (entry.both(), ends) {
                        code = both;
                    }
                    self.reader.consume(code.bits());
                    self.index += code.advance();
                    if self.index > 63 {
                        self.index = 0;
                        units += 1;
                        self.next_unit();
                    }
                    is_active = !self.is_past();
                }
            }
        }
        let overshoot = self.reader.position().wrapping_sub(self.limit);
        Exit {
            state: State::new(overshoot, self.number, self.index),
            units,
        }
    }

    /// Moves to the next subsequence. Whether the segment has one; if not, the decoder stays.
    #[inline(always)]
    pub fn go_on(&mut self) -> bool {
        let goes_on = !self.is_last();
        // The last one ends with the segment, and stays where it is.
        self.limit = (self.limit + self.scan.subsequence).min(self.place.end);
        goes_on
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
        let (mut x, mut y) = (mcu % scan.mcus_x.max(1), mcu / scan.mcus_x.max(1));
        let mut dc = Dc::default();
        let mut block = self.unit.block(x, y);
        let mut is_invalid = false;
        while together.any(is_active) {
            for _ in 0..STEPS {
                if is_active {
                    let bits = self.reader.peek();
                    let code = self.entry(bits).code();
                    self.reader.consume(code.bits());
                    let skipped = code.bits().wrapping_sub(code.size()) & 31;
                    let mut value = extend(bits << skipped, code.size());
                    let is_first = self.index == 0;
                    let next = self.index + code.advance();
                    is_invalid |= code.is_invalid() | ((next > 64) & (code.advance() != END));
                    if is_first {
                        let component = self.unit.coding.component();
                        dc = dc.plus(Dc::of(component, value));
                        value = i32::from(dc.get(component));
                        begin(block);
                    }
                    if value != 0 {
                        let at = NATURAL[(next.wrapping_sub(1) & 63) as usize];
                        put(block * BLOCK + usize::from(at), value as i16);
                    }
                    self.index = next;
                    is_active = !self.is_past();
                    if next > 63 {
                        self.index = 0;
                        left -= 1;
                        is_active &= left > 0;
                        if self.next_unit() {
                            x += 1;
                            if x >= scan.mcus_x {
                                (x, y) = (0, y + 1);
                            }
                        }
                        block = self.unit.block(x, y);
                    }
                }
            }
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
