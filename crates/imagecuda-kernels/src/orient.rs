//! The eight orientations of EXIF: permutations of pixels.

/// How the pixels of a file are to be oriented for viewing, by EXIF's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Orientation {
    /// As they are.
    #[default]
    Normal = 1,
    /// Mirrored left to right.
    MirrorHorizontal = 2,
    /// Rotated by 180°.
    Rotate180 = 3,
    /// Mirrored top to bottom.
    MirrorVertical = 4,
    /// Rows become columns.
    Transpose = 5,
    /// Rotated by 90° clockwise.
    Rotate90 = 6,
    /// Rows become columns, and the result is rotated by 180°.
    Transverse = 7,
    /// Rotated by 90° counter-clockwise.
    Rotate270 = 8,
}

impl Orientation {
    /// Every orientation, in the order of EXIF's numbers.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::MirrorHorizontal,
        Self::Rotate180,
        Self::MirrorVertical,
        Self::Transpose,
        Self::Rotate90,
        Self::Transverse,
        Self::Rotate270,
    ];

    /// The orientation of EXIF's number, 1 to 8.
    pub fn from_exif(number: u32) -> Option<Self> {
        let index = number.checked_sub(1)? as usize;
        Self::ALL.get(index).copied()
    }

    /// Whether width and height are swapped.
    pub const fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270
        )
    }

    /// The size of `width` × `height` pixels once they are oriented.
    pub const fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// The index among the file's pixels, which are in rows from the top left, of pixel `x`, `y` of
    /// the oriented picture of `width` × `height` pixels.
    #[inline(always)]
    pub fn source(self, x: usize, y: usize, width: usize, height: usize) -> usize {
        let (right, up) = (width - 1 - x, height - 1 - y);
        match self {
            Self::Normal => y * width + x,
            Self::MirrorHorizontal => y * width + right,
            Self::Rotate180 => up * width + right,
            Self::MirrorVertical => up * width + x,
            // The rows of the file are `height` long.
            Self::Transpose => x * height + y,
            Self::Rotate90 => right * height + y,
            Self::Transverse => right * height + up,
            Self::Rotate270 => x * height + up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec::Vec};

    /// The letter F in a file of each orientation, as the standard's table shows it.
    #[test]
    fn turns_every_f_upright() {
        let upright = ["###", "#..", "##.", "#..", "#.."];
        let files: [&[&str]; 8] = [
            &["###", "#..", "##.", "#..", "#.."],
            &["###", "..#", ".##", "..#", "..#"],
            &["..#", "..#", ".##", "..#", "###"],
            &["#..", "#..", "##.", "#..", "###"],
            &["#####", "#.#..", "#...."],
            &["#....", "#.#..", "#####"],
            &["....#", "..#.#", "#####"],
            &["#####", "..#.#", "....#"],
        ];
        for (file, orientation) in files.iter().zip(Orientation::ALL) {
            let pixels: Vec<u8> = file.concat().into_bytes();
            let (w, h) = (file[0].len() as u32, file.len() as u32);
            assert_eq!(orientation.size(w, h), (3, 5), "{orientation:?}");
            let viewed: Vec<String> = (0..5)
                .map(|y| {
                    (0..3)
                        .map(|x| pixels[orientation.source(x, y, 3, 5)] as char)
                        .collect()
                })
                .collect();
            assert_eq!(viewed, upright, "{orientation:?}");
        }
    }

    #[test]
    fn numbers_are_exifs() {
        for (number, orientation) in (1..=8).zip(Orientation::ALL) {
            assert_eq!(Orientation::from_exif(number), Some(orientation));
            assert_eq!(orientation as u32, number);
        }
        assert_eq!(Orientation::from_exif(0), None);
        assert_eq!(Orientation::from_exif(9), None);
    }
}
