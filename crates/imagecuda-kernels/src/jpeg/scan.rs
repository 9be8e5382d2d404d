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
    picture::{BLOCK, Picture},
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

/// A data unit of an MCU: whose block it is, and with which tables it is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Unit {
    /// The number of its component in the picture.
    pub component: u8,
    /// The number of its table for DC among the scan's tables.
    pub dc: u8,
    /// The number of its table for AC.
    pub ac: u8,
    /// Blocks from the MCU's first column.
    pub x: u8,
    /// Blocks from the MCU's first row.
    pub y: u8,
    /// Blocks of its component across an MCU of this scan.
    pub across: u8,
    /// Blocks of its component down an MCU of this scan.
    pub down: u8,
    /// Zero.
    pub reserved: u8,
}

/// What the threads need to know of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Scan {
    /// The picture that it belongs to.
    pub picture: Picture,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A decoder somewhere in a scan.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    scan: &'a Scan,
    tables: &'a [Table],
    reader: Reader<'a>,
    place: Place,
    /// The data unit of the MCU.
    unit: u32,
    /// The next coefficient of its block, in zigzag order.
    index: u32,
    is_invalid: bool,
}

/// A symbol, and the bits behind it.
struct Symbol {
    /// Zeros before the coefficient; as many as there are left if the block ends.
    run: u32,
    /// The coefficient; 0 if there is none.
    value: i32,
}

/// The number that `bits` stand for, of which the first `size` count: 0 to 15.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    // Twice, as a shift by 32 is none.
    let value = (bits >> 1 >> (31 - size)) as i32;
    // Without the leading one it is negative.
    let is_negative = bits >> 31 == 0 && size > 0;
    if is_negative {
        value - (1 << size) + 1
    } else {
        value
    }
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
            unit: from.unit(),
            index: from.index(),
            is_invalid: false,
        }
    }

    #[inline(always)]
    fn unit(&self) -> Unit {
        self.scan.units[(self.unit as usize).min(UNITS - 1)]
    }

    /// The next symbol, which `bits` begin with. What makes no sense is marked, and skipped.
    #[inline(always)]
    fn symbol(&mut self, unit: Unit, bits: u32) -> Symbol {
        let is_dc = self.index == 0;
        let table = if is_dc { unit.dc } else { unit.ac };
        let Some(table) = self.tables.get(table as usize) else {
            self.is_invalid = true;
            self.reader.consume(1);
            return Symbol { run: 63, value: 0 };
        };
        let code = table.look_up(bits);
        self.is_invalid |= code.is_invalid();
        let size = code.symbol() & 15;
        self.reader.consume(code.length() + size);
        let value = extend(bits << code.length(), size);
        // 15 zeros and one more, or all.
        let zeros = if is_dc { 0 } else { code.symbol() >> 4 };
        let is_end = !is_dc && size == 0 && zeros < 15;
        let run = if is_end { 63 - self.index } else { zeros };
        Symbol { run, value }
    }

    /// Moves on behind a coefficient. Whether the block has ended.
    #[inline(always)]
    fn advance(&mut self, run: u32) -> bool {
        self.index += run + 1;
        if self.index < BLOCK as u32 {
            return false;
        }
        self.is_invalid |= self.index > BLOCK as u32;
        self.index = 0;
        self.unit += 1;
        if self.unit >= self.scan.unit_count {
            self.unit = 0;
        }
        true
    }

    /// Decodes the subsequence, and counts.
    #[inline(always)]
    pub fn synchronize(&mut self) -> Exit {
        let (mut units, mut dc) = (0, Dc::default());
        let mut unit = self.unit();
        while let Some(bits) = self.reader.peek() {
            let is_dc = self.index == 0;
            let symbol = self.symbol(unit, bits);
            if is_dc {
                dc = dc.plus(Dc::of(unit.component, symbol.value));
            }
            if self.advance(symbol.run) {
                units += 1;
                unit = self.unit();
            }
        }
        Exit {
            state: State::new(self.reader.overshoot(), self.unit, self.index),
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
    /// picture, and with the coefficient. What is wrong with the data, as [`status`].
    #[inline(always)]
    pub fn write(&mut self, before: Exit, mut put: impl FnMut(usize, i16)) -> u32 {
        let mcus = self.place.segment * self.scan.restart_interval;
        let end = (self.scan.mcus - mcus.min(self.scan.mcus)).min(self.scan.restart_interval);
        let (first, end) = (mcus * self.scan.unit_count, end * self.scan.unit_count);
        let (mut done, mut dc) = (before.units, before.dc);
        if done >= end {
            return 0;
        }
        let mut unit = self.unit();
        let mut block = self.scan.block(first + done, unit) * BLOCK;
        while let Some(bits) = self.reader.peek() {
            let index = self.index;
            let symbol = self.symbol(unit, bits);
            if index == 0 {
                dc = dc.plus(Dc::of(unit.component, symbol.value));
                put(block, dc.get(unit.component));
            } else if symbol.value != 0 {
                let at = index + symbol.run;
                let at = NATURAL.get(at as usize).copied().unwrap_or(63);
                put(block + usize::from(at), symbol.value as i16);
            }
            if self.advance(symbol.run) {
                done += 1;
                if self.is_invalid {
                    return status::INVALID;
                }
                if done == end {
                    return if self.reader.is_exhausted() {
                        status::CUT_SHORT
                    } else {
                        0
                    };
                }
                unit = self.unit();
                block = self.scan.block(first + done, unit) * BLOCK;
            }
        }
        if self.is_invalid {
            return status::INVALID;
        }
        if self.place.is_last() {
            return status::CUT_SHORT;
        }
        0
    }
}

impl Scan {
    /// The number of the block, among all of the picture, that is data unit `number` of the scan,
    /// which is `unit` of its MCU.
    #[inline(always)]
    fn block(&self, number: u32, unit: Unit) -> usize {
        let mcu = number / self.unit_count.max(1);
        let (row, column) = (mcu / self.mcus_x.max(1), mcu % self.mcus_x.max(1));
        let component = &self.picture.component[usize::from(unit.component & 3)];
        let y = row * u32::from(unit.down) + u32::from(unit.y);
        let x = column * u32::from(unit.across) + u32::from(unit.x);
        component.first_block as usize + y as usize * component.blocks_x as usize + x as usize
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
