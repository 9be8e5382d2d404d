//! A parsed JPEG file, and the data that a device needs to decode it.

use super::{
    entropy::planes::starts::Positions,
    entropy_segment::LookedAt,
    file::File,
    markers,
    pixels::{self, Window},
    plan::GpuPlan,
    samples,
};
use crate::{
    Error, Result,
    picture::{Area, Header},
};
#[cfg(feature = "tiff")]
use imagecuda_kernels::jpeg::picture::Color;
use imagecuda_kernels::{expand::Curve, jpeg::picture::Picture, layout::Layout};
#[cfg(feature = "cuda")]
use {
    super::entropy,
    imagecuda_kernels::jpeg::{picture::BLOCK, scaled::Scaled},
};

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
        Self::of(bytes, markers::parse(bytes, damaged)?, damaged)
    }

    /// Reads the markers of a file, of whose first scan something is known.
    pub(crate) fn read_known(bytes: &'a [u8], known: &LookedAt) -> Result<Self> {
        Self::of(
            bytes,
            markers::parse_known(bytes, false, Some(known))?,
            false,
        )
    }

    fn of(bytes: &'a [u8], file: File, damaged: bool) -> Result<Self> {
        // Samples of other depths become floats, which are exact.
        let layout = match (file.picture.components, file.bits) {
            (1, 8) => Layout::L8,
            (3, 8) => Layout::Rgb8,
            (4, 8) => Layout::Cmyk8,
            (1, 16) => Layout::L16,
            (3, 16) => Layout::Rgb16,
            (1, _) => Layout::L32F,
            (3, _) => Layout::Rgb32F,
            // There is no layout for CMYK of floats.
            (4, _) => Layout::Cmyk16,
            (n, _) => return Err(Error::unsupported(format!("JPEG of {n} components"))),
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

    /// Whether a device can make pixels from the file's coefficients. Otherwise only the host can.
    pub(crate) fn has_bytes(&self) -> bool {
        self.file.has_bytes()
    }

    /// Bits a sample.
    #[cfg(feature = "tiff")]
    pub(crate) fn bits(&self) -> u8 {
        self.file.bits
    }

    /// Decodes the pixels on the host.
    pub(crate) fn decode(&self, out: &mut [u8]) -> Result<()> {
        if self.has_bytes() {
            return pixels::read(&self.file, self.bytes, self.damaged, &self.window, out);
        }
        let bits = self.file.bits;
        let row = self.header.bytes() / self.header.height as usize;
        self.decode_samples(out, row, |samples, out| match self.header.layout.bits() {
            8 => samples_to_bytes(samples, out),
            16 => samples_to_words(samples, bits, out),
            _ => samples_to_floats(samples, bits, out),
        })
    }

    /// Decodes a 12-bit or lossless file to rows of `row` bytes. `put` writes a row from its samples.
    pub(crate) fn decode_samples(
        &self,
        out: &mut [u8],
        row: usize,
        put: impl Fn(&[u16], &mut [u8]) + Sync,
    ) -> Result<()> {
        samples::read(&self.file, self.bytes, self.damaged, out, row, put)
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

    /// Whether all of the picture is decoded, at whatever size.
    pub(crate) fn is_all(&self) -> bool {
        self.window.area == Area::whole(self.window.whole)
    }

    /// Whether the picture is decoded at its full size.
    pub(crate) fn is_full_size(&self) -> bool {
        self.window.unit() == 8
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

    /// Whether kernels may be able to decode the file: [`plan`](Self::plan) says whether they are.
    pub(crate) fn may_have_plan(&self) -> bool {
        !self.damaged && GpuPlan::is_for_kernels(&self.file)
    }

    /// The plan for decoding on a GPU, alone or with other pictures. `None` if the kernels cannot
    /// decode this file.
    pub(crate) fn plan(&self, alone: bool) -> Option<GpuPlan> {
        match self.damaged {
            true => None,
            false => GpuPlan::new(&self.file, self.bytes, alone),
        }
    }

    /// How to find the blocks of a progressive file, which kernels can then decode. `None` for other
    /// files, and for irregular ones.
    pub(crate) fn positions(&self) -> Option<Positions<'_>> {
        Positions::of(&self.file, self.bytes)
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

fn samples_to_bytes(samples: &[u16], out: &mut [u8]) {
    for (out, &sample) in out.iter_mut().zip(samples) {
        *out = sample as u8;
    }
}

/// Scales samples to 16 bits, in the machine's byte order.
fn samples_to_words(samples: &[u16], bits: u8, out: &mut [u8]) {
    let top = (1u32 << bits) - 1;
    for (out, &sample) in out.as_chunks_mut().0.iter_mut().zip(samples) {
        let share = (u32::from(sample) * 65_535 + top / 2) / top;
        *out = (share as u16).to_ne_bytes();
    }
}

fn samples_to_floats(samples: &[u16], bits: u8, out: &mut [u8]) {
    let top = ((1u32 << bits) - 1) as f32;
    for (out, &sample) in out.as_chunks_mut().0.iter_mut().zip(samples) {
        *out = (f32::from(sample) / top).to_ne_bytes();
    }
}

/// The data from which a GPU makes pixels without the host.
#[cfg(feature = "cuda")]
impl Jpeg<'_> {
    /// The picture at the size that is decoded, if that is [all](Self::is_all) of it.
    pub(crate) fn scaled(&self) -> &Scaled {
        &self.window.scaled
    }

    /// The quantization table of each component, in natural order.
    pub(crate) fn quantizers(&self) -> &[[u16; BLOCK]; 4] {
        &self.file.quantizers
    }

    /// Decodes all coefficients on the host.
    pub(crate) fn coefficients(&self, out: &mut [i16]) -> Result<()> {
        entropy::coefficients(&self.file, self.bytes, self.damaged, out)
    }
}
