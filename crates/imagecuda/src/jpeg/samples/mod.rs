//! 12-bit and lossless files. The host decodes them to planes of 16-bit samples, and makes pixels from
//! these.

mod idct;
mod rows;

use self::rows::Rows;
use super::{entropy, file::File};
use crate::{Result, memory::zeroed, parallel};
use std::mem;

/// Rows of pixels in a task.
const TASK: usize = 32;

/// The samples of all components.
pub(super) struct Planes {
    samples: Vec<u16>,
    /// For each component: the index of its first sample, the samples from row to row, and its width.
    places: Vec<(usize, usize, usize)>,
}

impl Planes {
    /// Planes of zeros.
    fn new(file: &File) -> Result<Self> {
        let mut end = 0;
        let place = |part: &imagecuda_kernels::jpeg::picture::Component| {
            let start = end;
            let (stride, rows) = match file.lossless {
                true => (part.width as usize, part.height as usize),
                false => (part.stride(), 8 * part.blocks_y as usize),
            };
            end += stride * rows;
            (start, stride, part.width as usize)
        };
        let places = file.picture.parts().iter().map(place).collect();
        Ok(Self {
            samples: zeroed(end)?,
            places,
        })
    }

    /// A row of a component, without the samples that only fill blocks.
    fn row(&self, component: usize, y: usize) -> &[u16] {
        let (start, stride, width) = self.places[component];
        let start = start + y * stride;
        &self.samples[start..start + width]
    }

    /// The row above row `y`, if there is one, and row `y`.
    pub(super) fn rows(&mut self, component: usize, y: usize) -> (Option<&[u16]>, &mut [u16]) {
        let (start, stride, width) = self.places[component];
        let (before, from) = self.samples.split_at_mut(start + y * stride);
        let above = y.checked_sub(1).map(|_| &before[before.len() - stride..]);
        (above, &mut from[..width])
    }
}

/// Decodes all pixels to rows of `row_bytes` bytes. `put` writes a row from its samples. With `damaged`,
/// pixels without data become gray.
pub(super) fn read(
    file: &File,
    bytes: &[u8],
    damaged: bool,
    out: &mut [u8],
    row_bytes: usize,
    put: impl Fn(&[u16], &mut [u8]) + Sync,
) -> Result<()> {
    let planes = planes(file, bytes, damaged)?;
    let tasks = out.chunks_mut(TASK * row_bytes).enumerate();
    parallel::for_each(tasks, |(task, out)| {
        let mut rows = Rows::new(file, &planes);
        for (y, out) in (task * TASK..).zip(out.chunks_exact_mut(row_bytes)) {
            put(rows.row(y as u32), out);
        }
    });
    Ok(())
}

fn planes(file: &File, bytes: &[u8], damaged: bool) -> Result<Planes> {
    let mut planes = Planes::new(file)?;
    if file.lossless {
        entropy::lossless(file, bytes, damaged, &mut planes)?;
        // Invalid files may have samples out of range.
        let mask = u16::MAX >> (16 - file.bits);
        planes.samples.iter_mut().for_each(|v| *v &= mask);
        return Ok(planes);
    }
    let mut coefficients: Vec<i16> = zeroed(file.picture.blocks() * 64)?;
    entropy::one_by_one(file, bytes, damaged, &mut coefficients)?;
    let (mut blocks, _) = coefficients.as_chunks::<64>();
    let mut samples = &mut planes.samples[..];
    let mut rows = Vec::new();
    for (part, quantizers) in file.picture.parts().iter().zip(&file.quantizers) {
        let across = part.blocks_x as usize;
        for _ in 0..part.blocks_y {
            let (row, rest) = blocks.split_at(across);
            blocks = rest;
            let (own, rest) = mem::take(&mut samples).split_at_mut(across * 64);
            samples = rest;
            rows.push((row, own, quantizers));
        }
    }
    parallel::for_each(rows.into_iter(), |(blocks, out, quantizers)| {
        let stride = blocks.len() * 8;
        for (x, block) in blocks.iter().enumerate() {
            let samples = idct::inverse(block, quantizers);
            for (row, samples) in out.chunks_exact_mut(stride).zip(&samples) {
                row[x * 8..x * 8 + 8].copy_from_slice(samples);
            }
        }
    });
    Ok(planes)
}
