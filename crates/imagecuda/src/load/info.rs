//! What a file is, without decoding it.

use crate::{Error, Format, Limits, LoadOptions, Result, codec, metadata::embedded::Embedded};
use imagecuda_kernels::{expand::Curve, layout::Layout, orient::Orientation};
use std::path::Path;

/// What a file is: read from its header and its metadata, without decoding a pixel.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Format, Image, ImageInfo, encode};
///
/// let file = encode(&Image::new(&Device::cpu(), 640, 480)?, Format::Png)?;
/// let info = ImageInfo::of(&file)?;
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
    frames: u32,
    metadata: Embedded,
}

impl ImageInfo {
    /// What the file at `path` is.
    ///
    /// # Errors
    ///
    /// [`Io`], [`UnknownFormat`], [`Unsupported`] or [`Decode`]. Limits do not apply: nothing is allocated
    /// for pixels.
    ///
    /// [`Io`]: crate::ErrorKind::Io
    /// [`UnknownFormat`]: crate::ErrorKind::UnknownFormat
    /// [`Unsupported`]: crate::ErrorKind::Unsupported
    /// [`Decode`]: crate::ErrorKind::Decode
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        LoadOptions::new()
            .max_bytes(u64::MAX)
            .read_whole(path)
            .and_then(|bytes| Self::new(&LoadOptions::new(), &bytes, Some(path)))
            .map_err(|error| error.with_path(path))
    }

    /// What a file's bytes in memory are.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn of(bytes: &[u8]) -> Result<Self> {
        Self::new(&LoadOptions::new(), bytes, None)
    }

    fn new(options: &LoadOptions, bytes: &[u8], path: Option<&Path>) -> Result<Self> {
        let format = options.format_of(bytes, path)?;
        let unlimited = Limits {
            pixels: u64::MAX,
            bytes: u64::MAX,
        };
        codec::caught(Error::decode, || {
            let header = codec::open(format, bytes, &unlimited)?.header();
            let metadata = codec::metadata(format, bytes);
            Ok(Self {
                format,
                // Some decoders turn pixels themselves.
                stored: metadata.turn(false).size(header.width, header.height),
                layout: header.layout,
                curve: header.curve,
                frames: codec::count_frames(format, bytes)?,
                metadata,
            })
        })
        .map_err(|error| error.with_format(format))
    }

    /// The format of the content.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The width for viewing, in pixels: after the orientation.
    pub fn width(&self) -> u32 {
        self.orientation().size(self.stored.0, self.stored.1).0
    }

    /// The height for viewing, in pixels: after the orientation.
    pub fn height(&self) -> u32 {
        self.orientation().size(self.stored.0, self.stored.1).1
    }

    /// The layout in which the pixels are decoded and uploaded. Palettes and fewer than 8 bits
    /// are already expanded in it.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Channels of that layout: 1 (gray) to 4 (RGBA, or CMYK).
    pub fn channels(&self) -> usize {
        self.layout.channels()
    }

    /// Bits a sample of that layout: 8, 16, or 32 for floats.
    pub fn depth(&self) -> usize {
        self.layout.bits()
    }

    /// Whether the numbers are linear light, as in OpenEXR and Radiance HDR.
    pub fn is_linear(&self) -> bool {
        self.curve == Curve::Linear
    }

    /// How many pictures [`LoadOptions::frames`] finds: the frames of an animated GIF, WebP or
    /// PNG, the pages of a TIFF, else 1. It is counted by the structure of the file; damage
    /// shows when the pictures are decoded.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// How the stored pixels are to be turned: by EXIF, the TIFF tag, or HEIF's own properties.
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
