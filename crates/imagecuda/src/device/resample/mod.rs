//! Pictures of other sizes, and tensors, on the CPU.

mod passes;
#[cfg(test)]
mod tests;

pub(super) use self::passes::Source;

use self::passes::Passes;
use super::cpu::{TASK, vector};
use crate::{
    Result, memory, parallel,
    resample::{Plan, Step},
};
use imagecuda_kernels::{host, pixel::RgbaF32, tensor::TensorSpec};

/// The fewest rows of a result that a thread makes one after another. Neighbours need many of the source's
/// rows together.
const NEIGHBOURS: usize = 16;

/// Makes a picture of `src`. `dst` has as many pixels as the plan gives, in rows of `width`.
pub(super) fn resample(
    plan: &Plan,
    src: &[RgbaF32],
    width: usize,
    dst: &mut [RgbaF32],
) -> Result<()> {
    with_rows(plan, src, |rows| make_rows(rows, width, dst))
}

/// Makes a picture of a file's pixels, a few rows of which are floats at a time. Returns whether the plan
/// allows that; otherwise nothing is done.
pub(super) fn resample_file(
    plan: &Plan,
    source: Source<'_>,
    width: usize,
    dst: &mut [RgbaF32],
) -> bool {
    let Some(passes) = Passes::of(plan, source) else {
        return false;
    };
    make_rows(&Rows::Passes(passes), width, dst);
    true
}

/// Makes a picture of a tensor, whose bytes are `dst`, of `src`.
pub(super) fn tensor(
    plan: &Plan,
    spec: &TensorSpec,
    src: &[RgbaF32],
    dst: &mut [u8],
) -> Result<()> {
    with_rows(plan, src, |rows| tensor_of(rows, spec, dst))
}

/// Calls `act` with the rows of the plan's result.
fn with_rows(plan: &Plan, src: &[RgbaF32], act: impl FnOnce(&Rows<'_>)) -> Result<()> {
    let between;
    let rows = match (Passes::of(plan, Source::Image(src)), plan) {
        (Some(passes), _) => Rows::Passes(passes),
        (None, Plan::Identity) => Rows::Copied(src),
        (None, Plan::Nearest { .. }) => Rows::Nearest(plan, src),
        (None, Plan::One(step)) => Rows::Memory(step, src),
        (None, Plan::Two(first, last)) => {
            between = whole(first, src)?;
            Rows::Memory(last, &between)
        }
    };
    act(&rows);
    Ok(())
}

fn tensor_of(rows: &Rows<'_>, spec: &TensorSpec, dst: &mut [u8]) {
    // A pass has flattened its pixels.
    let flatten = spec.flatten != 0 && matches!(rows, Rows::Copied(_) | Rows::Nearest(..));
    let (left, top) = (spec.left as usize, spec.top as usize);
    let (width, height) = (spec.inner_width as usize, spec.inner_height as usize);
    let mut lines = tensor_rows(spec, dst);
    let few = rows.few(spec.width as usize);
    let tasks = lines.chunks_mut(few).enumerate();
    let init = || {
        (
            vec![RgbaF32::default(); spec.width as usize],
            Memory::default(),
        )
    };
    parallel::fold(tasks, init, |(line, memory), (task, planes)| {
        for (i, planes) in planes.iter_mut().enumerate() {
            let y = task * few + i;
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
    });
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

/// The whole result of a pass that another one takes.
fn whole(step: &Step, src: &[RgbaF32]) -> Result<Vec<RgbaF32>> {
    let mut result = memory::zeroed(step.len())?;
    let width = step.pass.width as usize;
    make_rows(&Rows::Memory(step, src), width, &mut result);
    Ok(result)
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

/// Where the rows of a result come from.
enum Rows<'a> {
    Copied(&'a [RgbaF32]),
    Nearest(&'a Plan, &'a [RgbaF32]),
    Passes(Passes<'a>),
    /// One pass over a whole picture.
    Memory(&'a Step, &'a [RgbaF32]),
}

/// Memory that is used again for each row that a thread makes.
#[derive(Default)]
struct Memory {
    passes: passes::Memory,
    run: Vec<RgbaF32>,
}

impl Rows<'_> {
    /// How many rows of `width` pixels are worth waking a thread.
    fn few(&self, width: usize) -> usize {
        match self {
            Self::Passes(passes) => (4 * TASK / (width + passes.cost())).max(NEIGHBOURS),
            _ => (TASK / width).max(1),
        }
    }

    /// Makes row `y`.
    fn make(&self, y: usize, row: &mut [RgbaF32], memory: &mut Memory) {
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
            Self::Nearest(..) => unreachable!("`with_rows` looks at the plan"),
            Self::Passes(ref passes) => passes.make(y, row, &mut memory.passes),
            Self::Memory(step, src) => {
                let run = &mut memory.run;
                run.resize(row.len(), RgbaF32::default());
                vector::resample_row(&step.pass, step.taps.weights(), src, y, row, run);
            }
        }
    }
}
