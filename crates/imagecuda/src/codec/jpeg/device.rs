//! A file, and what a device needs of it to decode it by itself.

use super::{file::File, pixels, plan::Plan};
use crate::codec::Header;
use imagecuda_kernels::jpeg::picture::Picture;
#[cfg(feature = "cuda")]
use {super::entropy, crate::Result, imagecuda_kernels::jpeg::picture::BLOCK};

/// A file whose markers have been read.
pub(crate) struct Jpeg<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) file: File,
    pub(super) header: Header,
    pub(super) damaged: bool,
}

impl Jpeg<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.file.picture
    }

    /// How the kernels decode the file, if it is one for them.
    pub(crate) fn plan(&self) -> Option<Plan> {
        match self.damaged {
            true => None,
            false => Plan::new(&self.file, self.bytes),
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
        out.fill(0);
        entropy::coefficients(&self.file, self.bytes, self.damaged, out)
    }
}
