//! Host pixels on their way to a device.

use crate::{
    Device, Format, Image, ImageU8, Metadata, Result,
    color::Conversion,
    device::{ExpandSpec, Payload},
    trace::span,
};
use imagecuda_kernels::layout::Layout;
use std::sync::Arc;

/// A decoded file in the file's own layout, ready for its device: pixels in host memory, or what
/// the device itself has decoded of a JPEG.
#[derive(Debug)]
pub struct Decoded {
    pub(crate) device: Device,
    pub(crate) format: Format,
    pub(crate) spec: ExpandSpec,
    pub(crate) conversion: Option<Arc<Conversion>>,
    pub(crate) metadata: Metadata,
    pub(crate) payload: Payload,
    pub(crate) truncated: bool,
}

impl Decoded {
    /// The width for viewing, in pixels.
    pub fn width(&self) -> u32 {
        self.spec.width
    }

    /// The height for viewing, in pixels.
    pub fn height(&self) -> u32 {
        self.spec.height
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The layout of the pixels, 1 to 16 bytes each. It is what is uploaded, but for a JPEG that
    /// a GPU decodes.
    pub fn layout(&self) -> Layout {
        self.spec.layout
    }

    /// Whether the file is damaged or cut short, and this is only what decoded of it:
    /// [`LoadOptions::allow_truncated`](crate::LoadOptions::allow_truncated).
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// What may go with the pixels into another file: true of the image that is made of them,
    /// not of the file.
    ///
    /// EXIF has its orientation reset where it was applied; where it was not
    /// ([`LoadOptions::apply_orientation`](crate::LoadOptions::apply_orientation)), EXIF says it, whatever
    /// said it in the file. The ICC profile is there if the colours are still those that it
    /// means: where [`ColorPolicy::Keep`](crate::ColorPolicy::Keep) or
    /// [`Raw`](crate::ColorPolicy::Raw) left them alone, or where it is sRGB's anyway.
    /// A profile for gray or CMYK is not, as what is saved is RGB.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Uploads the pixels and makes a float image of them: turned, expanded, converted to sRGB.
    /// On a GPU this returns before the device is done; work that follows on its stream is in
    /// order.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory), [`Device`](crate::ErrorKind::Device).
    pub fn into_image(self) -> Result<Image> {
        let mut image = Image::for_overwrite(&self.device, self.spec.width, self.spec.height)?;
        self.write_to(&mut image)?;
        Ok(image)
    }

    /// Uploads the pixels and makes an 8-bit image of them; deeper ones are scaled.
    ///
    /// # Errors
    ///
    /// As [`into_image`](Self::into_image).
    pub fn into_image_u8(self) -> Result<ImageU8> {
        let mut image = ImageU8::for_overwrite(&self.device, self.spec.width, self.spec.height)?;
        self.write_to_u8(&mut image)?;
        Ok(image)
    }

    pub(crate) fn write_to(self, image: &mut Image) -> Result<()> {
        let ExpandSpec { width, height, .. } = self.spec;
        image.check_fits(width, height)?;
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        match &self.conversion {
            None => image.buffer.expand(self.payload, self.spec)?,
            Some(conversion) => {
                let mut spec = self.spec;
                spec.layout = conversion.input(spec.layout);
                let buffer = &mut image.buffer;
                buffer.expand_converted(self.payload, spec, conversion)?;
            }
        }
        image.reshape(width, height)
    }

    pub(crate) fn write_to_u8(self, image: &mut ImageU8) -> Result<()> {
        if self.conversion.is_some() {
            // Colours are converted at full precision, then quantised.
            return self.into_image()?.to_u8_into(image);
        }
        let ExpandSpec { width, height, .. } = self.spec;
        image.check_fits(width, height)?;
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        image.buffer.expand(self.payload, self.spec)?;
        image.reshape(width, height)
    }

    pub(crate) fn write_via(self, image: &mut Image, via: &mut ImageU8) -> Result<()> {
        if self.spec.layout.bits() != 8 {
            return self.write_to(image);
        }
        if self.conversion.is_some() {
            self.write_to(image)?;
            return image.to_u8_into(via);
        }
        self.write_to_u8(via)?;
        via.to_f32_into(image)
    }
}
