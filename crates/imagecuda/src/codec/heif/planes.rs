//! libheif's planes as those of a payload.

use super::{Heif, decode, rgb_chroma};
use crate::{Device, Error, Format, Result, color::Chromaticities, device::Planes, parallel};
use imagecuda_kernels::planes::{Range, View, alpha, model};
use libheif_rs::{
    Chroma, ColorProfileNCLX, ColorSpace, Image, MatrixCoefficients, Plane, RgbChroma,
};

/// A plane of libheif, with the power of two that its sides are divided by.
struct Source<'a> {
    plane: Plane<&'a [u8]>,
    shift: [u32; 2],
}

impl Heif<'_> {
    /// Decodes the picture to planes for `device`. Chroma is upsampled as libheif does it, by
    /// repeating samples.
    pub(super) fn planes(&self, device: &Device) -> Result<Planes> {
        let native = decode(&self.handle, ColorSpace::Undefined, self.how())?;
        let is_known = |space| {
            use RgbChroma::{C444, Rgb, Rgba};
            matches!(
                space,
                ColorSpace::YCbCr(_) | ColorSpace::Monochrome | ColorSpace::Rgb(C444 | Rgb | Rgba)
            )
        };
        let (image, space) = match native.color_space() {
            Some(space) if is_known(space) => (native, space),
            _ => {
                let space = ColorSpace::Rgb(rgb_chroma(self.header.layout));
                (decode(&self.handle, space, self.how())?, space)
            }
        };
        let mut planes = match space {
            ColorSpace::YCbCr(_) | ColorSpace::Monochrome | ColorSpace::Rgb(RgbChroma::C444) => {
                self.separate(device, &image, space)?
            }
            _ => self.interleaved(device, &image)?,
        };
        planes.picture.view = self.seen(planes.picture.coded)?;
        if self.damaged && planes.is_black()? {
            return Err(Error::decode("nothing of the picture is left"));
        }
        Ok(planes)
    }

    /// What is seen of the picture that libheif gave.
    pub(super) fn seen(&self, coded: [u32; 2]) -> Result<View> {
        let [width, height] = coded;
        let view = match (self.view, self.crop) {
            (Some(view), _) => view,
            (None, None) => View::whole(width, height),
            (None, Some(rect)) => {
                View::whole(width, height).cropped([rect.x, rect.y], [rect.width, rect.height])
            }
        };
        let size = [self.header.width, self.header.height];
        // The last pixel is the farthest, however the picture is turned.
        let corners = [view.coded(0, 0), view.coded(size[0] - 1, size[1] - 1)];
        let fits = corners.iter().all(|[x, y]| *x < width && *y < height);
        if view.size != size || !fits {
            return Err(Error::decode(format!(
                "the picture is {width}x{height}, and its header says {}x{}",
                size[0], size[1]
            )));
        }
        Ok(view)
    }

    /// Planes that libheif has one by one.
    fn separate(&self, device: &Device, image: &Image, space: ColorSpace) -> Result<Planes> {
        let given = image.planes();
        let [across, down] = match space {
            ColorSpace::YCbCr(Chroma::C420) => [1, 1],
            ColorSpace::YCbCr(Chroma::C422) => [1, 0],
            _ => [0, 0],
        };
        let whole = |plane| {
            Some(Source {
                plane,
                shift: [0, 0],
            })
        };
        let chroma = |plane| {
            let shift = [across, down];
            Some(Source { plane, shift })
        };
        let profile = (image.color_profile_nclx()).or_else(|| self.handle.color_profile_nclx());
        let limited = profile
            .as_ref()
            .is_some_and(|profile| profile.full_range_flag() == 0);
        let matrix = Matrix::of(profile.as_ref(), self.reversible)?;
        let (model, sources) = match (space, matrix) {
            (ColorSpace::Monochrome, _) => (model::GRAY, [given.y.and_then(whole), None, None]),
            (ColorSpace::Rgb(_), _) => (
                model::RGB,
                [given.r, given.g, given.b].map(|plane| plane.and_then(whole)),
            ),
            // Green is in the place of luma, and blue before red.
            (_, Matrix::Identity) => {
                let [g, b, r] = [
                    given.y.and_then(whole),
                    given.cb.and_then(chroma),
                    given.cr.and_then(chroma),
                ];
                (model::RGB, [r, g, b])
            }
            (_, matrix) => {
                let model = match matrix {
                    Matrix::Reversible(_) => model::REVERSIBLE,
                    _ => model::MATRIX,
                };
                (
                    model,
                    [
                        given.y.and_then(whole),
                        given.cb.and_then(chroma),
                        given.cr.and_then(chroma),
                    ],
                )
            }
        };
        let [a, b, c] = sources;
        let alpha = match self.header.layout.has_alpha() {
            true => given.a.and_then(whole),
            false => None,
        };
        let count = if model == model::GRAY { 1 } else { 3 };
        let sources = [a, b, c, alpha];
        if sources.iter().take(count).any(Option::is_none)
            || (self.header.layout.has_alpha() && sources[3].is_none())
        {
            return Err(Error::decode("libheif gave no pixels"));
        }
        let bits = [0, 1, 2, 3].map(|i| sources[i].as_ref().map_or(8, |s| s.plane.bits_per_pixel));
        let mut planes = filled(device, &sources)?;
        let picture = &mut planes.picture;
        picture.model = model;
        for (number, range) in picture.ranges.iter_mut().enumerate() {
            let is_chroma =
                matches!(model, model::MATRIX | model::REVERSIBLE) && (1..3).contains(&number);
            // libheif knows no range of RGB.
            let limited = limited && number < 3 && !matches!(space, ColorSpace::Rgb(_));
            *range = range_of(bits[number], limited, is_chroma);
        }
        match matrix {
            Matrix::Factors(factors) => picture.matrix = factors,
            Matrix::Reversible(lost) if model == model::REVERSIBLE => {
                picture.ranges[0] = range_of(bits[0].saturating_sub(lost), limited, false);
            }
            _ => {}
        }
        if let Some(alpha) = &sources[3] {
            picture.alpha = self.alpha();
            picture.ranges[3] = self.alpha_range(&alpha.plane);
        }
        Ok(planes)
    }

    /// Pixels that libheif has side by side.
    fn interleaved(&self, device: &Device, image: &Image) -> Result<Planes> {
        let missing = || Error::decode("libheif gave no pixels");
        let plane = image.planes().interleaved.ok_or_else(missing)?;
        let bits = plane.bits_per_pixel;
        let has_alpha = match image.color_space() {
            Some(ColorSpace::Rgb(chroma)) => !matches!(
                chroma,
                RgbChroma::Rgb | RgbChroma::HdrRgbBe | RgbChroma::HdrRgbLe
            ),
            _ => return Err(missing()),
        };
        let channels = if has_alpha { 4 } else { 3 };
        let [width, height] = [plane.width, plane.height];
        let samples = Plane {
            width: width.saturating_mul(channels),
            ..plane
        };
        let source = Source {
            plane: samples,
            shift: [0, 0],
        };
        let mut planes = filled(device, &[Some(source), None, None, None])?;
        let picture = &mut planes.picture;
        picture.coded = [width, height];
        picture.model = model::RGB;
        picture.ranges = [range_of(bits, false, false); 4];
        let first = picture.planes[0];
        for (number, plane) in (0..channels as usize).zip(&mut picture.planes) {
            *plane = first;
            plane.start += number as u64;
            plane.step = channels;
        }
        if has_alpha && self.header.layout.has_alpha() {
            picture.alpha = self.alpha();
        }
        Ok(planes)
    }

    pub(super) fn alpha(&self) -> u32 {
        match self.handle.is_premultiplied_alpha() {
            true => alpha::PREMULTIPLIED,
            false => alpha::STRAIGHT,
        }
    }

    /// The range of alpha, about which libheif says nothing.
    pub(super) fn alpha_range(&self, plane: &Plane<&[u8]>) -> Range {
        let bits = plane.bits_per_pixel;
        let most = (1_u32 << bits) - 1;
        // To know it is to decode alpha once more: not where much of it is opaque, which in
        // limited range only some overshoot looks to be.
        let rows = plane.data.chunks(plane.stride).take(plane.height as usize);
        let opaque = rows.map(|row| match bits > 8 {
            true => {
                let row = row.as_chunks().0.iter().take(plane.width as usize);
                row.filter(|&&sample| u32::from(u16::from_ne_bytes(sample)) == most)
                    .count()
            }
            false => {
                let row = row.iter().take(plane.width as usize);
                row.filter(|&&sample| u32::from(sample) == most).count()
            }
        });
        let opaque: usize = opaque.sum();
        let may_be_limited = opaque < plane.width as usize * plane.height as usize / 64;
        let limited = may_be_limited && self.format == Format::Avif && self.alpha_is_limited();
        range_of(bits, limited, false)
    }
}

