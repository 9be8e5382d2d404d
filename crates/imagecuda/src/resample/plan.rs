//! The passes that make a picture of another size.

use super::{Filter, Sampling, Taps};
use crate::Result;
use bytemuck::Zeroable;
use imagecuda_kernels::resample::{Axis, Input, Output, Pass};
use std::sync::Arc;

/// How a picture is resampled.
#[derive(Debug)]
pub(crate) enum Plan {
    /// All pixels stay.
    Identity,
    /// Each pixel is one of the source.
    Nearest {
        columns: Arc<Taps>,
        rows: Arc<Taps>,
        /// The width of the source.
        #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for kernels"))]
        pitch: u32,
    },
    /// One axis.
    One(Step),
    /// One axis, and then the other.
    Two(Step, Step),
}

/// A pass, and its weights.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) taps: Arc<Taps>,
    pub(crate) pass: Pass,
}

impl Plan {
    /// The nearest pixels, even if all pixels stay.
    pub(crate) fn nearest(sampling: &Sampling) -> Result<Self> {
        Ok(Self::Nearest {
            columns: Taps::of(Filter::Nearest, sampling.columns)?,
            rows: Taps::of(Filter::Nearest, sampling.rows)?,
            pitch: sampling.columns.size,
        })
    }

    /// `input` is what becomes of the pixels first, and `background` the colour that it may want. With
    /// [`Input::Sum`] the four channels are alike: their colour is neither multiplied by alpha nor divided.
    pub(crate) fn new(
        sampling: &Sampling,
        filter: Filter,
        input: Input,
        background: [f32; 3],
    ) -> Result<Self> {
        let Sampling { columns, rows } = *sampling;
        let pitch = columns.size;
        let (width, height) = sampling.size();
        let offsets = (columns.offset(), rows.offset());
        if offsets == (Some(0), Some(0)) && (columns.size, rows.size) == (width, height) {
            return Ok(Self::Identity);
        }
        if filter == Filter::Nearest || matches!(offsets, (Some(_), Some(_))) {
            return Self::nearest(sampling);
        }
        let last = Pass {
            width,
            height,
            pitch,
            input: input as u32,
            output: match input {
                Input::Sum => Output::Sum,
                _ => Output::Straight,
            } as u32,
            background,
            ..Pass::zeroed()
        };
        let step = |taps: &Arc<Taps>, axis: Axis, pass: Pass| Step {
            taps: Arc::clone(taps),
            pass: Pass {
                axis: axis as u32,
                ..pass
            },
        };
        if let Some(skip) = columns.offset() {
            let taps = Taps::of(filter, rows)?;
            return Ok(Self::One(step(
                &taps,
                Axis::Vertical,
                Pass { skip, ..last },
            )));
        }
        if let Some(skip) = rows.offset() {
            let taps = Taps::of(filter, columns)?;
            return Ok(Self::One(step(
                &taps,
                Axis::Horizontal,
                Pass { skip, ..last },
            )));
        }
        let (across, down) = (Taps::of(filter, columns)?, Taps::of(filter, rows)?);
        let first = Pass {
            output: Output::Sum as u32,
            ..last
        };
        let last = Pass {
            input: Input::Sum as u32,
            ..last
        };
        let ((left, right), (top, bottom)) = (across.range, down.range);
        let pixels = |a: u32, b: u32| u64::from(a) * u64::from(b);
        // Kernels are much faster where the first pass is the vertical one. Otherwise the order is that with
        // the fewer pixels between the passes.
        let between = pixels(right - left, height);
        let are_few = between <= pixels(right - left, bottom - top) / 4 * 3;
        Ok(if are_few || between <= pixels(bottom - top, width) {
            let first = Pass {
                width: right - left,
                skip: left,
                ..first
            };
            let last = Pass {
                pitch: right - left,
                shift: left,
                ..last
            };
            Self::Two(
                step(&down, Axis::Vertical, first),
                step(&across, Axis::Horizontal, last),
            )
        } else {
            let first = Pass {
                height: bottom - top,
                skip: top,
                ..first
            };
            let last = Pass {
                pitch: width,
                shift: top,
                ..last
            };
            Self::Two(
                step(&across, Axis::Horizontal, first),
                step(&down, Axis::Vertical, last),
            )
        })
    }
}

impl Step {
    /// The number of the result's pixels.
    pub(crate) fn len(&self) -> usize {
        self.pass.width as usize * self.pass.height as usize
    }
}
