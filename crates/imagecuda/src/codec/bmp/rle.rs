//! Runs of pixels of a palette.

use super::{
    cut_short,
    dib::{Rows, opaque},
};
use crate::{Error, Result};

/// What is skipped has the palette's first colour, and what is past the end of a row is left out. Runs
/// of 24 bits have no palette.
pub(super) fn read<'a, const N: usize>(
    mut bytes: &'a [u8],
    bits: u16,
    palette: &[[u8; 3]],
    rows: &mut Rows<'_, N>,
) -> Result<&'a [u8]> {
    let color = |index: u8| opaque(palette[usize::from(index)]);
    // The `i`-th pixel of those that are packed in `bytes`.
    let pixel = |bytes: &[u8], i: usize| match bits {
        4 => color(bytes[i / 2] >> (4 - i % 2 * 4) & 15),
        8 => color(bytes[i]),
        _ => opaque([2, 1, 0].map(|channel| bytes[3 * i + channel])),
    };
    let (width, height) = (rows.width, rows.height);
    let (mut x, mut y) = (0, 0);
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at_checked(count).ok_or_else(cut_short)?;
        bytes = rest;
        Ok::<_, Error>(taken)
    };
    while y < height {
        let &[count, value] = match take(2) {
            Ok(two) => two.first_chunk().ok_or_else(cut_short)?,
            // All pixels are there, and only the end is not said.
            Err(_) if (x, y + 1) == (width, height) => break,
            Err(error) => return Err(error),
        };
        let (to_x, to_y) = match (count, value) {
            (0, 0) => (0, y + 1),
            (0, 1) => (0, height),
            (0, 2) => {
                let &[right, up] = take(2)?.first_chunk().ok_or_else(cut_short)?;
                (x + usize::from(right), y + usize::from(up))
            }
            (0, count) => {
                let count = usize::from(count);
                let length = (count * usize::from(bits)).div_ceil(8);
                let packed = take(length.next_multiple_of(2))?;
                let out = rows.row(y).iter_mut().skip(x).take(count);
                out.enumerate().for_each(|(i, out)| *out = pixel(packed, i));
                x = width.min(x + count);
                continue;
            }
            (count, value) => {
                let count = usize::from(count);
                // What is repeated: two pixels of 4 bits, or one.
                let mut packed = [value, value, 0];
                if bits == 24 {
                    packed[1..].copy_from_slice(take(2)?);
                }
                let out = rows.row(y).iter_mut().skip(x).take(count);
                let repeated = if bits == 4 { 2 } else { 1 };
                let pair = [0, repeated - 1].map(|i| pixel(&packed, i));
                out.enumerate().for_each(|(i, out)| *out = pair[i % 2]);
                x = width.min(x + count);
                continue;
            }
        };
        // What is past an edge is no part of the picture.
        let (to_x, to_y) = (to_x.min(width), to_y.min(height));
        while y < to_y {
            rows.row(y)[x..].fill(color(0));
            (x, y) = (0, y + 1);
        }
        if y < height && x < to_x {
            rows.row(y)[x..to_x].fill(color(0));
        }
        x = to_x;
    }
    Ok(bytes)
}
