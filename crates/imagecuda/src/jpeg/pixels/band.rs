//! Pixels of a band of the picture: some rows of MCUs at a time, from top to bottom.

use super::{rows, vector::Vectors, window::Window};
use crate::jpeg::file::File;
use imagecuda_kernels::jpeg::{
    picture::{Color, Component},
    upsample::{Upsampling, repeated},
};

/// Makes pixels from coefficients, from one row of MCUs on downwards.
///
/// A component of half the height needs the next row of samples for the last row of pixels of an
/// MCU. So that row of pixels waits until the next MCUs come.
pub(super) struct Band<'a> {
    window: &'a Window,
    parts: Vec<Part>,
    /// The next row of MCUs.
    mcu_row: u32,
    /// The next row of pixels.
    y: u32,
    bytes_per_row: usize,
}

/// The samples of a component, and one upsampled row of them.
struct Part {
    component: Component,
    quantizers: [u16; 64],
    upsampling: Upsampling,
    /// Samples on a side of a block.
    size: usize,
    /// Samples in a row of blocks.
    stride: usize,
    /// Rows of samples in an MCU.
    mcu_height: u32,
    /// The blocks in a row of the file, and how many of them come before the first that is used.
    across: usize,
    skipped: usize,
    /// The last row of the MCUs before, then the rows of the current MCUs.
    plane: Vec<u8>,
    blends: Vec<u16>,
    line: Vec<u8>,
}

/// The coefficients of some rows of MCUs. Component i begins at `starts[i]`.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) blocks: &'a [[i16; 64]],
    pub(super) starts: [usize; 4],
}

impl<'a> Band<'a> {
    /// A band that begins with row `mcu_row` of MCUs, and takes at most `rows` of them at a time.
    pub(super) fn new(file: &'a File, window: &'a Window, mcu_row: u32, rows: u32) -> Self {
        let picture = &window.scaled.picture;
        let part = |index: usize| {
            let component = &picture.component[index];
            let upsampling = Upsampling::from_number(component.upsampling);
            let size = window.scaled.sizes[index] as usize;
            let mcu_height = component.v * window.scaled.unit;
            let halves = component.width as usize;
            // Blocks that only fill MCUs are left out.
            let stride = halves.next_multiple_of(size);
            let height = 1 + (rows * mcu_height) as usize;
            Part {
                component: *component,
                quantizers: file.quantizers[index],
                upsampling,
                size,
                stride,
                mcu_height,
                across: window.across[index],
                skipped: window.skipped[index],
                plane: vec![0; height * stride],
                blends: match upsampling {
                    Upsampling::Both => vec![0; halves],
                    _ => Vec::new(),
                },
                line: match upsampling {
                    Upsampling::None => Vec::new(),
                    _ => vec![0; (2 * halves).max(picture.width as usize)],
                },
            }
        };
        let channels = picture.components as usize;
        Self {
            window,
            parts: (0..channels).map(part).collect(),
            mcu_row,
            y: mcu_row * window.mcu_height(),
            bytes_per_row: picture.width as usize * channels,
        }
    }

    /// Takes the row of MCUs above the band. Its last row of pixels belongs to this band.
    #[inline(always)]
    pub(super) fn begin_below(&mut self, above: Blocks<'_>, vectors: impl Vectors) {
        self.inverse(above, 1, vectors);
        self.y -= 1;
        self.keep(1);
    }

    /// The end of the rows of pixels that are complete after `rows` more rows of MCUs.
    pub(super) fn end(&self, rows: u32) -> u32 {
        self.window.above(self.mcu_row + rows)
    }

    /// Makes pixels from `rows` more rows of MCUs. `out` starts with the next row of pixels.
    /// Returns the number of bytes written.
    #[inline(always)]
    pub(super) fn paint(
        &mut self,
        blocks: Blocks<'_>,
        rows: u32,
        out: &mut [u8],
        vectors: impl Vectors,
    ) -> usize {
        self.inverse(blocks, rows, vectors);
        let (start, end) = (self.y, self.end(rows));
        let lines = out.chunks_exact_mut(self.bytes_per_row);
        for (y, line) in (start..end).zip(lines) {
            self.line(y, line, vectors);
        }
        self.y = end;
        self.mcu_row += rows;
        self.keep(rows);
        (end - start) as usize * self.bytes_per_row
    }

