//! Metadata that are copied from one file to another.

pub(crate) mod embedded;
pub(crate) mod exif;

use std::{fmt, sync::Arc};

/// What a saved file says beside its pixels: an ICC profile, and EXIF.
///
/// [`Decoded::metadata`](crate::Decoded::metadata) is what may go with the pixels of a file, and
/// [`SaveOptions::metadata`](crate::SaveOptions::metadata) writes it:
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Format, Image, inspect_bytes, LoadOptions, Metadata, SaveOptions};
///
/// let device = Device::cpu();
/// let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
/// let with_exif = SaveOptions::new().metadata(Metadata::new().with_exif(exif));
/// let photo = with_exif.encode(&Image::new(&device, 32, 16)?, Format::Jpeg)?;
///
/// let decoded = LoadOptions::new().open_bytes(&device, &photo)?;
/// let metadata = decoded.metadata().clone();
/// let image = decoded.into_image()?;
/// assert_eq!((image.width(), image.height()), (16, 32));
/// let copy = SaveOptions::new().metadata(metadata).encode(&image, Format::Png)?;
/// // The pixels are turned already, and EXIF says so.
/// assert_eq!(inspect_bytes(&copy)?.orientation() as u32, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    icc: Option<Arc<[u8]>>,
    exif: Option<Arc<[u8]>>,
}

impl Metadata {
    /// Empty metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an ICC profile, which must be one for RGB. The image's numbers are saved unchanged, and
    /// the profile says what they mean. Without a profile they are sRGB.
    pub fn with_icc_profile(mut self, icc: impl AsRef<[u8]>) -> Self {
        self.icc = Some(icc.as_ref().into());
        self
    }

    /// Adds EXIF: a TIFF structure that starts with its byte order. "Exif" and two bytes before it
    /// are removed. Viewers apply its orientation.
    pub fn with_exif(mut self, exif: impl AsRef<[u8]>) -> Self {
        let exif = exif.as_ref();
        self.exif = Some(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif).into());
        self
    }

    /// The ICC profile.
    pub fn icc_profile(&self) -> Option<&[u8]> {
        self.icc.as_deref()
    }

    /// The EXIF data: a TIFF structure that starts with its byte order.
    pub fn exif(&self) -> Option<&[u8]> {
        self.exif.as_deref()
    }

    /// Whether there is neither a profile nor EXIF.
    pub fn is_empty(&self) -> bool {
        self.icc.is_none() && self.exif.is_none()
    }
}

/// Prints the lengths, not the bytes.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("icc_bytes", &self.icc.as_ref().map(|icc| icc.len()))
            .field("exif_bytes", &self.exif.as_ref().map(|exif| exif.len()))
            .finish()
    }
}
