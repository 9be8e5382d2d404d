//! The weights of a filter along one axis, made once and used for every row or column.

use super::Filter;
use crate::{Result, memory};
use imagecuda_kernels::resample::{RUN, Weights};
use std::{
    f64::consts::PI,
    sync::{Arc, Mutex, PoisonError},
};
#[cfg(feature = "cuda")]
use {
    super::strips::{ByColumn, ByRow},
    std::sync::OnceLock,
};

/// The weights of all positions along an axis of the result, in the words of
/// [`imagecuda_kernels::resample::Weights`].
#[derive(Debug)]
pub(crate) struct Taps {
    words: Arc<Vec<u32>>,
    pub(super) positions: usize,
    /// What strips want to know, once they asked for it.
    #[cfg(feature = "cuda")]
    pub(super) by_row: OnceLock<Option<ByRow>>,
    #[cfg(feature = "cuda")]
    pub(super) by_column: OnceLock<Option<ByColumn>>,
    #[cfg(feature = "cuda")]
    pub(super) strip_columns: OnceLock<Option<u32>>,
    /// The first pixel that any position needs, and the end of those.
    pub(crate) range: (u32, u32),
    /// The most pixels that a position needs.
    pub(crate) most: u32,
}

/// What is taken of an axis: from `begin` to `end` of `size` pixels, for `positions` positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) size: u32,
    pub(crate) begin: f64,
    pub(crate) end: f64,
    pub(crate) positions: u32,
}

/// The last weights: the pictures of a batch often have one size.
static RECENT: Mutex<Vec<(Filter, Extent, Arc<Taps>)>> = Mutex::new(Vec::new());
const MOST_RECENT: usize = 32;
/// Larger weights are not kept.
const LARGEST: usize = 1 << 18;

