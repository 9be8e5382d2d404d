//! Pictures in host memory: what a decoder says of one, and the pixels that an encoder gets.

use imagecuda_kernels::{expand::Curve, layout::Layout};

/// What a header says, once checked against the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How [`Decode::read_into`](crate::codec::Decode::read_into) lays the pixels.
    pub(crate) layout: Layout,
    /// What their numbers mean.
    pub(crate) curve: Curve,
}

impl Header {
    /// The bytes of all pixels. Fits, as the limits were checked.
    pub(crate) fn bytes(&self) -> usize {
        self.layout
            .bytes(self.width, self.height)
            .unwrap_or(usize::MAX)
    }
}

/// Pixels ready for an encoder: packed rows in `layout`, as [`plan`](crate::codec::plan) asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) data: &'a [u8],
}
