//! What a file says beside its pixels. Codecs read it from the containers themselves; what is damaged
//! there counts as not there.

use super::exif;
use crate::{
    ColorPolicy,
    color::{Cicp, ColorDescription, is_srgb},
};
use imagecuda_kernels::orient::Orientation;

/// What a JPEG's segment holds of a profile: its length, a name and two numbers are before it.
pub(crate) const JPEG_ICC_PIECE: usize = 65_535 - 2 - 12 - 2;

/// What a file says beside its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// EXIF's TIFF structure, without the "Exif" before it.
    pub(crate) exif: Option<Vec<u8>>,
    /// An ICC profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// The colours as code points.
    pub(crate) cicp: Option<Cicp>,
    /// Whether code points overrule an ICC profile, as in PNG.
    pub(crate) cicp_overrules_icc: bool,
    /// Whether the file is gray, whatever its pixels are decoded as: frames of an animation are
    /// RGBA.
    pub(crate) is_gray: bool,
    /// The format's own orientation.
    pub(crate) orientation: Option<Orientation>,
    /// What the decoder itself applies, whatever EXIF says.
    pub(crate) applied: Option<Orientation>,
}

impl Embedded {
    /// What the colours mean: by the code points or by the profile, whichever counts.
    pub(crate) fn color(&self) -> ColorDescription<'_> {
        ColorDescription {
            icc: self.icc.as_deref().filter(|_| !self.icc_is_overruled()),
            cicp: self.cicp,
            is_gray: self.is_gray,
        }
    }

    /// Whether code points say what the colours are, and not the profile.
    pub(crate) fn icc_is_overruled(&self) -> bool {
        self.cicp_overrules_icc && self.cicp.is_some_and(Cicp::is_known)
    }

    /// How the stored pixels are to be turned: by the format's own word, else by EXIF's.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = || self.exif.as_deref().and_then(exif::orientation);
        self.applied
            .or(self.orientation)
            .or_else(exif)
            .unwrap_or_default()
    }

    /// How the decoder's pixels are to be turned: for viewing, or to be as they are stored.
    pub(crate) fn turn(&self, for_viewing: bool) -> Orientation {
        match (self.applied, for_viewing) {
            (None, true) => self.orientation(),
            (Some(applied), false) => match applied {
                Orientation::Rotate90 => Orientation::Rotate270,
                Orientation::Rotate270 => Orientation::Rotate90,
                // The others undo themselves.
                other => other,
            },
            (None, false) | (Some(_), true) => Orientation::Normal,
        }
    }

    /// What goes on with the pixels: EXIF that says how they are still to be turned, and the
    /// profile if that `profile_holds`.
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

    /// Whether the profile still says what the colours are of pixels that were loaded by
    /// `policy` and `converted` or not.
    pub(crate) fn profile_holds(
        &self,
        policy: ColorPolicy,
        is_gray: bool,
        converted: bool,
    ) -> bool {
        // Another word than the profile's, or a profile that is of no use: they are sRGB.
        let overruled = self.cicp_overrules_icc && self.cicp.is_some();
        match policy {
            ColorPolicy::Raw => true,
            _ if converted || is_gray || overruled => false,
            _ => self.icc.as_deref().is_some_and(is_srgb),
        }
    }
}

/// Whether this is an ICC profile by its header.
pub(crate) fn is_profile(icc: &[u8]) -> bool {
    icc.len() >= 128 && icc[36..40] == *b"acsp"
}

/// Whether this is one for pixels of RGB, which is what files are saved in.
pub(crate) fn is_rgb_profile(icc: &[u8]) -> bool {
    is_profile(icc) && icc[16..20] == *b"RGB "
}

/// What follows "Exif" and two bytes of filling.
pub(crate) fn strip_exif(segment: &[u8]) -> Option<&[u8]> {
    segment
        .strip_prefix(b"Exif\0")
        .and_then(|rest| rest.get(1..))
}
