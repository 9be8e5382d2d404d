//! How to expand a file's pixels.

use imagecuda_kernels::{expand::Curve, layout::Layout, orient::Orientation};

/// How to expand a file's pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpandSpec {
    pub(crate) layout: Layout,
    pub(crate) curve: Curve,
    pub(crate) orientation: Orientation,
    /// The size of the picture as viewed: after the orientation.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl ExpandSpec {
    pub(crate) fn len(&self) -> usize {
        self.width as usize * self.height as usize
    }
}