impl Filter {
    /// How far the filter reaches to each side, in pixels.
    fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Triangle => 1.0,
            Self::CatmullRom | Self::Mitchell => 2.0,
            Self::Lanczos3 => 3.0,
        }
    }

    /// The filter's value at `x`.
    fn at(self, x: f64) -> f64 {
        let d = x.abs();
        match self {
            // Each place belongs to one pixel only.
            Self::Nearest | Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Triangle => (1.0 - d).max(0.0),
            Self::CatmullRom if d < 1.0 => (1.5 * d - 2.5) * d * d + 1.0,
            Self::CatmullRom if d < 2.0 => -0.5 * (((d - 5.0) * d + 8.0) * d - 4.0),
            Self::Mitchell if d < 1.0 => ((7.0 * d - 12.0) * d * d + 16.0 / 3.0) / 6.0,
            Self::Mitchell if d < 2.0 => {
                (((-7.0 / 3.0 * d + 12.0) * d - 20.0) * d + 32.0 / 3.0) / 6.0
            }
            Self::Lanczos3 if d < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::CatmullRom | Self::Mitchell | Self::Lanczos3 => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    match x * PI {
        0.0 => 1.0,
        x => x.sin() / x,
    }
}

impl Extent {
    /// How many pixels a position covers.
    fn scale(&self) -> f64 {
        (self.end - self.begin) / f64::from(self.positions)
    }

    /// The first pixel, if each position is one pixel, exactly.
    pub(crate) fn offset(&self) -> Option<u32> {
        let is_whole = self.begin.fract() == 0.0 && self.scale() == 1.0;
        is_whole.then_some(self.begin as u32)
    }

    /// The pixel at the middle of a position.
    fn nearest(&self, position: u32) -> u32 {
        let place = if self.begin == 0.0 && self.end == f64::from(self.size) {
            // In whole numbers, so that no halfway place is on the wrong side.
            let (twice, of) = (2 * u64::from(position) + 1, 2 * u64::from(self.positions));
            (u128::from(twice) * u128::from(self.size) / u128::from(of)) as u32
        } else {
            (self.begin + (f64::from(position) + 0.5) * self.scale()) as u32
        };
        place.min(self.size - 1)
    }

    /// The pixels that a position weighs: the first one, and the end of them.
    fn window(&self, filter: Filter, position: u32) -> (u32, u32) {
        if filter == Filter::Nearest {
            let nearest = self.nearest(position);
            return (nearest, nearest + 1);
        }
        let support = filter.support() * self.scale().max(1.0);
        let center = self.center(position);
        let start = (center - support + 0.5).max(0.0) as u32;
        let end = (center + support + 0.5).min(f64::from(self.size)) as u32;
        let start = start.min(self.size - 1);
        (start, end.max(start + 1))
    }

    fn center(&self, position: u32) -> f64 {
        self.begin + (f64::from(position) + 0.5) * self.scale()
    }
}

impl Taps {
    /// The weights, from the last ones if they are among them.
    pub(crate) fn of(filter: Filter, extent: Extent) -> Result<Arc<Self>> {
        let lock = || RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut recent = lock();
            let same = |(f, e, _): &(Filter, Extent, _)| (*f, *e) == (filter, extent);
            if let Some(at) = recent.iter().position(same) {
                let found = recent.remove(at);
                let taps = Arc::clone(&found.2);
                recent.push(found);
                return Ok(taps);
            }
        }
        let taps = Arc::new(Self::new(filter, extent)?);
        if taps.words.len() <= LARGEST {
            let mut recent = lock();
            if recent.len() == MOST_RECENT {
                recent.remove(0);
            }
            recent.push((filter, extent, Arc::clone(&taps)));
        }
        Ok(taps)
    }

    fn new(filter: Filter, extent: Extent) -> Result<Self> {
        let positions = extent.positions as usize;
        let windows = (0..extent.positions).map(|position| extent.window(filter, position));
        let most = windows.clone().map(|(start, end)| end - start).max();
        let most = most.unwrap_or(0) as usize;
        let mut words = memory::zeroed(positions.saturating_mul(2 + most))?;
        let mut range = (u32::MAX, 0);
        let stretch = extent.scale().max(1.0);
        let (mut exact, mut weights) = (Vec::new(), Vec::new());
        for (position, (start, end)) in windows.enumerate() {
            let center = extent.center(position as u32);
            exact.clear();
            exact.extend((start..end).map(|pixel| match filter {
                Filter::Nearest => 1.0,
                _ => filter.at((f64::from(pixel) + 0.5 - center) / stretch),
            }));
            normalize(&exact, &mut weights);
            range = (range.0.min(start), range.1.max(end));
            words[position] = start;
            words[positions + position] = end - start;
            for (k, weight) in weights.iter().enumerate() {
                words[(2 + k) * positions + position] = f32::to_bits(*weight);
            }
        }
        Ok(Self {
            words: Arc::new(words),
            positions,
            #[cfg(feature = "cuda")]
            by_row: OnceLock::new(),
            #[cfg(feature = "cuda")]
            by_column: OnceLock::new(),
            #[cfg(feature = "cuda")]
            strip_columns: OnceLock::new(),
            range,
            most: most as u32,
        })
    }

    /// The most pixels that any `few` positions need together, of those that begin at a multiple of it.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for kernels"))]
    pub(crate) fn span(&self, few: usize) -> u32 {
        let weights = self.weights();
        let spans = (0..self.positions).step_by(few).map(|first| {
            let last = (first + few).min(self.positions) - 1;
            let (start, count) = weights.window(last);
            start + count - weights.window(first).0
        });
        spans.max().unwrap_or(0)
    }

    /// The words.
    #[cfg(feature = "cuda")]
    pub(crate) fn words(&self) -> &Arc<Vec<u32>> {
        &self.words
    }

    pub(crate) fn weights(&self) -> Weights<'_> {
        Weights {
            words: &self.words,
            positions: self.positions,
        }
    }
}

/// Divides by the sum, in single precision. The results add up to 1.0 in the order of the kernels,
/// exactly: one of the last weights takes what rounding has left.
fn normalize(exact: &[f64], weights: &mut Vec<f32>) {
    let sum: f64 = exact.iter().sum();
    weights.clear();
    weights.extend(exact.iter().map(|weight| (weight / sum) as f32));
    if sum_of(weights) == 1.0 {
        return;
    }
    // The last weight is added to a sum of about 1.0, so what is missing is a float, and nothing after it
    // is rounded. Where sums of several runs are added, it may take a step more.
    let missing = 1.0 - sum_of(weights);
    for at in (0..weights.len()).rev().take(WEIGHTS_TRIED) {
        let weight = weights[at];
        for step in 0..=STEPS_TRIED {
            for steps in [step, -step] {
                weights[at] = weight + missing + steps as f32 * STEP;
                if sum_of(weights) == 1.0 {
                    return;
                }
            }
        }
        weights[at] = weight;
    }
}

/// A quarter of the distance of floats below 1.0.
const STEP: f32 = f32::EPSILON / 8.0;
const STEPS_TRIED: i32 = 16;
const WEIGHTS_TRIED: usize = 4;

