//! Pixels to samples: libjpeg's YCbCr, and its averages of chroma.

use super::frame::{Frame, Unit};
use crate::texel::Rgb8;

/// Luma, Cb and Cr of a pixel, in the lowest 24 bits, luma lowest.
#[inline(always)]
pub fn ycc(Rgb8(rgb): Rgb8) -> u32 {
    let [r, g, b] = rgb.map(i32::from);
    // Fixed point with 16 bits of fraction. Chroma rounds halves down.
    const HALF: i32 = 1 << 15;
    const CENTER: i32 = (128 << 16) + HALF - 1;
    let y = (19_595 * r + 38_470 * g + 7_471 * b + HALF) >> 16;
    let cb = (-11_059 * r - 21_709 * g + 32_768 * b + CENTER) >> 16;
    let cr = (32_768 * r - 27_439 * g - 5_329 * b + CENTER) >> 16;
    (y | cb << 8 | cr << 16) as u32
}

/// The luma of a pixel.
#[inline(always)]
pub fn luma(pixel: Rgb8) -> u8 {
    ycc(pixel) as u8
}

/// The average of two samples, for column `x`.
#[inline(always)]
pub fn half(a: u32, b: u32, x: u32) -> u32 {
    // Odd columns round halves up, even ones down.
    (a + b + x % 2) >> 1
}

/// The average of four samples whose sum is `sum`, for column `x`.
#[inline(always)]
pub fn quarter(sum: u32, x: u32) -> u32 {
    (sum + 1 + x % 2) >> 2
}

/// The sample of a data unit at column `x` and row `y` of its block. `pixel` gives the [`ycc`] of a
/// pixel.
///
/// Past the right edge the last pixels of the rows are repeated, below the bottom edge the last
/// samples.
#[inline(always)]
pub fn sample(
    frame: &Frame,
    unit: Unit,
    (x, y): (u32, u32),
    pixel: impl Fn(u32, u32) -> u32,
) -> u32 {
    let shift = unit.component * 8;
    let at = |x: u32, y: u32| pixel(x.min(frame.width - 1), y.min(frame.height - 1)) >> shift & 255;
    let (x, y) = (unit.x * 8 + x, unit.y * 8 + y);
    if unit.component == 0 || (frame.h, frame.v) == (1, 1) {
        return at(x, y);
    }
    let y = y.min(frame.height.div_ceil(frame.v) - 1);
    match frame.v {
        1 => half(at(2 * x, y), at(2 * x + 1, y), x),
        _ => {
            let row = |y: u32| at(2 * x, y) + at(2 * x + 1, y);
            quarter(row(2 * y) + row(2 * y + 1), x)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_jfifs_rounded() {
        for i in 0..1u32 << 12 {
            let rgb = [i >> 8, i >> 4 & 15, i & 15].map(|v| (v * 17) as u8);
            let [r, g, b] = rgb.map(f64::from);
            let exact = [
                0.299 * r + 0.587 * g + 0.114 * b,
                128.0 + (b - (0.299 * r + 0.587 * g + 0.114 * b)) / 1.772,
                128.0 + (r - (0.299 * r + 0.587 * g + 0.114 * b)) / 1.402,
            ];
            let [y, cb, cr, _] = ycc(Rgb8(rgb)).to_le_bytes();
            for (got, exact) in [y, cb, cr].into_iter().zip(exact) {
                let far = (f64::from(got) - exact.min(255.0)).abs();
                assert!(far < 0.502, "{rgb:?} {got} {exact}");
            }
        }
        for v in 0..=255 {
            assert_eq!(ycc(Rgb8([v; 3])).to_le_bytes(), [v, 128, 128, 0]);
        }
    }

    #[test]
    fn averages_are_rounded_by_turns() {
        assert_eq!([0, 1].map(|x| half(3, 4, x)), [3, 4]);
        assert_eq!([0, 1].map(|x| quarter(10, x)), [2, 3]);
        assert_eq!([0, 1].map(|x| quarter(4 * 255, x)), [255, 255]);
    }
}
