//! Resampling: each pixel of the result is a weighted sum of pixels in one row or column. Two passes,
//! one for each axis, change both sizes of a picture.
//!
//! While pixels are summed, their colours are multiplied by alpha: a transparent pixel has no colour
//! to give. The host makes the weights ([`Weights`]), which add up to 1.0 in this arithmetic, exactly.
//! So an opaque picture stays opaque, and white stays white.

use crate::{pixel::RgbaF32, tensor::TensorSpec};
use bytemuck::{Pod, Zeroable};

/// Pixels that are summed before their sum is added to that of the pixels before them. With one long
/// sum, single precision would lose too much where thousands of pixels become one.
pub const RUN: u32 = 128;

/// Columns of a tile, which a GPU resamples along both axes in one kernel.
pub const TILE_COLUMNS: usize = 64;

/// Rows of a tile.
pub const TILE_ROWS: usize = 8;

/// Rows of a tile that are summed together.
pub const TILE_GROUP: usize = 4;

/// Rows of the source that are loaded together.
pub const TILE_LOADS: usize = 4;

/// Threads of a block that makes a strip, and the most columns of the source for it.
pub const STRIP_THREADS: u32 = 256;

/// Bytes of a row in a strip's shared memory.
pub const STRIP_LINE: u32 = STRIP_THREADS * 16;

/// How many rows of the result strips sum at once: the numbers of which there is a kernel.
pub const STRIP_SUMS: [u32; 3] = [3, 6, 8];

/// Rows of the result that a strip of so many sums makes at a time: a multiple of them.
#[inline(always)]
pub const fn strip_batch(sums: u32) -> u32 {
    if sums == 8 { 8 } else { 6 }
}

/// Words of weights for a row of the source, for a strip of so many sums.
#[inline(always)]
pub const fn strip_words(sums: u32) -> u32 {
    if sums > 4 { 8 } else { 4 }
}

/// Where the rows begin among the words of a strip's weights, for `positions` rows of the result.
///
/// The words are, for each position, the end of its rows of the source. No two positions end at the same
/// row: at the edge of the picture there are rows that weigh nothing. Then, for each row of the source, there
/// are its weights for the positions that do not end before it: that of position `p` is number `p % sums`.
#[inline(always)]
pub const fn strip_rows(positions: u32) -> u32 {
    positions.next_multiple_of(4)
}

/// The axis that a pass sums along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Axis {
    /// Along columns: the height changes.
    Vertical,
    /// Along rows: the width changes.
    Horizontal,
}

/// What becomes of a pixel before it is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Input {
    /// Nothing: another pass made it.
    Sum,
    /// Its colour is multiplied by alpha.
    Straight,
    /// It becomes opaque, with the colour that it has.
    Opaque,
    /// It becomes opaque, over [`Pass::background`].
    Over,
    /// As `Opaque`. The source of a strip has 8-bit pixels instead of floats.
    OpaqueBytes,
}

/// What becomes of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Output {
    /// Nothing: another pass takes it.
    Sum,
    /// Its colour is divided by alpha.
    Straight,
}

/// One pass over a picture. The fields `axis`, `input` and `output` are numbers of [`Axis`], [`Input`]
/// and [`Output`].
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Pass {
    /// The result's width in pixels.
    pub width: u32,
    /// The result's height in pixels.
    pub height: u32,
    /// Pixels in a row of the source.
    pub pitch: u32,
    /// What is added to the result's coordinate on the axis that is not summed along: a crop.
    pub skip: u32,
    /// What is subtracted from the weights' coordinates: the source is a part of their picture.
    pub shift: u32,
    /// The number of an [`Axis`].
    pub axis: u32,
    /// The number of an [`Input`].
    pub input: u32,
    /// The number of an [`Output`].
    pub output: u32,
    /// The colour of [`Input::Over`].
    pub background: [f32; 3],
}

/// A picture that strips make: both passes, downwards first, to fewer rows. A block makes one strip, and goes
/// down through the source.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct StripJob {
    /// The address of the source.
    pub src: u64,
    /// The address of the result: a picture, or a picture of a tensor.
    pub dst: u64,
    /// The addresses of the weights of the first pass.
    pub down: u64,
    /// The address of the same weights, row by row: see [`strip_rows`].
    pub by_row: u64,
    /// The address of the weights of the second pass.
    pub across: u64,
    /// The address of the same weights, those of a position one after the other.
    pub by_column: u64,
    /// The first pass.
    pub first: Pass,
    /// The second pass.
    pub last: Pass,
    /// The row after the last one of the source.
    pub end_row: u32,
    /// Columns of the result in a strip.
    pub columns: u32,
    /// Strips below each other.
    pub below: u32,
    /// The blocks of the launch's jobs before this one.
    pub first_block: u32,
    /// Words of weights for a position at `by_column`: a multiple of 4.
    pub column_words: u32,
    /// What a tensor wants.
    pub spec: TensorSpec,
}

