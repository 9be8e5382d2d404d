//! Which colours a file's numbers stand for, and how they become sRGB.

use imagecuda_kernels::{
    color::{CURVE, GRID, SHAPER, TABLE, look_up, shape},
    pixel::RgbaF32,
};
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

/// What is done with the colours of files that are not sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorPolicy {
    /// They become sRGB: by an embedded ICC profile, and linear light (OpenEXR, Radiance HDR)
    /// by the sRGB curve. What sRGB cannot show is kept as values outside 0.0 to 1.0.
    #[default]
    ToSrgb,
    /// The numbers of the file, whatever they mean.
    Raw,
}

/// Colours as code points of ITU-T H.273: which primaries, and which transfer function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cicp {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
}

/// A conversion of float pixels to sRGB, on their device.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// Curves and a matrix: [`SHAPER`] numbers.
    Shaper(Vec<f32>),
    /// A table: [`TABLE`] numbers.
    Table(Vec<f32>),
}

impl Conversion {
    /// The conversion that an ICC profile asks for. `None` where there is nothing to do: the
    /// profile is sRGB's, is damaged, or is for pixels of another kind than gray (`is_gray`) or
    /// RGB. Viewers ignore such profiles, and so do we.
    pub(crate) fn from_icc(icc: &[u8], is_gray: bool) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        let conversion = match (profile.color_space, is_gray) {
            (DataColorSpace::Gray, true) => Self::gray(&profile),
            (DataColorSpace::Rgb, false) if has_table(&profile) => Self::table(&profile),
            (DataColorSpace::Rgb, false) => Self::shaper(&profile),
            _ => None,
        }?;
        (!conversion.is_identity()).then_some(conversion)
    }

    fn gray(profile: &ColorProfile) -> Option<Self> {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let curve = knots(profile.gray_trc.as_ref()?)?;
        Some(Self::Shaper(
            [&identity[..], &curve, &curve, &curve].concat(),
        ))
    }

    fn shaper(profile: &ColorProfile) -> Option<Self> {
        let to_srgb = profile.transform_matrix(&ColorProfile::new_srgb());
        let matrix: Vec<f32> = to_srgb.v.as_flattened().iter().map(|&v| v as f32).collect();
        let [red, green, blue] = [&profile.red_trc, &profile.green_trc, &profile.blue_trc]
            .map(|curve| curve.as_ref().and_then(knots));
        let numbers = [matrix, red?, green?, blue?].concat();
        numbers
            .iter()
            .all(|v| v.is_finite())
            .then_some(Self::Shaper(numbers))
    }

    fn table(profile: &ColorProfile) -> Option<Self> {
        let options = TransformOptions {
            rendering_intent: RenderingIntent::Perceptual,
            ..TransformOptions::default()
        };
        let srgb = ColorProfile::new_srgb();
        let transform = profile
            .create_transform_f32(Layout::Rgb, &srgb, Layout::Rgb, options)
            .ok()?;
        let at = |i: usize| (i % GRID) as f32 / (GRID - 1) as f32;
        let points: Vec<f32> = (0..GRID * GRID * GRID)
            .flat_map(|i| [at(i / GRID / GRID), at(i / GRID), at(i)])
            .collect();
        let mut table = vec![0.0; TABLE];
        transform.transform(&points, &mut table).ok()?;
        table
            .iter()
            .all(|v| v.is_finite())
            .then_some(Self::Table(table))
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

    /// The conversion of one pixel, on the host.
    pub(crate) fn apply(&self, pixel: RgbaF32) -> RgbaF32 {
        match self {
            Self::Shaper(numbers) => shape(array::<SHAPER>(numbers), pixel),
            Self::Table(numbers) => look_up(array::<TABLE>(numbers), pixel),
        }
    }

    /// The numbers that the kernel of this conversion takes.
    #[cfg(feature = "cuda")]
    pub(crate) fn numbers(&self) -> &[f32] {
        match self {
            Self::Shaper(numbers) | Self::Table(numbers) => numbers,
        }
    }
}

fn array<const N: usize>(numbers: &[f32]) -> &[f32; N] {
    numbers.try_into().expect("as long as it was made")
}

/// Whether a profile says more than curves and a matrix can.
fn has_table(profile: &ColorProfile) -> bool {
    profile.lut_a_to_b_perceptual.is_some() || profile.lut_a_to_b_colorimetric.is_some()
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
            Conversion::from_icc(&icc(&ColorProfile::new_display_p3()), false).unwrap();
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
        assert!(Conversion::from_icc(&icc(&ColorProfile::new_srgb()), false).is_none());
    }

    #[test]
    fn profiles_for_other_pixels_are_ignored() {
        let p3 = icc(&ColorProfile::new_display_p3());
        let gray = icc(&ColorProfile::new_gray_with_gamma(1.0));
        assert!(Conversion::from_icc(&p3, true).is_none());
        assert!(Conversion::from_icc(&gray, false).is_none());
        let linear = Conversion::from_icc(&gray, true).unwrap();
        let got = linear.apply(RgbaF32([0.5, 0.5, 0.5, 1.0])).0[0];
        assert!((got - 0.735_357).abs() < 1e-4, "{got}");
    }

    #[test]
    fn damaged_profiles_are_ignored() {
        let whole = icc(&ColorProfile::new_display_p3());
        for cut in (0..whole.len()).step_by(7) {
            let _ = Conversion::from_icc(&whole[..cut], false);
        }
        assert!(Conversion::from_icc(b"no profile", false).is_none());
    }
}
