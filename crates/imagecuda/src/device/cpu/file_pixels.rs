//! Pixels of a file in its own layout, of which rows become floats one at a time.

use super::{PIECE, vector};
use crate::{color::Conversion, device::ExpandSpec};
use imagecuda_kernels::{
    expand::Curve,
    host,
    orient::{Orientation, View},
    pixel::RgbaF32,
};

/// The pixels, and what becomes of them.
#[derive(Clone, Copy)]
pub(in crate::device) struct FilePixels<'a> {
    pub(in crate::device) bytes: &'a [u8],
    pub(in crate::device) spec: ExpandSpec,
    pub(in crate::device) conversion: Option<&'a Conversion>,
}

impl FilePixels<'_> {
    /// Writes the pixels of row `y` from column `x` on. `turned` is memory that is used again.
    pub(in crate::device) fn write_row(
        &self,
        (x, y): (usize, usize),
        row: &mut [RgbaF32],
        turned: &mut Vec<u8>,
    ) {
        let bytes_per_pixel = self.spec.layout.bytes_per_pixel();
        let bytes = row.len() * bytes_per_pixel;
        let view = self.spec.view;
        let src = match view.orientation {
            Orientation::Normal => &self.bytes[view.source(x, y) * bytes_per_pixel..][..bytes],
            _ => {
                turned.resize(bytes, 0);
                let left = view.left + x as u32;
                let part = View { left, ..view };
                host::orient_row(part, bytes_per_pixel, self.bytes, y, turned);
                &turned[..]
            }
        };
        for (row, src) in row
            .chunks_mut(PIECE)
            .zip(src.chunks(PIECE * bytes_per_pixel))
        {
            self.expand(src, row);
        }
    }

    /// Expands a few pixels, and converts their colours.
    pub(super) fn expand(&self, src: &[u8], dst: &mut [RgbaF32]) {
        let ExpandSpec { layout, curve, .. } = self.spec;
        match self
            .conversion
            .map(|conversion| (conversion.shaper(), conversion))
        {
            Some((Some(shaper), _)) if curve == Curve::Encoded => {
                vector::expand_shaped(layout, shaper, src, dst);
            }
            conversion => {
                vector::expand(layout, curve, src, dst);
                if let Some((_, conversion)) = conversion {
                    for pixel in dst {
                        *pixel = conversion.apply(*pixel);
                    }
                }
            }
        }
    }
}
