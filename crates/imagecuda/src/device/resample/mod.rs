//! Pictures of other sizes, and tensors, on the CPU.

mod rows;

pub(super) use self::rows::{add_run, add_weighted, enter_row, finish_row};

use self::rows::{RowMaker, Source, source_width, vertical};
use super::{
    TensorJob,
    cpu::{Pixels, TASK, vector},
};
use crate::{parallel, resample::Plan};
use imagecuda_kernels::{pixel::RgbaF32, tensor::TensorSpec};
use std::ops::Range;

/// Parts of a picture have rows of the source in common, which each of them makes for itself. Their own rows are
/// so many times as many.
const OWN_ROWS: usize = 8;

/// The rows of a part of a picture of `width` × `height`, of which one thread makes all.
fn rows_of_part(plan: &Plan, (width, height): (usize, usize)) -> usize {
    let Some(step) = vertical(plan) else {
        return (TASK / width).max(1);
    };
    let (top, bottom) = step.taps.range;
    let rows = (bottom - top) as usize;
    let pixels = width.max(rows * source_width(plan, width) / height);
    let own = OWN_ROWS * step.taps.most as usize * height / rows.max(1);
    (TASK / pixels).max(own).max(1)
}

/// Makes a picture of `src`. `dst` has as many pixels as the plan gives, in rows of `width`.
pub(super) fn resample(plan: &Plan, src: &[RgbaF32], width: usize, dst: &mut [RgbaF32]) {
    let source = Source::Floats(src, source_width(plan, width));
    let few = rows_of_part(plan, (width, dst.len() / width));
    let tasks = dst.chunks_mut(few * width).enumerate();
    parallel::fold(tasks, RowMaker::default, |maker, (task, dst)| {
        let first = task * few;
        maker.begin(first..first + dst.len() / width);
        for (y, row) in (first..).zip(dst.chunks_mut(width)) {
            maker.make(plan, source, y, row);
        }
    });
}

/// Makes pictures of a tensor, whose bytes are `dst`. Each has its place, and the places are in order.
pub(super) fn tensor<'a>(
    jobs: impl Iterator<Item = (Range<usize>, &'a TensorJob, &'a Pixels<RgbaF32>)>,
    mut dst: &mut [u8],
) {
    let mut at = 0;
    let mut pictures: Vec<_> = jobs
        .map(|(place, job, pixels)| {
            let rest = std::mem::take(&mut dst).split_at_mut(place.start - at).1;
            let (bytes, rest) = rest.split_at_mut(place.len());
            (dst, at) = (rest, place.end);
            let source = match pixels.file(job.source) {
                Some(file) => Source::File(file),
                None => Source::Floats(pixels, job.source.0 as usize),
            };
            (job, source, tensor_rows(&job.spec, bytes))
        })
        .collect();
    let parts: Vec<_> = pictures
        .iter_mut()
        .flat_map(|(job, source, lines)| {
            let spec = &job.spec;
            let inner = (spec.inner_width as usize, spec.inner_height as usize);
            let few = rows_of_part(&job.plan, inner);
            let parts = lines.chunks_mut(few).enumerate();
            parts.map(move |(part, lines)| (*job, *source, part * few, lines))
        })
        .collect();
    let init = || (RowMaker::default(), Vec::new());
    parallel::fold(
        parts.into_iter(),
        init,
        |(maker, line), (job, source, first, lines)| {
            tensor_part((job, source), first, lines, maker, line);
        },
    );
}

/// Makes rows of a tensor's picture, from row `first` on.
fn tensor_part(
    (job, source): (&TensorJob, Source<'_>),
    first: usize,
    lines: &mut [Vec<&mut [u8]>],
    maker: &mut RowMaker,
    line: &mut Vec<RgbaF32>,
) {
    let TensorJob { plan, spec, .. } = job;
    // A pass has flattened its pixels.
    let flatten = spec.flatten != 0 && matches!(plan, Plan::Identity | Plan::Nearest { .. });
    let (left, top) = (spec.left as usize, spec.top as usize);
    let (width, height) = (spec.inner_width as usize, spec.inner_height as usize);
    let inside = |y: usize| y.clamp(top, top + height) - top;
    maker.begin(inside(first)..inside(first + lines.len()));
    line.clear();
    line.resize(spec.width as usize, RgbaF32(spec.pad));
    for (y, planes) in (first..).zip(lines) {
        if (top..top + height).contains(&y) {
            let inner = &mut line[left..left + width];
            maker.make(plan, source, y - top, inner);
            if flatten {
                for pixel in inner {
                    *pixel = spec.flattened(*pixel);
                }
            }
        } else {
            line.fill(RgbaF32(spec.pad));
        }
        vector::tensor_row(spec, line, planes);
    }
}

/// The bytes of each row: of its planes, or of its one part where the channels lie side by side.
fn tensor_rows<'a>(spec: &TensorSpec, bytes: &'a mut [u8]) -> Vec<Vec<&'a mut [u8]>> {
    let (height, parts) = match spec.is_planar() {
        true => (spec.height as usize, spec.count()),
        false => (spec.height as usize, 1),
    };
    let row = bytes.len() / (height * parts);
    let mut rows: Vec<Vec<&mut [u8]>> = (0..height).map(|_| Vec::with_capacity(parts)).collect();
    for plane in bytes.chunks_exact_mut(row * height) {
        for (parts, row) in rows.iter_mut().zip(plane.chunks_exact_mut(row)) {
            parts.push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests;
