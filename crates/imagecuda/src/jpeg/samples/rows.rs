//! From planes of samples to rows of pixels: upsampling and colour conversion.

use super::Planes;
use crate::jpeg::file::File;
use imagecuda_kernels::jpeg::{
    picture::Color,
    upsample::{Upsampling, repeated},
};

/// Computes rows of pixels.
pub(super) struct Rows<'a> {
    file: &'a File,
    planes: &'a Planes,
    /// For each component, a sample for each pixel of the row.
    lines: Vec<Vec<u16>>,
    /// The pixels of the row.
    pixels: Vec<u16>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(file: &'a File, planes: &'a Planes) -> Self {
        let width = file.picture.width as usize;
        let components = file.picture.parts().len();
        Self {
            file,
            planes,
            lines: vec![vec![0; width]; components],
            pixels: vec![0; width * components],
        }
    }

    /// The pixels of row `y`: gray, RGB, or CMYK in which the largest number is full ink.
    pub(super) fn row(&mut self, y: u32) -> &[u16] {
        let mut lines = std::mem::take(&mut self.lines);
        for (index, line) in lines.iter_mut().enumerate() {
            self.upsample(index, y, line);
        }
        let top = (1u32 << self.file.bits) - 1;
        let color = self.file.picture.color();
        match &lines[..] {
            [gray] => self.pixels.copy_from_slice(gray),
            [a, b, c] => {
                let samples = a.iter().zip(b).zip(c);
                let (pixels, _) = self.pixels.as_chunks_mut();
                for (pixel, ((&a, &b), &c)) in pixels.iter_mut().zip(samples) {
                    *pixel = match color {
                        Color::Rgb => [a, b, c],
                        _ => ycc_to_rgb([a, b, c], top),
                    };
                }
            }
            [a, b, c, d] => {
                let samples = a.iter().zip(b).zip(c.iter().zip(d));
                let (pixels, _) = self.pixels.as_chunks_mut();
                for (pixel, ((&a, &b), (&c, &d))) in pixels.iter_mut().zip(samples) {
                    *pixel = to_cmyk([a, b, c, d], color, top);
                }
            }
            _ => {}
        }
        self.lines = lines;
        &self.pixels
    }

    /// Upsamples a row of a component.
    fn upsample(&self, index: usize, y: u32, out: &mut [u16]) {
        let picture = &self.file.picture;
        let part = &picture.component[index];
        let row = |y: u32| self.planes.row(index, y.min(part.height - 1) as usize);
        // The nearer and the farther row of a component of half the height.
        let (near, odd) = (y / 2, y % 2 == 1);
        let far = if odd {
            near + 1
        } else {
            near.saturating_sub(1)
        };
        let how = match (self.file.lossless, Upsampling::of(part, picture)) {
            // libjpeg-turbo does not interpolate lossless samples.
            (true, how) if how != Upsampling::None => Upsampling::Repeat,
            (_, how) => how,
        };
        match how {
            Upsampling::None => out.copy_from_slice(&row(y)[..out.len()]),
            Upsampling::Across => {
                let row = row(y);
                widen(row.len(), out, |near, far, odd| {
                    quarter(row[near].into(), row[far].into(), odd)
                });
            }
            Upsampling::Down => {
                let pairs = row(near).iter().zip(row(far));
                for (out, (&near, &far)) in out.iter_mut().zip(pairs) {
                    *out = quarter(near.into(), far.into(), odd);
                }
            }
            Upsampling::Both => {
                let (near, far) = (row(near), row(far));
                let blend = |x: usize| 3 * u32::from(near[x]) + u32::from(far[x]);
                widen(near.len(), out, |near, far, odd| {
                    ((3 * blend(near) + blend(far) + 8 - u32::from(odd)) >> 4) as u16
                });
            }
            Upsampling::Repeat => {
                let row = row(repeated(y, part.v, picture.v_max));
                for (x, out) in (0..).zip(out) {
                    *out = row[(repeated(x, part.h, picture.h_max) as usize).min(row.len() - 1)];
                }
            }
        }
    }
}

/// Computes two samples for each of `samples` samples. `at` gets the indices of the nearer and the
/// farther one, and whether the farther one is on the right.
fn widen(samples: usize, out: &mut [u16], at: impl Fn(usize, usize, bool) -> u16) {
    for (x, out) in out.iter_mut().enumerate() {
        let near = (x / 2).min(samples - 1);
        *out = match x % 2 {
            0 => at(near, near.saturating_sub(1), false),
            _ => at(near, (near + 1).min(samples - 1), true),
        };
    }
}

fn quarter(near: u32, far: u32, odd: bool) -> u16 {
    ((3 * near + far + 1 + u32::from(odd)) >> 2) as u16
}

/// YCbCr to RGB, in libjpeg's integers with 16 bits of fraction.
fn ycc_to_rgb(ycc: [u16; 3], top: u32) -> [u16; 3] {
    const HALF: i64 = 1 << 15;
    let (top, middle) = (i64::from(top), i64::from(top.div_ceil(2)));
    let [y, cb, cr] = ycc.map(i64::from);
    let (cb, cr) = (cb - middle, cr - middle);
    let red = (91_881 * cr + HALF) >> 16;
    let green = (-22_554 * cb - 46_802 * cr + HALF) >> 16;
    let blue = (116_130 * cb + HALF) >> 16;
    [red, green, blue].map(|v| (y + v).clamp(0, top) as u16)
}

/// See [`to_cmyk`](imagecuda_kernels::jpeg::color::to_cmyk).
fn to_cmyk([c, m, y, k]: [u16; 4], color: Color, top: u32) -> [u16; 4] {
    let top16 = top as u16;
    match color {
        Color::InvertedCmyk => [c, m, y, k].map(|ink| top16 - ink),
        Color::Ycck => {
            let [c, m, y] = ycc_to_rgb([c, m, y], top);
            [c, m, y, top16 - k]
        }
        _ => [c, m, y, k],
    }
}
