//! A band of a picture: rows of MCUs, one after the other.

use super::{rows, vector::Vectors};
use crate::jpeg::file::File;
use imagecuda_kernels::jpeg::{
    picture::{Color, Component},
    upsample::{Upsampling, repeated},
};

/// What makes pixels of coefficients, from some row of MCUs on downwards.
///
/// Halved components need the row below for the last row of pixels of an MCU: that waits until
/// the next MCUs are there.
pub(super) struct Band<'a> {
    file: &'a File,
    parts: Vec<Part>,
    /// Of the last of them, the row of MCUs that comes next.
    mcu_row: u32,
    /// The row of pixels that comes next.
    y: u32,
    bytes_per_row: usize,
}

/// A component's samples, and a row of pixels of it.
struct Part {
    component: Component,
    quantizers: [u16; 64],
    upsampling: Upsampling,
    /// The last row of the MCUs before, and then the rows of those in hand.
    plane: Vec<u8>,
    blends: Vec<u16>,
    line: Vec<u8>,
}

/// Coefficients of rows of MCUs, and where there the first blocks of each component are.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) blocks: &'a [[i16; 64]],
    pub(super) starts: [usize; 4],
}

impl<'a> Band<'a> {
    /// That begins with that row of MCUs, and takes no more than `rows` of them at a time.
    pub(super) fn new(file: &'a File, mcu_row: u32, rows: u32) -> Self {
        let picture = &file.picture;
        let part = |(component, quantizers): (&Component, &[u16; 64])| {
            let upsampling = Upsampling::of(component, picture);
            let height = 1 + (rows * component.v * 8) as usize;
            let halves = component.width as usize;
            Part {
                component: *component,
                quantizers: *quantizers,
                upsampling,
                plane: vec![0; height * component.stride()],
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
        let parts = picture.parts().iter().zip(&file.quantizers).map(part);
        let channels = picture.components as usize;
        Self {
            file,
            parts: parts.collect(),
            mcu_row,
            y: mcu_row * picture.v_max * 8,
            bytes_per_row: picture.width as usize * channels,
        }
    }

    /// Takes the row of MCUs above the first one, whose last pixels are this band's.
    #[inline(always)]
    pub(super) fn begin_below(&mut self, above: Blocks<'_>, vectors: impl Vectors) {
        self.inverse(above, 1, vectors);
        self.y -= 1;
        self.keep(1);
    }

    /// The end of the rows of pixels that can be had with `rows` more rows of MCUs.
    pub(super) fn end(&self, rows: u32) -> u32 {
        let picture = &self.file.picture;
        match self.mcu_row + rows {
            last if last >= picture.mcus_y => picture.height,
            last => last * picture.v_max * 8 - 1,
        }
    }

    /// Makes pixels of `rows` more rows of MCUs. `out` begins with the first row that is not
    /// there yet. Returns how many bytes are written.
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

    /// Coefficients to samples.
    #[inline(always)]
    fn inverse(&mut self, Blocks { blocks, starts }: Blocks<'_>, rows: u32, vectors: impl Vectors) {
        for (part, start) in self.parts.iter_mut().zip(starts) {
            let component = &part.component;
            let (stride, across) = (component.stride(), component.blocks_x as usize);
            // Those that only fill MCUs are left out.
            let used = component.width.div_ceil(8) as usize;
            let blocks = blocks.get(start..).unwrap_or_default();
            let blocks = blocks
                .chunks_exact(across)
                .take((rows * component.v) as usize);
            let planes = part.plane[stride..].chunks_exact_mut(8 * stride);
            for (plane, blocks) in planes.zip(blocks) {
                rows::inverse(&blocks[..used], &part.quantizers, plane, stride, vectors);
            }
        }
    }

    /// Keeps the last of `rows` rows of MCUs for the pixels of the next.
    fn keep(&mut self, rows: u32) {
        for part in &mut self.parts {
            let stride = part.component.stride();
            let last = (rows * part.component.v * 8) as usize * stride;
            part.plane.copy_within(last..last + stride, 0);
        }
    }

    /// A row of pixels.
    #[inline(always)]
    fn line(&mut self, y: u32, out: &mut [u8], vectors: impl Vectors) {
        let picture = &self.file.picture;
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
                rows::inks(rows, color.unwrap_or(Color::Cmyk), out);
            }
            _ => {}
        }
    }
}

impl Part {
    /// A row of samples, without padding; those of the component, or the last above or below.
    #[inline(always)]
    fn samples(&self, row: u32, mcu_row: u32) -> &[u8] {
        let component = &self.component;
        let row = row.min(component.height - 1) + 1;
        let place = (row - mcu_row * component.v * 8) as usize * component.stride();
        &self.plane[place..place + component.width as usize]
    }

    /// Fills [`line`](Self::line), where that is needed.
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

    /// The samples of a row of `width` pixels.
    #[inline(always)]
    fn row(&self, y: u32, mcu_row: u32, width: usize) -> &[u8] {
        match self.upsampling {
            Upsampling::None => self.samples(y, mcu_row),
            _ => &self.line[..width],
        }
    }
}
