//! Planes of luma, chroma and alpha to RGBA: upsampling, range, matrix, alpha, cropping and orientation
//! in one pass over the pixels.
//!
//! The memory of a picture holds all its planes. A [`Picture`] says where they lie and what their
//! samples mean. Lossy WebP has its own arithmetic, in [`webp`], and in [`subsample`] on
//! the way back.

pub mod subsample;
pub mod webp;

use crate::{
    orient::Orientation,
    pixel::{RgbaF32, clamp_unit, unit_from_u8},
};
use bytemuck::{Pod, Zeroable};

/// Where the samples of a plane lie. Places count samples, not bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Plane {
    /// The first sample.
    pub start: u64,
    /// From a row to the next one.
    pub pitch: u32,
    /// From a sample to its right neighbour: more than 1 if planes are interleaved.
    pub step: u32,
    /// Each sample stands for 2^`across` by 2^`down` pixels.
    pub across: u32,
    /// See `across`.
    pub down: u32,
    /// The unused low bits of a sample.
    pub shift: u32,
    /// Zero.
    pub reserved: u32,
}

/// What the samples of a plane mean: `black` is 0, and `whole` more than that is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Range {
    /// The sample for 0.
    pub black: f32,
    /// From the sample for 0 to that for 1.
    pub whole: f32,
}

/// How colours are made of the planes' samples. A constant for each number in [`Picture::model`].
pub mod model {
    /// The first plane is gray.
    pub const GRAY: u32 = 0;
    /// The planes are red, green and blue.
    pub const RGB: u32 = 1;
    /// Luma and two planes of chroma, by a matrix.
    pub const MATRIX: u32 = 2;
    /// YCgCo-R: luma and two planes of differences, which add up in integers (ITU-T H.273).
    pub const REVERSIBLE: u32 = 3;
    /// As libwebp makes RGB, bit for bit.
    pub const WEBP: u32 = 4;
}

/// What alpha is. A constant for each number in [`Picture::alpha`].
pub mod alpha {
    /// There is none, and pixels are opaque.
    pub const NONE: u32 = 0;
    /// The fourth plane.
    pub const STRAIGHT: u32 = 1;
    /// The fourth plane, by which the colours were multiplied.
    pub const PREMULTIPLIED: u32 = 2;
}

/// A picture in planes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Picture {
    /// Three planes of colour, or one of gray, and then alpha.
    pub planes: [Plane; 4],
    /// The range of each plane.
    pub ranges: [Range; 4],
    /// How much of each plane of chroma is in red, in green and in blue.
    pub matrix: [[f32; 2]; 3],
    /// Bytes of a sample: 1 or 2.
    pub sample_bytes: u32,
    /// Zero.
    pub reserved: u32,
    /// One of [`model`].
    pub model: u32,
    /// One of [`alpha`].
    pub alpha: u32,
    /// The size in planes, before cropping and orientation.
    pub coded: [u32; 2],
    /// What is seen of it.
    pub view: View,
}

/// What is seen of the coded picture, and how it is turned: pixel x, y of the view is the coded pixel
/// `origin` + x · `across` + y · `down`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct View {
    /// The coded pixel at the top left.
    pub origin: [i32; 2],
    /// From a pixel to its right neighbour.
    pub across: [i32; 2],
    /// From a pixel to the one below.
    pub down: [i32; 2],
    /// Width and height.
    pub size: [u32; 2],
}

impl View {
    /// All of a picture.
    pub const fn whole(width: u32, height: u32) -> Self {
        Self {
            origin: [0; 2],
            across: [1, 0],
            down: [0, 1],
            size: [width, height],
        }
    }

    /// Pixel `x`, `y` in the coded picture.
    #[inline(always)]
    pub fn coded(&self, x: u32, y: u32) -> [u32; 2] {
        let (x, y) = (x as i32, y as i32);
        let side = |i: usize| self.origin[i] + x * self.across[i] + y * self.down[i];
        [side(0) as u32, side(1) as u32]
    }

    /// The part of this view from `x`, `y` on.
    pub fn cropped(self, [x, y]: [u32; 2], size: [u32; 2]) -> Self {
        let origin = self.coded(x, y).map(|side| side as i32);
        Self {
            origin,
            size,
            ..self
        }
    }

    /// This view, mirrored left to right.
    pub fn mirrored(self) -> Self {
        let corner = self.cropped([self.size[0] - 1, 0], self.size);
        Self {
            across: self.across.map(|step| -step),
            ..corner
        }
    }

