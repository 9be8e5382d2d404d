//! Pixels of the samples of a picture.

use super::{
    color::{to_inks, ycc_to_rgb},
    picture::{Color, Picture},
    upsample::{self, Upsampling},
};
use crate::{
    expand::Expand,
    texel::{Cmyk8, L8, Rgb8},
};

/// The pixels `2 * pair` and `2 * pair + 1` of row `y` of a picture, of its samples: gray, RGB or
/// inks, the first channel lowest. What is not there is anything.
#[inline(always)]
pub fn pair(picture: &Picture, samples: &[u8], pair: u32, y: u32) -> [u32; 2] {
    let component = |i: usize| {
        let component = &picture.component[i];
        let plane = samples.get(component.start()..).unwrap_or(&[]);
        let how = Upsampling::from_number(component.upsampling);
        upsample::pair(plane, component, picture, how, pair, y)
    };
    let pixel = u32::from_le_bytes;
    match picture.color() {
        Color::Gray => component(0).map(u32::from),
        Color::Rgb => {
            let [r, g, b] = [component(0), component(1), component(2)];
            [pixel([r[0], g[0], b[0], 0]), pixel([r[1], g[1], b[1], 0])]
        }
        Color::Ycc => {
            let [l, b, r] = [component(0), component(1), component(2)];
            let rgb = |i: usize| {
                let [r, g, b] = ycc_to_rgb([l[i], b[i], r[i]]);
                pixel([r, g, b, 0])
            };
            [rgb(0), rgb(1)]
        }
        color => {
            let [c, m, y, k] = [component(0), component(1), component(2), component(3)];
            let inks = |i: usize| pixel(to_inks([c[i], m[i], y[i], k[i]], color));
            [inks(0), inks(1)]
        }
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
