//! Encoding on the host: first coefficients, then codes. All cores share the picture.

use super::{Counts, Encoding};
use crate::{Error, Result, parallel, picture::Pixels};
use imagecuda_kernels::{
    jpeg::{
        encode::{
            coding::{self, Tables, Units},
            fdct::{self, Divisors},
            frame::Frame,
            sample,
        },
        picture::BLOCK,
    },
    layout::Layout,
    texel::Rgb8,
};
use std::ops::Range;

/// About how many data units one task encodes.
const TASK: usize = 4096;

/// A data unit's coefficients in zigzag order, and a mask of those that are not zero.
pub(super) type CodedUnit = ([i16; BLOCK], u64);

#[derive(Clone, Copy)]
struct Blocks<'a>(&'a [CodedUnit]);

impl Units for Blocks<'_> {
    #[inline(always)]
    fn coefficient(self, unit: u32, index: u32) -> i32 {
        self.0[unit as usize].0[index as usize].into()
    }

    #[inline(always)]
    fn mask(self, unit: u32) -> u64 {
        self.0[unit as usize].1
    }
}

impl Encoding {
    /// Transforms `pixels`, gray or RGB, to data units.
    pub(super) fn transform(&self, pixels: Pixels<'_>) -> Result<Vec<CodedUnit>> {
        let frame = self.frame;
        let channels = match pixels.layout {
            Layout::L8 if frame.components == 1 => 1,
            Layout::Rgb8 => 3,
            other => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
        };
        let transform = Transform {
            frame,
            data: pixels.data,
            channels,
            divisors: self.divisors(),
        };
        let row = (frame.mcus_x * frame.units_of_mcu()) as usize;
        let mut blocks: Vec<CodedUnit> = vec![([0; BLOCK], 0); frame.units() as usize];
        let rows = blocks.chunks_mut(row).enumerate();
        parallel::fold(rows, Planes::default, |planes, (mcu_y, blocks)| {
            transform.row(planes, mcu_y as u32, blocks);
        });
        Ok(blocks)
    }

    /// Encodes data units in one scan. Makes tables for the picture first if `is_optimized` asks
    /// for them.
    pub(super) fn code(&mut self, blocks: &[CodedUnit]) -> Vec<u8> {
        if self.is_optimized {
            self.optimize(&count(&self.frame, blocks));
        }
        code(&self.frame, blocks, &self.codes())
    }
}

/// The samples of a row of MCUs, each component at its own resolution.
#[derive(Default)]
struct Planes {
    planes: [Vec<u8>; 3],
    reduced: [Vec<u8>; 2],
}

/// Transforms a picture to coefficients, one row of MCUs at a time.
struct Transform<'a> {
    frame: Frame,
    data: &'a [u8],
    channels: usize,
    divisors: [Divisors; 2],
}

impl Transform<'_> {
    /// Writes the coefficients of a row of MCUs to `blocks`.
    fn row(&self, planes: &mut Planes, mcu_y: u32, blocks: &mut [CodedUnit]) {
        // The processor features are tested one by one, as a hypervisor may hide any of the three.
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("lzcnt")
        {
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: the function is of safe code. Its only condition is that the processor has the
            // three features that it is compiled for, and each was asked for above. Without LZCNT its
            // instruction is another one (BSR), which would silently count wrong.
            return unsafe { self.row_avx2(planes, mcu_y, blocks) };
        }
        planes.transform(self, mcu_y, blocks);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,lzcnt")]
    fn row_avx2(&self, planes: &mut Planes, mcu_y: u32, blocks: &mut [CodedUnit]) {
        planes.transform(self, mcu_y, blocks);
    }
}

