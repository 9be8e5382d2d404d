//! The colours that a file's numbers stand for, and their conversion to sRGB.

#[cfg(feature = "exr")]
mod chromaticities;
mod cicp;
mod convert;
mod icc;
mod recent;

#[cfg(feature = "exr")]
pub(crate) use self::chromaticities::{Chromaticities, REC_709};
pub(crate) use self::{cicp::Cicp, recent::trim};

use self::{
    cicp::ToLinear,
    icc::Profile,
    recent::{MOST as MOST_RECENT, recent},
};
use imagecuda_kernels::{
    color::{CMYK_TABLE, SHAPER, TABLE, curve, look_up, look_up_cmyk, shape, srgb_decode},
    layout::Layout,
    pixel::RgbaF32,
};
use std::sync::{Arc, Mutex, PoisonError};

/// What happens to the colours of files that are not sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorPolicy {
    /// Converts to sRGB. An embedded ICC profile (gray, RGB or CMYK) or the code points of PNG's
    /// cICP and HEIF's nclx define the conversion. Linear light (OpenEXR, Radiance HDR) is encoded
    /// with the sRGB curve. Colours outside sRGB become values outside 0.0 to 1.0. For PQ and HLG,
    /// diffuse white (203 cd/m²) becomes 1.0.
    #[default]
    ToSrgb,
    /// Keeps the numbers of files with an ICC profile for RGB that is not sRGB's.
    /// [`Decoded::metadata`](crate::Decoded::metadata) then has the profile, so that it can be
    /// saved with the pixels. Everything else is converted as by [`ToSrgb`](Self::ToSrgb): code
    /// points, linear light, and profiles for gray and CMYK, which no saved file can have.
    ///
    /// Use this to copy pictures with a wide gamut without loss. The image is then in the colour
    /// space of the profile, not in sRGB, and your own code must allow for that.
    Keep,
    /// Keeps the numbers of every file. No profile, no code points and no curve are applied.
    /// OpenEXR and Radiance HDR stay linear light, but other formats would save these numbers as if
    /// they were sRGB-encoded. PQ and HLG stay encoded. A profile for RGB is in
    /// [`Decoded::metadata`](crate::Decoded::metadata), even if it is damaged. A profile for gray
    /// is neither applied nor kept, as no saved file can have it. CMYK becomes RGB without its
    /// profile.
    Raw,
}

/// How a file describes the meaning of its numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ColorDescription<'a> {
    /// An ICC profile. It takes precedence over code points.
    pub(crate) icc: Option<&'a [u8]>,
    pub(crate) cicp: Option<Cicp>,
    /// Whether the file is gray. The layout need not show it: frames of an animation are decoded as
    /// RGBA.
    pub(crate) is_gray: bool,
}

/// A conversion of float pixels to sRGB, which runs on their device.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// Curves and a matrix: [`SHAPER`] numbers.
    Shaper(Vec<f32>),
    /// A table of colours: [`TABLE`] numbers.
    Table(Vec<f32>),
    /// A table of CMYK colours: [`CMYK_TABLE`] numbers. The pixels' channels are cyan, magenta,
    /// yellow and black.
    Cmyk(Vec<f32>),
}

/// The most bytes of a profile. The largest ones in use have 4 MB.
pub(crate) const MOST_ICC_BYTES: usize = 24 << 20;

/// The last code points: to find that they are sRGB's takes 0.6 ms.
static RECENT_CICP: Mutex<Vec<(Cicp, Option<Arc<Conversion>>)>> = Mutex::new(Vec::new());

/// What a profile means for pixels of given channels.
#[derive(Clone, Debug)]
enum Meaning {
    /// The pixels need this conversion.
    Other(Arc<Conversion>),
    /// The pixels are sRGB already.
    Srgb,
    /// The profile is damaged, too large or for other channels. Viewers ignore such a profile, and so
    /// does this library.
    Nothing,
}

/// The channels of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Channels {
    Gray,
    Rgb,
    Cmyk,
}

impl Channels {
    fn of(layout: Layout) -> Self {
        match layout {
            Layout::Cmyk8 | Layout::Cmyk16 => Self::Cmyk,
            _ if layout.channels() < 3 => Self::Gray,
            _ => Self::Rgb,
        }
    }

    fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

impl Meaning {
    fn of(icc: &[u8], channels: Channels) -> Self {
        if icc.len() > MOST_ICC_BYTES {
            return Self::Nothing;
        }
        if let Some(meaning) = recent().find(icc, channels) {
            return meaning;
        }
        let meaning = match Conversion::new(icc, channels) {
            Some(conversion) if conversion.is_identity() => Self::Srgb,
            Some(conversion) => Self::Other(Arc::new(conversion)),
            None => Self::Nothing,
        };
        recent().add(icc, channels, &meaning);
        meaning
    }
}

/// Whether a profile for RGB is that of sRGB, or so close that the pixels would not change.
pub(crate) fn is_srgb(icc: &[u8]) -> bool {
    matches!(Meaning::of(icc, Channels::Rgb), Meaning::Srgb)
}

impl Conversion {
    /// The conversion that a file's pixels need, if any.
    pub(crate) fn of(color: ColorDescription<'_>, layout: Layout) -> Option<Arc<Self>> {
        let channels = match Channels::of(layout) {
            Channels::Rgb if color.is_gray => Channels::Gray,
            channels => channels,
        };
        match (color.icc, color.cicp) {
            (Some(icc), _) => Self::from_icc(icc, channels),
            (None, Some(cicp)) if !layout.is_cmyk() => Self::from_cicp(cicp),
            (None, _) => None,
        }
    }

    /// The conversion for code points. `None` if they are not supported or are those of sRGB.
    fn from_cicp(cicp: Cicp) -> Option<Arc<Self>> {
        let known = || RECENT_CICP.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(other, _): &&(Cicp, _)| *other == cicp;
        if let Some((_, conversion)) = known().iter().find(same) {
            return conversion.clone();
        }
        let conversion = Self::cicp(cicp)
            .filter(|conversion| !conversion.is_identity())
            .map(Arc::new);
        let mut known = known();
        if known.len() == MOST_RECENT {
            known.remove(0);
        }
        known.push((cicp, conversion.clone()));
        conversion
    }

    /// The conversion for an ICC profile, if the pixels need one.
    fn from_icc(icc: &[u8], channels: Channels) -> Option<Arc<Self>> {
        match Meaning::of(icc, channels) {
            Meaning::Other(conversion) => Some(conversion),
            Meaning::Srgb | Meaning::Nothing => None,
        }
    }

    /// `None` if a profile is damaged or is for other channels.
    fn new(icc: &[u8], channels: Channels) -> Option<Self> {
        let profile = Profile::new(icc)?;
        if profile.channels != channels {
            return None;
        }
        // A profile with code points for PQ or HLG has curves and tables only for programs that do
        // not know these. The code points are exact.
        let hdr = profile.cicp().filter(|cicp| {
            let is_hdr = matches!(cicp.transfer, 16 | 18);
            channels == Channels::Rgb && is_hdr
        });
        match hdr.and_then(Self::cicp) {
            Some(conversion) => Some(conversion),
            None => Self::from_model(&profile.model()?, channels),
        }
    }

    fn cicp(cicp: Cicp) -> Option<Self> {
        let ToLinear {
            matrix,
            rendering,
            knots,
        } = ToLinear::new(cicp)?;
        Some(Self::shaper_of(matrix, rendering, [&knots; 3]))
    }

    fn shaper_of(matrix: [f64; 9], rendering: [f64; 4], curves: [&Vec<f32>; 3]) -> Self {
        let numbers = matrix.into_iter().chain(rendering).map(|v| v as f32);
        let bytes = curves
            .into_iter()
            .flat_map(|knots| (0..=255).map(|byte| curve(knots, f32::from(byte as u8) / 255.0)));
        let knots = curves.into_iter().flatten().copied();
        Self::Shaper(numbers.chain(bytes).chain(knots).collect())
    }

    /// Whether the conversion changes every colour by less than half an 8-bit step, or by less than
    /// 1/2000 of white's light. Many files have some vendor's version of the sRGB profile, and
    /// their numbers must not change.
    fn is_identity(&self) -> bool {
        const STEPS: u32 = 8;
        let at = |i: u32| (i % (STEPS + 1)) as f32 / STEPS as f32;
        let is_near = |a: f32, b: f32| {
            let light = (srgb_decode(a) - srgb_decode(b)).abs();
            (a - b).abs() < 0.5 / 255.0 || light < 1.0 / 2000.0
        };
        let colors_stay = (0..(STEPS + 1).pow(3)).all(|i| {
            let color = [at(i / (STEPS + 1).pow(2)), at(i / (STEPS + 1)), at(i)];
            let [r, g, b] = color;
            let converted = self.apply(RgbaF32([r, g, b, 1.0])).0;
            color.iter().zip(converted).all(|(&a, b)| is_near(a, b))
        });
        // A curve of few samples may agree with sRGB's at these samples only.
        let grays_stay = (0..=255).all(|byte| {
            let v = byte as f32 / 255.0;
            let [r, g, b, _] = self.apply(RgbaF32([v, v, v, 1.0])).0;
            [r, g, b].iter().all(|gray| (gray - v).abs() < 1.0 / 255.0)
        });
        colors_stay && grays_stay
    }

