//! A decoded file before its upload to the device.

use super::wanted::Resampling;
use crate::{
    Device, Format, Image, ImageU8, Metadata, Result,
    color::Conversion,
    device::{Buffer, DecodedPicture, ExpandSpec, Payload, PlannedJpeg, ProgressiveJpeg},
    trace::span,
};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::sync::Arc;

/// A decoded file, ready for upload: pixels in the file's own layout or planes in host memory, or a
/// picture that the device has decoded itself. [`LoadOptions::open`](crate::LoadOptions::open) makes it.
#[derive(Debug)]
pub struct Decoded {
    pub(crate) device: Device,
    pub(crate) format: Format,
    pub(crate) spec: ExpandSpec,
    /// How the pixels become smaller afterwards.
    pub(super) resampling: Option<Resampling>,
    pub(crate) conversion: Option<Arc<Conversion>>,
    pub(crate) metadata: Metadata,
    pub(crate) payload: Payload,
    pub(crate) truncated: bool,
}

impl Decoded {
    /// The width of the picture as viewed, in pixels.
    pub fn width(&self) -> u32 {
        self.size().0
    }

    /// The height of the picture as viewed, in pixels.
    pub fn height(&self) -> u32 {
        self.size().1
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The layout of the pixels, 1 to 16 bytes per pixel. The pixels are uploaded in this layout,
    /// except for what a GPU decodes, and for planes of luma and chroma.
    pub fn layout(&self) -> Layout {
        self.spec.layout
    }

    /// Whether the file is damaged or cut short, and only a part of it was decoded. Needs
    /// [`LoadOptions::allow_truncated`](crate::LoadOptions::allow_truncated).
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The metadata for another file with these pixels. They are true of the image, not of the
    /// original file.
    ///
    /// If the orientation was applied, EXIF says that there is none left to apply. If it was not
    /// ([`LoadOptions::apply_orientation`](crate::LoadOptions::apply_orientation)), EXIF has it,
    /// even if another field of the file stated it. The ICC profile is there if the image's colours
    /// are still in it: [`ColorPolicy::Keep`](crate::ColorPolicy::Keep) or
    /// [`Raw`](crate::ColorPolicy::Raw) kept them, or the profile is that of sRGB. A profile for
    /// gray or CMYK is never there, because saved files hold RGB.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Uploads the pixels and makes a float image of them, with the orientation applied and the
    /// colours converted to sRGB. On a GPU this returns before the work is done; later work on the
    /// same stream runs after it.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory), [`Device`](crate::ErrorKind::Device).
    pub fn into_image(self) -> Result<Image> {
        let (width, height) = self.size();
        if let Payload::Image(pixels) = self.payload {
            let buffer = Buffer::Cuda(pixels);
            return Ok(Image::of(self.device, buffer, width, height));
        }
        let mut image = Image::for_overwrite(&self.device, width, height)?;
        self.write_to(&mut image)?;
        Ok(image)
    }

    /// Uploads the pixels and makes an 8-bit image of them. Deeper samples are scaled to 8 bits.
    ///
    /// # Errors
    ///
    /// As [`into_image`](Self::into_image).
    pub fn into_image_u8(self) -> Result<ImageU8> {
        let (width, height) = self.size();
        let mut image = ImageU8::for_overwrite(&self.device, width, height)?;
        self.write_to_u8(&mut image)?;
        Ok(image)
    }

    /// Whether the picture is only planned, to be decoded with others.
    pub(crate) fn is_planned(&self) -> bool {
        matches!(self.payload, Payload::Planned(_))
    }

    /// Whether it waits for a kernel that finds its blocks.
    pub(crate) fn is_progressive(&self) -> bool {
        matches!(self.payload, Payload::Progressive(_))
    }

    /// The picture whose blocks a kernel is to find.
    pub(crate) fn progressive(&mut self) -> Option<&mut ProgressiveJpeg> {
        match &mut self.payload {
            Payload::Progressive(jpeg) => Some(jpeg),
            _ => None,
        }
    }

    /// Whether the kernels of a group can convert its colours.
    pub(crate) fn is_for_group(&self) -> bool {
        let conversion = self.conversion.as_deref();
        matches!(conversion, None | Some(Conversion::Shaper(_)))
    }

    /// The picture, if it goes up with others of a batch.
    pub(crate) fn for_group(&self) -> Option<DecodedPicture<'_>> {
        let conversion = self.conversion.as_ref();
        self.payload.for_group(self.converted_spec(), conversion)
    }

    /// Readies it to go up with others. Returns how it becomes smaller afterwards.
    pub(crate) fn prepare_for_group(&mut self) -> Result<Option<Resampling>> {
        let spec = self.converted_spec();
        if let Payload::Planes(planes) = &mut self.payload {
            planes.describe(&spec)?;
        }
        Ok(self.resampling.take())
    }

