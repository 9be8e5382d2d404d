//! Which channels a picture needs.

use super::{Background, flatten_clamped};
use crate::pixel::{RgbaF32, clamp_unit, u8_from_unit, u16_from_unit};

/// Which channels a pixel needs: bits for what fewer channels would lose. Those of a picture are
/// the pixels' bits joined by [`or`](Self::or).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PixelUsage(pub u32);

impl PixelUsage {
    /// Red, green and blue are not all the same once they are quantised.
    pub const COLOR: u32 = 1;
    /// Alpha is below its maximum once it is quantised.
    pub const TRANSLUCENT: u32 = 2;
    /// Alpha is below 1.0, even if quantisation would lose that.
    pub const BELOW_ONE: u32 = 4;

    /// The bits of a pixel for a file of 16 bits (`deep`) or 8. It is flattened first if there is a
    /// background.
    #[inline(always)]
    pub fn of(pixel: RgbaF32, deep: bool, background: Option<Background>) -> Self {
        let RgbaF32([red, green, blue, alpha]) = match background {
            Some(background) => {
                let [r, g, b] = flatten_clamped(pixel, background);
                RgbaF32([r, g, b, 1.0])
            }
            None => pixel,
        };
        let quantize = |v| match deep {
            true => u32::from(u16_from_unit(v)),
            false => u32::from(u8_from_unit(v)),
        };
        let [r, g, b, a] = [
            quantize(red),
            quantize(green),
            quantize(blue),
            quantize(alpha),
        ];
        let most = if deep { 65_535 } else { 255 };
        let bit = |has: bool, bit| if has { bit } else { 0 };
        Self(
            bit(r != g || g != b, Self::COLOR)
                | bit(a < most, Self::TRANSLUCENT)
                | bit(clamp_unit(alpha) < 1.0, Self::BELOW_ONE),
        )
    }

    /// Whether any of these bits is set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// The bits that are set in either.
    #[inline(always)]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_of_what_a_file_would_hold() {
        let of = |pixel, deep| PixelUsage::of(RgbaF32(pixel), deep, None).0;
        for deep in [false, true] {
            assert_eq!(of([0.5, 0.5, 0.5, 1.0], deep), 0);
            assert_eq!(of([7.0, 1.0, f32::INFINITY, 2.0], deep), 0);
            assert_eq!(of([0.5, 0.6, 0.5, 1.0], deep), PixelUsage::COLOR);
            assert_eq!(of([0.5, 0.5, 0.6, 1.0], deep), PixelUsage::COLOR);
            let clear = PixelUsage::TRANSLUCENT | PixelUsage::BELOW_ONE;
            assert_eq!(of([0.5, 0.5, 0.5, f32::NAN], deep), clear);
            let almost = of([0.5, 0.5, 0.5, 0.999_999], deep);
            assert_eq!(almost, PixelUsage::BELOW_ONE);
        }
        let [almost_gray, almost_opaque] = [[0.5, 0.501, 0.5, 1.0], [0.5, 0.5, 0.5, 0.999]];
        assert_eq!((of(almost_gray, false), of(almost_gray, true)), (0, 1));
        assert_eq!((of(almost_opaque, false), of(almost_opaque, true)), (4, 6));

        let on = |pixel, background| PixelUsage::of(RgbaF32(pixel), false, Some(background)).0;
        assert_eq!(on([0.2, 0.2, 0.2, 0.5], [1.0; 3]), 0);
        assert_eq!(on([0.2, 0.2, 0.2, 0.5], [1.0, 1.0, 0.9]), PixelUsage::COLOR);
        assert_eq!(on([0.9, 0.1, 0.5, 0.0], [0.3; 3]), 0);
    }
}
