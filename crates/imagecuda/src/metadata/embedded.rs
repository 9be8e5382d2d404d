//! The metadata of a file. Codecs read them from the container themselves. Damaged metadata count
//! as missing.

use super::exif;
use crate::{
    ColorPolicy,
    color::{Cicp, ColorDescription, MOST_ICC_BYTES, is_srgb},
};
use imagecuda_kernels::orient::Orientation;

/// The bytes of an ICC profile that one JPEG segment can hold, after its length, the name and two
/// numbers.
pub(crate) const JPEG_ICC_PIECE: usize = 65_535 - 2 - 12 - 2;

/// The metadata of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// The TIFF structure of EXIF, without "Exif" before it.
    pub(crate) exif: Option<Vec<u8>>,
    /// An ICC profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// The colours as code points.
    pub(crate) cicp: Option<Cicp>,
    /// Whether code points take precedence over an ICC profile, as in PNG.
    pub(crate) cicp_overrules_icc: bool,
    /// Whether the file is gray. The layout need not show it: frames of an animation are decoded as
    /// RGBA.
    pub(crate) is_gray: bool,
    /// The orientation in the format's own fields.
    pub(crate) orientation: Option<Orientation>,
    /// The orientation that the decoder has already applied, whatever EXIF says.
    pub(crate) applied: Option<Orientation>,
}

impl Embedded {
    /// The meaning of the colours, by code points or by the profile.
    pub(crate) fn color(&self) -> ColorDescription<'_> {
        ColorDescription {
            icc: self.icc.as_deref().filter(|_| !self.icc_is_overruled()),
            cicp: self.cicp,
            is_gray: self.is_gray,
        }
    }

    /// Whether the code points take precedence over the profile.
    pub(crate) fn icc_is_overruled(&self) -> bool {
        self.cicp_overrules_icc && self.cicp.is_some_and(Cicp::is_known)
    }

    /// The orientation of the stored pixels: the format's own, else that of EXIF.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = || self.exif.as_deref().and_then(exif::orientation);
        self.applied
            .or(self.orientation)
            .or_else(exif)
            .unwrap_or_default()
    }

    /// The orientation to apply to the decoder's pixels: to view them, or to get them as stored.
    pub(crate) fn turn(&self, for_viewing: bool) -> Orientation {
        match (self.applied, for_viewing) {
            (None, true) => self.orientation(),
            (Some(applied), false) => match applied {
                Orientation::Rotate90 => Orientation::Rotate270,
                Orientation::Rotate270 => Orientation::Rotate90,
                // Each of the others is its own inverse.
                other => other,
            },
            (None, false) | (Some(_), true) => Orientation::Normal,
        }
    }

    /// The metadata that are true of the loaded pixels: EXIF with the orientation that is left to
    /// apply, and the profile if `profile_holds`.
    pub(crate) fn carried(&self, for_viewing: bool, profile_holds: bool) -> crate::Metadata {
        let left = match for_viewing {
            true => Orientation::Normal,
            false => self.orientation(),
        };
        let mut carried = crate::Metadata::new();
        match self.exif.as_deref().filter(|exif| exif::is_valid(exif)) {
            Some(exif) => carried = carried.with_exif(exif::with_orientation(exif, left)),
            None if left == Orientation::Normal => {}
            None => carried = carried.with_exif(exif::of_orientation(left)),
        }
        match self
            .icc
            .as_deref()
            .filter(|icc| profile_holds && is_rgb_profile(icc))
        {
            Some(icc) => carried.with_icc_profile(icc),
            None => carried,
        }
    }

    /// Whether the profile still describes the pixels after loading with `policy`, which
    /// `converted` them or not.
    pub(crate) fn profile_holds(
        &self,
        policy: ColorPolicy,
        is_gray: bool,
        converted: bool,
    ) -> bool {
        // If code points overrule the profile, or the profile is unusable, the pixels are sRGB.
        let overruled = self.cicp_overrules_icc && self.cicp.is_some();
        match policy {
            ColorPolicy::Raw => true,
            _ if converted || is_gray || overruled => false,
            _ => self.icc.as_deref().is_some_and(is_srgb),
        }
    }
}

/// A copy of EXIF or of a profile. What is too large counts as missing.
pub(crate) fn kept(data: &[u8]) -> Option<Vec<u8>> {
    (data.len() <= MOST_BYTES).then(|| data.to_vec())
}

/// The most bytes of a file's EXIF, and of its profile.
pub(crate) const MOST_BYTES: usize = MOST_ICC_BYTES;

/// Whether the header is that of an ICC profile.
pub(crate) fn is_profile(icc: &[u8]) -> bool {
    icc.len() >= 128 && icc[36..40] == *b"acsp"
}

/// Whether this is a profile for RGB. Saved files hold RGB.
pub(crate) fn is_rgb_profile(icc: &[u8]) -> bool {
    is_profile(icc) && icc[16..20] == *b"RGB "
}

/// The bytes after "Exif" and two bytes of padding.
pub(crate) fn strip_exif(segment: &[u8]) -> Option<&[u8]> {
    segment
        .strip_prefix(b"Exif\0")
        .and_then(|rest| rest.get(1..))
}
