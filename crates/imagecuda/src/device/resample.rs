//! Pictures of other sizes, and tensors, on the CPU.

use super::cpu::{TASK, vector};
use crate::{
    Result, memory, parallel,
    resample::{Plan, Step},
};
use imagecuda_kernels::{host, pixel::RgbaF32, tensor::TensorSpec};

/// Makes a picture of `src`. `dst` has as many pixels as the plan gives, in rows of `width`.
pub(super) fn resample(
    plan: &Plan,
    src: &[RgbaF32],
    width: usize,
    dst: &mut [RgbaF32],
) -> Result<()> {
    let between;
    let rows = match plan {
        Plan::Two(first, last) => {
            between = run(first, src)?;
            Rows::Pass(last, &between)
        }
        other => Rows::of(other, src),
    };
    make_rows(&rows, width, dst);
    Ok(())
}

/// Makes a picture of a tensor, whose bytes are `dst`, of `src`.
pub(super) fn tensor(
    plan: &Plan,
    spec: &TensorSpec,
    src: &[RgbaF32],
    dst: &mut [u8],
) -> Result<()> {
    let between;
    let rows = match plan {
        Plan::Two(first, last) => {
            between = run(first, src)?;
            Rows::Pass(last, &between)
        }
        other => Rows::of(other, src),
    };
    // A pass has flattened its pixels.
    let flatten = spec.flatten != 0 && !matches!(rows, Rows::Pass(..));
    let (left, top) = (spec.left as usize, spec.top as usize);
    let (width, height) = (spec.inner_width as usize, spec.inner_height as usize);
    let mut lines = tensor_rows(spec, dst);
    let few = (TASK / spec.width as usize).max(1);
    let tasks = lines.chunks_mut(few).enumerate();
    let init = || (vec![RgbaF32::default(); spec.width as usize], Vec::new());
    parallel::fold(tasks, init, |(line, run), (task, planes)| {
        for (i, planes) in planes.iter_mut().enumerate() {
            let y = task * few + i;
            line.fill(RgbaF32(spec.pad));
            if (top..top + height).contains(&y) {
                let inner = &mut line[left..left + width];
                rows.make(y - top, inner, run);
                if flatten {
                    for pixel in inner {
                        *pixel = spec.flattened(*pixel);
                    }
                }
            }
            vector::tensor_row(spec, line, planes);
        }
    });
    Ok(())
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

/// The result of a pass that another one takes.
fn run(step: &Step, src: &[RgbaF32]) -> Result<Vec<RgbaF32>> {
    let mut result = memory::zeroed(step.len())?;
    make_rows(
        &Rows::Pass(step, src),
        step.pass.width as usize,
        &mut result,
    );
    Ok(result)
}

fn make_rows(rows: &Rows<'_>, width: usize, dst: &mut [RgbaF32]) {
    let few = (TASK / width).max(1);
    let tasks = dst.chunks_mut(few * width).enumerate();
    parallel::fold(tasks, Vec::new, |run, (task, dst)| {
        for (i, row) in dst.chunks_mut(width).enumerate() {
            rows.make(task * few + i, row, run);
        }
    });
}

/// Where the rows of a result come from.
enum Rows<'a> {
    Copied(&'a [RgbaF32]),
    Nearest(&'a Plan, &'a [RgbaF32]),
    Pass(&'a Step, &'a [RgbaF32]),
}

impl<'a> Rows<'a> {
    /// The rows of a plan of one pass at most.
    fn of(plan: &'a Plan, src: &'a [RgbaF32]) -> Self {
        match plan {
            Plan::Identity => Self::Copied(src),
            Plan::Nearest { .. } => Self::Nearest(plan, src),
            Plan::One(step) | Plan::Two(_, step) => Self::Pass(step, src),
        }
    }

    /// Makes row `y`. `run` is memory that is used again.
    fn make(&self, y: usize, row: &mut [RgbaF32], run: &mut Vec<RgbaF32>) {
        match *self {
            Self::Copied(src) => row.copy_from_slice(&src[y * row.len()..][..row.len()]),
            Self::Nearest(
                Plan::Nearest {
                    columns,
                    rows,
                    pitch,
                },
                src,
            ) => {
                let (columns, rows) = (columns.weights(), rows.weights());
                host::nearest_row(columns, rows, *pitch as usize, src, y, row);
            }
            Self::Nearest(..) => unreachable!("`of` looks at the plan"),
            Self::Pass(step, src) => {
                run.resize(row.len(), RgbaF32::default());
                vector::resample_row(&step.pass, step.taps.weights(), src, y, row, run);
            }
        }
    }
}
