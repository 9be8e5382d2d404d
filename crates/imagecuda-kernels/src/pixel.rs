//! The two pixel formats of a device, and the number rules between them.

use bytemuck::{Pod, Zeroable};

/// A pixel of an 8-bit image: red, green, blue, alpha, each 0 to 255. Alpha is not
/// premultiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(4))]
pub struct Rgba8(pub [u8; 4]);

/// A pixel of a float image: red, green, blue, alpha, nominally 0.0 to 1.0 and sRGB-encoded.
/// Values outside that range are kept. Alpha is not premultiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C, align(16))]
pub struct RgbaF32(pub [f32; 4]);

/// 0 to 255 as 0.0 to 1.0: the float nearest to `x / 255`, as a true division gives it.
///
/// The code adds two products instead, as a division takes a GPU three times as long. The first
/// product is exact, as its factor has only 16 bits. The second one is what is missing.
#[inline(always)]
pub fn unit_from_u8(x: u8) -> f32 {
    const HIGH: f32 = f32::from_bits(0x3b80_8000);
    const LOW: f32 = (1.0 / 255.0 - HIGH as f64) as f32;
    let x = f32::from(x);
    x * HIGH + x * LOW
}

/// 0 to 65535 as 0.0 to 1.0: `x / 65535`, a true division.
#[inline(always)]
pub fn unit_from_u16(x: u16) -> f32 {
    f32::from(x) / 65535.0
}

/// `v` limited to 0.0 to 1.0; NaN becomes 0.0.
#[inline(always)]
#[expect(clippy::manual_clamp, reason = "`clamp` keeps NaN, `max` drops it")]
pub fn clamp_unit(v: f32) -> f32 {
    v.max(0.0).min(1.0)
}

/// `v`, which is from 0.0 to 65536.0, without its fraction. A cast with `as` also saturates, which
/// compilers do not vectorise: a CPU would take ten times as long.
#[inline(always)]
#[allow(unsafe_code, reason = "the one in the bodies")]
pub(crate) fn truncate(v: f32) -> i32 {
    debug_assert!((0.0..=65536.0).contains(&v));
    // SAFETY: the callers clamp, with NaN as 0.0, to the range above, or to 0.0 to 1.0 before they scale.
    // So `v` is finite and fits.
    unsafe { v.to_int_unchecked() }
}

/// 0.0 to 1.0 as 0 to 255, rounding halves up. Values outside are clamped, and NaN is 0.
#[inline(always)]
pub fn u8_from_unit(v: f32) -> u8 {
    truncate(clamp_unit(v) * 255.0 + 0.5) as u8
}

/// 0 to 65535 as 0 to 255, rounded to the nearest: the same as quantising [`unit_from_u16`]. It needs no
/// division, which a GPU takes longer for than for the memory.
#[inline(always)]
pub fn u8_from_u16(x: u16) -> u8 {
    ((u32::from(x) * 255 + 32_895) >> 16) as u8
}

/// 0.0 to 1.0 as 0 to 65535, rounding halves up. Values outside are clamped, and NaN is 0.
#[inline(always)]
pub fn u16_from_unit(v: f32) -> u16 {
    truncate(clamp_unit(v) * 65535.0 + 0.5) as u16
}

impl From<Rgba8> for RgbaF32 {
    #[inline(always)]
    fn from(Rgba8([r, g, b, a]): Rgba8) -> Self {
        // Not by `map`, which is not inlined everywhere.
        Self([
            unit_from_u8(r),
            unit_from_u8(g),
            unit_from_u8(b),
            unit_from_u8(a),
        ])
    }
}

impl From<RgbaF32> for Rgba8 {
    #[inline(always)]
    fn from(RgbaF32([r, g, b, a]): RgbaF32) -> Self {
        Self([
            u8_from_unit(r),
            u8_from_unit(g),
            u8_from_unit(b),
            u8_from_unit(a),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_round_trip() {
        for x in 0..=255 {
            assert_eq!(u8_from_unit(unit_from_u8(x)), x);
            assert_eq!(u16_from_unit(unit_from_u8(x)), u16::from(x) * 257);
        }
    }

    #[test]
    fn every_word_survives_the_round_trip() {
        for x in 0..=65535 {
            assert_eq!(u16_from_unit(unit_from_u16(x)), x);
            assert_eq!(u8_from_u16(x), u8_from_unit(unit_from_u16(x)));
        }
    }

    #[test]
    fn normalising_is_the_nearest_float_to_the_quotient() {
        for x in 0..=255u8 {
            let oracle = (f64::from(x) / 255.0) as f32;
            assert_eq!(unit_from_u8(x).to_bits(), oracle.to_bits());
        }
        for x in 0..=65535u16 {
            let oracle = (f64::from(x) / 65535.0) as f32;
            assert_eq!(unit_from_u16(x).to_bits(), oracle.to_bits());
        }
    }

    #[test]
    fn quantising_handles_the_edges() {
        let cases = [
            (f32::NAN, 0),
            (f32::INFINITY, 255),
            (f32::NEG_INFINITY, 0),
            (-0.0, 0),
            (-1e-30, 0),
            (0.5, 128),
            (127.5 / 255.0, 128),
            (1.0, 255),
            (1.0 + f32::EPSILON, 255),
            (f32::MIN_POSITIVE, 0),
            (f32::MAX, 255),
        ];
        for (v, expected) in cases {
            assert_eq!(u8_from_unit(v), expected, "{v}");
        }
        let cases = [
            (f32::NAN, 0),
            (f32::INFINITY, 65535),
            (f32::NEG_INFINITY, 0),
            (-0.0, 0),
            (0.5, 32768),
            (0.49 / 65535.0, 0),
            (0.51 / 65535.0, 1),
            (1.0 + f32::EPSILON, 65535),
            (f32::MAX, 65535),
        ];
        for (v, expected) in cases {
            assert_eq!(u16_from_unit(v), expected, "{v}");
        }
    }
}
