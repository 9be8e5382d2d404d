//! Which part of a picture goes where.

use super::weights::Extent;

/// The part of a picture that is resampled, and the size that it gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampling {
    pub(crate) columns: Extent,
    pub(crate) rows: Extent,
}

/// A picture within a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Sampling {
    /// All of a picture of the size `source`, in the size `size`.
    pub(crate) fn whole(source: (u32, u32), size: (u32, u32)) -> Self {
        let whole = |size: u32, positions| Extent {
            size,
            begin: 0.0,
            end: f64::from(size),
            positions,
        };
        Self {
            columns: whole(source.0, size.0),
            rows: whole(source.1, size.1),
        }
    }

    /// The largest part in the middle of a picture that has the ratio of `size`.
    pub(crate) fn cover(source: (u32, u32), size: (u32, u32)) -> Self {
        let mut sampling = Self::whole(source, size);
        // Width times height, as each would be in the other picture's ratio: whole numbers.
        let (by_width, by_height) = (
            u64::from(source.0) * u64::from(size.1),
            u64::from(source.1) * u64::from(size.0),
        );
        if by_width > by_height {
            sampling
                .columns
                .middle(by_height as f64 / f64::from(size.1));
        } else if by_height > by_width {
            sampling.rows.middle(by_width as f64 / f64::from(size.0));
        }
        sampling
    }

    /// The size of the result.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.columns.positions, self.rows.positions)
    }
}

impl Extent {
    /// Takes only the middle `length` pixels.
    fn middle(&mut self, length: f64) {
        let size = f64::from(self.size);
        self.begin = (size - length) / 2.0;
        self.end = self.begin + length;
    }
}

impl Placement {
    /// All of a picture of the size `size`.
    pub(crate) fn whole((width, height): (u32, u32)) -> Self {
        Self {
            left: 0,
            top: 0,
            width,
            height,
        }
    }

    /// A picture of the ratio of `source`, as large as fits in the middle of `size`. Its sides are rounded
    /// to the nearest pixel, and are at least 1.
    pub(crate) fn contained(source: (u32, u32), size: (u32, u32)) -> Self {
        let (by_width, by_height) = (
            u64::from(source.0) * u64::from(size.1),
            u64::from(source.1) * u64::from(size.0),
        );
        let rounded =
            |n: u64, d: u32| ((2 * u128::from(n) + u128::from(d)) / (2 * u128::from(d))) as u32;
        let (width, height) = if by_width > by_height {
            (size.0, rounded(by_height, source.0).clamp(1, size.1))
        } else {
            (rounded(by_width, source.1).clamp(1, size.0), size.1)
        };
        Self {
            left: (size.0 - width) / 2,
            top: (size.1 - height) / 2,
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_covers() {
        let part = |source, size| {
            let Sampling { columns, rows } = Sampling::cover(source, size);
            [columns.begin, columns.end, rows.begin, rows.end]
        };
        assert_eq!(part((500, 375), (224, 224)), [62.5, 437.5, 0.0, 375.0]);
        assert_eq!(part((375, 500), (224, 224)), [0.0, 375.0, 62.5, 437.5]);
        assert_eq!(part((400, 300), (40, 30)), [0.0, 400.0, 0.0, 300.0]);
        assert_eq!(part((100, 1), (1, 1)), [49.5, 50.5, 0.0, 1.0]);
        // The ratio is kept.
        let [left, right, top, bottom] = part((1920, 1080), (97, 61));
        assert!(((right - left) / (bottom - top) - 97.0 / 61.0).abs() < 1e-12);
    }

    #[test]
    fn a_picture_is_contained_in_the_middle() {
        let place = |source, size| {
            let Placement {
                left,
                top,
                width,
                height,
            } = Placement::contained(source, size);
            [left, top, width, height]
        };
        assert_eq!(place((500, 375), (224, 224)), [0, 28, 224, 168]);
        assert_eq!(place((375, 500), (224, 224)), [28, 0, 168, 224]);
        assert_eq!(place((2, 1), (7, 7)), [0, 1, 7, 4]); // 3.5 rounds up
        assert_eq!(place((10_000, 1), (10, 10)), [0, 4, 10, 1]);
        assert_eq!(place((3, 3), (5, 5)), [0, 0, 5, 5]);
        assert_eq!(
            place((u32::MAX, u32::MAX), (u32::MAX, u32::MAX)),
            [0, 0, u32::MAX, u32::MAX]
        );
    }
}
