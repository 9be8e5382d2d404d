//! The filters of PNG: they replace each byte by its difference from a prediction.
//!
//! The loops run over blocks of bytes, so that compilers vectorise them. The arithmetic for one
//! byte is that of the kernels.

use imagecuda_kernels::png::encode::filter::{average, difference, paeth};

/// A filter, numbered as in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    None,
    Sub,
    Up,
    Average,
    Paeth,
}

/// All filters, in the order of their numbers.
pub(super) const ALL: [Filter; 5] = [
    Filter::None,
    Filter::Sub,
    Filter::Up,
    Filter::Average,
    Filter::Paeth,
];

/// The number of bytes that one step compares.
const BLOCK: usize = 64;

/// Filters `rows` of `stride` bytes each, and appends the results to `out`. `above` is the row
/// before them, or `None` if they are the picture's first. `bytes_per_pixel` is 1 to 8.
pub(super) fn filter(
    rows: &[u8],
    before: Option<&[u8]>,
    stride: usize,
    bytes_per_pixel: usize,
    out: &mut Vec<u8>,
) {
    let zeros;
    let mut above = match before {
        Some(before) => before,
        None => {
            zeros = vec![0; stride];
            &zeros
        }
    };
    for row in rows.chunks_exact(stride) {
        let filter = choose(row, above, bytes_per_pixel, 1);
        out.push(filter as u8);
        let start = out.len();
        out.resize(start + stride, 0);
        apply(filter, (row, above), bytes_per_pixel, 0, &mut out[start..]);
        above = row;
    }
}

/// Appends the rows unfiltered, each after a zero byte.
pub(super) fn unfiltered(rows: &[u8], stride: usize, out: &mut Vec<u8>) {
    for row in rows.chunks_exact(stride) {
        out.push(Filter::None as u8);
        out.extend_from_slice(row);
    }
}

/// Chooses the filter with the smallest differences, by libpng's rule. It examines one of every
/// `sparse` blocks of the row.
#[inline(always)]
pub(super) fn choose(row: &[u8], above: &[u8], bytes_per_pixel: usize, sparse: usize) -> Filter {
    let mut sums = [0u64; 5];
    let n = row.len().saturating_sub(bytes_per_pixel);
    // The row's pixels, shifted views of it: the pixel left of each, the pixel above, and the one
    // above left.
    let (row, left) = (&row[row.len() - n..], &row[..n]);
    let (above, corner) = (&above[above.len() - n..], &above[..n]);
    let blocks = row.chunks(BLOCK).zip(left.chunks(BLOCK));
    let blocks = blocks.zip(above.chunks(BLOCK).zip(corner.chunks(BLOCK)));
    for ((row, left), (above, corner)) in blocks.step_by(sparse) {
        let sizes = match (
            row.first_chunk(),
            left.first_chunk(),
            above.first_chunk(),
            corner.first_chunk(),
        ) {
            (Some(row), Some(left), Some(above), Some(corner)) => weigh(row, left, above, corner),
            // The last block of the row may be shorter.
            _ => {
                let whole = |part: &[u8]| {
                    let mut whole = [0; BLOCK];
                    whole[..part.len()].copy_from_slice(part);
                    whole
                };
                weigh(&whole(row), &whole(left), &whole(above), &whole(corner))
            }
        };
        for (sum, size) in sums.iter_mut().zip(sizes) {
            *sum += u64::from(size);
        }
    }
    let best = (0..5).min_by_key(|&i| sums[i]).unwrap_or(0);
    ALL[best]
}

/// For each filter, the sum of the sizes of the differences.
#[inline(always)]
fn weigh(
    row: &[u8; BLOCK],
    left: &[u8; BLOCK],
    above: &[u8; BLOCK],
    corner: &[u8; BLOCK],
) -> [u32; 5] {
    [
        sum(row, |i| row[i]),
        sum(row, |i| row[i].wrapping_sub(left[i])),
        sum(row, |i| row[i].wrapping_sub(above[i])),
        sum(row, |i| row[i].wrapping_sub(average(left[i], above[i]))),
        sum(row, |i| {
            row[i].wrapping_sub(paeth(left[i], above[i], corner[i]))
        }),
    ]
}

/// The sum of the sizes of differences, which are signed.
#[inline(always)]
fn sum(_: &[u8; BLOCK], difference: impl Fn(usize) -> u8) -> u32 {
    let mut sizes = [0; BLOCK];
    for (i, size) in sizes.iter_mut().enumerate() {
        let difference = difference(i);
        *size = difference.min(difference.wrapping_neg());
    }
    sizes.iter().map(|&size| u32::from(size)).sum()
}

