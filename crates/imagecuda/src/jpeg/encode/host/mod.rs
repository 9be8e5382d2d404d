//! Encoding on the host: first coefficients, then codes. All cores share the picture.

mod bits;
mod rows;
mod scan;
mod vector;

pub(super) use self::{
    bits::{put, stuff},
    rows::{CodedUnit, Masks},
    vector::{masks_of, run_scan, write_tokens},
};

use self::{
    bits::Bits,
    rows::{Part, Planes, Quantizer, Transform},
    scan::{Coder, Counter, Scan},
};
use super::{Counts, Encoding};
use crate::{Error, Result, memory::Reused, parallel, picture::Pixels};
use imagecuda_kernels::{
    jpeg::{
        encode::{coding::Tables, frame::Frame},
        picture::BLOCK,
    },
    layout::Layout,
};
use std::ops::Range;

/// About how many data units one task encodes.
const TASK: usize = 4096;

impl Encoding {
    /// Encodes `pixels`, gray or RGB, in one scan. Makes tables for the picture first if `is_optimized`
    /// asks for them.
    pub(super) fn encode(&mut self, pixels: Pixels<'_>) -> Result<Vec<u8>> {
        if self.is_optimized || self.frame.restart_interval > 0 {
            let units = self.transform(pixels)?;
            return Ok(self.code(&units));
        }
        Ok(encode(&self.transform_of(pixels)?, &self.codes()))
    }

    /// Transforms `pixels`, gray or RGB, to data units.
    pub(super) fn transform(&self, pixels: Pixels<'_>) -> Result<Reused<CodedUnit>> {
        let rows = 0..self.frame.mcus_y;
        self.transform_and(pixels, rows, |_, _| ())
    }

    /// Transforms `pixels` to data units. Calls `and` with the units of each row of MCUs, and with one item
    /// of `rows`.
    pub(super) fn transform_and<T: Send>(
        &self,
        pixels: Pixels<'_>,
        rows: impl ExactSizeIterator<Item = T> + Send,
        and: impl Fn(&[CodedUnit], T) + Sync,
    ) -> Result<Reused<CodedUnit>> {
        let transform = self.transform_of(pixels)?;
        let frame = self.frame;
        let row = (frame.mcus_x * frame.units_of_mcu()) as usize;
        let mut blocks = Reused::for_overwrite(frame.units() as usize)?;
        let rows = blocks.chunks_mut(row).zip(rows).enumerate();
        parallel::fold(
            rows,
            Planes::default,
            |planes, (mcu_y, (blocks, of_row))| {
                let part = Part::row(&frame, mcu_y as u32);
                vector::transform(planes, &transform, &part, blocks);
                and(blocks, of_row);
            },
        );
        Ok(blocks)
    }

    /// Transforms `pixels` to data units on this thread, and gives them to `take`: those of one row of MCUs
    /// after another, with the number of the row.
    pub(super) fn transform_rows(
        &self,
        pixels: Pixels<'_>,
        mut take: impl FnMut(u32, &[CodedUnit]),
    ) -> Result<()> {
        let transform = self.transform_of(pixels)?;
        let frame = &self.frame;
        let row = (frame.mcus_x * frame.units_of_mcu()) as usize;
        let (mut planes, mut units) = (Planes::default(), vec![CodedUnit([0; BLOCK], 0); row]);
        for mcu_y in 0..frame.mcus_y {
            vector::transform(
                &mut planes,
                &transform,
                &Part::row(frame, mcu_y),
                &mut units,
            );
            take(mcu_y, &units);
        }
        Ok(())
    }

    fn transform_of<'a>(&self, pixels: Pixels<'a>) -> Result<Transform<'a>> {
        let channels = match (pixels.layout, self.frame.components) {
            (Layout::L8, 1) => 1,
            (Layout::Rgb8, 3) => 3,
            (other, _) => return Err(Error::encode(format!("the encoder takes no {other:?}"))),
        };
        Ok(Transform {
            frame: self.frame,
            data: pixels.data,
            channels,
            quantizers: self.divisors().map(Quantizer::new),
        })
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