impl StripJob {
    /// Strips beside each other.
    #[inline(always)]
    pub fn across(&self) -> u32 {
        self.last.width.div_ceil(self.columns)
    }

    /// The number of strips.
    pub fn strips(&self) -> u32 {
        self.across() * self.below
    }

    /// The first row of the result in the strips that are number `number` from the top, and the row after their
    /// last one. All have as many batches of `batch` rows, or one more than others.
    #[inline(always)]
    pub fn rows(&self, number: u32, batch: u32) -> [u32; 2] {
        let batches = self.last.height.div_ceil(batch);
        let (each, more) = (batches / self.below, batches % self.below);
        let first = |number: u32| (number * each + number.min(more)) * batch;
        [first(number), first(number + 1).min(self.last.height)]
    }
}

/// Weights of all positions along one axis of a result, in words: the first pixel of each position,
/// the number of its pixels, and then the first weight of each position, the second weight of each,
/// and so on.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `3 * positions` words or more.
    pub words: &'a [u32],
    /// The positions.
    pub positions: usize,
}

impl Weights<'_> {
    /// The first pixel of `position`, and the number of its pixels.
    #[inline(always)]
    pub fn window(self, position: usize) -> (u32, u32) {
        (self.words[position], self.words[self.positions + position])
    }

    /// Weight `k` of `position`.
    #[inline(always)]
    pub fn weight(self, position: usize, k: u32) -> f32 {
        f32::from_bits(self.words[(2 + k as usize) * self.positions + position])
    }
}

/// Adds a weighted pixel to a sum.
#[inline(always)]
pub fn accumulate(RgbaF32(sum): RgbaF32, weight: f32, RgbaF32(pixel): RgbaF32) -> RgbaF32 {
    RgbaF32([0, 1, 2, 3].map(|c| sum[c] + weight * pixel[c]))
}

/// Adds two sums.
#[inline(always)]
pub fn add(RgbaF32(a): RgbaF32, RgbaF32(b): RgbaF32) -> RgbaF32 {
    RgbaF32([0, 1, 2, 3].map(|c| a[c] + b[c]))
}

/// The sum of `count` pixels, each times its weight. `load` reads a pixel, and `enter` makes what is summed
/// of it: several pixels are loaded before the first one is used.
#[inline(always)]
pub fn weighted_sum(
    count: u32,
    weight: impl Fn(u32) -> f32,
    load: impl Fn(u32) -> RgbaF32,
    enter: impl Fn(RgbaF32) -> RgbaF32,
) -> RgbaF32 {
    let mut total = RgbaF32([0.0; 4]);
    let mut k = 0;
    while k < count {
        let end = count.min(k + RUN);
        let mut sum = RgbaF32([0.0; 4]);
        while k + 4 <= end {
            let pixels = [load(k), load(k + 1), load(k + 2), load(k + 3)];
            let weights = [weight(k), weight(k + 1), weight(k + 2), weight(k + 3)];
            sum = accumulate(sum, weights[0], enter(pixels[0]));
            sum = accumulate(sum, weights[1], enter(pixels[1]));
            sum = accumulate(sum, weights[2], enter(pixels[2]));
            sum = accumulate(sum, weights[3], enter(pixels[3]));
            k += 4;
        }
        while k < end {
            sum = accumulate(sum, weight(k), enter(load(k)));
            k += 1;
        }
        total = add(total, sum);
    }
    total
}

impl Pass {
    /// Where the pixel of the source is that has weight `k` in the sum for `x`, `y`, if `start` is the
    /// first pixel of its window.
    #[inline(always)]
    pub fn source(&self, x: usize, y: usize, start: u32, k: u32) -> usize {
        let (along, across) = ((start - self.shift + k) as usize, self.skip as usize);
        let pitch = self.pitch as usize;
        if self.is_vertical() {
            along * pitch + across + x
        } else {
            (across + y) * pitch + along
        }
    }

    /// Whether the pass sums along columns.
    #[inline(always)]
    pub fn is_vertical(&self) -> bool {
        self.axis == Axis::Vertical as u32
    }

