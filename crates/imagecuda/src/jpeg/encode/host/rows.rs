//! Rows of MCUs: from pixels to quantised coefficients.

use super::vector::Vectors;
use imagecuda_kernels::jpeg::{
    encode::{fdct::Divisors, frame::Frame},
    picture::BLOCK,
};
use std::ops::Range;

/// A data unit's coefficients in zigzag order, and a mask of those that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(in super::super) struct CodedUnit(pub(in super::super) [i16; BLOCK], pub(in super::super) u64);

/// Which coefficients of a data unit a progressive scan has something of; a bit for each, in zigzag
/// order, the highest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(in super::super) struct Masks {
    /// Magnitudes that are not zero, without any lower bits, without the lowest one, and without two.
    pub(in super::super) some: [u64; 3],
    /// The lowest bit of the magnitudes, and the one above it.
    pub(in super::super) bits: [u64; 2],
    /// Negative numbers.
    pub(in super::super) negative: u64,
}

/// Samples that a vector of pixels becomes.
pub(super) const STEP: usize = 32;

/// What the coefficients of a component are divided by.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "there are vectors for x86-64 alone")
)]
pub(super) struct Quantizer {
    /// For the body of the kernels.
    pub(super) divisors: Divisors,
    /// The same for vectors of 16 bits, each row twice: half of a divisor, its reciprocal, and the power
    /// of two that is missing.
    pub(super) half: [[u16; 16]; 8],
    pub(super) reciprocal: [[u16; 16]; 8],
    pub(super) scale: [[u16; 16]; 8],
}

impl Quantizer {
    pub(super) fn new(divisors: Divisors) -> Self {
        let table = |of: fn(u32) -> u32| {
            std::array::from_fn(|y| {
                std::array::from_fn(|x| of(divisors.divisors[y * 8 + x % 8]) as u16)
            })
        };
        // The quotient is `(magnitude * reciprocal >> 16) >> shift(divisor)`. The reciprocal is rounded
        // up by less than 1 in 2^15, and so the quotient is exact for magnitudes below 2^15.
        fn shift(divisor: u32) -> u32 {
            (divisor - 1).ilog2()
        }
        Self {
            divisors,
            half: table(|divisor| divisor / 2),
            reciprocal: table(|divisor| (1u32 << (16 + shift(divisor))).div_ceil(divisor)),
            scale: table(|divisor| 1 << (16 - shift(divisor))),
        }
    }
}

/// Transforms a picture to coefficients, one row of MCUs at a time.
pub(super) struct Transform<'a> {
    pub(super) frame: Frame,
    pub(super) data: &'a [u8],
    pub(super) channels: usize,
    /// Of luma and of chroma.
    pub(super) quantizers: [Quantizer; 2],
}

/// The samples of a row of MCUs, each component at its own resolution.
#[derive(Default)]
pub(super) struct Planes {
    planes: [Vec<u8>; 3],
    reduced: [Vec<u8>; 2],
}

/// The samples of two blocks side by side. They stay where they are, as what is written in halves is read
/// late.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub(super) plane: &'a [u8],
    pub(super) stride: usize,
}

impl Samples<'_> {
    #[inline(always)]
    pub(super) fn row(self, y: usize) -> [u8; 16] {
        let row = self.plane[y * self.stride..].first_chunk();
        *row.expect("planes have whole pairs of blocks")
    }
}

/// MCUs of one row.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) mcu_y: u32,
    pub(super) mcus: Range<u32>,
}

impl Part {
    /// All of a row.
    pub(super) fn row(frame: &Frame, mcu_y: u32) -> Self {
        Self {
            mcu_y,
            mcus: 0..frame.mcus_x,
        }
    }
}

impl Planes {
    /// Writes the coefficients of `part` to `blocks`.
    #[inline(always)]
    pub(super) fn transform(
        &mut self,
        picture: &Transform<'_>,
        part: &Part,
        blocks: &mut [CodedUnit],
        vectors: impl Vectors,
    ) {
        let frame = &picture.frame;
        let across = part.mcus.len() * frame.h as usize;
        // Vectors may read and write past the last MCU.
        let stride = (across * 8).next_multiple_of(2 * STEP);
        self.read(picture, part, stride, vectors);
        let is_reduced = frame.h * frame.v > 1;
        if is_reduced {
            self.reduce(frame, part.mcu_y, stride, vectors);
        }
        let [luma, chroma] = &picture.quantizers;
        let (h, units) = (frame.h as usize, frame.units_of_mcu() as usize);
        for row in 0..frame.v as usize {
            let plane = &self.planes[0][row * 8 * stride..];
            // `h` is 1 or 2.
            let place = |x: usize| (x >> (h - 1)) * units + row * h + (x & (h - 1));
            transform_blocks((plane, stride), across, luma, blocks, place, vectors);
        }
        for component in 1..frame.components as usize {
            let (plane, stride) = match is_reduced {
                true => (&self.reduced[component - 1], stride / h),
                false => (&self.planes[component], stride),
            };
            let place = |x: usize| x * units + units - 3 + component;
            let across = part.mcus.len();
            transform_blocks((plane, stride), across, chroma, blocks, place, vectors);
        }
        pad(frame, part, blocks);
    }