/// The range of samples of `bits`. In limited range luma and alpha are from 16 to 235 of 255, and
/// chroma takes 224 steps (ITU-T H.273).
pub(super) fn range_of(bits: u8, limited: bool, is_chroma: bool) -> Range {
    let bits = u32::from(bits.clamp(1, 16));
    let middle = (1_u32 << (bits - 1)) as f32;
    let most = ((1_u32 << bits) - 1) as f32;
    let step = match limited && bits >= 8 {
        true => Some((1_u32 << (bits - 8)) as f32),
        false => None,
    };
    let (black, whole) = match (is_chroma, step) {
        (false, None) => (0.0, most),
        (true, None) => (middle, most),
        (false, Some(step)) => (16.0 * step, 219.0 * step),
        (true, Some(step)) => (middle, 224.0 * step),
    };
    Range { black, whole }
}

/// How red, green and blue were made luma and chroma.
#[derive(Clone, Copy)]
pub(super) enum Matrix {
    /// Not at all.
    Identity,
    /// YCgCo-R, whose RGB has so many bits less.
    Reversible(u8),
    Factors([[f32; 2]; 3]),
}

impl Matrix {
    /// What a file says, and BT.601 if it says nothing. `reversible` is for code points that the bindings lack.
    fn of(profile: Option<&ColorProfileNCLX>, reversible: Option<u8>) -> Result<Self> {
        use MatrixCoefficients::*;
        if let Some(lost) = reversible {
            return Ok(Self::Reversible(lost));
        }
        let weights = |red, blue| Ok(Self::Factors(factors(red, blue)));
        let Some(profile) = profile else {
            return weights(0.299, 0.114);
        };
        match profile.matrix_coefficients() {
            ChromaticityDerivedNonConstantLuminance | ChromaticityDerivedConstantLuminance => {
                let point = |x: f32, y: f32| [x, y].map(f64::from);
                let points = [
                    point(profile.color_primary_red_x(), profile.color_primary_red_y()),
                    point(
                        profile.color_primary_green_x(),
                        profile.color_primary_green_y(),
                    ),
                    point(
                        profile.color_primary_blue_x(),
                        profile.color_primary_blue_y(),
                    ),
                    point(
                        profile.color_primary_white_x(),
                        profile.color_primary_white_y(),
                    ),
                ];
                match (Chromaticities { points }).luminance() {
                    Some([red, _, blue]) => weights(red, blue),
                    None => weights(0.299, 0.114),
                }
            }
            Unknown => weights(0.299, 0.114),
            known => Self::of_code(known as u16)
                .ok_or_else(|| Error::unsupported("colours as YDzDx or ICtCp")),
        }
    }

