//! The pixels that are resampled.

use crate::{
    Result,
    device::cpu::{self, FilePixels, Pixels},
    memory,
};
use imagecuda_kernels::pixel::RgbaF32;
use std::borrow::Cow;

#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// So many in a row.
    Floats(&'a [RgbaF32], usize),
    File(FilePixels<'a>),
}

impl<'a> Source<'a> {
    /// An image's pixels, which are a picture of this size. Those of a file stay as they are.
    pub(super) fn of(pixels: &'a Pixels<RgbaF32>, size: (u32, u32)) -> Self {
        match pixels.file(size) {
            Some(file) => Self::File(file),
            None => Self::Floats(pixels, size.0 as usize),
        }
    }

    /// Writes the pixels of row `y` from column `x` on. `turned` is memory that is used again.
    pub(super) fn write_row(
        &self,
        (x, y): (usize, usize),
        row: &mut [RgbaF32],
        turned: &mut Vec<u8>,
    ) {
        match self {
            Self::Floats(pixels, width) => {
                row.copy_from_slice(&pixels[y * width + x..][..row.len()]);
            }
            Self::File(file) => file.write_row((x, y), row, turned),
        }
    }

    /// Writes the pixels of row `y` from the columns that `column` gives.
    pub(super) fn gather(
        &self,
        y: usize,
        column: impl Fn(usize) -> usize,
        row: &mut [RgbaF32],
        gathered: &mut Vec<u8>,
    ) {
        match self {
            Self::Floats(pixels, width) => {
                let line = &pixels[y * width..][..*width];
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = line[column(x)];
                }
            }
            Self::File(file) => file.gather(y, column, row, gathered),
        }
    }

    /// All pixels.
    pub(super) fn floats(&self) -> Result<Cow<'a, [RgbaF32]>> {
        let file = match *self {
            Self::Floats(pixels, _) => return Ok(pixels.into()),
            Self::File(file) => file,
        };
        let mut floats = memory::zeroed(file.spec.len())?;
        match file.conversion {
            Some(conversion) => {
                cpu::expand_converted(file.spec, conversion, file.bytes, &mut floats);
            }
            None => cpu::expand(file.spec, file.bytes, &mut floats),
        }
        Ok(floats.into())
    }
}
