//! From coefficients to pixels, in rows of the codec's layouts.

mod band;
mod progressive;
mod rows;
mod strips;
#[cfg(test)]
mod tests;
mod vector;

use self::band::{Band, Blocks};
use super::{
    entropy::{self, planes::is_for_one},
    file::File,
};
use crate::{Result, memory::zeroed, parallel};
use std::{mem, ops::Range};

/// Decodes all pixels of a file: gray, RGB or CMYK, one byte a sample. With `damaged`, missing
/// pixels are gray.
pub(super) fn read(file: &File, bytes: &[u8], damaged: bool, out: &mut [u8]) -> Result<()> {
    let picture = &file.picture;
    if let Some(rows) = entropy::Rows::new(file, bytes, damaged) {
        return match is_for_one(file) {
            true => strips::alone(file, rows, out),
            false => strips::shared(file, rows, out),
        };
    }
    if progressive::read(file, bytes, out).is_some() {
        #[cfg(any(test, fuzzing))]
        compare(file, bytes, out);
        return Ok(());
    }
    let mut coefficients: Vec<i16> = zeroed(picture.blocks() * 64)?;
    entropy::one_by_one(file, bytes, damaged, &mut coefficients)?;
    from_coefficients(file, &coefficients, out);
    Ok(())
}

/// Checks the fast progressive decoder: the plain decoder must read every file that it accepts
/// without an error, and to the same coefficients.
#[cfg(any(test, fuzzing))]
fn compare(file: &File, bytes: &[u8], out: &[u8]) {
    let mut coefficients = vec![0; file.picture.blocks() * 64];
    entropy::one_by_one(file, bytes, false, &mut coefficients).expect("an intact file");
    let mut expected = vec![0; out.len()];
    from_coefficients(file, &coefficients, &mut expected);
    assert!(out == expected, "decoders differ");
}

/// Makes all pixels of a file after decoding all of its coefficients.
pub(super) fn from_coefficients(file: &File, coefficients: &[i16], out: &mut [u8]) {
    let (blocks, _) = coefficients.as_chunks();
    match is_for_one(file) {
        true => band(file, 0..file.picture.mcus_y, blocks, out),
        false => bands(file, blocks, out),
    }
}

/// Makes all pixels from `coefficients`.
fn bands(file: &File, blocks: &[[i16; 64]], mut out: &mut [u8]) {
    let picture = &file.picture;
    let tasks = (4 * rayon::current_num_threads() as u32).min(picture.mcus_y);
    let step = picture.mcus_y.div_ceil(tasks);
    let mut bands = Vec::new();
    for first in (0..picture.mcus_y).step_by(step as usize) {
        let rows = first..(first + step).min(picture.mcus_y);
        let (own, rest) = mem::take(&mut out).split_at_mut(bytes_of(file, &rows));
        bands.push((rows, own));
        out = rest;
    }
    parallel::for_each(bands.into_iter(), |(rows, out)| {
        band(file, rows, blocks, out)
    });
}

/// The pixels of a band of MCU rows: from the last row above the band to its last but one.
fn bytes_of(file: &File, rows: &Range<u32>) -> usize {
    let picture = &file.picture;
    let above = |row: u32| match row {
        0 => 0,
        row if row == picture.mcus_y => picture.height,
        row => row * picture.v_max * 8 - 1,
    };
    let rows = above(rows.end) - above(rows.start);
    rows as usize * picture.width as usize * picture.components as usize
}

fn band(file: &File, rows: Range<u32>, blocks: &[[i16; 64]], mut out: &mut [u8]) {
    let from = |row: u32| Blocks {
        blocks,
        starts: file
            .picture
            .component
            .map(|c| (c.first_block + row * c.v * c.blocks_x) as usize),
    };
    let mut band = Band::new(file, rows.start, 1);
    if rows.start > 0 {
        vector::begin_below(&mut band, from(rows.start - 1));
    }
    for row in rows {
        let done = vector::paint(&mut band, from(row), 1, out);
        out = mem::take(&mut out).split_at_mut(done).1;
    }
}