    /// The matrix of a code point of H.273. `None` if it needs more than factors.
    pub(super) fn of_code(code: u16) -> Option<Self> {
        let (red, blue) = match code {
            0 => return Some(Self::Identity),
            1 => (0.2126, 0.0722),
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            8 => return Some(Self::Factors([[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])),
            9 | 10 => (0.2627, 0.0593),
            _ => return None,
        };
        Some(Self::Factors(factors(red, blue)))
    }
}

/// H.273's equations backwards, for the weights of red and blue in luma: what blue's and red's
/// differences add to red, green and blue.
fn factors(red: f64, blue: f64) -> [[f32; 2]; 3] {
    let green = 1.0 - red - blue;
    let (of_blue, of_red) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
    [
        [0.0, of_red],
        [-of_blue * blue / green, -of_red * red / green],
        [of_blue, 0.0],
    ]
    .map(|row| row.map(|factor| factor as f32))
}

/// Copies planes to memory for `device`. All have samples of as many bytes.
fn filled(device: &Device, sources: &[Option<Source<'_>>; 4]) -> Result<Planes> {
    let present = || sources.iter().flatten();
    let wide = present().any(|source| source.plane.bits_per_pixel > 8);
    let whole = present().find(|source| source.shift == [0, 0]);
    let coded = whole.map_or([0, 0], |source| [source.plane.width, source.plane.height]);
    for Source { plane, shift } in present() {
        let expected = [0, 1].map(|i| coded[i].div_ceil(1 << shift[i]));
        if [plane.width, plane.height] != expected || plane.width == 0 || plane.height == 0 {
            return Err(Error::decode("the planes are of different sizes"));
        }
    }
    let size = |source: &Option<Source<'_>>| match source {
        Some(Source { plane, .. }) => [plane.width, plane.height],
        None => [0, 0],
    };
    let bytes = if wide { 2 } else { 1 };
    let sizes = [0, 1, 2, 3].map(|i| size(&sources[i]));
    let mut planes = Planes::new(device, bytes, coded, sizes)?;
    for (number, source) in sources.iter().enumerate() {
        let Some(Source { plane, shift }) = source else {
            continue;
        };
        [
            planes.picture.planes[number].across,
            planes.picture.planes[number].down,
        ] = *shift;
        let row_bytes = plane.width as usize * bytes;
        let rows = planes.plane_mut(number).chunks_mut(row_bytes);
        fill(rows, plane, wide);
    }
    Ok(planes)
}

/// Copies a plane to rows, whose samples have two bytes if they are `wide`.
pub(super) fn fill<'a>(
    rows: impl ExactSizeIterator<Item = &'a mut [u8]> + Send,
    plane: &Plane<&[u8]>,
    wide: bool,
) {
    let narrow = plane.bits_per_pixel <= 8;
    let given = plane.data.chunks(plane.stride);
    parallel::for_each(rows.zip(given), |(out, row)| match (wide, narrow) {
        (true, true) => {
            for (out, &sample) in out.as_chunks_mut().0.iter_mut().zip(row) {
                *out = u16::from(sample).to_ne_bytes();
            }
        }
        _ => out.copy_from_slice(&row[..out.len()]),
    });
}
