//! Which colours a file's numbers stand for, and how they become sRGB.

mod cicp;

pub(crate) use self::cicp::Cicp;

use self::cicp::ToLinear;
use crate::{Format, metadata::embedded::Metadata};
use imagecuda_kernels::{
    color::{CURVE, GRID, INK_GRID, INK_TABLE, SHAPER, TABLE, curve, look_up, look_up_inks, shape},
    layout::Layout,
    pixel::RgbaF32,
};
use moxcms::{ColorProfile, DataColorSpace, RenderingIntent, TransformOptions};
use std::sync::{Arc, Mutex};

/// What is done with the colours of files that are not sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorPolicy {
    /// They become sRGB: by an embedded ICC profile (gray, RGB and CMYK), by the code points of
    /// PNG's cICP and HEIF's nclx, and linear light (OpenEXR, Radiance HDR) by the sRGB curve.
    /// What sRGB cannot show is kept as values outside 0.0 to 1.0, except where a profile is a
    /// table. PQ and HLG become such values with diffuse white, 203 cd/m², at 1.0.
    #[default]
    ToSrgb,
    /// The numbers of the file, whatever they mean. (CMYK becomes RGB without its profile.)
    Raw,
}

/// A conversion of float pixels to sRGB, on their device.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// Curves and a matrix: [`SHAPER`] numbers.
    Shaper(Vec<f32>),
    /// A table of colours: [`TABLE`] numbers.
    Table(Vec<f32>),
    /// A table of inks: [`INK_TABLE`] numbers. Pixels are cyan, magenta, yellow and black.
    Inks(Vec<f32>),
}

/// The profiles that were last used, as the files of a batch mostly have the same one.
static RECENT: Mutex<Vec<Recent>> = Mutex::new(Vec::new());
const MOST_RECENT: usize = 8;

struct Recent {
    icc: Vec<u8>,
    channels: Channels,
    conversion: Option<Arc<Conversion>>,
}

/// The channels that a profile has to be for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Channels {
    Gray,
    Rgb,
    Inks,
}

impl Channels {
    fn of(layout: Layout) -> Self {
        match layout {
            Layout::Cmyk8 | Layout::Cmyk16 => Self::Inks,
            _ if layout.channels() < 3 => Self::Gray,
            _ => Self::Rgb,
        }
    }
}

impl Conversion {
    /// The conversion that a file's pixels need.
    pub(crate) fn of(format: Format, metadata: &Metadata, layout: Layout) -> Option<Arc<Self>> {
        let cicp = metadata.cicp.filter(|_| !layout.is_cmyk());
        let channels = match Channels::of(layout) {
            Channels::Rgb if metadata.is_gray => Channels::Gray,
            channels => channels,
        };
        match (&metadata.icc, cicp) {
            // In a PNG code points go before a profile, in a HEIF behind it.
            (Some(_), Some(cicp)) if format == Format::Png && cicp.is_known() => {
                Self::from_cicp(cicp)
            }
            (Some(icc), _) => Self::from_icc(icc, channels),
            (None, cicp) => Self::from_cicp(cicp?),
        }
    }

    /// The conversion that code points ask for. `None` if they are reserved, or are sRGB's.
    fn from_cicp(cicp: Cicp) -> Option<Arc<Self>> {
        Self::cicp(cicp)
            .filter(|conversion| !conversion.is_identity())
            .map(Arc::new)
    }

    /// The conversion that an ICC profile asks for. `None` where there is nothing to do: the
    /// profile is sRGB's, is damaged, or is for pixels of other channels.
    /// Viewers ignore such profiles, and so do we.
    fn from_icc(icc: &[u8], channels: Channels) -> Option<Arc<Self>> {
        let lock = || {
            RECENT
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
        };
        {
            let mut recent = lock();
            let same = |recent: &Recent| recent.channels == channels && recent.icc == icc;
            if let Some(at) = recent.iter().position(same) {
                let found = recent.remove(at);
                let conversion = found.conversion.clone();
                recent.push(found);
                return conversion;
            }
        }
        let conversion = Self::new(icc, channels).map(Arc::new);
        let mut recent = lock();
        if recent.len() == MOST_RECENT {
            recent.remove(0);
        }
        recent.push(Recent {
            icc: icc.to_vec(),
            channels,
            conversion: conversion.clone(),
        });
        conversion
    }

