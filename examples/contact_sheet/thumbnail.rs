//! Pictures made small.

/// A picture as it goes into a cell: RGBA, the colours multiplied by alpha.
pub(crate) struct Thumbnail {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[f32; 4]>,
}

impl Thumbnail {
    /// Of the samples of a picture, to fit into a square of `size`. A larger one is averaged over
    /// the area of each pixel, one that is smaller is enlarged by a whole number, so that its
    /// pixels show.
    ///
    /// It averages the samples as they are, sRGB-encoded, as most viewers do.
    pub(crate) fn new(samples: &[f32], width: usize, height: usize, size: usize) -> Self {
        let (to_width, to_height) = fit(width, height, size);
        let columns = shares(width, to_width);
        let mut pixels = vec![[0.0; 4]; to_width * to_height];
        let lines = pixels.chunks_exact_mut(to_width);
        for ((first, rows), line) in shares(height, to_height).into_iter().zip(lines) {
            for (y, row) in (first..).zip(rows) {
                let source = &samples[y * width * 4..][..width * 4];
                for ((first, shares), pixel) in columns.iter().zip(&mut *line) {
                    let mut sum = [0.0; 4];
                    for (rgba, share) in source[first * 4..].chunks_exact(4).zip(shares) {
                        let alpha = unit(rgba[3]) * share;
                        for (sum, &color) in sum.iter_mut().zip(&rgba[..3]) {
                            *sum += unit(color) * alpha;
                        }
                        sum[3] += alpha;
                    }
                    for (to, sum) in pixel.iter_mut().zip(sum) {
                        *to += sum * row;
                    }
                }
            }
        }
        Self {
            width: to_width,
            height: to_height,
            pixels,
        }
    }
}

/// From 0 to 1: one pixel past that, as HDR files have them, must not outshine its neighbours,
/// nor NaN swallow them.
fn unit(sample: f32) -> f32 {
    match sample > 0.0 {
        true => sample.min(1.0),
        false => 0.0,
    }
}

/// The size that a picture has in a square of `size`.
fn fit(width: usize, height: usize, size: usize) -> (usize, usize) {
    let longest = width.max(height);
    if longest <= size {
        let factor = size / longest;
        return (width * factor, height * factor);
    }
    let side = |length: usize| ((length * size + longest / 2) / longest).max(1);
    (side(width), side(height))
}

/// For each of `to` pixels that lie over `from`: the first of those that it covers, and which part
/// of it lies over this one and each that follows.
fn shares(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    // In units that are whole for both: one of `from` is `to` of them long, and one of `to` is
    // `from` of them.
    let of = |i: usize| {
        let (start, end) = (i * from, (i + 1) * from);
        let first = start / to;
        let share = |s: usize| ((s + 1) * to).min(end) - (s * to).max(start);
        let shares = (first..end.div_ceil(to)).map(|s| share(s) as f32 / from as f32);
        (first, shares.collect())
    };
    (0..to).map(of).collect()
}
