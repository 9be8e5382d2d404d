//! The passes of a plan, row by row: rows of the source become numbers shortly before they are summed, and what
//! is between the passes is never more than the rows that one row of the result needs.

use super::source::Source;
use crate::{
    device::cpu::{FilePixels, Tap, vector},
    resample::{Plan, Step},
};
use imagecuda_kernels::{expand::Curve, layout::Layout, pixel::RgbaF32, resample::Input};
use std::ops::Range;

/// The most bytes of the rows that a thread has, of the source and between the passes. Where rows or filters are
/// wider, the whole picture passes through memory.
const MOST_BYTES: usize = 8 << 20;

/// The passes that make a picture of another size.
pub(super) struct Passes<'a> {
    source: Source<'a>,
    /// Numbers that a pixel of the source becomes: three or one, if it is opaque.
    channels: usize,
    /// The columns of the source that are needed.
    columns: Range<u32>,
    /// Across, if that comes before downwards.
    before: Option<&'a Step>,
    down: Option<&'a Step>,
    /// Across, if that comes last.
    after: Option<&'a Step>,
}

/// Memory of a thread that makes rows, one after another.
#[derive(Default)]
pub(super) struct Memory {
    /// The last rows of the source that were made: row `y` is number `y % count`.
    ring: Vec<RgbaF32>,
    held: Range<usize>,
    taps: Vec<Tap>,
    /// A row of the source, or one between the passes.
    line: Vec<RgbaF32>,
    turned: Vec<u8>,
}

impl Memory {
    /// Forgets the rows of another picture.
    pub(super) fn begin(&mut self) {
        self.held = 0..0;
    }
}

impl<'a> Passes<'a> {
    /// The passes of a plan. `None` if it has none, or if they need too much memory.
    pub(super) fn of(plan: &'a Plan, source: Source<'a>) -> Option<Self> {
        let (before, down, after) = match plan {
            Plan::Identity | Plan::Nearest { .. } => return None,
            Plan::One(step) if step.pass.is_vertical() => (None, Some(step), None),
            Plan::One(step) => (None, None, Some(step)),
            Plan::Two(first, last) if first.pass.is_vertical() => (None, Some(first), Some(last)),
            Plan::Two(first, last) => (Some(first), Some(last), None),
        };
        let across = before.or(after);
        let columns = match (across, down) {
            (Some(across), _) => across.taps.range.0..across.taps.range.1,
            (None, Some(down)) => down.pass.skip..down.pass.skip + down.pass.width,
            (None, None) => return None,
        };
        let is_exact = |step: Option<&Step>| step.is_some_and(|step| step.taps.is_exact);
        let channels = match source {
            Source::File(FilePixels {
                spec,
                conversion: None,
                ..
            }) if is_exact(down) && is_exact(after) && spec.curve == Curve::Encoded => {
                match (spec.layout, down.map(|down| down.pass.input)) {
                    (_, Some(input)) if input == Input::Over as u32 => 4,
                    (Layout::L8, _) => 1,
                    (Layout::Rgb8, _) => 3,
                    _ => 4,
                }
            }
            _ => 4,
        };
        let passes = Self {
            source,
            channels,
            columns,
            before,
            down,
            after,
        };
        let pixels = passes.ring_rows() * passes.pitch() + passes.columns.len();
        (pixels * size_of::<RgbaF32>() <= MOST_BYTES).then_some(passes)
    }

    /// Numbers that a pixel of the source becomes.
    #[cfg(test)]
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Pixels of the source for a row of the result.
    pub(super) fn cost(&self) -> usize {
        let rows = self.down.map_or(1, |down| {
            let (top, bottom) = down.taps.range;
            ((bottom - top) / down.pass.height.max(1)).max(1) as usize
        });
        rows * self.columns.len()
    }

    fn ring_rows(&self) -> usize {
        self.down.map_or(0, |down| down.taps.most as usize)
    }

