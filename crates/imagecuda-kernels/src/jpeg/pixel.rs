//! Samples of a picture to its pixels.

use super::{
    color::{to_cmyk, ycc_to_rgb},
    picture::{Color, Picture},
    upsample::{self, Samples, Upsampling},
};
use crate::{
    expand::Expand,
    texel::{Cmyk8, L8, Rgb8},
};

/// The pixels `2 * pair` and `2 * pair + 1` of row `y` of a picture, from its samples: gray, RGB or
/// CMYK, with the first channel in the lowest byte. Pixels past the edge may be anything.
#[inline(always)]
pub fn pair(picture: &Picture, samples: impl Samples, pair: u32, y: u32) -> [u32; 2] {
    let at = At {
        picture,
        samples,
        pair,
        y,
    };
    match picture.color() {
        Color::Gray => at.any(0).map(u32::from),
        Color::Rgb => {
            let [r, g, b] = [at.any(0), at.any(1), at.any(2)];
            [pixel([r[0], g[0], b[0], 0]), pixel([r[1], g[1], b[1], 0])]
        }
        // Nearly all files are like one of these: one branch instead of one for each component.
        Color::Ycc => match (at.how(0), at.how(1), at.how(1) == at.how(2)) {
            (Upsampling::None, Upsampling::None, true) => at.common(Upsampling::None),
            (Upsampling::None, Upsampling::Across, true) => at.common(Upsampling::Across),
            (Upsampling::None, Upsampling::Both, true) => at.common(Upsampling::Both),
            _ => rgb(at.any(0), at.any(1), at.any(2)),
        },
        color => {
            let [c, m, y, k] = [at.any(0), at.any(1), at.any(2), at.any(3)];
            [
                pixel(to_cmyk([c[0], m[0], y[0], k[0]], color)),
                pixel(to_cmyk([c[1], m[1], y[1], k[1]], color)),
            ]
        }
    }
}

/// Two pixels of a picture.
#[derive(Clone, Copy)]
struct At<'a, S> {
    picture: &'a Picture,
    samples: S,
    pair: u32,
    y: u32,
}

impl<S: Samples> At<'_, S> {
    #[inline(always)]
    fn how(self, component: usize) -> Upsampling {
        Upsampling::from_number(self.picture.component[component].upsampling)
    }

    /// The samples of a component.
    #[inline(always)]
    fn component(self, component: usize, how: Upsampling) -> [u8; 2] {
        let part = &self.picture.component[component];
        upsample::pair(self.samples, part, self.picture, how, self.pair, self.y)
    }

    #[inline(always)]
    fn any(self, component: usize) -> [u8; 2] {
        self.component(component, self.how(component))
    }

    /// With luma at full resolution, and Cb and Cr upsampled in the same way.
    #[inline(always)]
    fn common(self, how: Upsampling) -> [u32; 2] {
        rgb(
            self.component(0, Upsampling::None),
            self.component(1, how),
            self.component(2, how),
        )
    }
}

#[inline(always)]
fn rgb(l: [u8; 2], b: [u8; 2], r: [u8; 2]) -> [u32; 2] {
    let [first, second] = [
        ycc_to_rgb([l[0], b[0], r[0]]),
        ycc_to_rgb([l[1], b[1], r[1]]),
    ];
    [
        pixel([first[0], first[1], first[2], 0]),
        pixel([second[0], second[1], second[2], 0]),
    ]
}

#[inline(always)]
fn pixel(channels: [u8; 4]) -> u32 {
    u32::from_le_bytes(channels)
}

/// The red, green and blue of a pixel of [`pair`] that is not CMYK.
#[inline(always)]
pub fn bytes(color: Color, pixel: u32) -> [u8; 3] {
    let [a, b, c, _] = pixel.to_le_bytes();
    match color {
        Color::Gray => [a; 3],
        _ => [a, b, c],
    }
}

/// A pixel of [`pair`] as a device holds it.
#[inline(always)]
pub fn expand<D: Expand>(color: Color, pixel: u32) -> D {
    let [a, b, c, d] = pixel.to_le_bytes();
    match color {
        Color::Gray => D::from_encoded(L8([a])),
        Color::Rgb | Color::Ycc => D::from_encoded(Rgb8([a, b, c])),
        _ => D::from_encoded(Cmyk8([a, b, c, d])),
    }
}
