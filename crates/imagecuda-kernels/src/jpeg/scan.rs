//! A scan of a sequential file, decoded by many threads at once.
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
};
use bytemuck::{Pod, Zeroable};

/// Data units in an MCU, at most.
pub const UNITS: usize = 10;

/// The place of each coefficient of a zigzag in a block.
pub const NATURAL: [u8; BLOCK] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A data unit of an MCU: where its blocks are, and with which tables it is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Unit {
    /// Its block in the first MCU of the scan, among all of the picture.
    pub first: u32,
    /// From there to that of the first MCU in the next row.
    pub down: u32,
    /// From there to that of the next MCU.
    pub across: u32,
    /// How it is coded.
    pub coding: Coding,
}

/// How a data unit is coded: in one number, which is not touched before it is needed, as that would
/// be to wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Coding(u32);

impl Coding {
    /// The numbers of a component in the picture, and of its tables among those of the scan.
    pub fn new(component: u8, dc: u8, ac: u8) -> Self {
        Self(u32::from_le_bytes([dc, ac, component, 0]))
    }

    /// The number of the component in the picture.
    #[inline(always)]
    pub fn component(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// The table of a symbol.
    #[inline(always)]
    fn table(self, is_dc: bool) -> u8 {
        (self.0 >> if is_dc { 0 } else { 8 }) as u8
    }
}

/// What the threads need to know of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Scan {
    /// The first [`unit_count`](Self::unit_count) are there.
    pub units: [Unit; UNITS],
    /// Data units in an MCU, from 1 on.
    pub unit_count: u32,
    /// MCUs in a row.
    pub mcus_x: u32,
    /// MCUs in all.
    pub mcus: u32,
    /// MCUs of a segment; the last one may have fewer.
    pub restart_interval: u32,
    /// Segments in all.
    pub segments: u32,
    /// Subsequences in all.
    pub subsequences: u32,
    /// Bits of a subsequence, a multiple of 32; the last one of a segment has what is left.
    pub subsequence: u32,
    /// Blocks of the picture.
    pub blocks: u32,
}

/// A segment of a scan: what is between two restart markers. It begins where a subsequence does,
/// and has at least one bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Segment {
    /// The number of its first subsequence in the scan, and so its place in the data.
    pub first: u32,
    /// The number of the bit behind its last one.
    pub end: u32,
}

/// Where a decoder is behind the end of a subsequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct State(u32);

impl State {
    #[inline(always)]
    fn new(overshoot: u32, unit: u32, index: u32) -> Self {
        Self(overshoot & 31 | unit << 5 | index << 9)
    }

    /// Bits behind the end that belong to the last symbol before it.
    #[inline(always)]
    fn overshoot(self) -> u32 {
        self.0 & 31
    }

    /// The data unit of the MCU.
    #[inline(always)]
    fn unit(self) -> u32 {
        self.0 >> 5 & 15
    }

    /// The next coefficient, in zigzag order.
    #[inline(always)]
    fn index(self) -> u32 {
        self.0 >> 9 & 63
    }
}

/// What a decoder has done when it is behind a subsequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Exit {
    /// Where it is.
    pub state: State,
    /// How many data units it has ended in this subsequence.
    pub units: u32,
}

/// The sums of differences of DC of each component, which wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Dc(u64);

impl Dc {
    /// All four sums.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        const HIGH: u64 = 0x8000_8000_8000_8000;
        let low = (self.0 & !HIGH) + (other.0 & !HIGH);
        Self(low ^ ((self.0 ^ other.0) & HIGH))
    }

    /// What was added to `earlier` to get this.
    #[inline(always)]
    pub fn since(self, earlier: Self) -> Self {
        const HIGH: u64 = 0x8000_8000_8000_8000;
        let low = (self.0 | HIGH) - (earlier.0 & !HIGH);
        Self(low ^ ((self.0 ^ !earlier.0) & HIGH))
    }

    #[inline(always)]
    fn of(component: u8, difference: i32) -> Self {
        Self(u64::from(difference as u16) << (component as u32 * 16))
    }

    /// The sum of a component.
    #[inline(always)]
    pub fn get(self, component: u8) -> i16 {
        (self.0 >> (component as u32 * 16)) as i16
    }
}

/// What is wrong with a scan, as bits; 0 where nothing is.
pub mod status {
    /// Decoders did not fall into step.
    pub const UNSYNCHRONIZED: u32 = 1;
    /// There is no such code, or a run leaves its block.
    pub const INVALID: u32 = 2;
    /// A segment has not all of its data.
    pub const CUT_SHORT: u32 = 4;
}

/// A subsequence of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The number of the segment in the scan.
    pub segment: u32,
    /// The number of the segment's first subsequence in the scan.
    pub first: u32,
    /// The number of the subsequence in the scan.
    pub number: u32,
    /// The number of the bit behind the segment's last one.
    end: u32,
}

impl Place {
    /// Whether it is the first of its segment.
    #[inline(always)]
    pub fn is_first(&self) -> bool {
        self.number == self.first
    }
}

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

impl Unit {
    /// Its block in an MCU, among all of the picture.
    #[inline(always)]
    fn block(&self, x: u32, y: u32) -> usize {
        (self.first + y * self.down + x * self.across) as usize
    }
}

impl Scan {
    #[inline(always)]
    fn unit(&self, number: u32) -> Unit {
        self.units[(number as usize).min(UNITS - 1)]
    }

    /// The number of the data unit behind another one.
    #[inline(always)]
    fn after(&self, number: u32) -> u32 {
        if number + 1 < self.unit_count {
            number + 1
        } else {
            0
        }
    }

    /// Subsequence `number`; `None` if there is none.
    #[inline(always)]
    pub fn find(&self, segments: &[Segment], number: u32) -> Option<Place> {
        let (mut low, mut high) = (0, segments.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match segments.get(middle) {
                Some(segment) if segment.first <= number => low = middle,
                _ => high = middle,
            }
        }
        let segment = segments.get(low)?;
        let is_there = number >= segment.first && number < self.subsequences;
        is_there.then_some(Place {
            segment: low as u32,
            first: segment.first,
            number,
            end: segment.end,
        })
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

    #[test]
    fn sums_of_dc_wrap_each_for_itself() {
        let numbers = [0, 1, -1, 2047, -2047, 32767, -32768, 12345];
        for a in numbers {
            for b in numbers {
                for component in 0..4 {
                    let sides =
                        Dc::of((component + 1) & 3, -1).plus(Dc::of((component + 3) & 3, 1));
                    let first = Dc::of(component, a).plus(sides);
                    let sum = first.plus(Dc::of(component, b)).plus(sides);
                    assert_eq!(sum.get(component), (a as i16).wrapping_add(b as i16));
                    assert_eq!(sum.get((component + 1) & 3), -2);
                    assert_eq!(sum.get((component + 3) & 3), 2);
                    assert_eq!(sum.since(first), Dc::of(component, b).plus(sides));
                }
            }
        }
    }
}
