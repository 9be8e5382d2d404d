//! From coefficients to pixels, in rows of the codec's layouts.

mod band;
mod progressive;
mod rows;
mod strips;
#[cfg(test)]
mod tests;
mod vector;
mod window;

pub(super) use self::window::Window;

use self::band::{Band, Blocks};
use super::{
    entropy::{self, planes::is_for_one},
    file::File,
};
use crate::{Result, memory::zeroed, parallel};
use std::{mem, ops::Range};

/// Decodes the pixels of a window: gray, RGB or CMYK, one byte a sample. With `damaged`, missing
/// pixels are gray. Damage below the window is not noticed.
pub(super) fn read(
    file: &File,
    bytes: &[u8],
    damaged: bool,
    window: &Window,
    out: &mut [u8],
) -> Result<()> {
    let picture = &file.picture;
    if let Some(rows) = entropy::Rows::new(file, bytes, damaged, &window.scaled.sizes) {
        return match is_for_one(file) {
            true => strips::alone(file, window, rows, out),
            false => strips::shared(file, window, rows, out),
        };
    }
    if window.is_all() && progressive::read(file, bytes, window, out).is_some() {
        #[cfg(any(test, fuzzing))]
        compare(file, bytes, out);
        return Ok(());
    }
    let mut coefficients: Vec<i16> = zeroed(picture.blocks() * 64)?;
    match window.is_all() {
        true => entropy::one_by_one(file, bytes, damaged, &mut coefficients)?,
        false => entropy::coefficients(file, bytes, damaged, &mut coefficients)?,
    }
    from_coefficients(file, window, &coefficients, out);
    Ok(())
}

/// Checks the fast progressive decoder: the plain decoder must read every file that it accepts
/// without an error, and to the same coefficients.
#[cfg(any(test, fuzzing))]
fn compare(file: &File, bytes: &[u8], out: &[u8]) {
    let mut coefficients = vec![0; file.picture.blocks() * 64];
    entropy::one_by_one(file, bytes, false, &mut coefficients).expect("an intact file");
    let mut expected = vec![0; out.len()];
    let window = Window::whole(&file.picture);
    from_coefficients(file, &window, &coefficients, &mut expected);
    assert!(out == expected, "decoders differ");
}

/// Makes the pixels of a window after decoding all coefficients of a file.
pub(super) fn from_coefficients(
    file: &File,
    window: &Window,
    coefficients: &[i16],
    out: &mut [u8],
) {
    let (blocks, _) = coefficients.as_chunks();
    match is_for_one(file) {
        true => band(file, window, window.mcu_rows.clone(), blocks, out),
        false => bands(file, window, blocks, out),
    }
}

/// Makes the pixels of a window from `coefficients`.
fn bands(file: &File, window: &Window, blocks: &[[i16; 64]], mut out: &mut [u8]) {
    let all = window.mcu_rows.clone();
    let tasks = (4 * rayon::current_num_threads() as u32).min(all.end - all.start);
    let step = (all.end - all.start).div_ceil(tasks);
    let mut bands = Vec::new();
    for first in all.clone().step_by(step as usize) {
        let rows = first..(first + step).min(all.end);
        let (own, rest) = mem::take(&mut out).split_at_mut(bytes_of(window, &rows));
        bands.push((rows, own));
        out = rest;
    }
    parallel::for_each(bands.into_iter(), |(rows, out)| {
        band(file, window, rows, blocks, out)
    });
}

/// The pixels of a band of MCU rows: from the last row above the band to its last but one.
fn bytes_of(window: &Window, rows: &Range<u32>) -> usize {
    let picture = &window.scaled.picture;
    let rows = window.above(rows.end) - window.above(rows.start);
    rows as usize * picture.width as usize * picture.components as usize
}

fn band(file: &File, window: &Window, rows: Range<u32>, blocks: &[[i16; 64]], mut out: &mut [u8]) {
    let from = |row: u32| Blocks {
        blocks,
        starts: file
            .picture
            .component
            .map(|c| (c.first_block + row * c.v * c.blocks_x) as usize),
    };
    let mut band = Band::new(file, window, rows.start, 1);
    if rows.start > 0 {
        vector::begin_below(&mut band, from(rows.start - 1));
    }
    for row in rows {
        let done = vector::paint(&mut band, from(row), 1, out);
        out = mem::take(&mut out).split_at_mut(done).1;
    }
}
