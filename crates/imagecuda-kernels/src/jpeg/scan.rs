//! A scan of a sequential file: its data units, segments and subsequences, the state of a decoder,
//! and sums of DC. The [`decoder`](super::decoder) explains the words.

use super::picture::BLOCK;
use bytemuck::{Pod, Zeroable};

/// The most data units in an MCU.
pub const MAX_UNITS: usize = 10;

/// The place in a block of each coefficient of the zigzag.
pub const NATURAL: [u8; BLOCK] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The blocks that one data unit of the MCU stands for, in all MCUs of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct BlockGrid {
    /// The number of the first MCU's block, among all blocks of the picture.
    pub first: u32,
    /// From the block of one row's first MCU to that of the next row's.
    pub row_step: u32,
    /// From the block of one MCU to that of the next MCU in the row.
    pub mcu_step: u32,
    /// The component, as the picture numbers them.
    pub component: u32,
}

impl BlockGrid {
    /// The number of the block in the MCU of column `x` and row `y`.
    #[inline(always)]
    pub(super) fn block(&self, x: u32, y: u32) -> u32 {
        // After the last MCU there is no block, and the product may overflow.
        let rows = y.wrapping_mul(self.row_step);
        rows.wrapping_add(self.first + x * self.mcu_step)
    }
}

/// A data unit of an MCU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Unit {
    /// Its blocks.
    pub blocks: BlockGrid,
    /// Its DC and its AC table, as the scan numbers them.
    pub tables: [u32; 2],
    /// Zero.
    pub reserved: [u32; 2],
}

/// What kernels need to know of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct Scan {
    /// The data units of an MCU: the first [`unit_count`](Self::unit_count) of these.
    pub units: [Unit; MAX_UNITS],
    /// Data units in an MCU, at least 1.
    pub unit_count: u32,
    /// MCUs in a row.
    pub mcus_x: u32,
    /// MCUs in all.
    pub mcus: u32,
    /// MCUs of a segment; the last segment may have fewer.
    pub restart_interval: u32,
    /// Segments in all.
    pub segments: u32,
    /// Subsequences in all.
    pub subsequences: u32,
    /// Bits of a subsequence: a multiple of 32, at most 512. The last subsequence of a segment has
    /// fewer.
    pub subsequence_bits: u32,
    /// Blocks of the picture.
    pub blocks: u32,
}

/// A segment of a scan: the data between two restart markers. It begins at a subsequence boundary,
/// and has at least one bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Segment {
    /// The number of its first subsequence in the scan. That is also where its data begin.
    pub first_subsequence: u32,
    /// The bit of the scan's data after its last one.
    pub end_bit: u32,
    /// Where it begins in the file's data, in bytes.
    pub file_start: u32,
    /// How many bytes before that are kept when the file's data are unstuffed.
    pub kept_before: u32,
}

/// Where a decoder is when it crosses a boundary: after the first code that ends at it or past it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct State(u32);

impl State {
    /// Exactly on the boundary, at the start of a block of data unit `unit`.
    #[inline(always)]
    pub fn block_start(unit: u32) -> Self {
        Self::new(0, unit, 0)
    }

    #[inline(always)]
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// All of it in 15 bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(super) fn new(overshoot: u32, unit: u32, index: u32) -> Self {
        Self(overshoot & 31 | unit << 5 | index << 9)
    }

    /// Bits past the boundary: how far the code that crosses it goes.
    #[inline(always)]
    pub(super) fn overshoot(self) -> u32 {
        self.0 & 31
    }

    /// The number of the data unit in its MCU.
    #[inline(always)]
    pub(super) fn unit(self) -> u32 {
        self.0 >> 5 & 15
    }

    /// The index of the next coefficient of the block, in zigzag order.
    #[inline(always)]
    pub(super) fn index(self) -> u32 {
        self.0 >> 9 & 63
    }
}

/// The sums of DC differences of up to four components, 16 bits each. They wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct DcSums(u64);

impl DcSums {
    /// The sum of each component's two sums.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        const HIGH: u64 = 0x8000_8000_8000_8000;
        let low = (self.0 & !HIGH) + (other.0 & !HIGH);
        Self(low ^ ((self.0 ^ other.0) & HIGH))
    }

    /// The sums that were added to `earlier` to get these.
    #[inline(always)]
    pub fn since(self, earlier: Self) -> Self {
        const HIGH: u64 = 0x8000_8000_8000_8000;
        let low = (self.0 | HIGH) - (earlier.0 & !HIGH);
        Self(low ^ ((self.0 ^ !earlier.0) & HIGH))
    }

    /// These sums, but with `sum` for one component.
    #[inline(always)]
    pub fn with(self, component: u8, sum: i16) -> Self {
        let at = component as u32 * 16;
        Self(self.0 & !(0xffff << at) | u64::from(sum as u16) << at)
    }

    /// The sum of a component.
    #[inline(always)]
    pub fn get(self, component: u8) -> i16 {
        (self.0 >> (component as u32 * 16)) as i16
    }
}

/// What is wrong with a scan: bits that are set. 0 means that the coefficients are correct.
pub mod status {
    /// The correct state at some boundary is not known.
    pub const UNSYNCHRONIZED: u32 = 1;
    /// Some bits are no code of the table, or a run of zeros goes past the end of its block.
    pub const INVALID: u32 = 2;
    /// A segment ends before its blocks do.
    pub const CUT_SHORT: u32 = 4;
}

/// A subsequence of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subsequence {
    /// The number of its segment in the scan.
    pub segment: u32,
    /// The number of the segment's first subsequence.
    pub first_of_segment: u32,
    /// Its own number in the scan.
    pub number: u32,
    /// The bit of the scan's data after the segment's last one.
    pub(super) segment_end: u32,
}

impl Subsequence {
    /// Whether it is the first of its segment: a decoder's state is known there.
    #[inline(always)]
    pub fn starts_segment(&self) -> bool {
        self.number == self.first_of_segment
    }
}

impl Scan {
    #[inline(always)]
    pub(crate) fn unit(&self, number: u32) -> Unit {
        self.units[(number as usize).min(MAX_UNITS - 1)]
    }

    /// Subsequence `number`; `None` if there is none.
    #[inline(always)]
    pub fn find_subsequence(&self, segments: &[Segment], number: u32) -> Option<Subsequence> {
        let (mut low, mut high) = (0, segments.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match segments.get(middle) {
                Some(segment) if segment.first_subsequence <= number => low = middle,
                _ => high = middle,
            }
        }
        let segment = segments.get(low)?;
        let is_there = number >= segment.first_subsequence && number < self.subsequences;
        is_there.then_some(Subsequence {
            segment: low as u32,
            first_of_segment: segment.first_subsequence,
            number,
            segment_end: segment.end_bit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_dc_wrap_each_for_itself() {
        let of = |component, sum| DcSums::default().with(component, sum);
        let numbers = [0, 1, -1, 2047, -2047, 32767, -32768, 12345];
        for a in numbers {
            for b in numbers {
                for component in 0..4 {
                    let sides = of((component + 1) & 3, -1).plus(of((component + 3) & 3, 1));
                    let first = of(component, a).plus(sides);
                    let sum = first.plus(of(component, b)).plus(sides);
                    assert_eq!(sum.get(component), a.wrapping_add(b));
                    assert_eq!(sum.get((component + 1) & 3), -2);
                    assert_eq!(sum.get((component + 3) & 3), 2);
                    assert_eq!(sum.since(first), of(component, b).plus(sides));
                }
            }
        }
    }
}