    /// This view with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        let [width, height] = self.size;
        Self {
            across: self.down,
            down: self.across,
            size: [height, width],
            ..self
        }
    }

    /// This view, oriented as EXIF says.
    pub fn oriented(self, orientation: Orientation) -> Self {
        // Top to bottom: left to right of the exchanged sides.
        let flipped = |view: Self| view.transposed().mirrored().transposed();
        match orientation {
            Orientation::Normal => self,
            Orientation::MirrorHorizontal => self.mirrored(),
            Orientation::Rotate180 => flipped(self.mirrored()),
            Orientation::MirrorVertical => flipped(self),
            Orientation::Transpose => self.transposed(),
            Orientation::Rotate90 => self.transposed().mirrored(),
            Orientation::Transverse => flipped(self.transposed().mirrored()),
            Orientation::Rotate270 => flipped(self.transposed()),
        }
    }
}

/// The samples of all planes.
pub trait Samples {
    /// The sample at a place. A place outside is 0.
    fn at(&self, place: usize) -> u32;
}

/// Samples of one byte.
impl Samples for &[u8] {
    #[inline(always)]
    fn at(&self, place: usize) -> u32 {
        self.get(place).copied().unwrap_or_default().into()
    }
}

/// Samples of two bytes in the machine's order, at any address.
impl Samples for &[[u8; 2]] {
    #[inline(always)]
    fn at(&self, place: usize) -> u32 {
        let bytes = self.get(place).copied().unwrap_or_default();
        u16::from_ne_bytes(bytes).into()
    }
}

/// Samples of two bytes, aligned.
impl Samples for &[u16] {
    #[inline(always)]
    fn at(&self, place: usize) -> u32 {
        self.get(place).copied().unwrap_or_default().into()
    }
}

impl Picture {
    /// The sample of plane `number` for a coded pixel.
    #[inline(always)]
    fn sample(&self, samples: &impl Samples, number: usize, [x, y]: [u32; 2]) -> u32 {
        let plane = &self.planes[number];
        self.sample_at(samples, number, [x >> plane.across, y >> plane.down])
    }

    /// The sample of plane `number` in this column and row.
    #[inline(always)]
    fn sample_at(&self, samples: &impl Samples, number: usize, [x, y]: [u32; 2]) -> u32 {
        let plane = &self.planes[number];
        let place = plane.start as usize
            + y as usize * plane.pitch as usize
            + x as usize * plane.step as usize;
        samples.at(place) >> plane.shift
    }

    /// The sample of plane `number` for a coded pixel, by the plane's range.
    #[inline(always)]
    fn share(&self, samples: &impl Samples, number: usize, at: [u32; 2]) -> f32 {
        let Range { black, whole } = self.ranges[number];
        (self.sample(samples, number, at) as f32 - black) / whole
    }
}

/// Pixel `x`, `y` of the view of `picture`.
#[inline(always)]
pub fn pixel(picture: &Picture, samples: &impl Samples, x: u32, y: u32) -> RgbaF32 {
    let at = picture.view.coded(x, y);
    let share = |number| picture.share(samples, number, at);
    let rgb = match picture.model {
        model::GRAY => [clamp_unit(share(0)); 3],
        model::RGB => [0, 1, 2].map(|number| clamp_unit(share(number))),
        model::MATRIX => {
            let (luma, blue, red) = (share(0), share(1), share(2));
            picture
                .matrix
                .map(|[of_blue, of_red]| clamp_unit(luma + of_blue * blue + of_red * red))
        }
        model::REVERSIBLE => reversible(picture, samples, at),
        _ => webp::rgb(picture, samples, at).map(unit_from_u8),
    };
    let [r, g, b] = rgb;
    match picture.alpha {
        alpha::NONE => RgbaF32([r, g, b, 1.0]),
        alpha::STRAIGHT => RgbaF32([r, g, b, clamp_unit(share(3))]),
        _ => {
            let alpha = clamp_unit(share(3));
            let divided = |c: f32| match alpha > 0.0 {
                true => clamp_unit(c / alpha),
                false => c,
            };
            RgbaF32([divided(r), divided(g), divided(b), alpha])
        }
    }
}

/// The inverse of YCgCo-R. Chroma's `black` is the sample that stands for no difference.
#[inline(always)]
fn reversible(picture: &Picture, samples: &impl Samples, at: [u32; 2]) -> [f32; 3] {
    let sample = |number| picture.sample(samples, number, at) as i32;
    let chroma = |number: usize| sample(number) - picture.ranges[number].black as i32;
    let (luma, green, orange) = (sample(0), chroma(1), chroma(2));
    let rest = luma - (green >> 1);
    let blue = rest - (orange >> 1);
    let Range { black, whole } = picture.ranges[0];
    [blue + orange, green + rest, blue].map(|c| clamp_unit((c as f32 - black) / whole))
}

#[cfg(test)]
mod tests;
