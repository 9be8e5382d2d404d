//! Pictures of a batch that go up to a GPU together.

use super::{Buffer, ExpandSpec, Payload, Staging, cuda};
use crate::color::Conversion;
use imagecuda_kernels::{pixel::RgbaF32, planes::Picture};
use std::sync::Arc;

/// The most bytes of a picture that goes up with others. The copy of a larger one takes longer than the
/// driver's calls.
const MOST_TOGETHER: usize = 4 << 20;

/// A picture of a group, which keeps its file or what is decoded of it, and its image, until that is made.
pub(crate) trait GroupMember: Send {
    /// The bytes of the file, if kernels decode it.
    fn file(&self) -> &[u8];

    /// What the host has decoded, if it has.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    fn decoded(&self) -> Option<DecodedPicture<'_>>;

    /// The progressive JPEG whose blocks a kernel is to find, if it is one.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    fn progressive(&mut self) -> Option<&mut cuda::ProgressiveJpeg>;

    /// Where the pixels go.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    fn image(&self) -> &Buffer<RgbaF32>;

    /// Whether the image is to hold 8-bit pixels, if kernels decode the file. Its picture has no other values
    /// then, and its colours are not converted.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "for a GPU"))]
    fn takes_bytes(&self) -> bool;
}

/// A picture that the host has decoded, and how kernels make floats of it.
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "for a GPU"))]
pub(crate) struct DecodedPicture<'a> {
    /// Pixels, or planes after their description.
    pub(crate) bytes: &'a cuda::Pinned,
    /// The description of planes.
    pub(crate) planes: Option<Picture>,
    pub(crate) spec: ExpandSpec,
    pub(crate) conversion: Option<&'a Arc<Conversion>>,
}

impl Payload {
    /// The picture, if it goes up with others.
    pub(crate) fn for_group<'a>(
        &'a self,
        spec: ExpandSpec,
        conversion: Option<&'a Arc<Conversion>>,
    ) -> Option<DecodedPicture<'a>> {
        let (memory, planes) = match self {
            Self::Pixels(pixels) => (pixels, None),
            // Planes that do not fit have an error of their own.
            Self::Planes(planes) => (&planes.memory, Some(planes.viewed(&spec).ok()?)),
            _ => return None,
        };
        match memory {
            Staging::Pinned(bytes) if bytes.len() <= MOST_TOGETHER => Some(DecodedPicture {
                bytes,
                planes,
                spec,
                conversion,
            }),
            _ => None,
        }
    }
}
