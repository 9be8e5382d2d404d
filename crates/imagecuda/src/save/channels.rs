//! Chooses the channels of a file: those that its encoder takes by default, or the fewest that the
//! picture needs.

use super::{PendingSave, SaveJob};
use crate::{
    Error, Image, ImageU8, Result,
    codec::{self, EncoderInput},
};
use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    pack::{Background, Packing, PixelUsage},
};

/// The kernel's packing for an encoder's input.
pub(super) fn packing(EncoderInput { layout, curve }: EncoderInput) -> Result<Packing> {
    Ok(match (layout, curve) {
        (Layout::L8, Curve::Encoded) => Packing::L8,
        (Layout::La8, Curve::Encoded) => Packing::La8,
        (Layout::Rgb8, Curve::Encoded) => Packing::Rgb8,
        (Layout::Rgba8, Curve::Encoded) => Packing::Rgba8,
        (Layout::L16, Curve::Encoded) => Packing::L16,
        (Layout::La16, Curve::Encoded) => Packing::La16,
        (Layout::Rgb16, Curve::Encoded) => Packing::Rgb16,
        (Layout::Rgba16, Curve::Encoded) => Packing::Rgba16,
        (Layout::Rgb32F, Curve::Encoded) => Packing::Rgb32F,
        (Layout::Rgba32F, Curve::Encoded) => Packing::Rgba32F,
        (Layout::Rgb32F, Curve::Linear) => Packing::Rgb32FLinear,
        (Layout::Rgba32F, Curve::Linear) => Packing::Rgba32FLinear,
        _ => return Err(Error::unsupported(format!("{curve:?} {layout:?} pixels"))),
    })
}

impl SaveJob {
    /// Starts to save as [`start`](Self::start) does, with the fewest channels that the pixels
    /// need. Waits for the device.
    pub(super) fn start_auto(mut self, image: &Image) -> Result<PendingSave> {
        let all = self.packing;
        let usage = image
            .buffer
            .pixel_usage(self.is_deep(), self.flattened_onto(), image.len())
            .map_err(|error| error.with_format(self.format))?;
        self.narrow(usage)?;
        // Flattening with an alpha that is slightly below 1.0 would change the colours that a file
        // with alpha stores.
        let loses_alpha = all.layout().has_alpha() && !self.packing.layout().has_alpha();
        if loses_alpha && usage.has(PixelUsage::BELOW_ONE) {
            return self.start(&quantized(image, all)?);
        }
        self.start(image)
    }

    /// Starts to save as [`start_auto`](Self::start_auto) does. An 8-bit alpha is either 1.0 or at
    /// least one step below.
    pub(super) fn start_auto_u8(mut self, image: &ImageU8) -> Result<PendingSave> {
        let (device, background) = (image.device(), self.flattened_onto());
        let usage = image
            .buffer
            .pixel_usage(device, self.is_deep(), background, image.len())
            .map_err(|error| error.with_format(self.format))?;
        self.narrow(usage)?;
        self.start_u8(image)
    }

    fn is_deep(&self) -> bool {
        self.packing.layout().bits() == 16
    }

    fn flattened_onto(&self) -> Option<Background> {
        (!self.packing.layout().has_alpha()).then(|| self.background())
    }

    /// Leaves out the channels that pixels with this `usage` do not need.
    fn narrow(&mut self, usage: PixelUsage) -> Result<()> {
        self.auto_channels = false;
        // An RGB profile cannot describe gray pixels, so with one the file stays RGB.
        let profile = self.options.metadata.icc_profile().is_some();
        let color = profile || usage.has(PixelUsage::COLOR);
        let alpha = usage.has(PixelUsage::TRANSLUCENT);
        let planned = self.packing.layout();
        self.packing = packing(EncoderInput {
            layout: codec::minimal_layout(self.format, planned, color, alpha)?,
            curve: Curve::Encoded,
        })?;
        Ok(())
    }
}

/// `image` after a round trip through a file of this packing.
fn quantized(image: &Image, packing: Packing) -> Result<Image> {
    let mut pixels = image
        .buffer
        .pack(image.device(), packing, Default::default(), image.len())?;
    pixels.wait()?;
    let (width, height) = (image.width(), image.height());
    Image::from_pixels(image.device(), width, height, packing.layout(), &pixels)
}
