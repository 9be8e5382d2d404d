//! A picture, as far as its bytes go.

use bytemuck::{Pod, Zeroable};

/// What rows are made of, and pixels become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// Bits of a sample: 1, 2, 4, 8 or 16.
    pub depth: u32,
    /// 0: gray, 2: RGB, 3: palette, 4: gray and alpha, 6: RGB and alpha.
    pub color: u32,
    /// Whether a colour or colours of the palette are transparent.
    pub has_transparency: u32,
    /// The samples of the transparent colour, if it is no palette.
    pub transparent: [u32; 3],
}

impl Picture {
    /// Samples of a pixel in the file.
    #[inline(always)]
    pub fn channels(&self) -> u32 {
        match self.color {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }

    /// Bytes of a row without its filter. They fit for every picture that the kernels take.
    #[inline(always)]
    pub fn row_bytes(&self) -> u32 {
        (self.width * self.channels() * self.depth).div_ceil(8)
    }

    /// Bytes of all rows, each with its filter.
    #[inline(always)]
    pub fn filtered_bytes(&self) -> u32 {
        (self.row_bytes() + 1) * self.height
    }

    /// Planes of bytes: the distance from a byte to that which filters take for the one left of it.
    #[inline(always)]
    pub fn planes(&self) -> u32 {
        (self.channels() * self.depth).div_ceil(8)
    }

    /// Bytes of a plane's row.
    #[inline(always)]
    pub fn plane_bytes(&self) -> u32 {
        self.row_bytes() / self.planes()
    }

    /// Words between the rows of a plane.
    #[inline(always)]
    pub fn stride(&self) -> u32 {
        self.plane_bytes().div_ceil(16) * 4
    }

    /// Words of all planes.
    #[inline(always)]
    pub fn plane_words(&self) -> u32 {
        self.stride() * self.height * self.planes()
    }

    /// Bytes of a pixel that is made.
    #[inline(always)]
    pub fn pixel_bytes(&self) -> u32 {
        let alpha = self.has_transparency;
        match self.color {
            0 => (1 + alpha) * self.sample_bytes(),
            2 => (3 + alpha) * self.sample_bytes(),
            3 => 3 + alpha,
            4 => 2 * self.sample_bytes(),
            _ => 4 * self.sample_bytes(),
        }
    }

    #[inline(always)]
    fn sample_bytes(&self) -> u32 {
        if self.depth == 16 { 2 } else { 1 }
    }

    /// Whether bytes only have to be taken from planes to be pixels.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.depth >= 8 && self.color != 3 && self.has_transparency == 0
    }

    /// Whether four pixels in a row are whole words, and a word of each plane.
    #[inline(always)]
    pub fn has_groups(&self) -> bool {
        self.is_plain() && self.width.is_multiple_of(4)
    }

    /// Whether the kernels can count it: its rows, and the bytes of all of them.
    pub fn is_countable(&self) -> bool {
        let bits = u64::from(self.width) * u64::from(self.channels() * self.depth);
        let bytes = (bits.div_ceil(8) + 16) * u64::from(self.height);
        let pixels = u64::from(self.width) * u64::from(self.height);
        let pixel_bytes = pixels * u64::from(self.pixel_bytes());
        let has_pixels = self.width > 0 && self.height > 0;
        has_pixels && self.height <= 1 << 16 && bytes < 1 << 30 && pixel_bytes < 1 << 31
    }
}
