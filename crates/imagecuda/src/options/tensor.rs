//! The data of the options for tensors.

use crate::{Error, ErrorKind, Result, resample::Filter};
use imagecuda_kernels::tensor::{TensorChannels, TensorElement, TensorLayout};

/// How a picture becomes a [`Tensor`](crate::Tensor).
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Image, TensorElement, TensorOptions};
///
/// let options = TensorOptions::new()
///     .element(TensorElement::F16)
///     .size(224, 224)
///     .mean([0.485, 0.456, 0.406])
///     .std([0.229, 0.224, 0.225]);
/// let image = Image::new(&Device::cpu(), 640, 480)?;
/// assert_eq!(image.to_tensor(&options)?.shape(), [1, 3, 224, 224]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorOptions {
    pub(crate) layout: TensorLayout,
    pub(crate) channels: TensorChannels,
    pub(crate) element: TensorElement,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) fit: TensorFit,
    pub(crate) filter: Filter,
    pub(crate) background: Option<[u8; 3]>,
}

/// How a picture of another ratio fits the size of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum TensorFit {
    /// The picture's ratio changes.
    #[default]
    Stretch,
    /// The picture keeps its ratio and covers the tensor. What does not fit is cut off evenly at both
    /// sides.
    Cover,
    /// The picture keeps its ratio and is in the middle of the tensor, all of it. The rest has this colour: red, green, blue and alpha,
    /// from 0.0 to 1.0, before `mean` and `std`. The picture's sides are rounded to the nearest pixel.
    Contain([f32; 4]),
}

impl Default for TensorOptions {
    fn default() -> Self {
        Self {
            layout: TensorLayout::default(),
            channels: TensorChannels::default(),
            element: TensorElement::default(),
            mean: [0.0; 3],
            std: [1.0; 3],
            size: None,
            fit: TensorFit::default(),
            filter: Filter::default(),
            background: None,
        }
    }
}

impl TensorOptions {
    /// The default options: planes of red, green and blue (`Nchw`), `f32` from 0.0 to 1.0, of the size of
    /// the picture.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the order of the dimensions.
    pub fn layout(mut self, layout: TensorLayout) -> Self {
        self.layout = layout;
        self
    }

    /// Sets the channels and their order. Without [`TensorChannels::Rgba`], alpha is ignored as if the
    /// picture were opaque, unless there is a [`background`](Self::background).
    pub fn channels(mut self, channels: TensorChannels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the type of the elements.
    pub fn element(mut self, element: TensorElement) -> Self {
        self.element = element;
        self
    }

    /// Sets what is subtracted from red, green and blue, which are nominally from 0.0 to 1.0. For gray the
    /// first number counts. The default is 0.0. A number that is not finite is
    /// [`ErrorKind::InvalidOption`] when a tensor is made. So is any other number than the default if
    /// the elements are [`TensorElement::U8`].
    pub fn mean(mut self, mean: [f32; 3]) -> Self {
        self.mean = mean;
        self
    }

    /// Sets what red, green and blue are divided by after [`mean`](Self::mean), as a product with the
    /// reciprocal in single precision. The default is 1.0. The errors are those of
    /// [`mean`](Self::mean). 0.0 is one too, and so is a number whose reciprocal is too large for a float.
    pub fn std(mut self, std: [f32; 3]) -> Self {
        self.std = std;
        self
    }

    /// Sets the width and the height, in pixels. The default is the picture's size. A side of zero is
    /// [`ErrorKind::ZeroDimension`] when a tensor is made.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = Some((width, height));
        self
    }

    /// Sets how a picture of another ratio fits the [`size`](Self::size).
    pub fn fit(mut self, fit: TensorFit) -> Self {
        self.fit = fit;
        self
    }

    /// Sets the filter for pictures of another size than [`size`](Self::size). The default is
    /// [`Filter::Triangle`].
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Puts the picture over this colour, before it is resampled: red, green and blue, sRGB-encoded, from 0
    /// to 255. The picture is opaque then.
    pub fn background(mut self, rgb: [u8; 3]) -> Self {
        self.background = Some(rgb);
        self
    }

    /// Fails if an option is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some((width, height)) = self.size
            && (width == 0 || height == 0)
        {
            return Err(ErrorKind::ZeroDimension { width, height }.into());
        }
        if !self.mean.iter().all(|mean| mean.is_finite()) {
            return Err(Error::option("mean", "it must be finite"));
        }
        let divides = |std: &f32| std.is_finite() && std.recip().is_finite();
        if !self.std.iter().all(divides) {
            let reason = "it must be finite, and so must its reciprocal";
            return Err(Error::option("std", reason));
        }
        let is_normalized = (self.mean, self.std) != ([0.0; 3], [1.0; 3]);
        if is_normalized && self.element == TensorElement::U8 {
            return Err(Error::option(
                "element",
                "8 bits have no room for mean and std",
            ));
        }
        Ok(())
    }
}
