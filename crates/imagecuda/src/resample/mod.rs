//! What it takes to make a picture of another size: filters, their weights, and the passes over the
//! pixels. The devices run the passes.

mod fit;
mod plan;
#[cfg(feature = "cuda")]
mod strips;
mod weights;

#[cfg(feature = "cuda")]
pub(crate) use self::strips::Strips;
#[cfg(test)]
pub(crate) use self::weights::Extent;
pub(crate) use self::{
    fit::{Placement, Sampling},
    plan::{Plan, Step},
    weights::Taps,
};

/// How the pixels of a picture of another size are computed.
///
/// All filters but [`Nearest`](Self::Nearest) weigh the pixels around a place. Where a picture becomes
/// smaller, the filter becomes as much wider, so that every pixel counts. Pillow, torchvision (with
/// `antialias`) and `fast_image_resize` do the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// The pixel at the place. Its value does not change, transparent or not.
    Nearest,
    /// The mean of the pixels that the new one covers. Each pixel counts whole or not at all.
    Box,
    /// Linear interpolation, also called bilinear: a triangle of 1 pixel to each side.
    #[default]
    Triangle,
    /// The cubic spline of Catmull and Rom, also called bicubic: 2 pixels to each side.
    CatmullRom,
    /// The cubic spline of Mitchell and Netravali (B = C = 1/3): 2 pixels to each side. It is softer, and
    /// has less of a halo.
    Mitchell,
    /// The windowed sinc of Lanczos: 3 pixels to each side. It is the sharpest.
    Lanczos3,
}
