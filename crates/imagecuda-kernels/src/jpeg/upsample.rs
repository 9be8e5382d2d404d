//! Upsampling: a sample for every pixel, of components at a lower resolution. As libjpeg's "fancy
//! upsampling": a triangle filter where a side is halved, and copies for other ratios.

use super::picture::{Component, Picture};

/// How a component is upsampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Upsampling {
    /// It has full resolution.
    None,
    /// It has half the resolution across: [`quarter`] of a sample and its neighbour.
    Across,
    /// It has half the resolution down: [`quarter`] of a sample and the one above or below it.
    Down,
    /// It has half the resolution across and down: [`blend`], then [`across_blends`].
    Both,
    /// Samples are repeated.
    Repeat,
}

impl Upsampling {
    /// The upsampling that [`Component::upsampling`] stands for.
    #[inline(always)]
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Across,
            2 => Self::Down,
            3 => Self::Both,
            _ => Self::Repeat,
        }
    }

    /// The upsampling of a component of a picture.
    #[inline(always)]
    pub fn of(component: &Component, picture: &Picture) -> Self {
        let (h, v) = (component.h, component.v);
        let same = (h == picture.h_max, v == picture.v_max);
        let half = (h * 2 == picture.h_max, v * 2 == picture.v_max);
        let wide = component.width > 2;
        match (same, half) {
            ((true, true), _) => Self::None,
            ((_, true), (true, _)) if wide => Self::Across,
            ((true, _), (_, true)) => Self::Down,
            (_, (true, true)) if wide => Self::Both,
            _ => Self::Repeat,
        }
    }
}

/// The sample at three quarters of the way from `far` to `near`. In an `odd` column or row of the
/// picture `far` comes after `near`, and rounding differs.
#[inline(always)]
pub fn quarter(near: u8, far: u8, odd: bool) -> u8 {
    ((3 * u32::from(near) + u32::from(far) + 1 + u32::from(odd)) >> 2) as u8
}

/// Four times the sample at three quarters of the way from the row `far` to the row `near`.
#[inline(always)]
pub fn blend(near: u8, far: u8) -> u16 {
    3 * u16::from(near) + u16::from(far)
}

/// The sample at three quarters of the way between two [`blend`]s; `odd` as in [`quarter`].
#[inline(always)]
pub fn across_blends(near: u16, far: u16, odd: bool) -> u8 {
    // The blends are at most 4 * 255, so the result is a byte.
    (near
        .wrapping_mul(3)
        .wrapping_add(far)
        .wrapping_add(8 - u16::from(odd))
        >> 4) as u8
}

/// The sample of a component at a pixel of the picture. `plane` holds the component's samples, in
/// rows of [`Component::stride`]. Samples that are missing are 0.
#[inline(always)]
pub fn sample(plane: &[u8], component: &Component, picture: &Picture, x: u32, y: u32) -> u8 {
    let (right, bottom) = (
        component.width.saturating_sub(1),
        component.height.saturating_sub(1),
    );
    let at = |x: u32, y: u32| {
        let place = y.min(bottom) as usize * component.stride() + x.min(right) as usize;
        plane.get(place).copied().unwrap_or(0)
    };
    // Of a halved side: the nearer sample, and the farther one.
    let pair = |i: u32| match i % 2 {
        0 => (i / 2, (i / 2).saturating_sub(1)),
        _ => (i / 2, i / 2 + 1),
    };
    let ((x0, x1), (y0, y1)) = (pair(x), pair(y));
    let (odd_x, odd_y) = (x % 2 == 1, y % 2 == 1);
    match Upsampling::of(component, picture) {
        Upsampling::None => at(x, y),
        Upsampling::Across => quarter(at(x0, y), at(x1, y), odd_x),
        Upsampling::Down => quarter(at(x, y0), at(x, y1), odd_y),
        Upsampling::Both => {
            let column = |x: u32| blend(at(x, y0), at(x, y1));
            across_blends(column(x0), column(x1), odd_x)
        }
        Upsampling::Repeat => at(
            repeated(x, component.h, picture.h_max),
            repeated(y, component.v, picture.v_max),
        ),
    }
}

/// The samples of a picture, in whatever memory.
pub trait Samples: Copy {
    /// The sample of an index. Past the last one it may be anything.
    fn sample(self, place: usize) -> u8;

    /// Four samples from a multiple of 4 on, the first in the lowest byte.
    #[inline(always)]
    fn four(self, place: usize) -> u32 {
        u32::from_le_bytes([0, 1, 2, 3].map(|i| self.sample(place + i)))
    }

    /// Eight samples from a multiple of 8 on, as those of [`four`](Self::four).
    #[inline(always)]
    fn eight(self, place: usize) -> [u32; 2] {
        [self.four(place), self.four(place + 4)]
    }
}

impl Samples for &[u8] {
    #[inline(always)]
    fn sample(self, place: usize) -> u8 {
        self.get(place).copied().unwrap_or(0)
    }
}