impl Planes {
    #[inline(always)]
    fn transform(&mut self, picture: &Transform<'_>, mcu_y: u32, blocks: &mut [CodedUnit]) {
        let Transform {
            ref frame,
            data,
            channels,
            ref divisors,
        } = *picture;
        let stride = (frame.mcus_x * frame.h * 8) as usize;
        let width = frame.width as usize;
        let lines = (frame.v * 8) as usize;
        for plane in &mut self.planes[..frame.components as usize] {
            plane.resize(stride * lines, 0);
        }
        for line in 0..lines {
            let y = (mcu_y as usize * lines + line).min(frame.height as usize - 1);
            let row = &data[y * width * channels..][..width * channels];
            self.convert(row, channels, line * stride, stride);
        }
        if frame.h * frame.v > 1 {
            self.reduce(frame, mcu_y, stride);
        }
        let units = frame.units_of_mcu() as usize;
        for (mcu_x, blocks) in (0..).zip(blocks.chunks_mut(units)) {
            for (k, block) in (0..).zip(blocks) {
                let unit = frame.unit(mcu_x, mcu_y, k);
                let (plane, stride, first) = match (unit.component, frame.h * frame.v) {
                    (0, _) => (&self.planes[0], stride, mcu_y * frame.v),
                    (c, 1) => (&self.planes[c as usize], stride, mcu_y),
                    (c, _) => (
                        &self.reduced[c as usize - 1],
                        stride / frame.h as usize,
                        mcu_y,
                    ),
                };
                let start = ((unit.y - first) * 8) as usize * stride + unit.x as usize * 8;
                let samples = std::array::from_fn(|y| {
                    let row = plane[start + y * stride..].first_chunk::<8>();
                    *row.expect("planes have whole blocks")
                });
                *block = fdct::block(&samples, &divisors[unit.component.min(1) as usize]);
                if unit.is_padding {
                    block.0[1..].fill(0);
                    block.1 &= 1;
                }
            }
        }
    }

    /// Converts a row of pixels to samples, and repeats the last pixel up to the end of the MCUs.
    #[inline(always)]
    fn convert(&mut self, row: &[u8], channels: usize, start: usize, stride: usize) {
        let [luma, blue, red] = &mut self.planes;
        let luma = &mut luma[start..start + stride];
        let width = row.len() / channels;
        if channels == 1 {
            luma[..width].copy_from_slice(row);
        } else if blue.is_empty() {
            for (luma, &rgb) in luma.iter_mut().zip(row.as_chunks().0) {
                *luma = sample::luma(Rgb8(rgb));
            }
        } else {
            let chroma = blue[start..][..width]
                .iter_mut()
                .zip(&mut red[start..][..width]);
            let pixels = luma.iter_mut().zip(chroma).zip(row.as_chunks().0);
            for ((luma, (blue, red)), &rgb) in pixels {
                let [y, b, r, _] = sample::ycc(Rgb8(rgb)).to_le_bytes();
                (*luma, *blue, *red) = (y, b, r);
            }
            for plane in [blue, red] {
                let last = plane[start + width - 1];
                plane[start + width..start + stride].fill(last);
            }
        }
        let last = luma[width - 1];
        luma[width..].fill(last);
    }

    /// Averages chroma samples to the lower resolution.
    #[inline(always)]
    fn reduce(&mut self, frame: &Frame, mcu_y: u32, stride: usize) {
        let to_stride = stride / 2;
        let last = frame.height.div_ceil(frame.v) - 1;
        for (plane, reduced) in self.planes[1..].iter().zip(&mut self.reduced) {
            reduced.resize(to_stride * 8, 0);
            for line in 0..8 {
                // Below the picture the last row of samples is repeated.
                let y = (mcu_y * 8 + line).min(last) - mcu_y * 8;
                let from = (y * frame.v) as usize * stride;
                let upper = &plane[from..][..stride];
                let lower = &plane[from + (frame.v as usize - 1) * stride..][..stride];
                let to = &mut reduced[line as usize * to_stride..][..to_stride];
                let pairs = upper
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .zip(lower.as_chunks::<4>().0);
                for (to, (a, b)) in to.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                    let [a, b] = [a, b].map(|four| four.map(u32::from));
                    *to = [0, 1].map(|x| match frame.v {
                        1 => sample::half(a[2 * x], a[2 * x + 1], x as u32) as u8,
                        _ => {
                            let sum = a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1];
                            sample::quarter(sum, x as u32) as u8
                        }
                    });
                }
            }
        }
    }
}

/// Counts how often each symbol occurs.
fn count(frame: &Frame, blocks: &[CodedUnit]) -> Box<Counts> {
    let made = parallel::fold(
        tasks(blocks.len()),
        bytemuck::zeroed_box::<Counts>,
        |counts, units| {
            for number in units {
                let counts = &mut counts[frame.tables(number) as usize];
                coding::unit(frame, Blocks(blocks), number, |is_dc, symbol, _, _| {
                    counts[usize::from(!is_dc)][usize::from(symbol)] += 1;
                });
            }
        },
    );
    let mut all = bytemuck::zeroed_box::<Counts>();
    for counts in made {
        let pairs = all.as_flattened_mut().as_flattened_mut().iter_mut();
        for (all, count) in pairs.zip(counts.as_flattened().as_flattened()) {
            *all += count;
        }
    }
    all
}

