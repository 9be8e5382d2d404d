//! Pictures of other sizes, and tensors, on the CPU.

mod passes;
mod rows;
mod source;
#[cfg(test)]
mod tests;

use self::{
    rows::{Memory, Rows},
    source::Source,
};
use super::{
    TensorJob,
    cpu::{Pixels, vector},
};
use crate::{Result, parallel, resample::Plan};
use imagecuda_kernels::{pixel::RgbaF32, tensor::TensorSpec};
use std::ops::Range;

/// Makes a picture of `src`, which is one of the size that comes with it. `dst` has as many pixels as the plan
/// gives, in rows of `width`.
pub(super) fn resample(
    plan: &Plan,
    (src, size): (&Pixels<RgbaF32>, (u32, u32)),
    width: usize,
    dst: &mut [RgbaF32],
) -> Result<()> {
    make_rows(&Rows::of(plan, Source::of(src, size))?, width, dst);
    Ok(())
}

fn make_rows(rows: &Rows<'_>, width: usize, dst: &mut [RgbaF32]) {
    let few = rows.few(width);
    let tasks = dst.chunks_mut(few * width).enumerate();
    parallel::fold(tasks, Memory::default, |memory, (task, dst)| {
        for (i, row) in dst.chunks_mut(width).enumerate() {
            rows.make(task * few + i, row, memory);
        }
    });
}

/// Whether a picture of a tensor is made of a few rows of `src` at a time.
pub(super) fn is_by_rows(job: &TensorJob, src: &Pixels<RgbaF32>) -> bool {
    !Rows::needs_whole(&job.plan, Source::of(src, job.source))
}

/// Makes pictures of a tensor, whose bytes are `dst`. Each has its place, and the places are in order.
pub(super) fn tensor<'a>(
    jobs: impl Iterator<Item = (Range<usize>, &'a TensorJob, &'a Pixels<RgbaF32>)>,
    mut dst: &mut [u8],
) -> Result<()> {
    let (mut pictures, mut at) = (Vec::new(), 0);
    for (place, job, pixels) in jobs {
        let rest = std::mem::take(&mut dst).split_at_mut(place.start - at).1;
        let (bytes, rest) = rest.split_at_mut(place.len());
        (dst, at) = (rest, place.end);
        let rows = Rows::of(&job.plan, Source::of(pixels, job.source))?;
        pictures.push((&job.spec, rows, tensor_rows(&job.spec, bytes)));
    }
    let parts: Vec<_> = pictures
        .iter_mut()
        .flat_map(|(spec, rows, lines)| {
            let rows = &*rows;
            let few = rows.few(spec.width as usize);
            let parts = lines.chunks_mut(few).enumerate();
            parts.map(move |(part, lines)| (*spec, rows, part * few, lines))
        })
        .collect();
    let init = || (Memory::default(), Vec::new());
    parallel::fold(
        parts.into_iter(),
        init,
        |(memory, line), (spec, rows, first, lines)| {
            // The part before may be one of another picture.
            memory.begin();
            line.resize(spec.width as usize, RgbaF32::default());
            for (y, planes) in (first..).zip(lines) {
                tensor_row(spec, rows, y, planes, line, memory);
            }
        },
    );
    Ok(())
}

/// Makes row `y` of a tensor's picture. `line` is memory for its pixels.
fn tensor_row(
    spec: &TensorSpec,
    rows: &Rows<'_>,
    y: usize,
    planes: &mut [&mut [u8]],
    line: &mut [RgbaF32],
    memory: &mut Memory,
) {
    // A pass has flattened its pixels.
    let flatten = spec.flatten != 0 && matches!(rows, Rows::Copied(_) | Rows::Nearest(..));
    let (left, top) = (spec.left as usize, spec.top as usize);
    let (width, height) = (spec.inner_width as usize, spec.inner_height as usize);
    line.fill(RgbaF32(spec.pad));
    if (top..top + height).contains(&y) {
        let inner = &mut line[left..left + width];
        rows.make(y - top, inner, memory);
        if flatten {
            for pixel in inner {
                *pixel = spec.flattened(*pixel);
            }
        }
    }
    vector::tensor_row(spec, line, planes);
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
