//! Pictures of luminance and chroma. Chroma has half as many columns and rows.
//!
//! RY and BY are `(R - Y) / Y` and `(B - Y) / Y`. As in OpenEXR's own library, a filter makes the
//! missing samples, and colours that are more saturated than their neighbours become less
//! saturated.

use super::planes::Plane;

/// The filter's weights for the samples 1, 3, 5, … 13 columns (or rows) away on either side.
const FILTER: [f32; 7] = [
    0.627_123, -0.186_077, 0.087_929, -0.043_159, 0.019_597, -0.007_540, 0.002_128,
];

type Rgb = [f32; 3];

pub(super) struct Chroma<'a> {
    pub(super) luminance: &'a Plane,
    pub(super) red: &'a Plane,
    pub(super) blue: &'a Plane,
    /// The contributions of red, green and blue to luminance.
    pub(super) weights: [f32; 3],
}

impl Chroma<'_> {
    /// The rows of the picture, from the first on.
    pub(super) fn for_each_row(&self, mut each: impl FnMut(usize, &[Rgb])) {
        let (width, height) = (self.luminance.width, self.luminance.height);
        let is_half = |plane: &Plane| plane.sampling == (2, 2);
        if !(is_half(self.red) && is_half(self.blue)) {
            // For other sampling no filter is defined: samples are repeated.
            let mut row = Vec::new();
            for y in 0..height {
                row.clear();
                row.extend((0..width).map(|x| {
                    let chroma = [self.red.at(x, y), self.blue.at(x, y)];
                    self.color(self.luminance.at(x, y), chroma)
                }));
                each(y, &row);
            }
            return;
        }
        let chroma: Vec<Vec<[f32; 2]>> = (0..height / 2).map(|y| self.widened(y)).collect();
        let mut rows = [-1, 0, 1].map(|y| self.row(&chroma, y));
        let mut fixed = Vec::new();
        for y in 0..height {
            self.soften(&rows, &mut fixed);
            each(y, &fixed);
            rows.rotate_left(1);
            rows[2] = self.row(&chroma, y as isize + 2);
        }
    }

    /// A row of chroma for all columns. Beyond its ends the first or last sample is used.
    fn widened(&self, y: usize) -> Vec<[f32; 2]> {
        let width = self.luminance.width;
        let planes = [self.red, self.blue];
        let last = width as isize / 2 - 1;
        let at = |x: isize| {
            planes.map(|plane| plane.samples[y * plane.width + x.clamp(0, last) as usize])
        };
        (0..width as isize)
            .map(|x| match x % 2 {
                0 => at(x / 2),
                _ => filtered(|distance| at((x + distance).div_euclid(2))),
            })
            .collect()
    }

    /// A row of colours. The rows just before the first and after the last are allowed.
    fn row(&self, chroma: &[Vec<[f32; 2]>], y: isize) -> Vec<Rgb> {
        let height = self.luminance.height as isize;
        // After the last row, the last row with chroma is used.
        let clamped = |y: isize| match y {
            y if y < 0 => 0,
            y if y >= height => height - 2,
            y => y,
        };
        let luminance = clamped(y) as usize;
        (0..self.luminance.width)
            .map(|x| {
                let at = |y: isize| chroma[clamped(y) as usize / 2][x];
                let chroma = match y % 2 {
                    0 => at(y),
                    _ => filtered(|distance| at(y + distance)),
                };
                self.color(self.luminance.at(x, luminance), chroma)
            })
            .collect()
    }

    fn color(&self, y: f32, [red, blue]: [f32; 2]) -> Rgb {
        if red == 0.0 && blue == 0.0 {
            return [y; 3];
        }
        let (r, b) = ((red + 1.0) * y, (blue + 1.0) * y);
        let [wr, wg, wb] = self.weights;
        [r, (y - r * wr - b * wb) / wg, b]
    }

    /// Reduces the saturation of colours in the middle row that are more saturated than their
    /// neighbours.
    fn soften(&self, [above, row, below]: &[Vec<Rgb>; 3], out: &mut Vec<Rgb>) {
        out.clear();
        let last = row.len() - 1;
        out.extend(row.iter().enumerate().map(|(x, &color)| {
            let (left, right) = (x.saturating_sub(1), last.min(x + 1));
            let around = [above[left], above[right], below[left], below[right]];
            let mean = (around.map(saturation).iter().sum::<f32>() / 4.0).min(1.0);
            let own = saturation(color);
            let most = (1.0 - (1.0 - mean) * 0.25).min(1.0);
            match own > mean && own > most {
                true => self.desaturated(color, most / own),
                false => color,
            }
        }));
    }

    /// The colour with its saturation scaled and its brightness unchanged.
    fn desaturated(&self, color: Rgb, share: f32) -> Rgb {
        let luminance = |[r, g, b]: Rgb| {
            let [wr, wg, wb] = self.weights;
            r * wr + g * wg + b * wb
        };
        let most = color.into_iter().fold(f32::MIN, f32::max);
        let gray = color.map(|v| (most - (most - v) * share).max(0.0));
        let (before, after) = (luminance(color), luminance(gray));
        match after > 0.0 {
            true => gray.map(|v| v * before / after),
            false => gray,
        }
    }
}

fn filtered(at: impl Fn(isize) -> [f32; 2]) -> [f32; 2] {
    let mut sum = [0.0; 2];
    for (weight, distance) in FILTER.into_iter().zip((1..).step_by(2)) {
        for [red, blue] in [at(-distance), at(distance)] {
            sum[0] += weight * red;
            sum[1] += weight * blue;
        }
    }
    sum
}

fn saturation(color: Rgb) -> f32 {
    let most = color.into_iter().fold(f32::MIN, f32::max);
    let least = color.into_iter().fold(f32::MAX, f32::min);
    if most > 0.0 { 1.0 - least / most } else { 0.0 }
}
