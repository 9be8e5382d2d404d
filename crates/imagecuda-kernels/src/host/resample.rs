//! Rows of resampled pictures, and of tensors.

use crate::{
    pixel::RgbaF32,
    resample::{Input, Pass, RUN, Weights, accumulate, add, weighted_sum},
    tensor::{TensorElement, TensorSpec, bf16_from_f32, f16_from_f32, f32_from_f32, u8_from_f32},
};

/// Row `y` of the result of `pass`. `run` is memory for as many pixels.
///
/// # Panics
///
/// If the weights are not those of the pass, or a slice is too short.
#[inline(always)]
pub fn resample_row(
    pass: &Pass,
    weights: Weights<'_>,
    src: &[RgbaF32],
    y: usize,
    row: &mut [RgbaF32],
    run: &mut [RgbaF32],
) {
    if !pass.is_vertical() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (start, count) = weights.window(x);
            let window = &src[pass.source(x, y, start, 0)..][..count as usize];
            let sum = weighted_sum(
                count,
                |k| weights.weight(x, k),
                |k| window[k as usize],
                |pixel| pass.enter(pixel),
            );
            *pixel = pass.leave(sum);
        }
        return;
    }
    // One loop for each: compilers do not take the question out of it.
    let opaque = |RgbaF32([r, g, b, _])| RgbaF32([r, g, b, 1.0]);
    let multiplied = |RgbaF32([r, g, b, a])| RgbaF32([r * a, g * a, b * a, a]);
    if pass.input == Input::Straight as u32 {
        sum_rows(pass, weights, src, y, (row, run), multiplied);
    } else if pass.input == Input::Opaque as u32 {
        sum_rows(pass, weights, src, y, (row, run), opaque);
    } else {
        sum_rows(pass, weights, src, y, (row, run), |pixel| pass.enter(pixel));
    }
}

/// A row of a vertical pass. Goes row by row through the source, as it lies in memory. Each pixel's sum is added
/// up in the order of [`weighted_sum`].
#[inline(always)]
fn sum_rows(
    pass: &Pass,
    weights: Weights<'_>,
    src: &[RgbaF32],
    y: usize,
    (row, run): (&mut [RgbaF32], &mut [RgbaF32]),
    enter: impl Fn(RgbaF32) -> RgbaF32,
) {
    let (start, count) = weights.window(y);
    row.fill(RgbaF32([0.0; 4]));
    let mut k = 0;
    while k < count {
        let end = count.min(k + RUN);
        run.fill(RgbaF32([0.0; 4]));
        while k < end {
            let weight = weights.weight(y, k);
            let line = &src[pass.source(0, y, start, k)..][..row.len()];
            for (sum, pixel) in run.iter_mut().zip(line) {
                *sum = accumulate(*sum, weight, enter(*pixel));
            }
            k += 1;
        }
        for (total, sum) in row.iter_mut().zip(&*run) {
            *total = add(*total, *sum);
        }
    }
    for pixel in row {
        *pixel = pass.leave(*pixel);
    }
}

/// Row `y` of a result of the nearest pixels: `columns` and `rows` have one pixel for each position.
/// Rows of the source have `pitch` pixels.
///
/// # Panics
///
/// If a slice is too short.
pub fn nearest_row(
    columns: Weights<'_>,
    rows: Weights<'_>,
    pitch: usize,
    src: &[RgbaF32],
    y: usize,
    row: &mut [RgbaF32],
) {
    let line = &src[rows.window(y).0 as usize * pitch..][..pitch];
    for (x, pixel) in row.iter_mut().enumerate() {
        *pixel = line[columns.window(x).0 as usize];
    }
}

/// Writes a row of pixels as elements of a tensor. `planes` are the rows of its planes, or the one row
/// of a tensor whose channels lie side by side.
#[inline(always)]
pub fn tensor_row(spec: &TensorSpec, pixels: &[RgbaF32], planes: &mut [&mut [u8]]) {
    if spec.element == TensorElement::U8 as u32 {
        elements(spec, pixels, planes, |v| [u8_from_f32(v)]);
    } else if spec.element == TensorElement::F16 as u32 {
        elements(spec, pixels, planes, |v| f16_from_f32(v).to_ne_bytes());
    } else if spec.element == TensorElement::Bf16 as u32 {
        elements(spec, pixels, planes, |v| bf16_from_f32(v).to_ne_bytes());
    } else {
        elements(spec, pixels, planes, |v| f32_from_f32(v).to_ne_bytes());
    }
}

#[inline(always)]
fn elements<const N: usize>(
    spec: &TensorSpec,
    pixels: &[RgbaF32],
    planes: &mut [&mut [u8]],
    encode: impl Fn(f32) -> [u8; N],
) {
    let count = spec.count();
    for (c, plane) in planes.iter_mut().enumerate() {
        let elements = plane.as_chunks_mut::<N>().0;
        if spec.is_planar() {
            for (element, pixel) in elements.iter_mut().zip(pixels) {
                *element = encode(spec.value(*pixel, c));
            }
            continue;
        }
        for (elements, pixel) in elements.chunks_exact_mut(count).zip(pixels) {
            for (c, element) in elements.iter_mut().enumerate() {
                *element = encode(spec.value(*pixel, c));
            }
        }
    }
}
