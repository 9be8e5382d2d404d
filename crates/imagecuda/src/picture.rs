//! Pictures in host memory: the header that a decoder reads, parts of a picture, and the pixels that
//! an encoder gets.

use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    orient::{Orientation, View},
};

/// The header of a picture, after the check against the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The layout of the pixels that [`Decode::read_into`](crate::codec::Decode::read_into) writes.
    pub(crate) layout: Layout,
    /// Whether the samples are sRGB-encoded or linear.
    pub(crate) curve: Curve,
}

impl Header {
    /// The size of all pixels in bytes. It does not overflow, because the limits were checked.
    pub(crate) fn bytes(&self) -> usize {
        self.layout
            .bytes(self.width, self.height)
            .unwrap_or(usize::MAX)
    }
}

/// Pixels for an encoder: packed rows in the layout that
/// [`encoder_input`](crate::codec::encoder_input) asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) data: &'a [u8],
}

/// A rectangle of pixels. It is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Area {
    /// All of a picture of this size.
    pub(crate) fn whole((width, height): (u32, u32)) -> Self {
        let (x, y) = (0, 0);
        Self {
            x,
            y,
            width,
            height,
        }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Whether all of it is in a picture of this size.
    pub(crate) fn is_within(&self, (width, height): (u32, u32)) -> bool {
        let ends_within = |start: u32, length: u32, size: u32| {
            let end = start.checked_add(length);
            end.is_some_and(|end| end <= size)
        };
        ends_within(self.x, self.width, width) && ends_within(self.y, self.height, height)
    }

    /// The same pixels in the coordinates of `outer`, which contains them.
    pub(crate) fn within(self, outer: Self) -> Self {
        Self {
            x: self.x - outer.x,
            y: self.y - outer.y,
            ..self
        }
    }

    /// The pixels that it touches of a picture whose sides are divided by `divisor`.
    pub(crate) fn divided(self, divisor: u32) -> Self {
        let (x, y) = (self.x / divisor, self.y / divisor);
        Self {
            x,
            y,
            width: (self.x + self.width).div_ceil(divisor) - x,
            height: (self.y + self.height).div_ceil(divisor) - y,
        }
    }

    /// The area of the file's pixels that this area of the oriented picture shows. That picture has
    /// the size `viewed`.
    pub(crate) fn stored(self, orientation: Orientation, viewed: (u32, u32)) -> Self {
        let view = View {
            left: self.x,
            top: self.y,
            ..View::whole(orientation, viewed.0, viewed.1)
        };
        let pitch = orientation.size(viewed.0, viewed.1).0 as usize;
        let place = |x: u32, y: u32| {
            let index = view.source(x as usize, y as usize);
            ((index % pitch) as u32, (index / pitch) as u32)
        };
        let (a, b) = (place(0, 0), place(self.width - 1, self.height - 1));
        Self {
            x: a.0.min(b.0),
            y: a.1.min(b.1),
            width: a.0.abs_diff(b.0) + 1,
            height: a.1.abs_diff(b.1) + 1,
        }
    }

    /// The area of the oriented picture that shows this area of the file's pixels, which have the
    /// size `stored`.
    pub(crate) fn viewed(self, orientation: Orientation, stored: (u32, u32)) -> Self {
        self.stored(orientation.inverse(), stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_turned_as_its_pixels_are() {
        let (stored, area) = (
            (7, 5),
            Area {
                x: 1,
                y: 2,
                width: 4,
                height: 2,
            },
        );
        // The viewed x and y of the area: by hand, as the standard turns a picture.
        let expected = [
            (1, 2),
            (2, 2),
            (2, 1),
            (1, 1),
            (2, 1),
            (1, 1),
            (1, 2),
            (2, 2),
        ];
        for (orientation, (x, y)) in Orientation::ALL.into_iter().zip(expected) {
            let viewed = area.viewed(orientation, stored);
            assert_eq!((viewed.x, viewed.y), (x, y), "{orientation:?}");
            assert_eq!(viewed.size(), orientation.size(4, 2));
            let whole = orientation.size(stored.0, stored.1);
            assert_eq!(viewed.stored(orientation, whole), area);
        }
    }

    #[test]
    fn an_area_ends_within_the_picture_or_not() {
        let area = |x, width| Area {
            x,
            width,
            y: 0,
            height: 1,
        };
        assert!(area(3, 4).is_within((7, 1)));
        assert!(!area(4, 4).is_within((7, 1)));
        assert!(!area(u32::MAX, 2).is_within((7, 1)));
        assert!(!area(0, 1).is_within((7, 0)));
    }
}
