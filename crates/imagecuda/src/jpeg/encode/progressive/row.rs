//! The blocks of a row of MCUs.

use super::super::host::Masks;
use imagecuda_kernels::jpeg::{encode::frame::Frame, picture::BLOCK};

/// The data units of a row of MCUs.
#[derive(Clone, Copy)]
pub(in super::super) struct Row<'a> {
    pub(super) frame: &'a Frame,
    pub(super) mcu_y: u32,
    /// The coefficients of each unit in zigzag order. From one unit to the next it is `stride` numbers.
    pub(super) words: &'a [i16],
    pub(super) stride: usize,
    /// Those of each unit.
    pub(super) masks: &'a [Masks],
}

/// The data units of a row of MCUs.
pub(super) fn units(frame: &Frame) -> usize {
    (frame.mcus_x * frame.units_of_mcu()) as usize
}

impl<'a> Row<'a> {
    /// The coefficients of a unit.
    #[inline(always)]
    pub(super) fn block(&self, unit: usize) -> &'a [i16; BLOCK] {
        let block = self.words[unit * self.stride..].first_chunk();
        block.expect("all units have so many coefficients")
    }

    /// The first coefficients of all units.
    #[inline(always)]
    pub(super) fn first(&self) -> impl Iterator<Item = i16> {
        self.words.iter().step_by(self.stride).copied()
    }
}

/// The blocks that a component has in a row of MCUs, except those that only fill MCUs.
pub(super) struct Grid {
    pub(super) across: u32,
    /// The first of its rows of blocks in the picture, and how many there are.
    pub(super) top: u32,
    pub(super) rows: u32,
    /// Blocks of an MCU across, the first unit of an MCU, and all units of one.
    h: u32,
    first: u32,
    units: u32,
}

impl Grid {
    pub(super) fn new(frame: &Frame, component: u32, mcu_y: u32) -> Self {
        let (h, v, first) = match component {
            0 => (frame.h, frame.v, 0),
            _ => (1, 1, frame.h * frame.v + component - 1),
        };
        let down = frame.height.div_ceil(8 * frame.v / v);
        let top = mcu_y * v;
        Self {
            across: frame.width.div_ceil(8 * frame.h / h),
            top,
            rows: v.min(down.saturating_sub(top)),
            h,
            first,
            units: frame.units_of_mcu(),
        }
    }

    /// The number of a block among the units of the row of MCUs; `y` is its row of blocks there.
    #[inline(always)]
    pub(super) fn unit(&self, x: u32, y: u32) -> usize {
        let row = self.first + y * self.h;
        // `h` is 1 or 2.
        (row + (x >> (self.h - 1)) * self.units + (x & (self.h - 1))) as usize
    }
}
