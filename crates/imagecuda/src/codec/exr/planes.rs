//! Converts the samples of blocks to floats, in pixels or in planes of one channel each.

use super::{
    file::{File, Rect},
    layers::Picture,
};
use crate::{
    Error, Result,
    codec::{caught, par_ordered::in_order},
    error::cut_short,
    memory::zeroed,
    parallel::lock,
};
use exr::{math::Vec2, meta::attribute::SampleType, prelude::f16};
use std::sync::Mutex;

/// The place of a line within a block, with the number of its channel among the wanted ones.
pub(super) struct Line<'a> {
    pub(super) channel: usize,
    pub(super) rect: Rect,
    pub(super) y: usize,
    pub(super) samples: &'a [f32],
}

/// The blocks of a part, and the channels that are wanted.
pub(super) struct Blocks<'a> {
    pub(super) file: &'a File<'a>,
    pub(super) part: usize,
    /// The numbers of the wanted channels.
    pub(super) channels: &'a [usize],
    /// Whether blocks may be missing or damaged.
    pub(super) damaged: bool,
}

impl Blocks<'_> {
    /// Decodes the blocks that are `needed` on all cores, and passes their lines to `put`.
    pub(super) fn read(
        &self,
        needed: impl Fn(Rect) -> bool,
        mut put: impl FnMut(Line<'_>) + Send,
    ) -> Result<()> {
        let part = &self.file.parts[self.part];
        let listed = self.file.listed(part);
        if listed < part.count() && !self.damaged {
            return Err(cut_short());
        }
        let indices: Vec<usize> = (0..listed).filter(|&i| needed(part.rect(i))).collect();
        part.check_memory()?;
        let failed = Mutex::new(None);
        let make = |_: &mut (), i: usize, out: &mut Vec<u8>| {
            // Panics are caught here, as one on a rayon thread would not become this file's error.
            let made = caught(Error::decode, || self.make(indices[i], out));
            if let Err(error) = made {
                out.clear();
                lock(&failed).get_or_insert(error);
            }
        };
        let mut some = indices.is_empty();
        let mut samples = Vec::new();
        let ended = in_order(indices.len(), make, |i, bytes| {
            if bytes.is_empty() {
                return match self.damaged {
                    true => Ok(()),
                    false => Err(Error::decode("a block is damaged")),
                };
            }
            some = true;
            let (floats, _) = bytes.as_chunks();
            samples.clear();
            samples.extend(floats.iter().map(|float| f32::from_ne_bytes(*float)));
            self.put_lines(part.rect(indices[i]), &samples, &mut put);
            Ok(())
        });
        match (ended, failed.into_inner()) {
            (Err(_), Ok(Some(error))) => Err(error),
            (Err(error), _) => Err(error),
            (Ok(_), _) if !some => Err(Error::nothing_decoded()),
            (Ok(_), _) => Ok(()),
        }
    }

    /// The lines of a block's wanted channels, as floats.
    fn make(&self, index: usize, out: &mut Vec<u8>) -> Result<()> {
        let part = &self.file.parts[self.part];
        let rect = part.rect(index);
        let data = part.decompress(rect, self.file.block(self.part, index)?)?;
        part.lines(rect, &data, |channel, _, line| {
            if self.channels.contains(&channel) {
                floats(part.header.channels.list[channel].sample_type, line, out);
            }
        });
        Ok(())
    }

    fn put_lines(&self, rect: Rect, mut samples: &[f32], put: &mut impl FnMut(Line<'_>)) {
        let channels = &self.file.parts[self.part].header.channels.list;
        for y in rect.y..rect.y + rect.height {
            for (number, channel) in channels.iter().enumerate() {
                if !y.is_multiple_of(channel.sampling.1) || !self.channels.contains(&number) {
                    continue;
                }
                let length = (rect.width / channel.sampling.0).min(samples.len());
                let (line, rest) = samples.split_at(length);
                samples = rest;
                // A file has each channel once, but a picture may use one twice.
                for (wanted, &n) in self.channels.iter().enumerate() {
                    if n == number {
                        put(Line {
                            channel: wanted,
                            rect,
                            y,
                            samples: line,
                        });
                    }
                }
            }
        }
    }
}

/// Integers are divided by the largest one.
fn floats(kind: SampleType, samples: &[u8], out: &mut Vec<u8>) {
    match kind {
        SampleType::F16 => out.extend(samples.as_chunks().0.iter().flat_map(|&sample| {
            let bits = u16::from_ne_bytes(sample);
            f16::from_bits(bits).to_f32().to_ne_bytes()
        })),
        SampleType::F32 => out.extend_from_slice(samples),
        SampleType::U32 => out.extend(samples.as_chunks().0.iter().flat_map(|&sample| {
            let share = f64::from(u32::from_ne_bytes(sample)) / f64::from(u32::MAX);
            (share as f32).to_ne_bytes()
        })),
    }
}

/// All samples of a channel, in the data window.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) sampling: (usize, usize),
    pub(super) samples: Vec<f32>,
}

impl Plane {
    /// The sample of a pixel, or of the block of pixels that contains it.
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        let (sx, sy) = self.sampling;
        self.samples[y / sy * self.width + x / sx]
    }

    pub(super) fn read_all(blocks: &Blocks<'_>) -> Result<Vec<Self>> {
        let header = &blocks.file.parts[blocks.part].header;
        let size = header.layer_size;
        let mut planes = Vec::new();
        for &channel in blocks.channels {
            let Vec2(x, y) = header.channels.list[channel].sampling;
            let (width, height) = (size.0 / x, size.1 / y);
            planes.push(Self {
                width,
                height,
                sampling: (x, y),
                samples: zeroed(width * height)?,
            });
        }
        blocks.read(
            |_| true,
            |line| {
                let plane = &mut planes[line.channel];
                let (sx, sy) = plane.sampling;
                let at = line.y / sy * plane.width + line.rect.x / sx;
                plane.samples[at..][..line.samples.len()].copy_from_slice(line.samples);
            },
        )?;
        Ok(planes)
    }
}

impl Picture {
    /// The channels that form the picture, alpha last.
    pub(super) fn channels(&self) -> Vec<usize> {
        use super::layers::Colors::*;
        let mut channels = match self.colors {
            Gray(gray) => vec![gray],
            Rgb(colors) | Luminance(colors) => colors.to_vec(),
        };
        channels.extend(self.alpha);
        channels
    }
}
