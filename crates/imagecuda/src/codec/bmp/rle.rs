//! Runs of pixels of a palette.

use super::{
    cut_short,
    dib::{Rows, opaque},
};
use crate::{Error, Result};

/// What is skipped has the palette's first colour; what is behind the end of a row is left out.
pub(super) fn read<'a, const N: usize>(
    mut bytes: &'a [u8],
    nibbles: bool,
    palette: &[[u8; 3]],
    rows: &mut Rows<'_, N>,
) -> Result<&'a [u8]> {
    let color = |index: u8| opaque(palette[usize::from(index)]);
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
                let length = if nibbles { count.div_ceil(2) } else { count };
                let indices = take(length.next_multiple_of(2))?;
                let out = rows.row(y).iter_mut().skip(x).take(count);
                for (i, out) in out.enumerate() {
                    *out = color(match nibbles {
                        true => indices[i / 2] >> (4 - i % 2 * 4) & 15,
                        false => indices[i],
                    });
                }
                x = width.min(x + count);
                continue;
            }
            (count, value) => {
                let pair = match nibbles {
                    true => [value >> 4, value & 15],
                    false => [value; 2],
                };
                let count = usize::from(count);
                let out = rows.row(y).iter_mut().skip(x).take(count);
                for (i, out) in out.enumerate() {
                    *out = color(pair[i % 2]);
                }
                x = width.min(x + count);
                continue;
            }
        };
        if to_x > width || to_y > height {
            return Err(Error::decode("a skip leads out of the picture"));
        }
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