    /// The layout in which pixels of `layout` are expanded before the conversion. CMYK keeps its
    /// four channels.
    pub(crate) fn input(&self, layout: Layout) -> Layout {
        match (self, layout) {
            (Self::Cmyk(_), Layout::Cmyk8) => Layout::Rgba8,
            (Self::Cmyk(_), Layout::Cmyk16) => Layout::Rgba16,
            _ => layout,
        }
    }

    /// Converts one pixel, on the host.
    pub(crate) fn apply(&self, pixel: RgbaF32) -> RgbaF32 {
        match self {
            Self::Shaper(numbers) => shape(array::<SHAPER>(numbers), pixel),
            Self::Table(numbers) => look_up(array::<TABLE>(numbers), pixel),
            Self::Cmyk(numbers) => look_up_cmyk(array::<CMYK_TABLE>(numbers), pixel),
        }
    }

    /// The numbers of a conversion by curves and a matrix.
    pub(crate) fn shaper(&self) -> Option<&[f32; SHAPER]> {
        match self {
            Self::Shaper(numbers) => Some(array(numbers)),
            Self::Table(_) | Self::Cmyk(_) => None,
        }
    }

    /// The numbers that the conversion's kernel takes.
    pub(crate) fn numbers(&self) -> &[f32] {
        match self {
            Self::Shaper(numbers) | Self::Table(numbers) | Self::Cmyk(numbers) => numbers,
        }
    }
}

fn array<const N: usize>(numbers: &[f32]) -> &[f32; N] {
    numbers.try_into().expect("as long as it was made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use moxcms::{ColorProfile, DataColorSpace, Xyzd};

    fn icc(profile: &ColorProfile) -> Vec<u8> {
        profile.encode().unwrap()
    }

    /// Display P3, with the primaries of Apple's own profile.
    fn display_p3() -> ColorProfile {
        let xyz = |x, y, z| Xyzd { x, y, z };
        let mut profile = ColorProfile::new_display_p3();
        profile.red_colorant = xyz(0.51512, 0.2412, -0.00105);
        profile.green_colorant = xyz(0.29198, 0.69225, 0.04189);
        profile.blue_colorant = xyz(0.1571, 0.06657, 0.78407);
        profile
    }

    /// The expected values are the samples of the CSS Color 4 specification.
    #[test]
    fn display_p3_is_converted_and_keeps_what_srgb_lacks() {
        let conversion = Conversion::from_icc(&icc(&display_p3()), Channels::Rgb).unwrap();
        for (color, published) in [
            ([1.0, 0.0, 0.0], [1.0930, -0.2267, -0.1501]),
            ([0.0, 1.0, 0.0], [-0.5116, 1.0183, -0.3107]),
            ([0.0, 0.0, 1.0], [0.0, 0.0, 1.0420]),
            ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ] {
            let [r, g, b] = color;
            let [red, green, blue, alpha] = conversion.apply(RgbaF32([r, g, b, 0.5])).0;
            for (got, published) in [red, green, blue].into_iter().zip(published) {
                assert!((got - published).abs() < 2e-3, "{got} for {published}");
            }
            assert_eq!(alpha, 0.5);
        }
    }

    /// More of them than are kept, each twice and in turn.
    #[test]
    fn code_points_mean_the_same_each_time() {
        let primaries = [1, 9, 12];
        let all = primaries.map(|primaries| {
            [1, 8, 13, 16].map(|transfer| Cicp {
                primaries,
                transfer,
            })
        });
        assert!(all.as_flattened().len() > MOST_RECENT);
        for &cicp in [all, all].as_flattened().as_flattened() {
            let expected = Conversion::cicp(cicp).unwrap();
            for _ in 0..2 {
                match Conversion::from_cicp(cicp) {
                    Some(conversion) => assert_eq!(conversion.numbers(), expected.numbers()),
                    None => assert!(expected.is_identity(), "{cicp:?}"),
                }
            }
        }
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

    /// Bytes after those that the header counts make one too large.
    #[test]
    fn profiles_that_are_too_large_are_ignored() {
        let mut profile = icc(&display_p3());
        profile.resize(MOST_ICC_BYTES, 0);
        assert!(Conversion::from_icc(&profile, Channels::Rgb).is_some());
        profile.push(0);
        assert!(Conversion::from_icc(&profile, Channels::Rgb).is_none());
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
