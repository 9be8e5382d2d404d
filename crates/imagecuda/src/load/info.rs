//! What a file's header and metadata say, without decoding its pixels.

use crate::{
    Error, Format, LoadOptions, Result, codec, limits::check_limit, metadata::embedded::Embedded,
};
use imagecuda_kernels::{expand::Curve, layout::Layout, orient::Orientation};
use std::path::Path;

/// The format, size and metadata of a file, read without decoding a pixel.
/// [`inspect`](crate::inspect), [`inspect_bytes`](crate::inspect_bytes) and
/// [`LoadOptions::inspect`] return it.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Format, Image, encode, inspect_bytes};
///
/// let file = encode(&Image::new(&Device::cpu(), 640, 480)?, Format::Png)?;
/// let info = inspect_bytes(&file)?;
/// assert_eq!((info.width(), info.height()), (640, 480));
/// assert_eq!((info.format(), info.channels(), info.depth()), (Format::Png, 4, 8));
/// assert!(info.icc_profile().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    format: Format,
    stored: (u32, u32),
    layout: Layout,
    curve: Curve,
    frame_count: u32,
    metadata: Embedded,
}

impl LoadOptions {
    /// What the file at `path` is, without decoding it. Of the options, the limits and the format
    /// count. The orientation is only told, whether it would be applied or not.
    ///
    /// # Errors
    ///
    /// [`Io`], [`UnknownFormat`], [`Unsupported`], [`Decode`] or [`LimitExceeded`].
    ///
    /// [`Io`]: crate::ErrorKind::Io
    /// [`UnknownFormat`]: crate::ErrorKind::UnknownFormat
    /// [`Unsupported`]: crate::ErrorKind::Unsupported
    /// [`Decode`]: crate::ErrorKind::Decode
    /// [`LimitExceeded`]: crate::ErrorKind::LimitExceeded
    pub fn inspect(&self, path: impl AsRef<Path>) -> Result<ImageInfo> {
        let path = path.as_ref();
        self.read_whole(path)
            .and_then(|bytes| self.info_of(&bytes, Some(path)))
            .map_err(|error| error.with_path(path))
    }

    /// Reads the format, size and metadata of a file's bytes in memory.
    ///
    /// # Errors
    ///
    /// As [`inspect`](Self::inspect).
    pub fn inspect_bytes(&self, bytes: &[u8]) -> Result<ImageInfo> {
        check_limit("bytes", Some(bytes.len() as u64), self.limits.bytes)?;
        self.info_of(bytes, None)
    }

    pub(crate) fn info_of(&self, bytes: &[u8], path: Option<&Path>) -> Result<ImageInfo> {
        let format = self.format_of(bytes, path)?;
        codec::caught(Error::decode, || {
            let layer = self.layer.as_deref();
            let header = codec::open_layer(format, bytes, layer, &self.limits, false)?.header();
            codec::check(&header, &self.limits)?;
            let metadata = codec::metadata(format, bytes);
            Ok(ImageInfo {
                format,
                // Some decoders apply the orientation themselves. Report the size before that.
                stored: metadata.turn(false).size(header.width, header.height),
                layout: header.layout,
                curve: header.curve,
                frame_count: codec::count_frames(format, bytes)?,
                metadata,
            })
        })
        .map_err(|error| error.with_format(format))
    }
}

impl ImageInfo {
    /// The format of the content.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The width of the picture as viewed, in pixels.
    pub fn width(&self) -> u32 {
        self.orientation().size(self.stored.0, self.stored.1).0
    }

    /// The height of the picture as viewed, in pixels.
    pub fn height(&self) -> u32 {
        self.orientation().size(self.stored.0, self.stored.1).1
    }

    /// The layout of the decoded pixels. Palettes, and samples of fewer than 8 bits, are expanded
    /// in it.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of channels of that layout: 1 (gray) to 4 (RGBA or CMYK).
    pub fn channels(&self) -> usize {
        self.layout.channels()
    }

    /// The bits per sample of that layout: 8, 16, or 32 for floats.
    pub fn depth(&self) -> usize {
        self.layout.bits()
    }

    /// Whether the samples are linear light, as in OpenEXR and Radiance HDR.
    pub fn is_linear(&self) -> bool {
        self.curve == Curve::Linear
    }

    /// How many pictures [`LoadOptions::frames`] finds: the frames of an animated GIF, WebP or PNG,
    /// the pages of a TIFF, else 1. The number follows from the structure of the file. Damage may
    /// become known only when the pictures are decoded.
    pub fn frame_count(&self) -> u32 {
        self.frame_count
    }

    /// The orientation of the stored pixels, from EXIF, from the TIFF tag, or from HEIF's own
    /// properties.
    pub fn orientation(&self) -> Orientation {
        self.metadata.orientation()
    }

    /// The embedded ICC profile.
    pub fn icc_profile(&self) -> Option<&[u8]> {
        self.metadata.icc.as_deref()
    }

    /// The EXIF data: a TIFF structure that starts with its byte order.
    pub fn exif(&self) -> Option<&[u8]> {
        self.metadata.exif.as_deref()
    }
}
