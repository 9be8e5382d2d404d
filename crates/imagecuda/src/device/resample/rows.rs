//! Rows of a resampled picture, one after the other. Only the sums that are not complete are in memory: no
//! picture between the passes, and no floats of a whole file.

use crate::{
    device::cpu::{FilePixels, vector},
    resample::{Plan, Step},
};
use imagecuda_kernels::{
    pixel::RgbaF32,
    resample::{Input, Pass, RUN, accumulate, add},
};
use std::{collections::VecDeque, ops::Range};

/// The pixels that are resampled.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// So many in a row.
    Floats(&'a [RgbaF32], usize),
    File(FilePixels<'a>),
}

impl Source<'_> {
    /// Writes the pixels of row `y` from column `x` on.
    fn write_row(&self, (x, y): (usize, usize), row: &mut [RgbaF32], turned: &mut Vec<u8>) {
        match self {
            Self::Floats(pixels, width) => {
                row.copy_from_slice(&pixels[y * width + x..][..row.len()]);
            }
            Self::File(file) => file.write_row((x, y), row, turned),
        }
    }
}

/// A sum of rows that is not complete.
#[derive(Default)]
struct Sum {
    /// The sum of the runs before the last one.
    total: Vec<RgbaF32>,
    /// That of the last run.
    run: Vec<RgbaF32>,
    /// How many rows are in it.
    count: u32,
}

/// Memory of a thread, which makes rows of a part of a picture, from top to bottom.
#[derive(Default)]
pub(super) struct RowMaker {
    /// A row of the source.
    line: Vec<RgbaF32>,
    /// A row between two passes.
    between: Vec<RgbaF32>,
    turned: Vec<u8>,
    /// The sums of the positions from `position` on.
    sums: VecDeque<Sum>,
    position: usize,
    /// The position after the last one of the part.
    end: usize,
    /// The next row to be added to the sums.
    next_row: u32,
    idle: Vec<Sum>,
}

impl RowMaker {
    /// Begins with the rows of a part of a picture.
    pub(super) fn begin(&mut self, rows: Range<usize>) {
        self.idle.extend(self.sums.drain(..));
        (self.position, self.end, self.next_row) = (rows.start, rows.end, 0);
    }

    /// Makes row `y`, the next one.
    pub(super) fn make(&mut self, plan: &Plan, source: Source<'_>, y: usize, row: &mut [RgbaF32]) {
        match plan {
            Plan::Identity => source.write_row((0, y), row, &mut self.turned),
            Plan::Nearest {
                columns,
                rows,
                pitch,
            } => {
                let from = rows.weights().window(y).0 as usize;
                self.line.resize(*pitch as usize, RgbaF32::default());
                source.write_row((0, from), &mut self.line, &mut self.turned);
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = self.line[columns.weights().window(x).0 as usize];
                }
            }
            Plan::One(step) if step.pass.is_vertical() => self.sum_rows(step, None, source, y, row),
            Plan::One(step) => {
                let from = step.pass.skip as usize + y;
                self.across(step, source, from, row);
            }
            Plan::Two(first, last) if first.pass.is_vertical() => {
                let mut between = std::mem::take(&mut self.between);
                between.resize(first.pass.width as usize, RgbaF32::default());
                self.sum_rows(first, None, source, y, &mut between);
                horizontal(last, last.pass.shift, &between, row);
                self.between = between;
            }
            Plan::Two(first, last) => self.sum_rows(last, Some(first), source, y, row),
        }
    }

    /// Row `from` of the source, after a horizontal pass.
    fn across(&mut self, step: &Step, source: Source<'_>, from: usize, row: &mut [RgbaF32]) {
        let (left, right) = step.taps.range;
        self.line
            .resize((right - left) as usize, RgbaF32::default());
        source.write_row((left as usize, from), &mut self.line, &mut self.turned);
        horizontal(step, left, &self.line, row);
    }

    /// Row `y` of a vertical pass. Its input is the source, or what the horizontal pass `first` makes of it.
    fn sum_rows(
        &mut self,
        step: &Step,
        first: Option<&Step>,
        source: Source<'_>,
        y: usize,
        row: &mut [RgbaF32],
    ) {
        let (pass, weights) = (&step.pass, step.taps.weights());
        let (start, count) = weights.window(y);
        debug_assert_eq!(y, self.position, "rows come in their order");
        if self.sums.is_empty() {
            self.next_row = start;
        }
        let mut line = std::mem::take(&mut self.between);
        while self.next_row < start + count {
            let (at, from) = (self.next_row, (self.next_row - pass.shift) as usize);
            if first.is_some() {
                line.resize(row.len(), RgbaF32::default());
            }
            match first {
                None => {
                    self.line.resize(row.len(), RgbaF32::default());
                    let from = (pass.skip as usize, from);
                    source.write_row(from, &mut self.line, &mut self.turned);
                }
                Some(first) => {
                    let from = first.pass.skip as usize + from;
                    self.across(first, source, from, &mut line);
                    std::mem::swap(&mut line, &mut self.line);
                }
            }
            vector::enter_row(pass, &mut self.line);
            self.add_row(step, at);
            self.next_row += 1;
        }
        self.between = line;
        let sum = self.sums.pop_front().expect("a position has rows");
        vector::finish_row(pass, &sum.total, &sum.run, row);
        self.idle.push(sum);
        self.position += 1;
    }

    /// Adds the row `self.line`, number `at` of the source, to the sums of all positions that it counts for.
    fn add_row(&mut self, step: &Step, at: u32) {
        let weights = step.taps.weights();
        // The windows of later positions begin later, or at the same row, and end so too.
        for position in self.position..self.end {
            let (start, count) = weights.window(position);
            if start > at {
                break;
            }
            let number = position - self.position;
            if number == self.sums.len() {
                let mut sum = self.idle.pop().unwrap_or_default();
                sum.total.clear();
                sum.run.clear();
                sum.run.resize(self.line.len(), RgbaF32::default());
                sum.count = 0;
                self.sums.push_back(sum);
            }
            let k = at - start;
            if k >= count {
                continue;
            }
            let sum = &mut self.sums[number];
            if sum.count == RUN {
                sum.total.resize(sum.run.len(), RgbaF32::default());
                vector::add_run(&mut sum.total, &mut sum.run);
                sum.count = 0;
            }
            vector::add_weighted(weights.weight(position, k), &self.line, &mut sum.run);
            sum.count += 1;
        }
    }
}

