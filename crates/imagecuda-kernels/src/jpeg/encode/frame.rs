//! A picture that is encoded as a baseline JPEG of one scan: its data units, in the order of the
//! scan.

use bytemuck::{Pod, Zeroable};

/// Data units of a group, without restart markers: as many as a thread block measures.
pub const GROUP: u32 = 256;

/// A picture and how its colours are sampled.
///
/// Data units are numbered in the order of the scan: MCU by MCU, and in each the luma first, row by
/// row. Where the picture ends within an MCU, the blocks past its edge have data units too. These
/// repeat the DC of the unit before, and cost two codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Frame {
    /// Pixels across, 1 to 65,535.
    pub width: u32,
    /// Pixels down, 1 to 65,535.
    pub height: u32,
    /// 1 for gray, or 3.
    pub components: u32,
    /// Luma samples across for each sample of Cb and Cr: 1 or 2.
    pub h: u32,
    /// Luma samples down for each sample of Cb and Cr: 1 or 2.
    pub v: u32,
    /// MCUs across.
    pub mcus_x: u32,
    /// MCUs down.
    pub mcus_y: u32,
    /// MCUs between restart markers; 0 for none.
    pub restart_interval: u32,
}

/// A data unit of an MCU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The component: 0 to 2.
    pub component: u32,
    /// The column of its block among those of the component.
    pub x: u32,
    /// Its row.
    pub y: u32,
    /// Whether it is past the picture's edge, and only repeats the DC of that block.
    pub is_padding: bool,
}

impl Frame {
    /// A picture of `width` x `height` pixels, gray or in colour. Luma has `h` times the samples of
    /// Cb and Cr across, and `v` times down. `None` if a side is 0 or above 65,535, or if the
    /// factors are not 1x1, 2x1 or 2x2.
    pub fn new(
        (width, height): (u32, u32),
        is_gray: bool,
        (h, v): (u32, u32),
        restart_interval: u16,
    ) -> Option<Self> {
        let sides = 1..=65_535;
        if !sides.contains(&width) || !sides.contains(&height) {
            return None;
        }
        let (h, v) = if is_gray { (1, 1) } else { (h, v) };
        if ![(1, 1), (2, 1), (2, 2)].contains(&(h, v)) {
            return None;
        }
        Some(Self {
            width,
            height,
            components: if is_gray { 1 } else { 3 },
            h,
            v,
            mcus_x: width.div_ceil(8 * h),
            mcus_y: height.div_ceil(8 * v),
            restart_interval: restart_interval.into(),
        })
    }

    /// MCUs in all.
    #[inline(always)]
    pub fn mcus(&self) -> u32 {
        self.mcus_x * self.mcus_y
    }

    /// Data units of an MCU: 1, 3, 4 or 6.
    #[inline(always)]
    pub fn units_of_mcu(&self) -> u32 {
        self.h * self.v + self.components - 1
    }

    /// Data units in all.
    #[inline(always)]
    pub fn units(&self) -> u32 {
        self.mcus() * self.units_of_mcu()
    }

    /// Data units of a group: those between two restart markers; without markers, [`GROUP`].
    #[inline(always)]
    pub fn group(&self) -> u32 {
        match self.restart_interval {
            0 => GROUP,
            mcus => mcus * self.units_of_mcu(),
        }
    }

    /// The number of groups.
    #[inline(always)]
    pub fn groups(&self) -> u32 {
        self.units().div_ceil(self.group())
    }

    /// Data unit `k` of an MCU.
    #[inline(always)]
    pub fn unit(&self, mcu_x: u32, mcu_y: u32, k: u32) -> Unit {
        let luma = self.h * self.v;
        if k >= luma {
            return Unit {
                component: k - luma + 1,
                x: mcu_x,
                y: mcu_y,
                is_padding: false,
            };
        }
        let (blocks_x, blocks_y) = (self.width.div_ceil(8), self.height.div_ceil(8));
        let at = |k: u32| (mcu_x * self.h + k % self.h, mcu_y * self.v + k / self.h);
        let (mut x, mut y) = at(k);
        let mut is_padding = false;
        // Below the picture: repeats the last block of the row above.
        if y >= blocks_y {
            (x, y) = at(self.h - 1);
            is_padding = true;
        }
        if x >= blocks_x {
            x -= 1;
            is_padding = true;
        }
        Unit {
            component: 0,
            x,
            y,
            is_padding,
        }
    }

    /// The data unit whose DC predicts that of `unit`; `None` if the prediction is 0.
    #[inline(always)]
    pub fn dc_predecessor(&self, unit: u32) -> Option<u32> {
        let units = self.units_of_mcu();
        let luma = self.h * self.v;
        let (mcu, k) = (unit / units, unit % units);
        if k > 0 && k < luma {
            return Some(unit - 1);
        }
        let is_first = match self.restart_interval {
            0 => mcu == 0,
            interval => mcu % interval == 0,
        };
        if is_first {
            return None;
        }
        let before = if k == 0 { luma - 1 } else { k };
        Some((mcu - 1) * units + before)
    }

    /// The component of a data unit.
    #[inline(always)]
    pub fn component(&self, unit: u32) -> u32 {
        (unit % self.units_of_mcu() + 1).saturating_sub(self.h * self.v)
    }

    /// The number of a data unit's tables: 0 for luma, 1 for chroma.
    #[inline(always)]
    pub fn tables(&self, unit: u32) -> u32 {
        self.component(unit).min(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_in_the_order_of_the_scan() {
        // 33 x 17 pixels: 5 x 3 blocks of luma, 3 x 2 MCUs.
        let frame = Frame::new((33, 17), false, (2, 2), 2).unwrap();
        assert_eq!((frame.mcus_x, frame.mcus_y, frame.units()), (3, 2, 36));
        assert_eq!((frame.group(), frame.groups()), (12, 3));
        let luma = |mcu_x, mcu_y, k| {
            let unit = frame.unit(mcu_x, mcu_y, k);
            assert_eq!(unit.component, 0);
            (unit.x, unit.y, unit.is_padding)
        };
        assert_eq!(
            [0, 1, 2, 3].map(|k| luma(0, 0, k)),
            [(0, 0, false), (1, 0, false), (0, 1, false), (1, 1, false)]
        );
        assert_eq!(
            [0, 1, 2, 3].map(|k| luma(2, 1, k)),
            [(4, 2, false), (4, 2, true), (4, 2, true), (4, 2, true)]
        );
        assert_eq!(
            [0, 1, 2, 3].map(|k| luma(1, 1, k)),
            [(2, 2, false), (3, 2, false), (3, 2, true), (3, 2, true)]
        );
        let chroma = frame.unit(2, 1, 5);
        assert_eq!((chroma.component, chroma.x, chroma.y), (2, 2, 1));
        let before: [_; 8] = core::array::from_fn(|unit| frame.dc_predecessor(unit as u32));
        let (a, b, c) = (Some(0), Some(1), Some(2));
        assert_eq!(before, [None, a, b, c, None, None, Some(3), Some(6)]);
        // A restart.
        assert_eq!(
            [12, 13, 16].map(|u| frame.dc_predecessor(u)),
            [None, Some(12), None]
        );
        assert_eq!([22, 23].map(|unit| frame.component(unit)), [1, 2]);
        assert!(Frame::new((0, 1), true, (1, 1), 0).is_none());
        assert!(Frame::new((1, 65_536), true, (1, 1), 0).is_none());
        assert!(Frame::new((1, 1), false, (4, 1), 0).is_none());
    }
}