/// The sum as the kernels add it up.
fn sum_of(weights: &[f32]) -> f32 {
    let runs = weights.chunks(RUN as usize);
    runs.fold(0.0, |total, run| {
        total + run.iter().fold(0.0, |sum, weight| sum + weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: [Filter; 6] = [
        Filter::Nearest,
        Filter::Box,
        Filter::Triangle,
        Filter::CatmullRom,
        Filter::Mitchell,
        Filter::Lanczos3,
    ];

    fn whole(size: u32, positions: u32) -> Extent {
        Extent {
            size,
            begin: 0.0,
            end: f64::from(size),
            positions,
        }
    }

    fn weights_of(taps: &Taps, position: usize) -> (u32, Vec<f32>) {
        let (start, count) = taps.weights().window(position);
        let weight = |k| taps.weights().weight(position, k);
        (start, (0..count).map(weight).collect())
    }

    #[test]
    fn weights_add_up_to_one() {
        let sizes = [
            1, 103, 200, 2, 3, 5, 7, 16, 33, 100, 224, 255, 375, 500, 1080, 2160, 3840,
        ];
        for filter in FILTERS {
            for (size, positions) in sizes.iter().flat_map(|&a| sizes.map(|b| (a, b))) {
                let taps = Taps::new(filter, whole(size, positions)).unwrap();
                for position in 0..positions as usize {
                    let (start, weights) = weights_of(&taps, position);
                    assert!(start as usize + weights.len() <= size as usize);
                    let what = (filter, size, positions, position);
                    assert_eq!(sum_of(&weights), 1.0, "{what:?}: {weights:?}");
                }
            }
        }
    }

    #[test]
    fn filters_are_those_of_the_books() {
        // Their values at 0, 0.5, 1, 1.5 and 2.5.
        let values = |filter: Filter| [0.0, 0.5, 1.0, 1.5, 2.5].map(|x| filter.at(x));
        let table = [
            (Filter::Box, [1.0, 1.0, 0.0, 0.0, 0.0]),
            (Filter::Triangle, [1.0, 0.5, 0.0, 0.0, 0.0]),
            (Filter::CatmullRom, [1.0, 0.5625, 0.0, -0.0625, 0.0]),
            (
                Filter::Mitchell,
                [8.0 / 9.0, 77.0 / 144.0, 1.0 / 18.0, -5.0 / 144.0, 0.0],
            ),
            (
                Filter::Lanczos3,
                [
                    1.0,
                    0.607_927_101_854_026_6,
                    0.0,
                    -0.135_094_911_523_117,
                    0.024_317_084_074_161_1,
                ],
            ),
        ];
        for (filter, expected) in table {
            for (got, expected) in values(filter).into_iter().zip(expected) {
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{filter:?}: {got}, {expected}"
                );
            }
        }
    }

    #[test]
    fn a_filter_grows_with_the_ratio() {
        let count = |filter, size, positions| {
            let taps = Taps::new(filter, whole(size, positions)).unwrap();
            weights_of(&taps, positions as usize / 2).1.len()
        };
        assert_eq!(count(Filter::Lanczos3, 1000, 1000), 6);
        assert_eq!(count(Filter::Lanczos3, 1000, 3000), 6);
        assert_eq!(count(Filter::Lanczos3, 4000, 1000), 24);
        assert_eq!(count(Filter::Triangle, 4000, 1000), 8);
        assert_eq!(count(Filter::Box, 4000, 1000), 4);
        assert_eq!(count(Filter::Nearest, 4000, 1000), 1);
    }

    #[test]
    fn the_nearest_pixel_is_at_the_middle() {
        let pixels = |size, positions| {
            let extent = whole(size, positions);
            (0..positions)
                .map(|p| extent.nearest(p))
                .collect::<Vec<_>>()
        };
        assert_eq!(pixels(4, 2), [1, 3]);
        assert_eq!(pixels(3, 2), [0, 2]);
        assert_eq!(pixels(2, 5), [0, 0, 1, 1, 1]);
        assert_eq!(pixels(u32::MAX, 1), [u32::MAX / 2]);
    }

    #[test]
    fn the_last_weights_are_kept() {
        let extent = whole(123, 45);
        let first = Taps::of(Filter::Mitchell, extent).unwrap();
        let second = Taps::of(Filter::Mitchell, extent).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let other = Taps::of(Filter::Lanczos3, extent).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
    }
}
