//! The chunks that describe an animated PNG's frames.

use crate::{
    Error, Result,
    codec::{
        canvas::{Blend, Dispose, Region},
        png::chunks::{Chunk, Head, chunks},
    },
};
use std::time::Duration;

/// The chunks of an animation that come before the image data.
pub(super) struct Start {
    pub(super) frames: u32,
    pub(super) plays: u32,
    /// The control of the default image, if it is the first frame.
    pub(super) first: Option<Control>,
}

impl Start {
    /// `None` if there is no animation, or any of these chunks is wrong. The file is then a still
    /// picture, as the specification says.
    pub(super) fn read(bytes: &[u8], head: &Head) -> Option<Self> {
        let (mut numbers, mut first) = (None, None);
        let mut at = 8;
        for chunk in chunks(bytes) {
            let is_known = match chunk.kind {
                _ if at >= head.data => break,
                b"acTL" => numbers.is_none() && first.is_none(),
                b"fcTL" => first.is_none(),
                b"fdAT" => false,
                _ => {
                    at = chunk.after;
                    continue;
                }
            };
            if !is_known || !chunk.is_right() {
                return None;
            }
            if chunk.kind == b"acTL" {
                let (words, []) = chunk.data.as_chunks() else {
                    return None;
                };
                let &[frames, plays] = words else {
                    return None;
                };
                numbers = Some((u32::from_be_bytes(frames), u32::from_be_bytes(plays)));
            } else {
                let control = Control::read(&chunk, head, 0).ok()?;
                if !control.is_whole(head) {
                    return None;
                }
                first = Some(control);
            }
            at = chunk.after;
        }
        let (frames, plays) = numbers?;
        let is_sound = (1..1 << 31).contains(&frames) && plays < 1 << 31;
        is_sound.then_some(Self {
            frames,
            plays,
            first,
        })
    }
}

/// How a frame is shown.
#[derive(Clone, Copy)]
pub(super) struct Control {
    pub(super) region: Region,
    pub(super) dispose: Dispose,
    pub(super) blend: Blend,
    pub(super) delay: Duration,
}

impl Control {
    /// Reads an fcTL chunk, which must have this sequence number.
    pub(super) fn read(chunk: &Chunk<'_>, head: &Head, number: u32) -> Result<Self> {
        let damaged = || Error::decode("a frame's header is damaged");
        let Some((fixed, &[dispose, blend])) = chunk.data.split_first_chunk::<24>() else {
            return Err(damaged());
        };
        let word = |i: usize| u32::from_be_bytes([0, 1, 2, 3].map(|byte| fixed[4 * i + byte]));
        let half = |i: usize| u16::from_be_bytes([fixed[2 * i], fixed[2 * i + 1]]);
        let [width, height, x, y] = [1, 2, 3, 4].map(word);
        let fits = |at: u32, size: u32, all| size > 0 && at.checked_add(size) <= Some(all);
        if !chunk.is_right() || !fits(x, width, head.width) || !fits(y, height, head.height) {
            return Err(damaged());
        }
        check_sequence_number(word(0), number)?;
        Ok(Self {
            region: Region {
                x: x as usize,
                y: y as usize,
                width: width as usize,
                height: height as usize,
            },
            dispose: match dispose {
                0 => Dispose::Keep,
                1 => Dispose::Clear,
                2 => Dispose::Restore,
                _ => return Err(damaged()),
            },
            blend: match blend {
                0 => Blend::Source,
                1 => Blend::Over,
                _ => return Err(damaged()),
            },
            delay: delay(half(10), half(11)),
        })
    }

    /// Whether the frame covers the whole canvas.
    fn is_whole(&self, head: &Head) -> bool {
        (self.region.width, self.region.height) == (head.width as usize, head.height as usize)
    }
}

/// Checks that an animation's chunk has the next sequence number.
pub(super) fn check_sequence_number(found: u32, expected: u32) -> Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(Error::decode(format!(
            "a frame's chunk is number {found}, and {expected} is next"
        ))),
    }
}

/// A fraction of a second. A denominator of 0 means hundredths.
fn delay(numerator: u16, denominator: u16) -> Duration {
    let denominator = match denominator {
        0 => 100,
        other => u64::from(other),
    };
    Duration::from_nanos(u64::from(numerator) * 1_000_000_000 / denominator)
}