/// A row of a horizontal pass over `line`, which begins at column `left` of the weights' coordinates.
fn horizontal(step: &Step, left: u32, line: &[RgbaF32], row: &mut [RgbaF32]) {
    let pass = Pass {
        skip: 0,
        shift: left,
        ..step.pass
    };
    vector::resample_row(&pass, step.taps.weights(), line, 0, row, &mut []);
}

/// Pixels in a row of what a plan is for, if the result has rows of `width`.
pub(super) fn source_width(plan: &Plan, width: usize) -> usize {
    match plan {
        Plan::Identity => width,
        Plan::Nearest { pitch, .. } => *pitch as usize,
        Plan::One(step) | Plan::Two(step, _) => step.pass.pitch as usize,
    }
}

/// The vertical pass of a plan.
pub(super) fn vertical(plan: &Plan) -> Option<&Step> {
    match plan {
        Plan::One(step) | Plan::Two(step, _) if step.pass.is_vertical() => Some(step),
        Plan::Two(_, step) => Some(step),
        _ => None,
    }
}

/// Makes of pixels what is summed.
#[inline(always)]
pub(in crate::device) fn enter_row(pass: &Pass, line: &mut [RgbaF32]) {
    // One loop for each: compilers do not take the question out of it.
    if pass.input == Input::Straight as u32 {
        for pixel in line {
            let RgbaF32([r, g, b, a]) = *pixel;
            *pixel = RgbaF32([r * a, g * a, b * a, a]);
        }
    } else if pass.input == Input::Opaque as u32 {
        for RgbaF32([_, _, _, alpha]) in line {
            *alpha = 1.0;
        }
    } else if pass.input != Input::Sum as u32 {
        for pixel in line {
            *pixel = pass.enter(*pixel);
        }
    }
}

/// Adds weighted pixels to their sums.
#[inline(always)]
pub(in crate::device) fn add_weighted(weight: f32, line: &[RgbaF32], run: &mut [RgbaF32]) {
    for (sum, pixel) in run.iter_mut().zip(line) {
        *sum = accumulate(*sum, weight, *pixel);
    }
}

/// Adds the sums of a run to those of the runs before it, and begins anew.
#[inline(always)]
pub(in crate::device) fn add_run(total: &mut [RgbaF32], run: &mut [RgbaF32]) {
    for (total, sum) in total.iter_mut().zip(run) {
        *total = add(*total, *sum);
        *sum = RgbaF32::default();
    }
}

/// The results of sums. `total` is empty if there was one run.
#[inline(always)]
pub(in crate::device) fn finish_row(
    pass: &Pass,
    total: &[RgbaF32],
    run: &[RgbaF32],
    row: &mut [RgbaF32],
) {
    for (x, (pixel, sum)) in row.iter_mut().zip(run).enumerate() {
        let before = total.get(x).copied().unwrap_or_default();
        *pixel = pass.leave(add(before, *sum));
    }
}
