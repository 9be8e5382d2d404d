//! A pixel of the samples of a picture.

use super::{
    color::{to_inks, ycc_to_rgb},
    picture::{Color, Picture},
    upsample::sample,
};
use crate::{
    expand::Expand,
    texel::{Cmyk8, L8, Rgb8},
};

/// A pixel in the layout that the picture's pixels have in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pixel {
    /// Gray.
    L8(L8),
    /// Red, green and blue.
    Rgb8(Rgb8),
    /// Inks.
    Cmyk8(Cmyk8),
}

impl Pixel {
    /// The pixel at `x`, `y` of a picture with these samples. What is not there is 0.
    #[inline(always)]
    pub fn new(picture: &Picture, samples: &[u8], x: u32, y: u32) -> Self {
        let component = |i: usize| {
            let component = &picture.component[i];
            let plane = samples.get(component.start()..).unwrap_or(&[]);
            sample(plane, component, picture, x, y)
        };
        match picture.color() {
            Color::Gray => Self::L8(L8([component(0)])),
            Color::Rgb => Self::Rgb8(Rgb8([component(0), component(1), component(2)])),
            Color::Ycc => Self::Rgb8(Rgb8(ycc_to_rgb([component(0), component(1), component(2)]))),
            color => Self::Cmyk8(Cmyk8(to_inks(
                [component(0), component(1), component(2), component(3)],
                color,
            ))),
        }
    }

    /// The pixel as a device holds it.
    #[inline(always)]
    pub fn expand<D: Expand>(self) -> D {
        match self {
            Self::L8(texel) => D::from_encoded(texel),
            Self::Rgb8(texel) => D::from_encoded(texel),
            Self::Cmyk8(texel) => D::from_encoded(texel),
        }
    }
}
