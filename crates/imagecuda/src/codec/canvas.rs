//! The canvas on which the frames of an animation are composed, as browsers do it.

use crate::{Result, memory};
use bytemuck::Pod;

/// A sample of 8 or 16 bits.
pub(super) trait Sample: Pod + Send {
    const MAX: u64;
    fn widen(self) -> u64;
    fn narrow(value: u64) -> Self;
}

impl Sample for u8 {
    const MAX: u64 = 0xff;
    fn widen(self) -> u64 {
        self.into()
    }
    fn narrow(value: u64) -> Self {
        value as Self
    }
}

impl Sample for u16 {
    const MAX: u64 = 0xffff;
    fn widen(self) -> u64 {
        self.into()
    }
    fn narrow(value: u64) -> Self {
        value as Self
    }
}

/// A rectangle of the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Region {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// What happens to a frame's region before the next frame is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dispose {
    Keep,
    /// It becomes transparent. A GIF's background colour is ignored, as in all browsers.
    Clear,
    /// It becomes what it was before the frame.
    Restore,
}

/// How a frame is drawn onto the canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Blend {
    /// The frame replaces the canvas, including alpha.
    Source,
    /// The frame is blended over the canvas.
    Over,
}

pub(super) struct Canvas<S> {
    width: usize,
    height: usize,
    /// RGBA with straight alpha. All zeros at the beginning.
    pixels: Vec<[S; 4]>,
    /// The region of the last frame.
    region: Region,
    dispose: Dispose,
    /// The pixels of `region` before the last frame, if they are to be restored.
    saved: Vec<[S; 4]>,
}

impl<S: Sample> Canvas<S> {
    pub(super) fn new(width: usize, height: usize) -> Result<Self> {
        Ok(Self {
            width,
            height,
            pixels: memory::zeroed(width * height)?,
            region: Region::default(),
            dispose: Dispose::Keep,
            saved: Vec::new(),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.pixels)
    }

    /// Disposes of the last frame and draws `frame`, whose rows are `stride` pixels apart. Parts
    /// beyond the canvas are cut off.
    pub(super) fn draw(
        &mut self,
        region: Region,
        dispose: Dispose,
        blend: Blend,
        frame: &[[S; 4]],
        stride: usize,
    ) -> Result<()> {
        self.clear_up();
        let Region { x, y, .. } = region;
        let region = Region {
            width: region.width.min(self.width.saturating_sub(x)),
            height: region.height.min(self.height.saturating_sub(y)),
            ..region
        };
        (self.region, self.dispose) = (region, dispose);
        if region.width == 0 || region.height == 0 {
            return Ok(());
        }
        if dispose == Dispose::Restore {
            let mut saved = std::mem::take(&mut self.saved);
            saved.clear();
            memory::reserve(&mut saved, region.width * region.height)?;
            self.rows(region)
                .for_each(|row| saved.extend_from_slice(row));
            self.saved = saved;
        }
        for (to, from) in self.rows(region).zip(frame.chunks(stride)) {
            let from = &from[..to.len()];
            match blend {
                Blend::Source => to.copy_from_slice(from),
                Blend::Over => to
                    .iter_mut()
                    .zip(from)
                    .for_each(|(to, &from)| *to = over(from, *to)),
            }
        }
        Ok(())
    }

    fn clear_up(&mut self) {
        let region = self.region;
        if region.width == 0 || region.height == 0 {
            return;
        }
        match self.dispose {
            Dispose::Keep => {}
            Dispose::Clear => {
                let clear = [S::zeroed(); 4];
                self.rows(region).for_each(|row| row.fill(clear));
            }
            Dispose::Restore => {
                let saved = std::mem::take(&mut self.saved);
                self.rows(region)
                    .zip(saved.chunks(region.width))
                    .for_each(|(row, saved)| row.copy_from_slice(saved));
                self.saved = saved;
            }
        }
    }

    fn rows(&mut self, region: Region) -> impl Iterator<Item = &mut [[S; 4]]> {
        let rows = self.pixels.chunks_mut(self.width);
        let rows = rows.skip(region.y).take(region.height);
        rows.map(move |row| &mut row[region.x..region.x + region.width])
    }
}

/// Blends `above` over `below`, both with straight alpha, and rounds to the nearest value.
fn over<S: Sample>(above: [S; 4], below: [S; 4]) -> [S; 4] {
    let alpha = above[3].widen();
    if alpha == S::MAX {
        return above;
    }
    if alpha == 0 {
        return below;
    }
    // The weights have the denominator MAX².
    let above_weight = alpha * S::MAX;
    let below_weight = below[3].widen() * (S::MAX - alpha);
    let total = above_weight + below_weight;
    let mix = |channel: usize| {
        let sum = above[channel].widen() * above_weight + below[channel].widen() * below_weight;
        S::narrow((sum + total / 2) / total)
    };
    [
        mix(0),
        mix(1),
        mix(2),
        S::narrow((total + S::MAX / 2) / S::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blends_as_the_formula_says() {
        for above_alpha in [1, 2, 77, 128, 254] {
            for below_alpha in [0, 1, 100, 255] {
                let (above, below) = ([200, 3, 255, above_alpha], [10, 250, 0, below_alpha]);
                let got = over(above, below);
                let unit = |v: u8| f64::from(v) / 255.0;
                let (a, b) = (
                    unit(above_alpha),
                    unit(below_alpha) * (1.0 - unit(above_alpha)),
                );
                for c in 0..3 {
                    let exact = (unit(above[c]) * a + unit(below[c]) * b) / (a + b) * 255.0;
                    assert!((f64::from(got[c]) - exact).abs() <= 0.500_001);
                }
                assert!((f64::from(got[3]) - (a + b) * 255.0).abs() <= 0.500_001);
            }
        }
        assert_eq!(over([1, 2, 3, 0], [9, 8, 7, 6_u8]), [9, 8, 7, 6]);
        assert_eq!(over([1, 2, 3, 65_535], [9, 8, 7, 6_u16]), [1, 2, 3, 65_535]);
        assert_eq!(
            over([65_535, 0, 0, 32_768], [0, 0, 65_535, 65_535_u16]),
            [32_768, 0, 32_767, 65_535]
        );
    }

    #[test]
    fn what_lies_beyond_the_canvas_is_not_seen() {
        let mut canvas = Canvas::<u8>::new(2, 2).unwrap();
        let frame: Vec<[u8; 4]> = (1..=9).map(|i| [i; 4]).collect();
        let at = |x, y| Region {
            x,
            y,
            width: 3,
            height: 3,
        };
        canvas
            .draw(at(1, 1), Dispose::Restore, Blend::Source, &frame, 3)
            .unwrap();
        assert_eq!(canvas.pixels, [[0; 4], [0; 4], [0; 4], [1; 4]]);
        canvas
            .draw(at(0, 1), Dispose::Clear, Blend::Source, &frame, 3)
            .unwrap();
        assert_eq!(canvas.pixels, [[0; 4], [0; 4], [1; 4], [2; 4]]);
        canvas
            .draw(at(9, 9), Dispose::Clear, Blend::Source, &frame, 3)
            .unwrap();
        assert_eq!(canvas.pixels, [[0; 4]; 4]);
        canvas
            .draw(at(0, 0), Dispose::Keep, Blend::Over, &[], 3)
            .unwrap();
        assert_eq!(canvas.pixels, [[0; 4]; 4]);
    }
}