    fn new(icc: &[u8], channels: Channels) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        let conversion = match (profile.color_space, channels) {
            (DataColorSpace::Cmyk, Channels::Inks) => return Self::inks(&profile),
            (DataColorSpace::Gray, Channels::Gray) => Self::gray(&profile),
            (DataColorSpace::Rgb, Channels::Rgb) => match hdr(&profile) {
                Some(cicp) => Self::cicp(cicp),
                None if has_table(&profile) => Self::table(&profile),
                None => Self::shaper(&profile),
            },
            _ => None,
        }?;
        (!conversion.is_identity()).then_some(conversion)
    }

    fn cicp(cicp: Cicp) -> Option<Self> {
        let ToLinear {
            matrix,
            rendering,
            knots,
        } = ToLinear::new(cicp)?;
        Some(Self::shaper_of(matrix, rendering, [&knots; 3]))
    }

    fn gray(profile: &ColorProfile) -> Option<Self> {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let mut curve = knots(profile.gray_trc.as_ref()?)?;
        if profile.pcs == DataColorSpace::Lab {
            // The curve then gives lightness, from 0 to 1 for 100.
            curve.iter_mut().for_each(|v| *v = light_of_lightness(*v));
        }
        Some(Self::shaper_of(identity, [0.0; 4], [&curve; 3]))
    }

    fn shaper(profile: &ColorProfile) -> Option<Self> {
        let to_srgb = profile.transform_matrix(&ColorProfile::new_srgb());
        let matrix: [f64; 9] = to_srgb.v.as_flattened().try_into().ok()?;
        let [red, green, blue] = [&profile.red_trc, &profile.green_trc, &profile.blue_trc]
            .map(|curve| curve.as_ref().and_then(knots));
        let conversion = Self::shaper_of(matrix, [0.0; 4], [&red?, &green?, &blue?]);
        conversion.is_finite().then_some(conversion)
    }

    fn shaper_of(matrix: [f64; 9], rendering: [f64; 4], curves: [&Vec<f32>; 3]) -> Self {
        let numbers = matrix.into_iter().chain(rendering).map(|v| v as f32);
        let bytes = curves
            .into_iter()
            .flat_map(|knots| (0..=255).map(|byte| curve(knots, f32::from(byte as u8) / 255.0)));
        let knots = curves.into_iter().flatten().copied();
        Self::Shaper(numbers.chain(bytes).chain(knots).collect())
    }

    fn table(profile: &ColorProfile) -> Option<Self> {
        let at = |i: usize| (i % GRID) as f32 / (GRID - 1) as f32;
        let points = (0..GRID.pow(3)).flat_map(|i| [at(i / GRID / GRID), at(i / GRID), at(i)]);
        let table = transform(profile, moxcms::Layout::Rgb, points.collect())?;
        let conversion = Self::Table(table);
        conversion.is_finite().then_some(conversion)
    }

    fn inks(profile: &ColorProfile) -> Option<Self> {
        const N: usize = INK_GRID;
        let at = |i: usize| (i % N) as f32 / (N - 1) as f32;
        let points =
            (0..N.pow(4)).flat_map(|i| [at(i / N.pow(3)), at(i / N / N), at(i / N), at(i)]);
        let table = transform(profile, moxcms::Layout::Rgba, points.collect())?;
        let conversion = Self::Inks(table);
        conversion.is_finite().then_some(conversion)
    }

    fn is_finite(&self) -> bool {
        self.numbers().iter().all(|v| v.is_finite())
    }

    /// Whether nothing would change by half of an 8-bit step: the many files whose profile is
    /// some maker's edition of sRGB keep their exact numbers.
    fn is_identity(&self) -> bool {
        const STEPS: u32 = 8;
        let at = |i: u32| (i % (STEPS + 1)) as f32 / STEPS as f32;
        (0..(STEPS + 1).pow(3)).all(|i| {
            let color = [at(i / (STEPS + 1).pow(2)), at(i / (STEPS + 1)), at(i)];
            let [r, g, b] = color;
            let converted = self.apply(RgbaF32([r, g, b, 1.0])).0;
            color
                .iter()
                .zip(converted)
                .all(|(a, b)| (a - b).abs() < 0.5 / 255.0)
        })
    }

    /// The layout as which pixels of `layout` are expanded for this: inks as they are.
    pub(crate) fn input(&self, layout: Layout) -> Layout {
        match (self, layout) {
            (Self::Inks(_), Layout::Cmyk8) => Layout::Rgba8,
            (Self::Inks(_), Layout::Cmyk16) => Layout::Rgba16,
            _ => layout,
        }
    }

    /// The conversion of one pixel, on the host.
    pub(crate) fn apply(&self, pixel: RgbaF32) -> RgbaF32 {
        match self {
            Self::Shaper(numbers) => shape(array::<SHAPER>(numbers), pixel),
            Self::Table(numbers) => look_up(array::<TABLE>(numbers), pixel),
            Self::Inks(numbers) => look_up_inks(array::<INK_TABLE>(numbers), pixel),
        }
    }

    /// The numbers that the kernel of this conversion takes.
    pub(crate) fn numbers(&self) -> &[f32] {
        match self {
            Self::Shaper(numbers) | Self::Table(numbers) | Self::Inks(numbers) => numbers,
        }
    }
}

