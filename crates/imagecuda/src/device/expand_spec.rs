//! How to expand a file's pixels.

use crate::color::Conversion;
use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    orient::{Orientation, View},
};

/// How to expand a file's pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpandSpec {
    pub(crate) layout: Layout,
    pub(crate) curve: Curve,
    /// Where the result is among the file's pixels.
    pub(crate) view: View,
    /// The size of the result: as viewed, and only the part that is wanted.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A new float image, which a device may make as soon as it can.
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
#[derive(Clone, Copy)]
pub(crate) struct NewImage<'a> {
    pub(crate) spec: ExpandSpec,
    pub(crate) conversion: Option<&'a Conversion>,
}

impl ExpandSpec {
    /// For sRGB-encoded pixels that are the result already, but for their layout.
    pub(crate) fn stored(layout: Layout, width: u32, height: u32) -> Self {
        Self {
            layout,
            curve: Curve::Encoded,
            view: View::whole(Orientation::Normal, width, height),
            width,
            height,
        }
    }

    /// The number of the result's pixels.
    pub(crate) fn len(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The number of the file's pixels.
    pub(crate) fn source_len(&self) -> usize {
        self.view.width as usize * self.view.height as usize
    }

    /// Whether the result has all of the file's pixels, in the file's order.
    pub(crate) fn is_stored(&self) -> bool {
        self.view == View::whole(Orientation::Normal, self.width, self.height)
    }
}