/// The samples of a component at the pixels `2 * pair` and `2 * pair + 1` of row `y`: the same as
/// [`sample`] gives, with fewer loads. All samples that are loaded belong to the component.
#[inline(always)]
pub fn pair(
    samples: impl Samples,
    component: &Component,
    picture: &Picture,
    how: Upsampling,
    pair: u32,
    y: u32,
) -> [u8; 2] {
    let right = component.width.saturating_sub(1);
    let bottom = component.height.saturating_sub(1);
    let row = |y: u32| component.start() + y.min(bottom) as usize * component.stride();
    let at = |row: usize, x: u32| samples.sample(row + x.min(right) as usize);
    let beside = |row: usize| {
        [
            at(row, pair.saturating_sub(1)),
            at(row, pair),
            at(row, pair + 1),
        ]
    };
    // Of a halved side: the nearer row, and the farther one.
    let rows = || match y % 2 {
        0 => (row(y / 2), row((y / 2).saturating_sub(1))),
        _ => (row(y / 2), row(y / 2 + 1)),
    };
    let x = [2 * pair, 2 * pair + 1];
    match how {
        Upsampling::None => {
            let row = row(y);
            [at(row, x[0]), at(row, x[1])]
        }
        Upsampling::Across => {
            let [left, here, right] = beside(row(y));
            [quarter(here, left, false), quarter(here, right, true)]
        }
        Upsampling::Down => {
            let (near, far) = rows();
            let odd = y % 2 == 1;
            [
                quarter(at(near, x[0]), at(far, x[0]), odd),
                quarter(at(near, x[1]), at(far, x[1]), odd),
            ]
        }
        Upsampling::Both => {
            let (near, far) = rows();
            let ([n0, n1, n2], [f0, f1, f2]) = (beside(near), beside(far));
            let here = blend(n1, f1);
            [
                across_blends(here, blend(n0, f0), false),
                across_blends(here, blend(n2, f2), true),
            ]
        }
        Upsampling::Repeat => {
            let row = row(repeated(y, component.v, picture.v_max));
            let sample = |x| at(row, repeated(x, component.h, picture.h_max));
            [sample(x[0]), sample(x[1])]
        }
    }
}

/// The index of the sample that is repeated at pixel `i`, where `of` samples are for `max` pixels.
#[inline(always)]
pub fn repeated(i: u32, of: u32, max: u32) -> u32 {
    // Sides are at most 65,535 pixels, factors at most 4.
    i.wrapping_mul(of) / max.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::picture::Color;
    use std::vec::Vec;

    fn row(factors: [(u32, u32); 3], size: (u32, u32), y: u32) -> Vec<u8> {
        let picture = Picture::new(size.0, size.1, &factors, Color::Ycc).unwrap();
        let part = picture.component[1];
        // 10, 20, 30 …, and 100 more a row; the padding is white.
        let plane: Vec<u8> = (0..part.blocks() as u32 * 64)
            .map(|i| (i % part.stride() as u32, i / part.stride() as u32))
            .map(|(x, y)| match x < part.width && y < part.height {
                true => (10 * (x + 1) + 100 * y) as u8,
                false => 255,
            })
            .collect();
        let row: Vec<u8> = (0..size.0)
            .map(|x| sample(&plane, &part, &picture, x, y))
            .collect();
        let how = Upsampling::of(&part, &picture);
        let mut samples = std::vec![0; part.start()];
        samples.extend(plane);
        let pairs = (0..size.0.div_ceil(2)).map(|i| pair(&samples[..], &part, &picture, how, i, y));
        assert!(pairs.flatten().take(row.len()).eq(row.iter().copied()));
        row
    }

    #[test]
    fn every_ratio() {
        let one = (1, 1);
        assert_eq!(row([one, one, one], (3, 1), 0), [10, 20, 30]);
        let half = row([(2, 1), one, one], (5, 1), 0);
        assert_eq!(half, [10, 13, 17, 23, 27]);
        assert_eq!(row([(2, 1), one, one], (4, 1), 0), [10, 10, 20, 20]);
        assert_eq!(row([(1, 2), one, one], (2, 3), 0), [10, 20]);
        assert_eq!(row([(1, 2), one, one], (2, 3), 1), [35, 45]);
        assert_eq!(row([(1, 2), one, one], (2, 3), 2), [85, 95]);
        assert_eq!(row([(2, 2), one, one], (6, 4), 1), [35, 37, 43, 47, 53, 55]);
        assert_eq!(row([(2, 2), one, one], (4, 4), 2), [110, 110, 120, 120]);
        let repeated = row([(4, 1), one, one], (9, 1), 0);
        assert_eq!(repeated, [10, 10, 10, 10, 20, 20, 20, 20, 30]);
        let uneven = row([(3, 1), (2, 1), one], (5, 1), 0);
        assert_eq!(uneven, [10, 10, 20, 30, 30]);
    }
}
