//! A scan of a sequential file, decoded by many threads at once.
//!
//! A Huffman decoder that begins at a wrong bit soon falls into step with one that began at the
//! right one. So the data are cut into subsequences of [`SUBSEQUENCE`] bytes. Each is decoded
//! from its first bit, as if a block began there ([`synchronize`](Decoder::synchronize)); each
//! decoder then goes on through the next ones until it arrives where another one has been, in the
//! same [`State`]. From then on both are the same. What was decoded on the way is only counted;
//! a second pass ([`Decoder::write`]) knows from the counts where everything goes.

use super::{
    bits::{Reader, Segment},
    huffman::Table,
    picture::BLOCK,
};
use bytemuck::{Pod, Zeroable};

/// Bytes of a subsequence.
pub const SUBSEQUENCE: u32 = 128;

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
    pub across: u16,
    /// The number of its component in the picture.
    pub component: u8,
    /// Zero.
    pub reserved: u8,
    /// The number of its table for DC among the scan's tables.
    pub dc: u8,
    /// The number of its table for AC.
    pub ac: u8,
    /// Zero.
    pub reserved2: u16,
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
    /// Blocks of the picture.
    pub blocks: u32,
    /// Zero.
    pub reserved: u32,
}

/// A segment of a scan, which has at least one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SegmentAt {
    /// Its first byte.
    pub start: u32,
    /// The byte behind its last.
    pub end: u32,
    /// The number of its first subsequence in the scan.
    pub first: u32,
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
    fn since(self, earlier: Self) -> Self {
        const HIGH: u64 = 0x8000_8000_8000_8000;
        let low = (self.0 | HIGH) - (earlier.0 & !HIGH);
        Self(low ^ ((self.0 ^ !earlier.0) & HIGH))
    }

    #[inline(always)]
    fn of(component: u8, difference: i32) -> Self {
        Self(u64::from(difference as u16) << (component as u32 * 16))
    }

    #[inline(always)]
    fn get(self, component: u8) -> i16 {
        (self.0 >> (component as u32 * 16)) as i16
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
    /// The differences of DC in this subsequence.
    pub dc: Dc,
}

impl Exit {
    /// What both have done, one after the other.
    #[inline(always)]
    pub fn then(self, next: Self) -> Self {
        Self {
            state: next.state,
            units: self.units + next.units,
            dc: self.dc.plus(next.dc),
        }
    }

    /// What has been done since `earlier`, where both count from the same place.
    #[inline(always)]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            state: self.state,
            units: self.units - earlier.units,
            dc: self.dc.since(earlier.dc),
        }
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
    /// Where it is.
    pub bytes: Segment,
    /// The number of the segment's first subsequence in the scan.
    pub first: u32,
    /// The number of the subsequence in the scan.
    pub number: u32,
}

impl Place {
    /// Subsequence `number`; `None` if there is none.
    #[inline(always)]
    pub fn find(segments: &[SegmentAt], number: u32) -> Option<Self> {
        let (mut low, mut high) = (0, segments.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match segments.get(middle) {
                Some(segment) if segment.first <= number => low = middle,
                _ => high = middle,
            }
        }
        let at = segments.get(low)?;
        let place = Self {
            segment: low as u32,
            bytes: Segment {
                start: at.start,
                end: at.end,
            },
            first: at.first,
            number,
        };
        (number >= at.first && place.start() < at.end).then_some(place)
    }

    /// Where the subsequence starts; the segment may start behind that.
    #[inline(always)]
    fn start(&self) -> u32 {
        (self.bytes.start / SUBSEQUENCE + (self.number - self.first)) * SUBSEQUENCE
    }

    /// Where it ends.
    #[inline(always)]
    fn end(&self) -> u32 {
        (self.start() + SUBSEQUENCE).min(self.bytes.end)
    }

    /// Whether it is the first of its segment.
    #[inline(always)]
    pub fn is_first(&self) -> bool {
        self.number == self.first
    }

    /// Whether it is the last of its segment.
    #[inline(always)]
    pub fn is_last(&self) -> bool {
        self.end() == self.bytes.end
    }

    #[inline(always)]
    fn next(&self) -> Self {
        Self {
            number: self.number + 1,
            ..*self
        }
    }
}

/// How many subsequences a segment has.
pub fn subsequences(bytes: Segment) -> u32 {
    bytes.end.div_ceil(SUBSEQUENCE) - bytes.start / SUBSEQUENCE
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

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    scan: &'a Scan,
    tables: &'a [Table],
    reader: Reader<'a>,
    place: Place,
    /// The number of the data unit in its MCU, and the unit.
    number: u32,
    unit: Unit,
    /// The next coefficient of its block, in zigzag order.
    index: u32,
    is_invalid: bool,
}

/// A symbol, and the bits behind it.
struct Symbol {
    /// Whether it is the first of its block.
    is_dc: bool,
    /// The place of its coefficient in zigzag order, if it has one.
    index: u32,
    /// The coefficient; 0 if there is none.
    value: i32,
    /// Whether the block ends with it.
    is_last: bool,
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

impl<'a> Decoder<'a> {
    /// A decoder at a subsequence, in the state `from` of the one before it.
    #[inline(always)]
    pub fn new(
        scan: &'a Scan,
        tables: &'a [Table],
        words: &'a [u32],
        place: Place,
        from: State,
    ) -> Self {
        let mut reader = Reader::new(words, place.bytes, place.start(), place.end());
        reader.skip(from.overshoot());
        Self {
            scan,
            tables,
            reader,
            place,
            number: from.unit(),
            unit: scan.unit(from.unit()),
            index: from.index(),
            is_invalid: false,
        }
    }

