//! Pixels as elements of a tensor: the channels in their order, normalised, in the element's bits.

use crate::{
    pixel::{RgbaF32, u8_from_unit},
    resample::{one_nan, over},
};
use bytemuck::{Pod, Zeroable};

/// The order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum TensorLayout {
    /// Pictures, channels, rows, columns: a plane for each channel, as PyTorch has them.
    #[default]
    Nchw,
    /// Pictures, rows, columns, channels: the channels of a pixel side by side, as TensorFlow has them.
    Nhwc,
}

/// The channels of a tensor, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum TensorChannels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV has them.
    Bgr,
    /// Red, green, blue and alpha, which is straight and is not normalised.
    Rgba,
    /// Luma by Rec. 601: 0.299 red, 0.587 green, 0.114 blue.
    Gray,
}

impl TensorChannels {
    /// How many there are.
    pub const fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba => 4,
            Self::Gray => 1,
        }
    }
}

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum TensorElement {
    /// 0 to 255: 0.0 to 1.0 times 255, rounded half up. Values outside are clamped, and NaN is 0.
    U8,
    /// IEEE's half precision, rounded to the nearest, ties to even. NaN is 0x7e00.
    F16,
    /// The upper half of a float's bits, rounded to the nearest, ties to even. NaN is 0x7fc0.
    Bf16,
    /// Single precision.
    #[default]
    F32,
}

impl TensorElement {
    /// The size of an element in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}

/// How pixels become a picture of a tensor. `layout`, `channels` and `element` are numbers of
/// [`TensorLayout`], [`TensorChannels`] and [`TensorElement`].
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct TensorSpec {
    /// The tensor's width in pixels.
    pub width: u32,
    /// The tensor's height in pixels.
    pub height: u32,
    /// The first column of the picture. What is outside the picture is padding.
    pub left: u32,
    /// The first row of the picture.
    pub top: u32,
    /// The picture's width in pixels.
    pub inner_width: u32,
    /// The picture's height in pixels.
    pub inner_height: u32,
    /// The number of a [`TensorLayout`].
    pub layout: u32,
    /// The number of a [`TensorChannels`].
    pub channels: u32,
    /// The number of a [`TensorElement`].
    pub element: u32,
    /// Whether pixels are put over `background`: 0 or 1.
    pub flatten: u32,
    /// What is subtracted from each channel, in the tensor's order.
    pub mean: [f32; 4],
    /// What each channel is multiplied by afterwards, in the tensor's order.
    pub scale: [f32; 4],
    /// The pixel outside the picture.
    pub pad: [f32; 4],
    /// The colour behind the pixels.
    pub background: [f32; 3],
}

impl TensorSpec {
    /// Channels of a pixel.
    #[inline(always)]
    pub fn count(&self) -> usize {
        if self.channels == TensorChannels::Gray as u32 {
            1
        } else if self.channels == TensorChannels::Rgba as u32 {
            4
        } else {
            3
        }
    }

    /// Whether each channel has a plane.
    #[inline(always)]
    pub fn is_planar(&self) -> bool {
        self.layout == TensorLayout::Nchw as u32
    }

    /// The element of the first channel of pixel `pixel`, counted row by row, and the distance to that
    /// of the next channel.
    #[inline(always)]
    pub fn place(&self, pixel: usize) -> (usize, usize) {
        if self.is_planar() {
            (pixel, self.width as usize * self.height as usize)
        } else {
            (pixel * self.count(), 1)
        }
    }

    /// A pixel of the picture, over the background if there is one.
    #[inline(always)]
    pub fn flattened(&self, pixel: RgbaF32) -> RgbaF32 {
        if self.flatten != 0 {
            over(pixel, self.background)
        } else {
            pixel
        }
    }

    /// Channel `channel` of a pixel, in the tensor's order, normalised.
    #[inline(always)]
    pub fn value(&self, RgbaF32(pixel): RgbaF32, channel: usize) -> f32 {
        let v = if self.channels == TensorChannels::Gray as u32 {
            luma([pixel[0], pixel[1], pixel[2]])
        } else if self.channels == TensorChannels::Bgr as u32 && channel < 3 {
            pixel[2 - channel]
        } else {
            pixel[channel]
        };
        (v - self.mean[channel]) * self.scale[channel]
    }
}

/// Luma by Rec. 601. That of a gray is the gray itself.
#[inline(always)]
pub fn luma([r, g, b]: [f32; 3]) -> f32 {
    g + 0.299 * (r - g) + 0.114 * (b - g)
}

/// The nearest number of half precision, ties to even.
#[inline(always)]
pub fn f16_from_f32(v: f32) -> u16 {
    let bits = v.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let sign = (bits >> 16) as u16 & 0x8000;
    if magnitude > 0x7f80_0000 {
        return 0x7e00;
    }
    // From 65536 on, infinity. What rounds up to that becomes it by its carry.
    let limited = magnitude.min(0x4780_0000);
    let normal = (limited + 0xfff + (limited >> 13 & 1)).wrapping_sub(0x3800_0000) >> 13;
    // Below the normal numbers the steps are those of a float of about 0.5.
    let subnormal = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0x3f00_0000);
    let half = if magnitude < 0x3880_0000 {
        subnormal
    } else {
        normal
    };
    sign | half as u16
}