/// Splits the data units into tasks.
fn tasks(units: usize) -> impl ExactSizeIterator<Item = Range<u32>> + Send {
    let end = move |task: usize| units.min((task + 1) * TASK) as u32;
    (0..units.div_ceil(TASK)).map(move |task| (task * TASK) as u32..end(task))
}

/// The entropy-coded data of all data units, with stuffed zeros and restart markers.
fn code(frame: &Frame, blocks: &[CodedUnit], tables: &[Tables; 2]) -> Vec<u8> {
    let group = frame.group() as usize;
    if frame.restart_interval > 0 {
        let groups = frame.groups() as usize;
        let of_task = TASK.div_ceil(group);
        let parts = parallel::map(0..groups.div_ceil(of_task), |task| {
            let mut file = Vec::new();
            for number in task * of_task..groups.min((task + 1) * of_task) {
                let units = number * group..blocks.len().min((number + 1) * group);
                let mut bits = Bits::default();
                bits.code(frame, blocks, units.start as u32..units.end as u32, tables);
                stuff(&bits.aligned(), &mut file);
                if number + 1 < groups {
                    file.extend([0xff, 0xd0 + (number % 8) as u8]);
                }
            }
            file
        });
        return parts.concat();
    }
    let parts = parallel::map(tasks(blocks.len()), |units| {
        let mut bits = Bits::default();
        bits.code(frame, blocks, units, tables);
        bits
    });
    let mut all = Bits::default();
    all.bytes
        .reserve(parts.iter().map(|part| part.bytes.len() + 8).sum());
    parts.iter().for_each(|part| all.append(part));
    let data = all.aligned();
    let mut file = Vec::with_capacity(data.len() + data.len() / 64);
    stuff(&data, &mut file);
    file
}

/// Appends `data` to `file`, with a zero after each 0xff.
pub(super) fn stuff(data: &[u8], file: &mut Vec<u8>) {
    let mut start = 0;
    for mark in memchr::memchr_iter(0xff, data) {
        file.extend_from_slice(&data[start..=mark]);
        file.push(0);
        start = mark + 1;
    }
    file.extend_from_slice(&data[start..]);
}

/// Writes bits into bytes. Up to 31 bits wait in `rest`.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The bits that are not in `bytes` yet. The last one is the lowest.
    rest: u64,
    count: u32,
}

impl Bits {
    fn code(
        &mut self,
        frame: &Frame,
        blocks: &[CodedUnit],
        units: Range<u32>,
        tables: &[Tables; 2],
    ) {
        for number in units {
            let tables = &tables[frame.tables(number) as usize];
            coding::unit(
                frame,
                Blocks(blocks),
                number,
                |is_dc, symbol, extra, size| {
                    let (bits, count) = tables.bits(is_dc, symbol, extra, size);
                    self.put(bits, count);
                },
            );
        }
    }

    /// Appends the lowest `count` of `bits`, up to 32. The higher ones must be zeros.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.rest = self.rest << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.rest >> self.count) as u32;
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
    }

    fn append(&mut self, other: &Self) {
        let (words, rest) = other.bytes.as_chunks::<4>();
        debug_assert!(rest.is_empty());
        if self.count == 0 {
            self.bytes.extend_from_slice(&other.bytes);
        } else {
            words
                .iter()
                .for_each(|&word| self.put(u32::from_be_bytes(word), 32));
        }
        self.put((other.rest & ((1 << other.count) - 1)) as u32, other.count);
    }

    /// Returns all bytes. Ones fill the last byte.
    pub(super) fn aligned(mut self) -> Vec<u8> {
        let missing = self.count.wrapping_neg() % 8;
        self.rest = self.rest << missing | ((1 << missing) - 1);
        self.count += missing;
        while self.count > 0 {
            self.count -= 8;
            self.bytes.push((self.rest >> self.count) as u8);
        }
        self.bytes
    }
}