    /// Makes samples from coefficients.
    #[inline(always)]
    fn inverse(&mut self, Blocks { blocks, starts }: Blocks<'_>, rows: u32, vectors: impl Vectors) {
        for (part, start) in self.parts.iter_mut().zip(starts) {
            let (size, stride) = (part.size, part.stride);
            let used = part.skipped..part.skipped + stride / size;
            let blocks = blocks.get(start..).unwrap_or_default();
            let blocks = blocks
                .chunks_exact(part.across)
                .take((rows * part.mcu_height) as usize / size);
            let planes = part.plane[stride..].chunks_exact_mut(size * stride);
            for (plane, blocks) in planes.zip(blocks) {
                let (blocks, quantizers) = (&blocks[used.clone()], &part.quantizers);
                match size {
                    8 => rows::inverse(blocks, quantizers, plane, stride, vectors),
                    _ => rows::reduced(blocks, quantizers, plane, stride, size, vectors),
                }
            }
        }
    }

    /// Keeps the last of `rows` rows of MCUs for the next call.
    fn keep(&mut self, rows: u32) {
        for part in &mut self.parts {
            let stride = part.stride;
            let last = (rows * part.mcu_height) as usize * stride;
            part.plane.copy_within(last..last + stride, 0);
        }
    }

    /// Makes a row of pixels.
    #[inline(always)]
    fn line(&mut self, y: u32, out: &mut [u8], vectors: impl Vectors) {
        let picture = &self.window.scaled.picture;
        for part in &mut self.parts {
            part.upsample(y, self.mcu_row, picture.v_max, picture.h_max);
        }
        let width = picture.width as usize;
        let (mcu_row, parts) = (self.mcu_row, &self.parts);
        let color = picture.color;
        match &parts[..] {
            [a] => out.copy_from_slice(a.row(y, mcu_row, width)),
            [a, b, c] => {
                let rows = [a, b, c].map(|part| part.row(y, mcu_row, width));
                match color == Color::Rgb as u32 {
                    true => rows::rgb(rows, out, vectors),
                    false => rows::ycc(rows, out, vectors),
                }
            }
            [a, b, c, d] => {
                let rows = [a, b, c, d].map(|part| part.row(y, mcu_row, width));
                let color = [Color::InvertedCmyk, Color::Ycck]
                    .into_iter()
                    .find(|&it| it as u32 == color);
                rows::cmyk(rows, color.unwrap_or(Color::Cmyk), out);
            }
            _ => {}
        }
    }
}

impl Part {
    /// The samples of a row without padding. Rows above or below the component are its first or
    /// last row.
    #[inline(always)]
    fn samples(&self, row: u32, mcu_row: u32) -> &[u8] {
        let component = &self.component;
        let row = row.min(component.height - 1) + 1;
        let place = (row - mcu_row * self.mcu_height) as usize * self.stride;
        &self.plane[place..place + component.width as usize]
    }

    /// Upsamples a row into [`line`](Self::line), if this component needs it.
    #[inline(always)]
    fn upsample(&mut self, y: u32, mcu_row: u32, v_max: u32, h_max: u32) {
        let odd = y % 2 == 1;
        let far = if odd {
            y / 2 + 1
        } else {
            (y / 2).saturating_sub(1)
        };
        let mut line = std::mem::take(&mut self.line);
        let mut blends = std::mem::take(&mut self.blends);
        match self.upsampling {
            Upsampling::None => {}
            Upsampling::Across => rows::across(self.samples(y, mcu_row), &mut line),
            Upsampling::Down => {
                let (near, far) = (self.samples(y / 2, mcu_row), self.samples(far, mcu_row));
                rows::down(near, far, odd, &mut line);
            }
            Upsampling::Both => {
                let (near, far) = (self.samples(y / 2, mcu_row), self.samples(far, mcu_row));
                rows::both(near, far, &mut blends, &mut line);
            }
            Upsampling::Repeat => {
                let row = repeated(y, self.component.v, v_max);
                let row = self.samples(row, mcu_row);
                rows::repeat(row, self.component.h, h_max, &mut line);
            }
        }
        (self.line, self.blends) = (line, blends);
    }

    /// The samples of a row of `width` pixels, upsampled if needed.
    #[inline(always)]
    fn row(&self, y: u32, mcu_row: u32, width: usize) -> &[u8] {
        match self.upsampling {
            Upsampling::None => self.samples(y, mcu_row),
            _ => &self.line[..width],
        }
    }
}
