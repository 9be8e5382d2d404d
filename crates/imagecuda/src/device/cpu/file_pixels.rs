//! Pixels of a file in its own layout, of which rows become floats one at a time.

use super::{PIECE, convert_colors, vector};
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
    /// The bytes of `width` pixels of row `y` from column `x` on. `turned` is memory that is used again.
    pub(in crate::device) fn row<'b>(
        &'b self,
        (x, y): (usize, usize),
        width: usize,
        turned: &'b mut Vec<u8>,
    ) -> &'b [u8] {
        let bytes_per_pixel = self.spec.layout.bytes_per_pixel();
        let (bytes, view) = (width * bytes_per_pixel, self.spec.view);
        if view.orientation == Orientation::Normal {
            return &self.bytes[view.source(x, y) * bytes_per_pixel..][..bytes];
        }
        turned.resize(bytes, 0);
        let left = view.left + x as u32;
        let part = View { left, ..view };
        host::orient_row(part, bytes_per_pixel, self.bytes, y, turned);
        turned
    }

    /// Writes the pixels of row `y` from column `x` on, as floats.
    pub(in crate::device) fn write_row(
        &self,
        place: (usize, usize),
        row: &mut [RgbaF32],
        turned: &mut Vec<u8>,
    ) {
        self.expand_all(self.row(place, row.len(), turned), row);
    }

    /// Expands the pixels of a row.
    fn expand_all(&self, src: &[u8], row: &mut [RgbaF32]) {
        let bytes_per_pixel = self.spec.layout.bytes_per_pixel();
        for (row, src) in row
            .chunks_mut(PIECE)
            .zip(src.chunks(PIECE * bytes_per_pixel))
        {
            self.expand(src, row);
        }
    }

    /// Writes the pixels of row `y` from the columns that `column` gives, as floats.
    pub(in crate::device) fn gather(
        &self,
        y: usize,
        column: impl Fn(usize) -> usize,
        row: &mut [RgbaF32],
        gathered: &mut Vec<u8>,
    ) {
        let bytes_per_pixel = self.spec.layout.bytes_per_pixel();
        gathered.clear();
        for x in 0..row.len() {
            let at = self.spec.view.source(column(x), y) * bytes_per_pixel;
            gathered.extend_from_slice(&self.bytes[at..][..bytes_per_pixel]);
        }
        self.expand_all(gathered, row);
    }

    /// Expands a few pixels, and converts their colours.
    pub(super) fn expand(&self, src: &[u8], dst: &mut [RgbaF32]) {
        let ExpandSpec { layout, curve, .. } = self.spec;
        let shaper = self.conversion.and_then(Conversion::shaper);
        if let (Some(shaper), Curve::Encoded) = (shaper, curve) {
            return vector::expand_shaped(layout, shaper, src, dst);
        }
        vector::expand(layout, curve, src, dst);
        if let Some(conversion) = self.conversion {
            convert_colors(conversion, dst);
        }
    }
}
