//! Pictures in host memory: the header that a decoder reads, and the pixels that an encoder gets.

use imagecuda_kernels::{expand::Curve, layout::Layout};

/// The header of a picture, after the check against the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The layout of the pixels that [`Decode::read_into`](crate::codec::Decode::read_into) writes.
    pub(crate) layout: Layout,
    /// Whether the samples are sRGB-encoded or linear.
    pub(crate) curve: Curve,
}

impl Header {
    /// The size of all pixels in bytes. It does not overflow, because the limits were checked.
    pub(crate) fn bytes(&self) -> usize {
        self.layout
            .bytes(self.width, self.height)
            .unwrap_or(usize::MAX)
    }
}

/// Pixels for an encoder: packed rows in the layout that
/// [`encoder_input`](crate::codec::encoder_input) asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) data: &'a [u8],
}
