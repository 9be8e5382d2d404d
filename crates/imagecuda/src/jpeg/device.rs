//! A parsed JPEG file, and the data that a device needs to decode it.

use super::{
    file::File,
    markers,
    pixels::{self, Window},
    plan::GpuPlan,
};
use crate::{
    Error, Result,
    picture::{Area, Header},
};
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
    /// What of the picture is decoded.
    pub(super) window: Window,
}

impl<'a> Jpeg<'a> {
    /// Reads the markers of a file. With `damaged`, anything may be missing after the header of the
    /// first scan.
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
            window: Window::whole(&file.picture),
            bytes,
            file,
            header,
            damaged,
        })
    }

    /// Interprets the components as `color`, whatever the file says. `color` must have the same
    /// number of components.
    #[cfg(feature = "tiff")]
    pub(crate) fn with_color(mut self, color: Color) -> Self {
        self.file.picture.color = color as u32;
        self.window.set_color(color as u32);
        self
    }

    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// Decodes the pixels on the host.
    pub(crate) fn decode(&self, out: &mut [u8]) -> Result<()> {
        pixels::read(&self.file, self.bytes, self.damaged, &self.window, out)
    }

    /// Decodes at `eighths` of the size from now on: 4, 2 or 1.
    pub(crate) fn reduce(&mut self, eighths: u32) {
        self.set_window(Window::all(&self.file.picture, eighths));
    }

    /// Decodes only an area that contains `needed` from now on, and returns that area.
    pub(crate) fn narrow(&mut self, needed: Area) -> Area {
        self.set_window(self.window.narrowed(&self.file.picture, needed));
        self.window.area
    }

    fn set_window(&mut self, window: Window) {
        (self.header.width, self.header.height) = window.area.size();
        self.window = window;
    }

    /// Whether all of the picture is decoded, at its full size.
    pub(crate) fn is_all(&self) -> bool {
        self.window.is_all()
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.file.picture
    }

    /// The plan for decoding on a GPU. `None` if the kernels cannot decode this file.
    pub(crate) fn plan(&self) -> Option<GpuPlan> {
        match self.damaged {
            true => None,
            false => GpuPlan::new(&self.file, self.bytes),
        }
    }

    /// The size in bytes of all pixels, in the codec's layout.
    pub(crate) fn pixel_bytes(&self) -> usize {
        self.header.bytes()
    }

    /// Makes all pixels from `coefficients`.
    pub(crate) fn pixels(&self, coefficients: &[i16], out: &mut [u8]) {
        pixels::from_coefficients(&self.file, &self.window, coefficients, out);
    }
}

/// The data from which a GPU makes pixels without the host.
#[cfg(feature = "cuda")]
impl Jpeg<'_> {
    /// The quantization table of each component, in natural order.
    pub(crate) fn quantizers(&self) -> &[[u16; BLOCK]; 4] {
        &self.file.quantizers
    }

    /// Decodes all coefficients on the host.
    pub(crate) fn coefficients(&self, out: &mut [i16]) -> Result<()> {
        entropy::coefficients(&self.file, self.bytes, self.damaged, out)
    }
}
