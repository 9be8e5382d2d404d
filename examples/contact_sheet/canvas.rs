//! What is drawn on.

use crate::font;
use std::ops::Range;

pub(crate) type Color = [u8; 3];

/// RGB in the host's memory.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color>,
}

impl Canvas {
    /// `None` if there is no memory for it.
    pub(crate) fn new(width: usize, height: usize, color: Color) -> Option<Self> {
        let len = width.checked_mul(height)?;
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(len).ok()?;
        pixels.resize(len, color);
        Some(Self {
            width,
            height,
            pixels,
        })
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// The bytes of all pixels, row by row.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.pixels.as_flattened()
    }

    /// A rectangle, whose pixels are what `color` says of their place in it.
    pub(crate) fn paint(
        &mut self,
        x: Range<usize>,
        y: Range<usize>,
        color: impl Fn(usize, usize) -> Color,
    ) {
        for (row, y) in y.enumerate() {
            let line = &mut self.pixels[y * self.width..][x.clone()];
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = color(column, row);
            }
        }
    }

    /// A line of text, with its upper left corner at `x` and `y`; each pixel of the font is
    /// `scale` wide and high.
    pub(crate) fn text(&mut self, text: &str, x: usize, y: usize, scale: usize, color: Color) {
        for (i, character) in text.chars().enumerate() {
            let x = x + i * font::WIDTH * scale;
            for row in 0..font::HEIGHT {
                for column in (0..font::WIDTH).filter(|&c| font::is_set(character, c, row)) {
                    let (x, y) = (x + column * scale, y + row * scale);
                    self.paint(x..x + scale, y..y + scale, |_, _| color);
                }
            }
        }
    }
}
