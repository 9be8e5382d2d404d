//! Samples of a picture to its pixels.

use super::{
    color::{to_cmyk, ycc_to_rgb},
    picture::{Color, Picture},
    upsample::{self, Samples, Upsampling},
};
use crate::{
    expand::Expand,
    texel::{Cmyk8, Rgb8},
};

/// The pixels `2 * pair` and `2 * pair + 1` of row `y` of a picture, from its samples: RGB, gray as RGB, or
/// CMYK, with the first channel in the lowest byte. Pixels past the edge may be anything.
#[inline(always)]
pub fn pair(picture: &Picture, samples: impl Samples, pair: u32, y: u32) -> [u32; 2] {
    let both = |component: usize| {
        let part = &picture.component[component];
        let how = Upsampling::from_number(part.upsampling);
        upsample::pair(samples, part, picture, how, pair, y)
    };
    let color = picture.color();
    match color {
        Color::Gray => both(0).map(|gray| pixel([gray, gray, gray, 0])),
        Color::Rgb | Color::Ycc => {
            let [a, b, c] = [both(0), both(1), both(2)];
            let rgb = |i: usize| match color {
                Color::Rgb => [a[i], b[i], c[i]],
                _ => ycc_to_rgb([a[i], b[i], c[i]]),
            };
            let ([r, g, b], [r1, g1, b1]) = (rgb(0), rgb(1));
            [pixel([r, g, b, 0]), pixel([r1, g1, b1, 0])]
        }
        _ => {
            let [c, m, y, k] = [both(0), both(1), both(2), both(3)];
            [
                pixel(to_cmyk([c[0], m[0], y[0], k[0]], color)),
                pixel(to_cmyk([c[1], m[1], y[1], k[1]], color)),
            ]
        }
    }
}

#[inline(always)]
fn pixel(channels: [u8; 4]) -> u32 {
    u32::from_le_bytes(channels)
}

/// A pixel of [`pair`] as a device holds it.
#[inline(always)]
pub fn expand<D: Expand>(color: Color, pixel: u32) -> D {
    match color {
        Color::Gray | Color::Rgb | Color::Ycc => expand_rgb(pixel),
        _ => expand_cmyk(pixel),
    }
}

/// The same, if it is not CMYK.
#[inline(always)]
pub fn expand_rgb<D: Expand>(pixel: u32) -> D {
    let [r, g, b, _] = pixel.to_le_bytes();
    D::from_encoded(Rgb8([r, g, b]))
}

/// The same, if it is CMYK.
#[inline(always)]
pub fn expand_cmyk<D: Expand>(pixel: u32) -> D {
    D::from_encoded(Cmyk8(pixel.to_le_bytes()))
}