fn array<const N: usize>(numbers: &[f32]) -> &[f32; N] {
    numbers.try_into().expect("as long as it was made")
}

/// sRGB for each of `points`, by the tables of a profile.
fn transform(profile: &ColorProfile, layout: moxcms::Layout, points: Vec<f32>) -> Option<Vec<f32>> {
    // The table that most profiles have first, and all but a few have alone.
    let rendering_intent = match profile.lut_a_to_b_perceptual {
        Some(_) => RenderingIntent::Perceptual,
        None => RenderingIntent::RelativeColorimetric,
    };
    let options = TransformOptions {
        rendering_intent,
        ..TransformOptions::default()
    };
    let srgb = ColorProfile::new_srgb();
    let transform = profile
        .create_transform_f32(layout, &srgb, moxcms::Layout::Rgb, options)
        .ok()?;
    let mut colors = vec![0.0; points.len() / layout.channels() * 3];
    transform.transform(&points, &mut colors).ok()?;
    Some(colors)
}

/// The code points of a profile for PQ or HLG, whose curves and tables are there for programs
/// that do not know these.
fn hdr(profile: &ColorProfile) -> Option<Cicp> {
    let cicp = profile.cicp.as_ref()?;
    let transfer = cicp.transfer_characteristics as u8;
    let known = matches!(transfer, 16 | 18);
    known.then_some(Cicp {
        primaries: cicp.color_primaries as u8,
        transfer,
    })
}

/// Whether a profile says more than curves and a matrix can.
fn has_table(profile: &ColorProfile) -> bool {
    profile.lut_a_to_b_perceptual.is_some() || profile.lut_a_to_b_colorimetric.is_some()
}

/// CIE's lightness, 1 for 100, as linear light.
fn light_of_lightness(lightness: f32) -> f32 {
    match (lightness * 100.0 + 16.0) / 116.0 {
        t if t > 6.0 / 29.0 => t * t * t,
        t => 3.0 * (6.0_f32 / 29.0).powi(2) * (t - 4.0 / 29.0),
    }
}

