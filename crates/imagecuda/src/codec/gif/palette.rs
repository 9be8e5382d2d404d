//! The palette of a frame: its own colours if they fit into one, and colours that NeuQuant finds if
//! not (A. H. Dekker, "Kohonen neural networks for optimal colour quantization", 1994).

use crate::{Error, Result, memory, picture::Pixels};
use color_quant::NeuQuant;
use gif::Frame;
use imagecuda_kernels::layout::Layout;
use std::collections::{HashMap, HashSet};

/// The most colours of a palette.
const MOST: usize = 256;

/// NeuQuant sees one of so many pixels, or [`SAMPLES`] if that is more, or all. More samples take more
/// time, for a difference that is hard to see.
const SHARE: usize = 10;
const SAMPLES: usize = 30_000;

/// The fewest samples. It sees the pixels of smaller pictures several times.
const FEWEST: usize = 10_000;

/// An opaque pixel, or black with an alpha of 0.
type Color = [u8; 4];

/// Makes a frame. Every alpha is 0 or 255, and transparent pixels are black.
pub(super) fn frame(pixels: &Pixels<'_>) -> Result<Frame<'static>> {
    match pixels.layout {
        Layout::Rgb8 => of(pixels, |&[r, g, b]: &[u8; 3]| [r, g, b, 255]),
        Layout::Rgba8 => of(pixels, |&color: &[u8; 4]| color),
        other => Err(Error::encode(format!("the encoder takes no {other:?}"))),
    }
}

fn of<const N: usize>(
    pixels: &Pixels<'_>,
    color: impl Fn(&[u8; N]) -> Color,
) -> Result<Frame<'static>> {
    let colors = || pixels.data.as_chunks().0.iter().map(&color);
    let mut numbers = Vec::new();
    memory::reserve(&mut numbers, pixels.width as usize * pixels.height as usize)?;
    let (palette, transparent) = match distinct(colors()) {
        Some(palette) => {
            let number: HashMap<Color, u8> = palette.iter().copied().zip(0..=255).collect();
            numbers.extend(repeated(colors(), |color| number[&color]));
            let transparent = number.get(&[0; 4]).copied();
            (
                palette.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
                transparent,
            )
        }
        None => {
            let (palette, transparent) = quantized(colors())?;
            let nearest = Nearest::new(&palette);
            numbers.extend(repeated(colors(), |color| match transparent {
                Some(number) if color[3] == 0 => number,
                _ => nearest.number(color),
            }));
            let mut palette = palette.into_flattened();
            palette.extend(transparent.map(|_| [0; 3]).into_iter().flatten());
            (palette, transparent)
        }
    };
    Ok(Frame {
        width: pixels.width as u16,
        height: pixels.height as u16,
        buffer: numbers.into(),
        palette: Some(palette),
        transparent,
        ..Frame::default()
    })
}

/// All colours in order, if they fit into a palette.
fn distinct(colors: impl Iterator<Item = Color>) -> Option<Vec<Color>> {
    let mut found = HashSet::new();
    let mut last = None;
    for color in colors {
        if last != Some(color) && found.insert(color) && found.len() > MOST {
            return None;
        }
        last = Some(color);
    }
    let mut palette: Vec<Color> = found.into_iter().collect();
    palette.sort_unstable();
    Some(palette)
}

/// What `number` says of each colour. Neighbours are often equal.
fn repeated(
    colors: impl Iterator<Item = Color>,
    number: impl Fn(Color) -> u8,
) -> impl Iterator<Item = u8> {
    let mut last = None;
    colors.map(move |color| match last {
        Some((same, number)) if same == color => number,
        _ => {
            let number = number(color);
            last = Some((color, number));
            number
        }
    })
}

/// A palette for more colours than fit into one, sorted by green; and the number after its last colour if any
/// pixel is transparent.
fn quantized(colors: impl Iterator<Item = Color> + Clone) -> Result<(Vec<[u8; 3]>, Option<u8>)> {
    let opaque = colors.clone().filter(|&[.., alpha]| alpha > 0);
    let (count, all) = (opaque.clone().count(), colors.count());
    let (most, transparent) = match count < all {
        true => (MOST - 1, Some(255)),
        false => (MOST, None),
    };
    let samples = samples(opaque, count)?;
    let found = NeuQuant::new(1, most, samples.as_flattened()).color_map_rgb();
    let mut palette = found.as_chunks().0.to_vec();
    palette.sort_unstable_by_key(|&[_, green, _]| green);
    Ok((palette, transparent))
}

/// Pixels in no order. NeuQuant takes every so many-th pixel of those that it is given, which may all
/// be of one column of a picture.
fn samples(opaque: impl Iterator<Item = Color>, count: usize) -> Result<Vec<Color>> {
    let wanted = (count / SHARE).max(SAMPLES.min(count));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((u128::from(state) * end as u128) >> 64) as usize
    };
    let mut samples = Vec::new();
    let times = FEWEST.div_ceil(wanted);
    memory::reserve(&mut samples, wanted * times)?;
    // One of each of `wanted` parts of the picture.
    let start = |part: usize| (part as u128 * count as u128 / wanted as u128) as usize;
    let mut in_part = |part| start(part) + below(start(part + 1) - start(part));
    let mut next = in_part(0);
    for (place, color) in opaque.enumerate() {
        if place == next {
            samples.push(color);
            if samples.len() == wanted {
                break;
            }
            next = in_part(samples.len());
        }
    }
    for _ in 1..times {
        samples.extend_from_within(..wanted);
    }
    for last in (1..samples.len()).rev() {
        samples.swap(last, below(last + 1));
    }
    Ok(samples)
}

/// Finds the nearest colours of a palette that is sorted by green.
struct Nearest<'a> {
    palette: &'a [[u8; 3]],
    /// For each green, the first colour that has as much.
    first: [usize; 256],
}

impl<'a> Nearest<'a> {
    fn new(palette: &'a [[u8; 3]]) -> Self {
        let first = |green| palette.partition_point(|color| usize::from(color[1]) < green);
        Self {
            palette,
            first: std::array::from_fn(first),
        }
    }

    /// The number of the colour with the least sum of squared differences.
    fn number(&self, [r, g, b, _]: Color) -> u8 {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        let (mut least, mut nearest) = (u32::MAX, 0);
        // Whether colours further away in green may be nearer.
        let mut consider = |number: usize| {
            let color = self.palette[number];
            let mut distance = square(color[1], g);
            if distance >= least {
                return false;
            }
            distance += square(color[0], r) + square(color[2], b);
            if distance < least {
                (least, nearest) = (distance, number);
            }
            true
        };
        let (mut down, mut up) = (self.first[usize::from(g)], self.first[usize::from(g)]);
        loop {
            let is_up = up < self.palette.len() && consider(up);
            up = if is_up { up + 1 } else { usize::MAX };
            let is_down = down > 0 && consider(down - 1);
            down = if is_down { down - 1 } else { 0 };
            if !is_up && !is_down {
                return nearest as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests;