/// Filters a part of a row, from byte `from` on, to `out`. Both the part and the row above include
/// the pixel before `from`, if there is one.
#[inline(always)]
pub(super) fn apply(
    filter: Filter,
    (row, above): (&[u8], &[u8]),
    bytes_per_pixel: usize,
    from: usize,
    out: &mut [u8],
) {
    let known = from.min(bytes_per_pixel);
    let (first, rest) = out.split_at_mut((bytes_per_pixel - known).min(out.len()));
    // The pixel left of the first one is zero.
    for (i, out) in (known..).zip(first) {
        *out = difference(filter as u8, [row[i], 0, above[i], 0]);
    }
    if rest.is_empty() {
        return;
    }
    let n = rest.len();
    let (left, row) = (&row[..n], &row[bytes_per_pixel..]);
    let (corner, above) = (&above[..n], &above[bytes_per_pixel..]);
    match filter {
        Filter::None => rest.copy_from_slice(row),
        Filter::Sub => each(rest, row, |i| left[i], n),
        Filter::Up => each(rest, row, |i| above[i], n),
        Filter::Average => each(rest, row, |i| average(left[i], above[i]), n),
        Filter::Paeth => each(rest, row, |i| paeth(left[i], above[i], corner[i]), n),
    }
}

#[inline(always)]
fn each(out: &mut [u8], row: &[u8], guess: impl Fn(usize) -> u8, n: usize) {
    let (out, row) = (&mut out[..n], &row[..n]);
    for i in 0..n {
        out[i] = row[i].wrapping_sub(guess(i));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's wording of the filter.
    fn guess(filter: Filter, a: u8, b: u8, c: u8) -> u8 {
        let [x, y, z] = [a, b, c].map(i32::from);
        match filter {
            Filter::None => 0,
            Filter::Sub => a,
            Filter::Up => b,
            Filter::Average => ((x + y) / 2) as u8,
            Filter::Paeth => {
                let p = x + y - z;
                let (pa, pb, pc) = ((p - x).abs(), (p - y).abs(), (p - z).abs());
                if pa <= pb && pa <= pc {
                    a
                } else if pb <= pc {
                    b
                } else {
                    c
                }
            }
        }
    }

    #[test]
    fn every_filter_leaves_what_the_specification_says() {
        let byte = |seed: usize, i: usize| ((i * i + seed) * 40_503 / 128) as u8;
        for bpp in 1..=8 {
            for pixels in [1, 2, 3, 31, 100] {
                let n = bpp * pixels;
                let row: Vec<u8> = (0..n).map(|i| byte(1, i)).collect();
                let above: Vec<u8> = (0..n).map(|i| byte(5, i)).collect();
                for filter in ALL {
                    let mut out = vec![0; n];
                    apply(filter, (&row, &above), bpp, 0, &mut out);
                    for i in 0..n {
                        let before = |row: &[u8]| i.checked_sub(bpp).map_or(0, |i| row[i]);
                        let guess = guess(filter, before(&row), above[i], before(&above));
                        assert_eq!(out[i], row[i].wrapping_sub(guess), "{filter:?} {bpp} {i}");
                    }
                    for from in [1, 2, 7, 64, n - 1] {
                        let from = from.min(n - 1);
                        let mut part = vec![0; n - from];
                        let first = from.saturating_sub(bpp);
                        let rows = (&row[first..], &above[first..]);
                        apply(filter, rows, bpp, from, &mut part);
                        assert_eq!(part, out[from..], "{filter:?} {bpp} {from}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_smallest_differences_are_chosen() {
        let ramp: Vec<u8> = (0..=255).collect();
        let mut state = 1u32;
        let noise: [u8; 256] = std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        assert_eq!(choose(&ramp, &[0; 256], 1, 1), Filter::Sub);
        assert_eq!(choose(&noise, &noise, 1, 1), Filter::Up);
        assert_eq!(choose(&[0; 256], &noise, 1, 1), Filter::None);
        // Every row but the first pixel is one step above the row before, so that left and above
        // disagree.
        let gray: Vec<u8> = noise.iter().map(|&v| 100 + v / 16).collect();
        let steps: Vec<u8> = (0..256).map(|i| gray[i] + 20 * u8::from(i > 99)).collect();
        assert_eq!(choose(&steps, &gray, 1, 1), Filter::Paeth);
    }
}