    /// A pixel of the source as it is summed.
    #[inline(always)]
    pub fn enter(&self, pixel: RgbaF32) -> RgbaF32 {
        if self.input == Input::Over as u32 {
            return over(pixel, self.background);
        }
        // Selects instead of branches: a GPU need not wait for a pixel to load the next.
        let RgbaF32([r, g, b, a]) = pixel;
        let factor = if self.input == Input::Straight as u32 {
            a
        } else {
            1.0
        };
        let is_opaque =
            self.input == Input::Opaque as u32 || self.input == Input::OpaqueBytes as u32;
        let alpha = if is_opaque { 1.0 } else { a };
        RgbaF32([r * factor, g * factor, b * factor, alpha])
    }

    /// A sum as a pixel of the result.
    #[inline(always)]
    pub fn leave(&self, sum: RgbaF32) -> RgbaF32 {
        if self.output == Output::Straight as u32 {
            straight(sum)
        } else {
            sum
        }
    }
}

/// The pixel over `background`, opaque. Colours may be outside 0.0 to 1.0, and stay so.
#[inline(always)]
pub fn over(RgbaF32([r, g, b, a]): RgbaF32, background: [f32; 3]) -> RgbaF32 {
    let clear = 1.0 - a;
    RgbaF32([
        r * a + background[0] * clear,
        g * a + background[1] * clear,
        b * a + background[2] * clear,
        1.0,
    ])
}

/// Alpha below this is none: what is left of the colour is rounding.
const CLEAR: f32 = 1e-6;

/// A pixel whose colour is multiplied by alpha, as one whose colour is not. Where alpha is nothing, all
/// is zero. Not a number is one value, whatever processor computed it.
#[inline(always)]
pub fn straight(RgbaF32([r, g, b, a]): RgbaF32) -> RgbaF32 {
    if a.abs() < CLEAR {
        RgbaF32([0.0; 4])
    } else if a == 1.0 && !(r + g + b).is_nan() {
        RgbaF32([r, g, b, a])
    } else {
        RgbaF32([r / a, g / a, b / a, a].map(one_nan))
    }
}

/// The number, or the usual NaN. Processors make different ones.
#[inline(always)]
pub fn one_nan(v: f32) -> f32 {
    let bits = v.to_bits();
    // By its bits: compilers take all NaN for one.
    let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
    f32::from_bits(if is_nan { 0x7fc0_0000 } else { bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_all_pixels() {
        for count in [0, 1, 127, 128, 129, 1000] {
            let weight = |k: u32| 1.0 / (k + 1) as f32;
            let pixel = |k: u32| RgbaF32([k as f32, 1.0, -1.0, 0.5]);
            let RgbaF32(sum) = weighted_sum(count, weight, pixel, |pixel| pixel);
            for (c, got) in sum.into_iter().enumerate() {
                let term = |k: u32| f64::from(weight(k)) * f64::from(pixel(k).0[c]);
                let exact: f64 = (0..count).map(term).sum();
                let got = f64::from(got);
                assert!(
                    (got - exact).abs() <= 1e-6 * exact.abs().max(1.0),
                    "{count} {c}"
                );
            }
        }
    }

    #[test]
    fn colour_counts_as_much_as_it_is_seen() {
        let pass = |input: Input| Pass {
            input: input as u32,
            background: [0.5, 0.25, 0.0],
            ..Zeroable::zeroed()
        };
        let pixel = RgbaF32([1.0, 0.5, 2.0, 0.25]);
        assert_eq!(pass(Input::Sum).enter(pixel), pixel);
        let multiplied = RgbaF32([0.25, 0.125, 0.5, 0.25]);
        assert_eq!(pass(Input::Straight).enter(pixel), multiplied);
        assert_eq!(straight(multiplied), pixel);
        assert_eq!(
            pass(Input::Opaque).enter(pixel),
            RgbaF32([1.0, 0.5, 2.0, 1.0])
        );
        let over = RgbaF32([0.625, 0.3125, 0.5, 1.0]);
        assert_eq!(pass(Input::Over).enter(pixel), over);
        assert_eq!(straight(RgbaF32([1e-8, 0.0, 0.0, 1e-7])), RgbaF32([0.0; 4]));
    }

    #[test]
    fn there_is_one_nan() {
        for bits in [0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffc0_0000] {
            assert_eq!(one_nan(f32::from_bits(bits)).to_bits(), 0x7fc0_0000);
        }
        for v in [
            0.0,
            -0.0,
            1.5,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MIN_POSITIVE,
        ] {
            assert_eq!(one_nan(v).to_bits(), v.to_bits());
        }
    }
}
