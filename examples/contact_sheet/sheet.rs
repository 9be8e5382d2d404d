//! Where everything lies on the sheet, and what it looks like.

use crate::{
    canvas::{Canvas, Color},
    font,
    thumbnail::Thumbnail,
};

const BACKGROUND: Color = [24, 24, 27];
/// What is left of a cell around its picture.
const PANEL: Color = [34, 34, 38];
const NAME: Color = [235, 235, 235];
const DETAILS: Color = [145, 145, 150];
const FAILED: Color = [92, 20, 24];
const CAUSE: Color = [255, 205, 200];
/// What shows through transparent pictures.
const CHECKERS: [f32; 2] = [0.45, 0.65];

/// The width of a sheet for each of its height, if nothing else is asked for.
const SHAPE: f64 = 4.0 / 3.0;

/// The sheet, as a grid of cells: a square with a picture or the cause of its failure, and lines
/// of text below it.
pub(crate) struct Sheet {
    canvas: Canvas,
    columns: usize,
    size: usize,
    scale: usize,
    gap: usize,
    height: usize,
}

impl Sheet {
    /// For `count` pictures of at most `size`, with as many lines of text below each.
    pub(crate) fn new(
        count: usize,
        columns: Option<usize>,
        size: usize,
        lines: usize,
    ) -> Result<Self, String> {
        let scale = (size / 128).max(1);
        let gap = (size / 16).max(8);
        let height = size + lines * line(scale);
        let (across, down) = (size + gap, height + gap);
        let columns = match columns {
            Some(columns) => columns.min(count),
            None => columns_for(count, across, down),
        };
        let sides = (columns * across + gap, count.div_ceil(columns) * down + gap);
        let canvas = Canvas::new(sides.0, sides.1, BACKGROUND);
        let canvas = canvas.ok_or_else(|| format!("no memory for {}x{}", sides.0, sides.1))?;
        Ok(Self {
            canvas,
            columns,
            size,
            scale,
            gap,
            height,
        })
    }

    pub(crate) fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Fills a cell with a picture, over a checkerboard.
    pub(crate) fn picture(&mut self, index: usize, picture: &Thumbnail, caption: &[String]) {
        let (x, y) = self.cell(index, PANEL, caption);
        let (width, height) = (picture.width, picture.height);
        let x = x + (self.size - width) / 2;
        let y = y + (self.size - height) / 2;
        let square = 8 * self.scale;
        self.canvas.paint(x..x + width, y..y + height, |x, y| {
            let [r, g, b, alpha] = picture.pixels[y * width + x];
            let behind = CHECKERS[(x / square + y / square) % 2] * (1.0 - alpha);
            [r, g, b].map(|color| ((color + behind) * 255.0).round() as u8)
        });
    }

    /// Fills a cell with the cause of a failure.
    pub(crate) fn failure(&mut self, index: usize, cause: &str, caption: &[String]) {
        let (x, y) = self.cell(index, FAILED, caption);
        let border = 4 * self.scale;
        let inner = self.size - 2 * border;
        let (across, down) = (self.letters(inner), inner / line(self.scale));
        for (i, text) in wrapped(cause, across, down).iter().enumerate() {
            let y = y + border + i * line(self.scale);
            self.canvas.text(text, x + border, y, self.scale, CAUSE);
        }
    }

    /// The square of a cell in one colour, with its caption below. Where the square begins.
    fn cell(&mut self, index: usize, color: Color, caption: &[String]) -> (usize, usize) {
        let (column, row) = (index % self.columns, index / self.columns);
        let x = self.gap + column * (self.size + self.gap);
        let top = self.gap + row * (self.height + self.gap);
        let y = top..top + self.size;
        self.canvas.paint(x..x + self.size, y, |_, _| color);
        for (i, text) in caption.iter().enumerate() {
            let text = shortened(text, self.letters(self.size));
            let color = if i == 0 { NAME } else { DETAILS };
            // The space between lines is above each.
            let y = top + self.size + i * line(self.scale) + 2 * self.scale;
            self.canvas.text(&text, x, y, self.scale, color);
        }
        (x, top)
    }

    /// How many characters are as wide as this. The last needs no space behind it.
    fn letters(&self, width: usize) -> usize {
        (width / self.scale + 1) / font::WIDTH
    }
}

/// The height of a line of text.
fn line(scale: usize) -> usize {
    (font::HEIGHT + 2) * scale
}

/// The columns that bring the sheet closest to its shape.
fn columns_for(count: usize, across: usize, down: usize) -> usize {
    let off = |columns: usize| {
        let (width, height) = (columns * across, count.div_ceil(columns) * down);
        (width as f64 / height as f64 / SHAPE).ln().abs()
    };
    let best = (1..=count).min_by(|&a, &b| off(a).total_cmp(&off(b)));
    best.unwrap_or(1)
}

/// The text, its middle left out if it is longer than this: names that are told apart by their
/// beginning stay so, and so do those that count up at their end.
fn shortened(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let begin = (most - 1) / 2;
    let end = letters.len() - (most - 1 - begin);
    let (begin, end) = (&letters[..begin], &letters[end..]);
    begin.iter().chain([&font::ELLIPSIS]).chain(end).collect()
}

/// The text in lines of at most `across` characters, broken between words and within those that
/// are longer than a line. What does not fit into `down` lines is left out.
fn wrapped(text: &str, across: usize, down: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = across;
    for word in text.split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        if room < across {
            if word.len() < room {
                lines.last_mut().expect("never empty").push(' ');
                room -= 1;
            } else {
                lines.push(String::new());
                room = across;
            }
        }
        for &letter in &word {
            if room == 0 {
                lines.push(String::new());
                room = across;
            }
            lines.last_mut().expect("never empty").push(letter);
            room -= 1;
        }
    }
    if lines.len() > down {
        lines.truncate(down);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(across - 1).collect();
            *last = format!("{kept}{}", font::ELLIPSIS);
        }
    }
    lines
}
