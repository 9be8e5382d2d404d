//! The eight orientations of EXIF, and parts of pictures: where pixels come from.

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

    /// The orientation that undoes this one.
    pub const fn inverse(self) -> Self {
        match self {
            Self::Rotate90 => Self::Rotate270,
            Self::Rotate270 => Self::Rotate90,
            other => other,
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

/// A part of an oriented picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The orientation of the picture.
    pub orientation: Orientation,
    /// The size of the whole picture once it is oriented.
    pub width: u32,
    /// See [`width`](Self::width).
    pub height: u32,
    /// Where the part begins in the oriented picture.
    pub left: u32,
    /// See [`left`](Self::left).
    pub top: u32,
}

impl View {
    /// The whole of an oriented picture of `width` × `height` pixels.
    pub const fn whole(orientation: Orientation, width: u32, height: u32) -> Self {
        Self {
            orientation,
            width,
            height,
            left: 0,
            top: 0,
        }
    }

    /// The index among the file's pixels of pixel `x`, `y` of the part.
    #[inline(always)]
    pub fn source(&self, x: usize, y: usize) -> usize {
        let (x, y) = (self.left as usize + x, self.top as usize + y);
        let (width, height) = (self.width as usize, self.height as usize);
        self.orientation.source(x, y, width, height)
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
    fn a_part_of_a_view_is_cut_from_the_whole() {
        for orientation in Orientation::ALL {
            let (width, height) = orientation.size(7, 4);
            let whole = View::whole(orientation, width, height);
            let part = View {
                left: 2,
                top: 1,
                ..whole
            };
            for (x, y) in [(0, 0), (1, 0), (0, 2), (1, 2)] {
                assert_eq!(part.source(x, y), whole.source(x + 2, y + 1));
                assert!(part.source(x, y) < 28, "{orientation:?}");
            }
        }
    }

    #[test]
    fn the_inverse_leads_back() {
        for orientation in Orientation::ALL {
            let (width, height) = orientation.size(7, 4);
            let (width, height) = (width as usize, height as usize);
            for viewed in 0..28 {
                let stored = orientation.source(viewed % width, viewed / width, width, height);
                let back = orientation.inverse().source(stored % 7, stored / 7, 7, 4);
                assert_eq!(back, viewed, "{orientation:?}");
            }
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