    /// Memory of a row in the ring, in pixels of four numbers.
    fn pitch(&self) -> usize {
        match self.before {
            Some(before) => before.pass.width as usize,
            None => line_pixels(self.channels, self.columns.len()),
        }
    }

    /// Makes row `y` of the result. The rows that it needs of the source are best near those of the last call.
    pub(super) fn make(&self, y: usize, row: &mut [RgbaF32], memory: &mut Memory) {
        let Some(down) = self.down else {
            if let Some(across) = self.after {
                let source = across.pass.skip as usize + y;
                self.line(source, memory);
                self.across(across, 4, &memory.line, row);
                vector::leave(&across.pass, row);
            }
            return;
        };
        self.hold(down, y, memory);
        match self.after {
            None => {
                vector::lines(&memory.taps, numbers(&memory.ring), numbers_mut(row));
                vector::leave(&down.pass, row);
            }
            Some(across) => {
                memory.line.resize(self.pitch() + 1, RgbaF32::default());
                let line = numbers_mut(&mut memory.line[..self.pitch()]);
                vector::lines(&memory.taps, numbers(&memory.ring), line);
                self.across(across, self.channels, &memory.line, row);
                if self.channels == 4 {
                    vector::leave(&across.pass, row);
                }
            }
        }
    }

    fn across(&self, step: &Step, channels: usize, line: &[RgbaF32], row: &mut [RgbaF32]) {
        let weights = step.taps.weights();
        vector::columns(weights, channels, self.columns.start, numbers(line), row);
    }

    /// Makes sure that the rows for row `y` of the result are in the ring, and says where.
    fn hold(&self, down: &Step, y: usize, memory: &mut Memory) {
        let (count, pitch) = (self.ring_rows(), self.pitch());
        memory.ring.resize(count * pitch, RgbaF32::default());
        let weights = down.taps.weights();
        let (start, length) = weights.window(y);
        let (start, end) = (start as usize, (start + length) as usize);
        if start < memory.held.start || start > memory.held.end {
            memory.held = start..start;
        }
        for source in memory.held.end..end {
            let slot = source % count * pitch;
            match self.before {
                None => {
                    let slot = &mut memory.ring[slot..slot + pitch];
                    self.fill(source, slot, &mut memory.turned);
                }
                Some(across) => {
                    self.line(source, memory);
                    let slot = &mut memory.ring[slot..slot + pitch];
                    self.across(across, 4, &memory.line, slot);
                }
            }
        }
        memory.held = start..end.max(memory.held.end);
        memory.taps.clear();
        memory
            .taps
            .extend((start..end).zip(0..).map(|(source, k)| Tap {
                start: source % count * pitch * 4,
                weight: weights.weight(y, k),
            }));
    }

    /// Makes row `y` of the source, four numbers a pixel, in `memory.line`.
    fn line(&self, y: usize, memory: &mut Memory) {
        let Memory { line, turned, .. } = memory;
        line.resize(self.columns.len() + 1, RgbaF32::default());
        self.fill(y, &mut line[..self.columns.len()], turned);
    }

    /// Makes row `y` of the source, as it is summed.
    fn fill(&self, y: usize, to: &mut [RgbaF32], turned: &mut Vec<u8>) {
        let (left, width) = (self.columns.start as usize, self.columns.len());
        let first = self.before.or(self.down).or(self.after);
        match self.source {
            Source::File(file) if self.channels < 4 => {
                let row = file.row((left, y), width, turned);
                return vector::units(row, numbers_mut(to));
            }
            source => source.write_row((left, y), &mut to[..width], turned),
        }
        if let Some(first) = first {
            vector::enter(&first.pass, to);
        }
    }
}

/// Pixels of four numbers that hold a row of `width` pixels.
fn line_pixels(channels: usize, width: usize) -> usize {
    (channels * width).div_ceil(4)
}

fn numbers(pixels: &[RgbaF32]) -> &[f32] {
    bytemuck::cast_slice(pixels)
}

fn numbers_mut(pixels: &mut [RgbaF32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(pixels)
}