/// Codes a picture whose coefficients need no memory of their own: rows are coded as they are made.
fn encode(transform: &Transform<'_>, tables: &[Tables; 2]) -> Vec<u8> {
    let frame = &transform.frame;
    let units = frame.units_of_mcu() as usize;
    let row = frame.mcus_x as usize * units;
    let of_task = TASK.div_ceil(row) as u32;
    let tasks = (0..frame.mcus_y.div_ceil(of_task)).map(|task| task * of_task);
    let state = || {
        (
            Planes::default(),
            vec![CodedUnit([0; BLOCK], 0); row],
            Vec::new(),
        )
    };
    let parts = parallel::fold(tasks, state, |(planes, blocks, parts), start| {
        let mut coder = Coder::new(tables);
        let mut scan = match start.checked_sub(1) {
            None => Scan::new(frame),
            Some(mcu_y) => {
                // The task before this one may not have come so far.
                let mcus = frame.mcus_x - 1..frame.mcus_x;
                let (part, mcu) = (Part { mcu_y, mcus }, &mut blocks[..units]);
                vector::transform(planes, transform, &part, mcu);
                Scan::after(frame, mcu)
            }
        };
        for mcu_y in start..frame.mcus_y.min(start + of_task) {
            vector::transform(planes, transform, &Part::row(frame, mcu_y), blocks);
            vector::code(&mut scan, blocks, &mut coder);
        }
        parts.push((start, coder.bits));
    });
    let mut parts: Vec<_> = parts.into_iter().flat_map(|(.., parts)| parts).collect();
    parts.sort_unstable_by_key(|&(start, _)| start);
    joined(parts.iter().map(|(_, bits)| bits))
}

fn joined<'a>(parts: impl Iterator<Item = &'a Bits>) -> Vec<u8> {
    let mut file = Vec::new();
    bits::join(parts, &mut file);
    file
}

/// How often each symbol is there.
fn count(frame: &Frame, blocks: &[CodedUnit]) -> Box<Counts> {
    let counter = || Counter(bytemuck::zeroed_box());
    let made = parallel::fold(tasks(frame), counter, |counter, mcus| {
        let (mut scan, blocks) = part(frame, blocks, mcus);
        vector::count(&mut scan, blocks, counter);
    });
    let mut all = bytemuck::zeroed_box::<Counts>();
    for Counter(counts) in made {
        let pairs = all.as_flattened_mut().as_flattened_mut().iter_mut();
        for (all, count) in pairs.zip(counts.as_flattened().as_flattened()) {
            *all += count;
        }
    }
    all
}

/// The MCUs of each task. None has a restart within.
fn tasks(frame: &Frame) -> impl ExactSizeIterator<Item = Range<usize>> + Send + use<> {
    let mcus = frame.mcus() as usize;
    let of_task = match frame.restart_interval as usize {
        0 => TASK.div_ceil(frame.units_of_mcu() as usize),
        interval => interval,
    };
    let end = move |task: usize| mcus.min((task + 1) * of_task);
    (0..mcus.div_ceil(of_task)).map(move |task| task * of_task..end(task))
}

/// The units of a task, and the scan before them.
fn part<'a, 'b>(
    frame: &'a Frame,
    blocks: &'b [CodedUnit],
    mcus: Range<usize>,
) -> (Scan<'a>, &'b [CodedUnit]) {
    let units = frame.units_of_mcu() as usize;
    let scan = match mcus.start {
        0 => Scan::new(frame),
        _ if frame.restart_interval > 0 => Scan::new(frame),
        start => Scan::after(frame, &blocks[(start - 1) * units..start * units]),
    };
    (scan, &blocks[mcus.start * units..mcus.end * units])
}

/// The codes of all data units, with zeros stuffed in and restart markers.
fn code(frame: &Frame, blocks: &[CodedUnit], tables: &[Tables; 2]) -> Vec<u8> {
    let code = |mcus| {
        let (mut scan, blocks) = part(frame, blocks, mcus);
        let mut coder = Coder::new(tables);
        vector::code(&mut scan, blocks, &mut coder);
        coder.bits
    };
    if frame.restart_interval == 0 {
        return joined(parallel::map(tasks(frame), code).iter());
    }
    // Few MCUs may lie between two markers, so a task has several of these groups.
    let groups = tasks(frame);
    let count = groups.len();
    let of_task = TASK.div_ceil(frame.group() as usize);
    let parts = parallel::map((0..count).step_by(of_task), |start| {
        let mut file = Vec::new();
        for (number, mcus) in tasks(frame).enumerate().skip(start).take(of_task) {
            code(mcus).stuffed(&mut file);
            if number + 1 < count {
                file.extend([0xff, 0xd0 + (number % 8) as u8]);
            }
        }
        file
    });
    parts.concat()
}
