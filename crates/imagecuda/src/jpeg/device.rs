//! A file, and what a device needs of it to decode it by itself.

use super::{file::File, markers, pixels, plan::GpuPlan};
use crate::{Error, Result, picture::Header};
#[cfg(feature = "tiff")]
use imagecuda_kernels::jpeg::picture::Color;
use imagecuda_kernels::{expand::Curve, jpeg::picture::Picture, layout::Layout};
#[cfg(feature = "cuda")]
use {super::entropy, imagecuda_kernels::jpeg::picture::BLOCK};

/// A file whose markers have been read.
pub(crate) struct Jpeg<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) file: File,
    pub(super) header: Header,
    pub(super) damaged: bool,
}

impl<'a> Jpeg<'a> {
    /// Reads the markers of a file: a whole one or, if it is `damaged`, one that may lack anything
    /// behind the header of its first scan.
    pub(crate) fn read(bytes: &'a [u8], damaged: bool) -> Result<Self> {
        let file = markers::parse(bytes, damaged)?;
        let layout = match file.picture.components {
            1 => Layout::L8,
            3 => Layout::Rgb8,
            4 => Layout::Cmyk8,
            n => return Err(Error::unsupported(format!("JPEG of {n} components"))),
        };
        let header = Header {
            width: file.picture.width,
            height: file.picture.height,
            layout,
            curve: Curve::Encoded,
        };
        Ok(Self {
            bytes,
            file,
            header,
            damaged,
        })
    }

    /// Takes the components for those of `color`, which has as many, whatever the file says of them.
    #[cfg(feature = "tiff")]
    pub(crate) fn with_color(mut self, color: Color) -> Self {
        self.file.picture.color = color as u32;
        self
    }

    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// Decodes all pixels on the host.
    pub(crate) fn decode(&self, out: &mut [u8]) -> Result<()> {
        pixels::read(&self.file, self.bytes, self.damaged, out)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.file.picture
    }

    /// How the kernels decode the file, if it is one for them.
    pub(crate) fn plan(&self) -> Option<GpuPlan> {
        match self.damaged {
            true => None,
            false => GpuPlan::new(&self.file, self.bytes),
        }
    }

    /// The bytes of all pixels, in the codec's layout.
    pub(crate) fn pixel_bytes(&self) -> usize {
        self.header.bytes()
    }

    /// All pixels, of all coefficients.
    pub(crate) fn pixels(&self, coefficients: &[i16], out: &mut [u8]) {
        pixels::from_coefficients(&self.file, coefficients, out);
    }
}

/// What a GPU makes pixels of by itself.
#[cfg(feature = "cuda")]
impl Jpeg<'_> {
    /// Each component's divisors, in natural order.
    pub(crate) fn quantizers(&self) -> &[[u16; BLOCK]; 4] {
        &self.file.quantizers
    }

    /// All coefficients, as the host decodes them.
    pub(crate) fn coefficients(&self, out: &mut [i16]) -> Result<()> {
        entropy::coefficients(&self.file, self.bytes, self.damaged, out)
    }
}
