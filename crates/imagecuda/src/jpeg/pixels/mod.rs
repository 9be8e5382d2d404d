//! Coefficients to pixels, in rows of the codec's layouts.

mod band;
mod rows;
#[cfg(test)]
mod tests;
mod vector;

use self::band::{Band, Blocks};
use super::{entropy, file::File};
use crate::{Result, memory::zeroed};
use rayon::prelude::*;
use std::{mem, ops::Range};

/// Coefficients that are decoded at a time, about: so many that they stay in a cache.
const STRIP: usize = 1 << 17;

/// The same where another thread takes them: so many that it pays to wake it.
const SHARED_STRIP: usize = 1 << 19;

/// Pixels below which more threads do not pay.
const SMALL: usize = 1 << 16;

/// All pixels of a file: gray, RGB or inks, a byte each. Of a file that is `damaged`, those that
/// are there; the others are gray.
pub(super) fn read(file: &File, bytes: &[u8], damaged: bool, out: &mut [u8]) -> Result<()> {
    let picture = &file.picture;
    let alone = is_for_one(file);
    if let Some(rows) = entropy::Rows::new(file, bytes, damaged) {
        return match alone {
            true => strips(file, rows, STRIP, out, one_by_one),
            // One thread of the pool, so that it hands over to others only.
            false => rayon::scope(|_| strips(file, rows, SHARED_STRIP, out, both)),
        };
    }
    let mut coefficients: Vec<i16> = zeroed(picture.blocks() * 64)?;
    entropy::coefficients(file, bytes, damaged, &mut coefficients)?;
    from_coefficients(file, &coefficients, out);
    Ok(())
}

/// Whether a file is not worth waking other threads for.
fn is_for_one(file: &File) -> bool {
    let pixels = file.picture.width as usize * file.picture.height as usize;
    pixels < SMALL || rayon::current_num_threads() == 1
}

/// All pixels of a file, of all of its coefficients.
pub(super) fn from_coefficients(file: &File, coefficients: &[i16], out: &mut [u8]) {
    let (blocks, _) = coefficients.as_chunks();
    match is_for_one(file) {
        true => band(file, 0..file.picture.mcus_y, blocks, out),
        false => bands(file, blocks, out),
    }
}

/// The strips of a picture, of about `size` coefficients, each decoded while the one before is
/// painted, or after it.
fn strips(
    file: &File,
    mut rows: entropy::Rows<'_>,
    size: usize,
    mut out: &mut [u8],
    two: impl Fn(&mut (dyn FnMut() -> Result<()> + Send), &mut (dyn FnMut() + Send)) -> Result<()>,
) -> Result<()> {
    let picture = &file.picture;
    let blocks_in_row = picture.blocks() / picture.mcus_y as usize;
    let step = (size / 64 / blocks_in_row.max(1)).clamp(1, picture.mcus_y as usize) as u32;
    let mut starts = [0; 4];
    for (start, component) in starts.iter_mut().zip(&picture.component) {
        // All rows are alike, so a part of a picture is laid out as a whole one.
        *start = component.first_block as usize / picture.mcus_y as usize * step as usize;
    }
    let mut decoded = vec![[0; 64]; blocks_in_row * step as usize];
    let mut next = decoded.clone();
    let mut band = Band::new(file, 0, step);
    rows.read(step, &mut decoded, starts)?;
    for first in (0..picture.mcus_y).step_by(step as usize) {
        let count = step.min(picture.mcus_y - first);
        let last = first + count == picture.mcus_y;
        let mut decode = || match last {
            true => Ok(()),
            false => rows.read(step, &mut next, starts),
        };
        let blocks = Blocks {
            blocks: &decoded,
            starts,
        };
        let mut paint = || {
            let done = vector::paint(&mut band, blocks, count, out);
            out = mem::take(&mut out).split_at_mut(done).1;
        };
        two(&mut decode, &mut paint)?;
        mem::swap(&mut decoded, &mut next);
    }
    rows.finish()
}

fn one_by_one(
    decode: &mut (dyn FnMut() -> Result<()> + Send),
    paint: &mut (dyn FnMut() + Send),
) -> Result<()> {
    paint();
    decode()
}

fn both(
    decode: &mut (dyn FnMut() -> Result<()> + Send),
    paint: &mut (dyn FnMut() + Send),
) -> Result<()> {
    rayon::join(decode, paint).0
}

/// All pixels of coefficients.
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
    bands
        .into_par_iter()
        .for_each(|(rows, out)| band(file, rows, blocks, out));
}

/// What a band of rows of MCUs fills: pixels from the last row above it to its last but one.
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
        band.begin_below(from(rows.start - 1));
    }
    for row in rows {
        let done = vector::paint(&mut band, from(row), 1, out);
        out = mem::take(&mut out).split_at_mut(done).1;
    }
}
