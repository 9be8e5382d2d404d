//! The sizes of a picture's bytes.

use bytemuck::{Pod, Zeroable};

/// The most bytes before the first one of a row of a plane.
pub const LONGEST_SHIFT: u32 = 14;

/// The form of a picture's rows and pixels.
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

    /// The size of a row without its filter byte. It fits for every picture that the kernels can
    /// decode.
    #[inline(always)]
    pub fn row_bytes(&self) -> u32 {
        (self.width * self.channels() * self.depth).div_ceil(8)
    }

    /// The size of all rows with their filter bytes.
    #[inline(always)]
    pub fn filtered_bytes(&self) -> u32 {
        (self.row_bytes() + 1) * self.height
    }

    /// The number of planes, which is the distance in bytes between neighbouring bytes for the
    /// filters.
    #[inline(always)]
    pub fn planes(&self) -> u32 {
        (self.channels() * self.depth).div_ceil(8)
    }

    /// The size of a plane's row in bytes.
    #[inline(always)]
    pub fn plane_bytes(&self) -> u32 {
        self.row_bytes() / self.planes()
    }

    /// The number of words between rows of a plane.
    #[inline(always)]
    pub fn stride(&self) -> u32 {
        (self.plane_bytes() + LONGEST_SHIFT).div_ceil(16) * 4
    }

    /// Bytes before the first one of a row of a plane, from a multiple of 16 bytes on: two more than in the
    /// row above, as a row is made two bytes behind that one.
    #[inline(always)]
    pub fn shift(&self, row: u32) -> u32 {
        2 * row % (LONGEST_SHIFT + 2)
    }

    /// The place of a byte of a row of a plane, in bytes.
    #[inline(always)]
    pub fn place(&self, plane: u32, row: u32, byte: u32) -> u32 {
        4 * (plane * self.height + row) * self.stride() + self.shift(row) + byte
    }

    /// The number of words of all planes.
    #[inline(always)]
    pub fn plane_words(&self) -> u32 {
        self.stride() * self.height * self.planes()
    }

    /// The size of a decoded pixel in bytes.
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

    /// Whether bytes only have to be moved from planes to make pixels.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.depth >= 8 && self.color != 3 && self.has_transparency == 0
    }

    /// Whether four pixels in a row are whole words, and a word of each plane.
    #[inline(always)]
    pub fn has_groups(&self) -> bool {
        self.is_plain() && self.width.is_multiple_of(4)
    }

    /// Whether the kernels can count its rows and bytes.
    pub fn is_countable(&self) -> bool {
        let bits = u64::from(self.width) * u64::from(self.channels() * self.depth);
        let bytes = (bits.div_ceil(8) + 16) * u64::from(self.height);
        let pixels = u64::from(self.width) * u64::from(self.height);
        let pixel_bytes = pixels * u64::from(self.pixel_bytes());
        let has_pixels = self.width > 0 && self.height > 0;
        has_pixels && self.height <= 1 << 16 && bytes < 1 << 30 && pixel_bytes < 1 << 31
    }
}