/// The nearest number of which the upper half of the bits is kept, ties to even.
#[inline(always)]
pub fn bf16_from_f32(v: f32) -> u16 {
    let bits = v.to_bits();
    if bits & 0x7fff_ffff > 0x7f80_0000 {
        return 0x7fc0;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// As an element of single precision: the number, with one NaN for all.
#[inline(always)]
pub fn f32_from_f32(v: f32) -> u32 {
    one_nan(v).to_bits()
}

/// As an element of 8 bits.
#[inline(always)]
pub fn u8_from_f32(v: f32) -> u8 {
    u8_from_unit(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The value of a half, by the definition.
    fn value(half: u16) -> f64 {
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 0x3ff));
        let magnitude = match exponent {
            0 => fraction / 1024.0 * 2f64.powi(-14),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
        };
        if half & 0x8000 == 0 {
            magnitude
        } else {
            -magnitude
        }
    }

    /// All halves that are numbers and are not negative, in order.
    fn halves() -> Vec<f64> {
        (0..=0x7bff).map(value).collect()
    }

    /// The nearest half by search. Ties go to the even one, and 65504 is the largest.
    fn nearest(halves: &[f64], v: f32) -> u16 {
        let sign = if v.is_sign_negative() { 0x8000 } else { 0 };
        let v = f64::from(v.abs());
        if v >= 65520.0 {
            return sign | 0x7c00;
        }
        let above = halves.partition_point(|&half| half < v);
        let Some(below) = above.checked_sub(1) else {
            return sign;
        };
        let Some(&high) = halves.get(above) else {
            return sign | below as u16;
        };
        let (down, up) = (v - halves[below], high - v);
        let is_up = up < down || (up == down && above % 2 == 0);
        sign | if is_up { above } else { below } as u16
    }

    #[test]
    fn halves_are_the_nearest() {
        let halves = halves();
        let mut state = 1u32;
        let check = |bits: u32| {
            let v = f32::from_bits(bits);
            if v.is_nan() {
                assert_eq!(f16_from_f32(v), 0x7e00);
            } else {
                assert_eq!(f16_from_f32(v), nearest(&halves, v), "{v:e}");
            }
        };
        for half in 0..=0x7c00u16 {
            // The half, what is halfway to the next, and what is around both.
            let bits = (value(half) as f32).to_bits();
            let next =
                (value((half + 1).min(0x7bff)) as f32 + value(half.min(0x7bff)) as f32) / 2.0;
            for bits in [bits, next.to_bits()] {
                for bits in [bits.wrapping_sub(1), bits, bits + 1] {
                    check(bits & 0x7fff_ffff);
                    check(bits | 0x8000_0000);
                }
            }
        }
        for _ in 0..300_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            check(state);
        }
    }

    #[test]
    fn short_floats_are_the_nearest() {
        let mut state = 1u32;
        for i in 0..300_000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bits = match i % 3 {
                0 => state,
                1 => state & 0xffff_0000 | 0x8000,
                _ => state | 0xffff,
            };
            let v = f32::from_bits(bits);
            let got = bf16_from_f32(v);
            if v.is_nan() {
                assert_eq!(got, 0x7fc0);
                continue;
            }
            let (below, above) = (
                bits & 0xffff_0000,
                (bits & 0xffff_0000).wrapping_add(0x1_0000),
            );
            // Beyond the largest number the next step would be the one after it.
            let exact = |bits: u32| match f64::from(f32::from_bits(bits)) {
                v if v.is_infinite() => 2f64.powi(128).copysign(v),
                v => v,
            };
            if v.is_infinite() {
                assert_eq!(u32::from(got) << 16, bits);
                continue;
            }
            let v = f64::from(v);
            let (down, up) = ((v - exact(below)).abs(), (exact(above) - v).abs());
            let is_up = up < down || (up == down && below >> 16 & 1 == 1);
            let expected = if is_up { above } else { below } >> 16;
            assert_eq!(u32::from(got), expected, "{v:e}");
        }
    }

    #[test]
    fn channels_come_in_their_order() {
        let spec = |channels: TensorChannels| TensorSpec {
            channels: channels as u32,
            mean: [0.5, 0.25, 0.0, 0.0],
            scale: [2.0, 0.5, 1.0, 1.0],
            ..Zeroable::zeroed()
        };
        let pixel = RgbaF32([1.0, 0.75, 0.5, 0.25]);
        let values = |channels| [0, 1, 2, 3].map(|c| spec(channels).value(pixel, c));
        assert_eq!(values(TensorChannels::Rgba), [1.0, 0.25, 0.5, 0.25]);
        assert_eq!(values(TensorChannels::Bgr)[..3], [0.0, 0.25, 1.0]);
        let exact = (0.299 + 0.587 * 0.75 + 0.114 * 0.5 - 0.5) / 0.5;
        assert!((values(TensorChannels::Gray)[0] - exact).abs() < 1e-6);
        for v in [0.1, 0.3, 0.7, 1.0 / 3.0] {
            assert_eq!(luma([v; 3]), v);
        }
    }

    #[test]
    fn elements_are_where_the_layout_says() {
        let spec = TensorSpec {
            width: 5,
            height: 3,
            layout: TensorLayout::Nchw as u32,
            channels: TensorChannels::Bgr as u32,
            ..Zeroable::zeroed()
        };
        assert_eq!(spec.place(7), (7, 15));
        let spec = TensorSpec {
            layout: TensorLayout::Nhwc as u32,
            ..spec
        };
        assert_eq!(spec.place(7), (21, 1));
    }
}
