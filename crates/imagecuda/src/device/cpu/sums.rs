//! Weighted sums of rows and of columns: the order of additions is that of
//! [`weighted_sum`](imagecuda_kernels::resample::weighted_sum), so the bits are too.

use imagecuda_kernels::{
    pixel::{RgbaF32, unit_from_u8},
    resample::{Input, Pass, RUN, Weights},
};

/// Numbers that are summed at once. Their sums fit the registers of a processor with AVX2.
const LANES: usize = 64;

/// Pixels that are summed at once.
const FEW: usize = 4;

/// A line that is summed.
#[derive(Clone, Copy, Debug)]
pub(in crate::device) struct Tap {
    /// Where it begins.
    pub(in crate::device) start: usize,
    pub(in crate::device) weight: f32,
}

/// Sums lines, number by number. They begin among `numbers` as `taps` says.
#[inline(always)]
pub(super) fn lines(taps: &[Tap], numbers: &[f32], out: &mut [f32]) {
    let (whole, rest) = out.as_chunks_mut::<LANES>();
    let done = whole.len() * LANES;
    for (i, out) in whole.iter_mut().enumerate() {
        *out = few_of_lines(taps, numbers, i * LANES);
    }
    for (i, out) in rest.iter_mut().enumerate() {
        [*out] = few_of_lines(taps, numbers, done + i);
    }
}

#[inline(always)]
fn few_of_lines<const N: usize>(taps: &[Tap], numbers: &[f32], at: usize) -> [f32; N] {
    let mut total = [0.0; N];
    for run in taps.chunks(RUN as usize) {
        let mut sum = [0.0; N];
        for tap in run {
            let line: &[f32] = &numbers[tap.start + at..][..N];
            for (sum, number) in sum.iter_mut().zip(line) {
                *sum += tap.weight * number;
            }
        }
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    total
}

/// Sums the pixels of a row for each pixel of `out`. The row has `channels` numbers for a pixel, 1, 3 or 4,
/// and 3 numbers more at its end; it begins with column `left`. A pixel of less than four is opaque.
#[inline(always)]
pub(super) fn columns(
    weights: Weights<'_>,
    channels: usize,
    left: u32,
    row: &[f32],
    out: &mut [RgbaF32],
) {
    match channels {
        1 => columns_of::<1>(weights, left, row, out),
        3 => columns_of::<3>(weights, left, row, out),
        _ => columns_of::<4>(weights, left, row, out),
    }
}

#[inline(always)]
fn columns_of<const N: usize>(weights: Weights<'_>, left: u32, row: &[f32], out: &mut [RgbaF32]) {
    let (fours, rest) = out.as_chunks_mut::<FEW>();
    let done = fours.len() * FEW;
    for (i, out) in fours.iter_mut().enumerate() {
        few_of_columns::<N, FEW>(weights, left, row, i * FEW, out);
    }
    for (i, out) in rest.iter_mut().enumerate() {
        few_of_columns::<N, 1>(weights, left, row, done + i, std::array::from_mut(out));
    }
}

/// Makes `M` pixels that begin with number `x`. They are summed beside each other, as each addition waits for
/// the one before. Loops instead of closures: those are not always inlined where the processor's instructions
/// differ.
#[inline(always)]
fn few_of_columns<const N: usize, const M: usize>(
    weights: Weights<'_>,
    left: u32,
    row: &[f32],
    x: usize,
    out: &mut [RgbaF32; M],
) {
    let (mut starts, mut counts, mut totals) = ([0; M], [0; M], [[0.0f32; 4]; M]);
    let (mut least, mut most) = (usize::MAX, 0);
    for i in 0..M {
        let (start, count) = weights.window(x + i);
        (starts[i], counts[i]) = (N * (start - left) as usize, count as usize);
        (least, most) = (least.min(counts[i]), most.max(counts[i]));
    }
    let mut first = 0;
    while first < most {
        let mut sums = [[0.0f32; 4]; M];
        // Up to the end of the run, or of the shortest window.
        let end = first + RUN as usize;
        for k in first..end.min(least) {
            let weights = &weights.words[(2 + k) * weights.positions + x..][..M];
            for i in 0..M {
                add_pixel(&mut sums[i], weights[i], row, starts[i] + N * k);
            }
        }
        for i in 0..M {
            for k in first.max(least)..end.min(counts[i]) {
                let weight = weights.weight(x + i, k as u32);
                add_pixel(&mut sums[i], weight.to_bits(), row, starts[i] + N * k);
            }
            // A run of nothing is no run.
            if first < counts[i] {
                for c in 0..4 {
                    totals[i][c] += sums[i][c];
                }
            }
        }
        first = end;
    }
    for i in 0..M {
        let [r, g, b, a] = totals[i];
        out[i] = RgbaF32(match N {
            1 => [r, r, r, 1.0],
            3 => [r, g, b, 1.0],
            _ => [r, g, b, a],
        });
    }
}

/// Adds the four numbers at a place of a row, times a weight.
#[inline(always)]
fn add_pixel(sum: &mut [f32; 4], weight: u32, row: &[f32], at: usize) {
    let (weight, numbers) = (f32::from_bits(weight), &row[at..][..4]);
    for c in 0..4 {
        sum[c] += weight * numbers[c];
    }
}

/// Bytes as numbers from 0.0 to 1.0.
#[inline(always)]
pub(super) fn units(bytes: &[u8], out: &mut [f32]) {
    for (out, &byte) in out.iter_mut().zip(bytes) {
        *out = unit_from_u8(byte);
    }
}

/// Pixels as they are summed.
#[inline(always)]
pub(super) fn enter(pass: &Pass, pixels: &mut [RgbaF32]) {
    // One loop for each: compilers do not take the question out of it.
    if pass.input == Input::Straight as u32 {
        for RgbaF32([r, g, b, a]) in pixels {
            (*r, *g, *b) = (*r * *a, *g * *a, *b * *a);
        }
    } else if pass.input == Input::Opaque as u32 {
        for RgbaF32([_, _, _, a]) in pixels {
            *a = 1.0;
        }
    } else if pass.input == Input::Over as u32 {
        for pixel in pixels {
            *pixel = pass.enter(*pixel);
        }
    }
}

/// Sums as pixels of the result.
#[inline(always)]
pub(super) fn leave(pass: &Pass, pixels: &mut [RgbaF32]) {
    for pixel in pixels {
        *pixel = pass.leave(*pixel);
    }
}