    /// The size of the pixels before they become smaller.
    pub(crate) fn expanded_size(&self) -> (u32, u32) {
        (self.spec.width, self.spec.height)
    }

    /// What a group needs of a picture that is planned, the conversion of its colours, and how it becomes
    /// smaller afterwards.
    #[allow(clippy::type_complexity, reason = "three parts of this value")]
    pub(crate) fn into_planned(
        self,
    ) -> std::result::Result<(PlannedJpeg, Option<Arc<Conversion>>, Option<Resampling>), Box<Self>>
    {
        match self.payload {
            Payload::Planned(jpeg) => Ok((jpeg, self.conversion, self.resampling)),
            payload => Err(Box::new(Self { payload, ..self })),
        }
    }

    /// The size of the result.
    fn size(&self) -> (u32, u32) {
        match &self.resampling {
            Some(resampling) => resampling.size(),
            None => (self.spec.width, self.spec.height),
        }
    }

    /// As [`write_to`](Self::write_to), for an image whose pixels perhaps nobody looks at before they are
    /// saved. The CPU keeps those that become bytes of a file again with little work.
    pub(crate) fn hold_in(self, image: &mut Image) -> Result<()> {
        let is_smaller = self.spec.layout.bits() <= 16 && self.spec.curve == Curve::Encoded;
        if !is_smaller || !self.spec.is_stored() || self.needs_floats() {
            return self.write_to(image);
        }
        let ExpandSpec { width, height, .. } = self.spec;
        image.check_fits(width, height)?;
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        image.buffer.hold(self.payload, self.spec)?;
        image.reshape(width, height)
    }

    /// How pixels are expanded, for the conversion if there is one.
    fn converted_spec(&self) -> ExpandSpec {
        let mut spec = self.spec;
        if let Some(conversion) = &self.conversion {
            spec.layout = conversion.input(spec.layout);
        }
        spec
    }

    /// Whether the CPU can make floats of one row at a time.
    pub(crate) fn has_rows(&self) -> bool {
        let bytes = self.spec.source_len() * self.spec.layout.bytes_per_pixel();
        let has_all = matches!(&self.payload, Payload::Pixels(pixels) if pixels.len() >= bytes);
        has_all && !self.device.is_cuda() && self.resampling.is_none()
    }

    /// An image of which a tensor or a smaller image is made, and which nobody else looks at. If it [has
    /// rows](Self::has_rows), it has the file's pixels, and no floats.
    pub(crate) fn into_image_of_rows(self) -> Result<Image> {
        if !self.has_rows() {
            return self.into_image();
        }
        let (spec, (width, height)) = (self.converted_spec(), self.size());
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        match self.payload {
            Payload::Pixels(bytes) => {
                let buffer = Buffer::of_file(bytes, spec, self.conversion);
                Ok(Image::of(self.device, buffer, width, height))
            }
            payload => Self { payload, ..self }.into_image(),
        }
    }

    pub(crate) fn write_to(mut self, image: &mut Image) -> Result<()> {
        let Some(resampling) = self.resampling.take() else {
            return self.expand_to(image);
        };
        // An image that is too small shows before anything is decoded.
        resampling.plan(image)?;
        resampling.write(&self.into_image_of_rows()?, image)
    }

    /// Makes pixels that keep their size.
    fn expand_to(self, image: &mut Image) -> Result<()> {
        let ExpandSpec { width, height, .. } = self.spec;
        image.check_fits(width, height)?;
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        match &self.conversion {
            None => image.buffer.expand(self.payload, self.spec)?,
            Some(conversion) => {
                let spec = self.converted_spec();
                let buffer = &mut image.buffer;
                buffer.expand_converted(self.payload, spec, conversion)?;
            }
        }
        image.reshape(width, height)
    }

    pub(crate) fn write_to_u8(self, image: &mut ImageU8) -> Result<()> {
        if self.needs_floats() {
            // Converts the colours, or weighs them, in floats, and quantises them afterwards.
            return self.into_image()?.to_u8_into(image);
        }
        let ExpandSpec { width, height, .. } = self.spec;
        image.check_fits(width, height)?;
        span!("upload", device = %self.device, width, height, bytes = self.payload.len());
        image.buffer.expand(self.payload, self.spec)?;
        image.reshape(width, height)
    }

    fn needs_floats(&self) -> bool {
        self.conversion.is_some() || self.resampling.is_some()
    }

    pub(crate) fn write_via(self, image: &mut Image, via: &mut ImageU8) -> Result<()> {
        if self.spec.layout.bits() != 8 {
            return self.write_to(image);
        }
        if self.needs_floats() || self.payload.has_fractions() {
            self.write_to(image)?;
            return image.to_u8_into(via);
        }
        self.write_to_u8(via)?;
        via.to_f32_into(image)
    }
}
