//! The filters of PNG: a row as differences from predictions.

/// Filters, by their numbers in files: none, Sub, Up, Average and Paeth.
pub const FILTERS: usize = 5;

/// Bytes of a row that are examined together, from its second pixel on.
pub const WEIGHED: u32 = 64;

/// Of this many groups of [`WEIGHED`] bytes, only the first is examined.
pub const SPARSE: u32 = 4;

/// Half the sum, rounded down.
#[inline(always)]
pub fn average(left: u8, above: u8) -> u8 {
    (left & above) + ((left ^ above) >> 1)
}

/// The one of the three that is nearest to `left + above - corner`. If several are equally near,
/// the first of them.
#[inline(always)]
pub fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let from_left = above.abs_diff(corner);
    let from_above = left.abs_diff(corner);
    // On both sides of the corner they pull against each other. On one side the corner is the
    // furthest of the three.
    let between = (left < corner) != (above < corner);
    let from_corner = match between {
        true => from_left.abs_diff(from_above),
        false => u8::MAX,
    };
    let second = if from_above <= from_corner {
        above
    } else {
        corner
    };
    let is_left = (from_left <= from_above) & (from_left <= from_corner);
    if is_left { left } else { second }
}

/// The filtered value of a byte, from its neighbours: to the left, above, and above left.
#[inline(always)]
pub fn difference(filter: u8, [byte, left, above, corner]: [u8; 4]) -> u8 {
    byte.wrapping_sub(match filter {
        0 => 0,
        1 => left,
        2 => above,
        3 => average(left, above),
        _ => paeth(left, above, corner),
    })
}

/// The size of a difference, which is signed.
#[inline(always)]
pub fn size(difference: u8) -> u8 {
    difference.min(difference.wrapping_neg())
}

/// The sizes of the differences of all filters for a byte.
#[inline(always)]
pub fn sizes(neighbors: [u8; 4]) -> [u32; FILTERS] {
    let of = |filter| u32::from(size(difference(filter, neighbors)));
    [of(0), of(1), of(2), of(3), of(4)]
}

/// The index of the `i`th byte that is examined, counted from the row's second pixel.
#[inline(always)]
pub fn weighed(i: u32) -> u32 {
    i / WEIGHED * (WEIGHED * SPARSE) + i % WEIGHED
}

/// The filter with the smallest differences, by libpng's rule.
#[inline(always)]
pub fn best(sums: [u32; FILTERS]) -> u8 {
    let mut best = 0;
    let mut least = sums[0];
    for (filter, sum) in (0..).zip(sums) {
        if sum < least {
            (best, least) = (filter, sum);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the specification has them.
    fn guess(filter: u8, a: u8, b: u8, c: u8) -> u8 {
        match filter {
            0 => 0,
            1 => a,
            2 => b,
            3 => ((u16::from(a) + u16::from(b)) / 2) as u8,
            _ => {
                let [x, y, z] = [a, b, c].map(i32::from);
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
    fn guesses_are_the_specifications() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    for filter in 0..5 {
                        let left = difference(filter, [77, a, b, c]);
                        let expected = 77u8.wrapping_sub(guess(filter, a, b, c));
                        assert_eq!(left, expected, "{filter} {a} {b} {c}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_of_the_smallest_is_chosen() {
        assert_eq!(best([3, 2, 1, 1, 4]), 2);
        assert_eq!(best([0; 5]), 0);
        assert_eq!(sizes([200, 199, 0, 100]), [56, 1, 56, 101, 100]);
        assert_eq!([0, 63, 64, 130].map(weighed), [0, 63, 256, 514]);
    }
}
