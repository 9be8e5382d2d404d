//! The rows of a plan's result.

use super::{
    make_rows,
    passes::{self, Passes},
    source::Source,
};
use crate::{
    Result,
    device::cpu::{TASK, vector},
    memory,
    resample::{Plan, Step, Taps},
};
use imagecuda_kernels::pixel::RgbaF32;
use std::borrow::Cow;

/// The fewest rows of a result that a thread makes one after another. Neighbours need many of the source's
/// rows together.
const NEIGHBOURS: usize = 16;

/// Where the rows of a result come from.
pub(super) enum Rows<'a> {
    Copied(Source<'a>),
    /// With the columns and the rows of the source.
    Nearest(&'a Taps, &'a Taps, Source<'a>),
    Passes(Passes<'a>),
    /// One pass over a whole picture.
    Memory(&'a Step, Cow<'a, [RgbaF32]>),
}

/// Memory that is used again for each row that a thread makes.
#[derive(Default)]
pub(super) struct Memory {
    passes: passes::Memory,
    run: Vec<RgbaF32>,
    turned: Vec<u8>,
}

impl Memory {
    /// Forgets the rows of another picture.
    pub(super) fn begin(&mut self) {
        self.passes.begin();
    }
}

impl<'a> Rows<'a> {
    /// Fails only if there is no memory for a [whole picture](Self::needs_whole).
    pub(super) fn of(plan: &'a Plan, source: Source<'a>) -> Result<Self> {
        if let Some(passes) = Passes::of(plan, source) {
            return Ok(Self::Passes(passes));
        }
        Ok(match plan {
            Plan::Identity => Self::Copied(source),
            Plan::Nearest { columns, rows, .. } => Self::Nearest(columns, rows, source),
            Plan::One(step) => Self::Memory(step, source.floats()?),
            Plan::Two(first, last) => Self::Memory(last, whole(first, source)?.into()),
        })
    }

    /// Whether a plan needs a whole picture in memory.
    pub(super) fn needs_whole(plan: &Plan, source: Source<'_>) -> bool {
        matches!(plan, Plan::One(_) | Plan::Two(..)) && Passes::of(plan, source).is_none()
    }

    /// How many rows of `width` pixels are worth waking a thread.
    pub(super) fn few(&self, width: usize) -> usize {
        match self {
            Self::Passes(passes) => (4 * TASK / (width + passes.cost())).max(NEIGHBOURS),
            _ => (TASK / width).max(1),
        }
    }

    /// Makes row `y`.
    pub(super) fn make(&self, y: usize, row: &mut [RgbaF32], memory: &mut Memory) {
        match self {
            Self::Copied(source) => source.write_row((0, y), row, &mut memory.turned),
            Self::Nearest(columns, rows, source) => {
                let column = |x| columns.weights().window(x).0 as usize;
                let from = rows.weights().window(y).0 as usize;
                source.gather(from, column, row, &mut memory.turned);
            }
            Self::Passes(passes) => passes.make(y, row, &mut memory.passes),
            Self::Memory(step, src) => {
                let run = &mut memory.run;
                run.resize(row.len(), RgbaF32::default());
                vector::resample_row(&step.pass, step.taps.weights(), src, y, row, run);
            }
        }
    }
}

/// The whole result of a pass that another one takes.
fn whole(step: &Step, source: Source<'_>) -> Result<Vec<RgbaF32>> {
    let mut result = memory::zeroed(step.len())?;
    let width = step.pass.width as usize;
    make_rows(&Rows::Memory(step, source.floats()?), width, &mut result);
    Ok(result)
}