/// A tone curve to linear light at the places where kernels look it up.
fn knots(curve: &moxcms::ToneReprCurve) -> Option<Vec<f32>> {
    let evaluator = curve.make_linear_evaluator().ok()?;
    let at = |i: usize| evaluator.evaluate_value(i as f32 / (CURVE - 1) as f32);
    Some((0..CURVE).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn icc(profile: &ColorProfile) -> Vec<u8> {
        profile.encode().unwrap()
    }

    /// Display P3 to sRGB in double precision: the published matrix, and sRGB's curve.
    fn p3_oracle(color: [f64; 3]) -> [f64; 3] {
        let decode = |v: f64| match v {
            v if v <= 0.04045 => v / 12.92,
            v => ((v + 0.055) / 1.055).powf(2.4),
        };
        let encode = |v: f64| match v.abs() {
            a if a <= 0.003_130_8 => v * 12.92,
            a => (1.055 * a.powf(1.0 / 2.4) - 0.055).copysign(v),
        };
        let [r, g, b] = color.map(decode);
        [
            1.224_940_2 * r - 0.224_940_2 * g,
            -0.042_056_9 * r + 1.042_056_9 * g,
            -0.019_637_6 * r - 0.078_636_1 * g + 1.098_273_7 * b,
        ]
        .map(encode)
    }

    #[test]
    fn display_p3_is_converted_and_keeps_what_srgb_lacks() {
        let conversion =
            Conversion::from_icc(&icc(&ColorProfile::new_display_p3()), Channels::Rgb).unwrap();
        for i in 0..729u32 {
            let color = [i / 81, i / 9 % 9, i % 9].map(|v| f64::from(v) / 8.0);
            let [r, g, b] = color.map(|v| v as f32);
            let got = conversion.apply(RgbaF32([r, g, b, 0.5])).0;
            for (got, exact) in got.into_iter().zip(p3_oracle(color)) {
                assert!((f64::from(got) - exact).abs() < 2e-3, "{got} for {exact}");
            }
        }
        let green = conversion.apply(RgbaF32([0.0, 1.0, 0.0, 1.0])).0;
        assert!(green[0] < -0.4 && green[1] > 1.0, "{green:?}");
    }

    /// The table of a profile that curves and a matrix describe as well.
    #[test]
    fn a_table_says_what_curves_and_matrix_say() {
        let profile = ColorProfile::new_display_p3();
        let table = Conversion::table(&profile).unwrap();
        let shaper = Conversion::shaper(&profile).unwrap();
        let (mut worst, mut sum) = (0.0f32, 0.0);
        for i in 0..4096 {
            // Between the points of the table, and all axes apart.
            let [r, g, b] = [i / 256, i / 16 % 16, i % 16].map(|v| v as f32 / 15.0);
            let pixel = RgbaF32([r, g, b, 1.0]);
            let (a, b) = (table.apply(pixel).0, shaper.apply(pixel).0);
            for (a, b) in a.into_iter().zip(b) {
                let off = (a - b.clamp(0.0, 1.0)).abs();
                worst = worst.max(off);
                sum += off;
            }
        }
        // Where sRGB's limit cuts a channel off, a table's cells are coarse.
        assert!(worst < 0.05, "{worst}");
        assert!(sum / (4096.0 * 4.0) < 0.001, "{sum}");
    }

    #[test]
    fn srgb_itself_changes_nothing() {
        assert!(Conversion::from_icc(&icc(&ColorProfile::new_srgb()), Channels::Rgb).is_none());
    }

    #[test]
    fn profiles_for_other_pixels_are_ignored() {
        let p3 = icc(&ColorProfile::new_display_p3());
        let gray = icc(&ColorProfile::new_gray_with_gamma(1.0));
        assert!(Conversion::from_icc(&p3, Channels::Gray).is_none());
        assert!(Conversion::from_icc(&gray, Channels::Rgb).is_none());
        let linear = Conversion::from_icc(&gray, Channels::Gray).unwrap();
        let got = linear.apply(RgbaF32([0.5, 0.5, 0.5, 1.0])).0[0];
        assert!((got - 0.735_357).abs() < 1e-4, "{got}");
    }

    #[test]
    fn gray_may_be_lightness() {
        let mut profile = ColorProfile::new_gray_with_gamma(1.0);
        profile.pcs = DataColorSpace::Lab;
        let conversion = Conversion::from_icc(&icc(&profile), Channels::Gray).unwrap();
        // L* 50 is 18.4 % of the light, L* 5 is 0.55 %.
        for (lightness, light) in [(0.5, 0.184_187), (0.05, 0.005_535), (1.0, 1.0)] {
            let got = conversion
                .apply(RgbaF32([lightness, lightness, lightness, 1.0]))
                .0[1];
            let exact = imagecuda_kernels::color::srgb_encode(light);
            assert!((got - exact).abs() < 1e-4, "{got} for {exact}");
        }
    }

    #[test]
    fn damaged_profiles_are_ignored() {
        let whole = icc(&ColorProfile::new_display_p3());
        for cut in (0..whole.len()).step_by(7) {
            let _ = Conversion::from_icc(&whole[..cut], Channels::Rgb);
        }
        assert!(Conversion::from_icc(b"no profile", Channels::Rgb).is_none());
    }
}
