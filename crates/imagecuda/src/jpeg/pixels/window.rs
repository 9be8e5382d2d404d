//! The part of a picture that is made, and its scale.

use crate::picture::Area;
use imagecuda_kernels::jpeg::{
    picture::{Component, Picture},
    scaled::Scaled,
};
use std::ops::Range;

/// The part of a picture that is made, and its scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jpeg) struct Window {
    /// The columns of MCUs that are made, as a picture of the same height.
    pub(in crate::jpeg) scaled: Scaled,
    /// The blocks of each component that are left of it.
    pub(super) skipped: [usize; 4],
    /// The blocks in a row of each component in the file.
    pub(super) across: [usize; 4],
    /// The rows of MCUs that are made.
    pub(super) mcu_rows: Range<u32>,
    /// All rows of MCUs of the file.
    pub(super) mcus_y: u32,
    /// The pixels that are made, among those of the scaled picture.
    pub(in crate::jpeg) area: Area,
    /// The size of the scaled picture.
    pub(in crate::jpeg) whole: (u32, u32),
}

impl Window {
    /// All of a picture, at its full size.
    pub(in crate::jpeg) fn whole(picture: &Picture) -> Self {
        Self::all(picture, 8)
    }

    /// All of a picture, at `unit` eighths of its size.
    pub(in crate::jpeg) fn all(picture: &Picture, unit: u32) -> Self {
        let scaled = Scaled::new(picture, unit).picture;
        Self::new(picture, unit, Area::whole((scaled.width, scaled.height)))
    }

    /// The pixels of `needed`, an area of the picture at `unit` eighths of its size, and some around
    /// it, of which interpolation takes account.
    pub(in crate::jpeg) fn new(picture: &Picture, unit: u32, needed: Area) -> Self {
        let scaled = Scaled::new(picture, unit);
        let (width, height) = (scaled.picture.width, scaled.picture.height);
        let (mcu_width, mcu_height) = (picture.h_max * unit, picture.v_max * unit);
        let Area { x, y, .. } = needed;
        let (right, bottom) = (x + needed.width, y + needed.height);
        // A column more at each side: a pixel at the edge may depend on its neighbour.
        let first = (x / mcu_width).saturating_sub(1);
        let last = (right.div_ceil(mcu_width) + 1).min(picture.mcus_x);
        let columns = Columns { first, last };
        // The last row of pixels of an MCU is made with the next row of MCUs.
        let mcu_rows = y / mcu_height..(bottom + 1).div_ceil(mcu_height).min(picture.mcus_y);
        let (left, end) = (first * mcu_width, (last * mcu_width).min(width));
        let above = |row: u32| match row {
            0 => 0,
            row if row == picture.mcus_y => height,
            row => row * mcu_height - 1,
        };
        let area = Area {
            x: left,
            y: above(mcu_rows.start),
            width: end - left,
            height: above(mcu_rows.end) - above(mcu_rows.start),
        };
        let index = |component: &Component| component.blocks_x as usize;
        let blocks = |component: &Component| component.blocks_x / picture.mcus_x.max(1);
        Self {
            skipped: picture
                .component
                .map(|component| (first * blocks(&component)) as usize),
            across: picture.component.map(|component| index(&component)),
            scaled: columns.of(scaled, area.width, mcu_width),
            mcu_rows,
            mcus_y: picture.mcus_y,
            area,
            whole: (width, height),
        }
    }

    /// The pixels of `needed`, and some around it, at the same scale.
    pub(in crate::jpeg) fn narrowed(&self, picture: &Picture, needed: Area) -> Self {
        Self::new(picture, self.scaled.unit, needed)
    }

    /// Interprets the components as another colour model.
    #[cfg(feature = "tiff")]
    pub(in crate::jpeg) fn set_color(&mut self, color: u32) {
        self.scaled.picture.color = color;
    }

    /// Whether it is all of the picture, at its full size.
    pub(super) fn is_all(&self) -> bool {
        self.scaled.unit == 8 && self.area == Area::whole(self.whole)
    }

    /// The eighths of its size that the picture gets.
    pub(in crate::jpeg) fn unit(&self) -> u32 {
        self.scaled.unit
    }

    /// The size of an MCU in rows of pixels.
    pub(super) fn mcu_height(&self) -> u32 {
        self.scaled.picture.v_max * self.scaled.unit
    }

    /// The rows of pixels that are complete above a row of MCUs, when those above it are decoded.
    pub(super) fn above(&self, mcu_row: u32) -> u32 {
        match mcu_row {
            0 => 0,
            row if row >= self.mcus_y => self.scaled.picture.height,
            row => row * self.mcu_height() - 1,
        }
    }
}

/// Columns of MCUs.
struct Columns {
    first: u32,
    last: u32,
}

impl Columns {
    /// The columns as a picture of `width` pixels.
    fn of(&self, mut scaled: Scaled, width: u32, mcu_width: u32) -> Scaled {
        let picture = &mut scaled.picture;
        (picture.width, picture.mcus_x) = (width, self.last - self.first);
        for component in &mut picture.component {
            // All columns begin with whole samples, so only the last may end within an MCU.
            let start = self.first * (component.h * scaled.unit);
            let end = component.width.min(self.last * (component.h * scaled.unit));
            component.width = end.saturating_sub(start);
        }
        debug_assert!(picture.mcus_x * mcu_width >= width);
        scaled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagecuda_kernels::jpeg::picture::Color;

    #[test]
    fn what_is_made_contains_what_is_needed() {
        for factors in [
            [(1, 1); 3],
            [(2, 2), (1, 1), (1, 1)],
            [(4, 1), (1, 1), (2, 1)],
        ] {
            let picture = Picture::new(203, 117, &factors, Color::Ycc).unwrap();
            assert!(Window::whole(&picture).is_all());
            assert_eq!(Window::whole(&picture).scaled.picture, picture);
            for unit in [8, 4, 2, 1] {
                let all = Window::all(&picture, unit);
                assert_eq!(all.scaled, Scaled::new(&picture, unit));
                assert_eq!(all.area, Area::whole(all.whole));
                let (width, height) = all.whole;
                for (x, y) in [(0, 0), (width / 2, height / 3), (width - 1, height - 1)] {
                    let needed = Area {
                        x,
                        y,
                        width: (width - x).min(9),
                        height: (height - y).min(5),
                    };
                    let made = Window::new(&picture, unit, needed).area;
                    assert!(made.is_within(all.whole), "{made:?}");
                    assert!(made.x <= x && made.y <= y, "{made:?}");
                    assert!(needed.within(made).is_within(made.size()), "{made:?}");
                }
            }
        }
    }

    #[test]
    fn a_small_part_of_a_large_picture_is_small() {
        let factors = [(2, 2), (1, 1), (1, 1)];
        let picture = Picture::new(16_000, 9000, &factors, Color::Ycc).unwrap();
        let needed = Area {
            x: 8000,
            y: 4000,
            width: 100,
            height: 100,
        };
        let window = Window::new(&picture, 8, needed);
        assert!(window.area.width <= 160 && window.area.height <= 128);
        assert!(window.mcu_rows.end <= 258);
    }
}
