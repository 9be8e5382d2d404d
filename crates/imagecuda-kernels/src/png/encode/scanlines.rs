//! A picture as a string of filtered bytes: its rows with their filter numbers, and how the string
//! is divided.

use bytemuck::{Pod, Zeroable};

/// The filtered bytes of a chunk. Only the last chunk has fewer.
pub const CHUNK: u32 = 16 * 1024;

/// The chunks of a block. Only the last block has fewer.
pub const BLOCK: u32 = 8;

/// The bytes of the compressed stream in an IDAT chunk of the file. Only the last one has fewer.
pub const IDAT: u64 = 1 << 20;

/// The most filtered bytes of a picture for the kernels, which count in 32 bits.
pub const LARGEST: u64 = 1 << 31;

/// A picture's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Scanlines {
    /// Bytes of a row, without its filter.
    pub row: u32,
    /// Rows.
    pub height: u32,
    /// 1 to 8.
    pub bytes_per_pixel: u32,
    /// 1 if samples have 16 bits, which a file stores high byte first; otherwise 0.
    pub is_deep: u32,
}

impl Scanlines {
    /// The rows of a picture. `None` if the picture is empty, or has too many bytes for the
    /// kernels.
    pub fn new((width, height): (u32, u32), bytes_per_pixel: u32, is_deep: bool) -> Option<Self> {
        let row = width.checked_mul(bytes_per_pixel)?;
        let bytes = (u64::from(row) + 1) * u64::from(height);
        let is_known = row > 0 && (1..=8).contains(&bytes_per_pixel);
        (is_known && (1..LARGEST).contains(&bytes)).then_some(Self {
            row,
            height,
            bytes_per_pixel,
            is_deep: is_deep.into(),
        })
    }

    /// Filtered bytes.
    #[inline(always)]
    pub fn bytes(&self) -> u32 {
        (self.row + 1) * self.height
    }

    /// Chunks.
    #[inline(always)]
    pub fn chunks(&self) -> u32 {
        self.bytes().div_ceil(CHUNK)
    }

    /// Blocks.
    #[inline(always)]
    pub fn blocks(&self) -> u32 {
        self.chunks().div_ceil(BLOCK)
    }

    /// The bytes of a chunk.
    #[inline(always)]
    pub fn chunk_len(&self, chunk: u32) -> u32 {
        (self.bytes() - chunk * CHUNK).min(CHUNK)
    }

    /// Byte `at` of row `y` in the file's order and those that predict it: the byte, and those left,
    /// above, and above left of it. `byte` reads a byte of the pixels in memory.
    #[inline(always)]
    pub fn neighbors(&self, y: u32, at: u32, byte: impl Fn(usize) -> u8) -> [u8; 4] {
        let (has_left, has_above) = (at >= self.bytes_per_pixel, y > 0);
        let (pixel, row) = (self.bytes_per_pixel as usize, self.row as usize);
        // Memory has the low byte of a sample first. Pixels and rows have whole samples, so
        // neighbours are as far away in memory as in the file.
        let place = y as usize * row + (at ^ self.is_deep) as usize;
        let get = |is_there: bool, distance: usize| match is_there {
            true => byte(place - distance),
            false => 0,
        };
        [
            byte(place),
            get(has_left, pixel),
            get(has_above, row),
            get(has_left && has_above, row + pixel),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_cut_whatever_their_rows() {
        let lines = Scanlines::new((10_000, 5), 3, false).unwrap();
        assert_eq!((lines.row, lines.bytes()), (30_000, 150_005));
        assert_eq!((lines.chunks(), lines.blocks()), (10, 2));
        assert_eq!((lines.chunk_len(8), lines.chunk_len(9)), (CHUNK, 2549));
        assert!(Scanlines::new((0, 5), 3, false).is_none());
        assert!(Scanlines::new((5, 0), 3, false).is_none());
        assert!(Scanlines::new((65_535, 4_097), 8, true).is_none());
        assert!(Scanlines::new((65_535, 4_096), 8, true).is_some());
    }

    #[test]
    fn bytes_have_their_neighbors() {
        let data: [u8; 24] = core::array::from_fn(|i| i as u8 + 1);
        let lines = Scanlines::new((4, 2), 3, false).unwrap();
        let of = |y, at| lines.neighbors(y, at, |i| data[i]);
        assert_eq!(of(0, 0), [1, 0, 0, 0]);
        assert_eq!(of(0, 4), [5, 2, 0, 0]);
        assert_eq!(of(1, 2), [15, 0, 3, 0]);
        assert_eq!(of(1, 5), [18, 15, 6, 3]);
        let lines = Scanlines::new((2, 3), 4, true).unwrap();
        let of = |y, at| lines.neighbors(y, at, |i| data[i]);
        assert_eq!(of(1, 4), [14, 10, 6, 2]);
        assert_eq!(of(1, 5), [13, 9, 5, 1]);
    }
}
