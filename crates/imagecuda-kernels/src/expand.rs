//! From a file's layout to RGBA: one texel in, one pixel out.

use crate::{
    color,
    pixel::{Rgba8, RgbaF32},
    texel::Texel,
};

/// What the numbers of a file mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Curve {
    /// sRGB-encoded, as images on a device are: the numbers stay.
    #[default]
    Encoded,
    /// Linear light, as in Radiance HDR and OpenEXR: the sRGB curve is applied on load and
    /// undone on save, and so is the division by alpha. Float layouts alone hold it.
    Linear,
}

/// A pixel that a device holds, made of any texel.
pub trait Expand: bytemuck::Pod {
    /// The pixel that `texel` stands for.
    fn from_encoded<T: Texel>(texel: T) -> Self;

    /// The pixel that `texel`, which holds linear light, stands for once sRGB-encoded.
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
