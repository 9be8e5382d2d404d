//! Expansion: a file's texel to an RGBA pixel.

use crate::{
    color,
    pixel::{Rgba8, RgbaF32},
    texel::Texel,
};

/// What the numbers of a file stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Curve {
    /// sRGB-encoded values, as images on a device hold them. The numbers are kept.
    #[default]
    Encoded,
    /// Linear light, premultiplied by alpha, as in Radiance HDR and OpenEXR. Loading divides by
    /// alpha and applies the sRGB curve; saving undoes both. Only float layouts hold it.
    Linear,
}

/// A pixel format of a device, which any texel can be expanded to.
pub trait Expand: bytemuck::Pod {
    /// The pixel of a texel of sRGB-encoded values.
    fn from_encoded<T: Texel>(texel: T) -> Self;

    /// The pixel of a texel of linear light.
    fn from_linear<T: Texel>(texel: T) -> Self;
}

impl Expand for RgbaF32 {
    #[inline(always)]
    fn from_encoded<T: Texel>(texel: T) -> Self {
        texel.to_f32()
    }

    #[inline(always)]
    fn from_linear<T: Texel>(texel: T) -> Self {
        color::encode_rgb(color::unassociate(texel.to_f32()))
    }
}

impl Expand for Rgba8 {
    #[inline(always)]
    fn from_encoded<T: Texel>(texel: T) -> Self {
        texel.to_u8()
    }

    #[inline(always)]
    fn from_linear<T: Texel>(texel: T) -> Self {
        color::encode_rgb(color::unassociate(texel.to_f32())).into()
    }
}