    /// Takes the next symbol, of 32 bits at hand. What makes no sense is marked, and skipped.
    #[inline(always)]
    fn symbol(&mut self) -> Symbol {
        let bits = self.reader.peek();
        let is_dc = self.index == 0;
        let number = if is_dc { self.unit.dc } else { self.unit.ac };
        // There is one; a plan says so.
        let table = &self.tables[usize::from(number).min(self.tables.len() - 1)];
        let code = table.look_up(bits);
        let size = code.symbol() & 15;
        self.reader.consume(code.length() + size);
        let value = extend(bits << code.length(), size);
        let zeros = if is_dc { 0 } else { code.symbol() >> 4 };
        // Neither a coefficient nor 16 zeros: the rest of the block is zeros.
        let is_end = !is_dc & (size == 0) & (zeros < 15);
        let index = self.index + zeros;
        self.is_invalid |= code.is_invalid() | (!is_end & (index > 63));
        let is_last = is_end | (index >= 63);
        self.index = if is_last { 0 } else { index + 1 };
        Symbol {
            is_dc,
            index,
            value,
            is_last,
        }
    }

    /// Moves to the next data unit. Whether it is in another MCU.
    #[inline(always)]
    fn next_unit(&mut self) -> bool {
        self.number += 1;
        let is_other = self.number >= self.scan.unit_count;
        if is_other {
            self.number = 0;
        }
        self.unit = self.scan.unit(self.number);
        is_other
    }

    /// Decodes the subsequence, and counts. Threads that are together all call this, those that
    /// are not active as well.
    #[inline(always)]
    pub fn synchronize(&mut self, mut is_active: bool, together: impl Together) -> Exit {
        let (mut units, mut dc) = (0, Dc::default());
        while together.any(is_active) {
            if is_active && self.reader.refill() {
                if self.reader.is_past() {
                    is_active = false;
                } else {
                    let symbol = self.symbol();
                    if symbol.is_dc {
                        dc = dc.plus(Dc::of(self.unit.component, symbol.value));
                    }
                    if symbol.is_last {
                        units += 1;
                        self.next_unit();
                    }
                }
            }
        }
        Exit {
            state: State::new(self.reader.overshoot(), self.number, self.index),
            units,
            dc,
        }
    }

    /// Moves to the next subsequence. Whether the segment has one.
    #[inline(always)]
    pub fn go_on(&mut self) -> bool {
        if self.place.is_last() {
            return false;
        }
        self.place = self.place.next();
        self.reader.go_on(self.place.end());
        true
    }

    /// Decodes the subsequence once more, from what those before it in its segment have done in
    /// all, and calls `put` with the place of each coefficient that is not zero among all of the
    /// picture, and with the coefficient. What is wrong with the data, as [`status`]. Threads that
    /// are together all call this, those that are not active as well.
    #[inline(always)]
    pub fn write(
        &mut self,
        mut is_active: bool,
        together: impl Together,
        before: Exit,
        mut put: impl FnMut(usize, i16),
    ) -> u32 {
        let scan = self.scan;
        let first = self.place.segment * scan.restart_interval;
        let mcus = scan.mcus.saturating_sub(first).min(scan.restart_interval);
        let mut left = (mcus * scan.unit_count).saturating_sub(before.units);
        is_active &= left > 0;
        let was_active = is_active;
        let mcu = first + before.units / scan.unit_count;
        let (mut x, mut y) = (mcu % scan.mcus_x, mcu / scan.mcus_x);
        let mut dc = before.dc;
        let mut block = self.unit.block(x, y);
        let mut is_past = false;
        while together.any(is_active) {
            if is_active && self.reader.refill() {
                is_past = self.reader.is_past();
                if is_past {
                    is_active = false;
                } else {
                    let mut symbol = self.symbol();
                    if symbol.is_dc {
                        let component = self.unit.component;
                        dc = dc.plus(Dc::of(component, symbol.value));
                        symbol.value = i32::from(dc.get(component));
                    }
                    if symbol.value != 0 {
                        let at = NATURAL[(symbol.index & 63) as usize];
                        put(block + usize::from(at), symbol.value as i16);
                    }
                    if symbol.is_last {
                        left -= 1;
                        is_active = left > 0;
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
        if self.is_invalid {
            wrong |= status::INVALID;
        }
        // The data end before the blocks do, or within the last one.
        let is_cut = is_past && self.place.is_last() || left == 0 && self.reader.is_exhausted();
        if was_active && is_cut {
            wrong |= status::CUT_SHORT;
        }
        wrong
    }
}

impl Unit {
    /// The place of its block's coefficients in an MCU.
    #[inline(always)]
    fn block(&self, x: u32, y: u32) -> usize {
        (self.first + y * self.down + x * u32::from(self.across)) as usize * BLOCK
    }
}

impl Scan {
    #[inline(always)]
    fn unit(&self, number: u32) -> Unit {
        self.units[(number as usize).min(UNITS - 1)]
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