    /// Pixels to samples. The last pixels and rows are repeated.
    #[inline(always)]
    fn read(&mut self, picture: &Transform<'_>, part: &Part, stride: usize, vectors: impl Vectors) {
        let Transform {
            ref frame,
            data,
            channels,
            ..
        } = *picture;
        let lines = (frame.v * 8) as usize;
        for plane in &mut self.planes[..frame.components as usize] {
            plane.resize(stride * lines, 0);
        }
        let (width, height) = (frame.width as usize, frame.height as usize);
        let first = (part.mcus.start * frame.h * 8) as usize;
        let end = (part.mcus.end * frame.h * 8).min(frame.width) as usize;
        let top = part.mcu_y as usize * lines;
        let there = lines.min(height - top);
        for line in 0..there {
            let row = &data[(top + line) * width * channels..];
            let row = &row[first * channels..end * channels];
            self.convert(row, channels, line * stride..(line + 1) * stride, vectors);
        }
        for plane in &mut self.planes[..frame.components as usize] {
            for line in there..lines {
                plane.copy_within((there - 1) * stride..there * stride, line * stride);
            }
        }
    }

    /// A row of pixels to samples.
    #[inline(always)]
    fn convert(&mut self, row: &[u8], channels: usize, place: Range<usize>, vectors: impl Vectors) {
        let width = row.len() / channels;
        if channels == 1 {
            self.planes[0][place.clone()][..width].copy_from_slice(row);
        } else {
            let mut steps = self.planes.each_mut().map(|plane| {
                let (steps, _) = plane[place.clone()].as_chunks_mut::<STEP>();
                steps.iter_mut()
            });
            let mut write = |pixels: &[u8; 3 * STEP]| {
                for (to, samples) in steps.iter_mut().zip(vectors.ycc(pixels)) {
                    if let Some(to) = to.next() {
                        *to = samples;
                    }
                }
            };
            let (whole, rest) = row.as_chunks::<{ 3 * STEP }>();
            whole.iter().for_each(&mut write);
            if !rest.is_empty() {
                let mut pixels = [0; 3 * STEP];
                pixels[..rest.len()].copy_from_slice(rest);
                write(&pixels);
            }
        }
        for plane in self.planes.iter_mut().filter(|plane| !plane.is_empty()) {
            let row = &mut plane[place.clone()];
            let last = row[width - 1];
            row[width..].fill(last);
        }
    }

    /// Averages of chroma.
    #[inline(always)]
    fn reduce(&mut self, frame: &Frame, mcu_y: u32, stride: usize, vectors: impl Vectors) {
        let to_stride = stride / 2;
        let last = frame.height.div_ceil(frame.v) - 1;
        for (plane, reduced) in self.planes[1..].iter().zip(&mut self.reduced) {
            reduced.resize(to_stride * 8, 0);
            for line in 0..8 {
                // Below the picture the last samples are repeated.
                let y = (mcu_y * 8 + line).min(last) - mcu_y * 8;
                let from = (y * frame.v) as usize * stride;
                let upper = plane[from..][..stride].as_chunks::<{ 2 * STEP }>().0;
                let lower = plane[from + (frame.v as usize - 1) * stride..][..stride]
                    .as_chunks::<{ 2 * STEP }>()
                    .0;
                let to = &mut reduced[line as usize * to_stride..][..to_stride];
                let to = to.as_chunks_mut::<STEP>().0;
                for ((to, upper), lower) in to.iter_mut().zip(upper).zip(lower) {
                    *to = match frame.v {
                        1 => vectors.halves(upper),
                        _ => vectors.quarters(upper, lower),
                    };
                }
            }
        }
    }
}

/// Transforms a row of `across` blocks. Block `x` becomes the unit at `place(x)`.
#[inline(always)]
fn transform_blocks(
    (plane, stride): (&[u8], usize),
    across: usize,
    quantizer: &Quantizer,
    blocks: &mut [CodedUnit],
    place: impl Fn(usize) -> usize,
    vectors: impl Vectors,
) {
    let mut unused = CodedUnit([0; BLOCK], 0);
    for x in (0..across).step_by(2) {
        let samples = Samples {
            plane: &plane[x * 8..],
            stride,
        };
        let (left, right) = (place(x), place(x + 1));
        let (before, behind) = blocks.split_at_mut(left + 1);
        let right = match x + 1 < across {
            true => &mut behind[right - left - 1],
            false => &mut unused,
        };
        vectors.blocks(samples, quantizer, [&mut before[left], right]);
    }
}

/// Gives the units past the picture's edge the DC of the unit that they repeat.
fn pad(frame: &Frame, part: &Part, blocks: &mut [CodedUnit]) {
    let units = frame.units_of_mcu() as usize;
    let luma = frame.h * frame.v;
    let is_below = (part.mcu_y + 1) * frame.v > frame.height.div_ceil(8);
    // To the right of the picture are units of the last MCU alone.
    let first = if is_below { 0 } else { part.mcus.len() - 1 };
    let mcus = part.mcus.clone().zip(blocks.chunks_exact_mut(units));
    for (mcu_x, blocks) in mcus.skip(first) {
        for k in 0..luma {
            let unit = frame.unit(mcu_x, part.mcu_y, k);
            if unit.is_padding {
                let (x, y) = (unit.x - mcu_x * frame.h, unit.y - part.mcu_y * frame.v);
                let dc = blocks[(y * frame.h + x) as usize].0[0];
                let block = &mut blocks[k as usize];
                *block = CodedUnit([0; BLOCK], u64::from(dc != 0));
                block.0[0] = dc;
            }
        }
    }
}
