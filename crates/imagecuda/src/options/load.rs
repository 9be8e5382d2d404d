//! What a caller may choose about loading.

use crate::{ColorPolicy, Format, Limits};

/// How to load.
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, LoadOptions, encode, Format, Image};
///
/// let device = Device::cpu();
/// let file = encode(&Image::new(&device, 640, 480)?, Format::Png)?;
///
/// let thumbnails = LoadOptions::new().max_pixels(1_000_000);
/// let image = thumbnails.decode(&device, &file)?;
/// assert_eq!((image.width(), image.height()), (640, 480));
///
/// let error = thumbnails.max_pixels(1000).decode(&device, &file).unwrap_err();
/// assert_eq!(error.to_string(), "PNG: 307200 pixels, and the limit is 1000");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    pub(crate) limits: Limits,
    pub(crate) format: Option<Format>,
    pub(crate) apply_orientation: bool,
    pub(crate) color_policy: ColorPolicy,
    pub(crate) jpeg_decoder: JpegDecoder,
    pub(crate) png_decoder: PngDecoder,
    /// What there is of damaged files is wanted.
    pub(crate) recover: bool,
}

/// What decodes the entropy-coded data of JPEG files. The pixels are the same whatever does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JpegDecoder {
    /// The kernels on a GPU, for the files that they take and where they are faster; else the
    /// host.
    #[default]
    Auto,
    /// The host. On a GPU the kernels still make the pixels of what it decodes.
    Host,
    /// The kernels, on the CPU device as well, where they are slow. The host still decodes what
    /// they do not take: progressive files, data that are damaged or have no restart markers
    /// where they should, and data in which decoders do not fall into step.
    Kernels,
}

/// What decodes the data of PNG files. The pixels are the same whatever does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PngDecoder {
    /// The kernels on a GPU, for the files that they take and where they are faster; else the
    /// host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels, on the CPU device as well, where they are slow. The host still decodes what
    /// they do not take: interlaced files, data that are damaged, and data of which they cannot
    /// prove where each block begins.
    Kernels,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            format: None,
            apply_orientation: true,
            color_policy: ColorPolicy::default(),
            jpeg_decoder: JpegDecoder::default(),
            png_decoder: PngDecoder::default(),
            recover: false,
        }
    }
}

impl LoadOptions {
    /// The defaults: at most 268,435,456 pixels (2^28) and 2 GiB in the file's own layout, the
    /// format that the content shows, and turned as the file says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses pictures of more than `pixels`.
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.limits.pixels = pixels;
        self
    }

    /// Refuses files of more than `bytes`, and pictures that take more in their own layout.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Takes the content for `format`, instead of finding out. TGA has no magic bytes: a file
    /// is known by its name, and bytes without a name only by this.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Whether the pixels are turned for viewing as the file says (EXIF, the TIFF tag, HEIF's
    /// own properties; all eight ways), which is the default; `false` leaves them as they are
    /// stored, but cropped where a HEIF says so.
    pub fn apply_orientation(mut self, apply: bool) -> Self {
        self.apply_orientation = apply;
        self
    }

    /// What is done with colours that are not sRGB. By default they become sRGB, by the file's
    /// ICC profile or code points. [`ColorPolicy::Keep`] takes wide gamut from file to file.
    pub fn color_policy(mut self, policy: ColorPolicy) -> Self {
        self.color_policy = policy;
        self
    }

    /// What decodes the entropy-coded data of JPEG files.
    pub fn jpeg_decoder(mut self, decoder: JpegDecoder) -> Self {
        self.jpeg_decoder = decoder;
        self
    }

    /// What decodes the data of PNG files.
    pub fn png_decoder(mut self, decoder: PngDecoder) -> Self {
        self.png_decoder = decoder;
        self
    }

    /// Whether files that are damaged or cut short give what decodes of them, and
    /// [`Decoded::is_truncated`](crate::Decoded::is_truncated) tells. By default they are errors.
    ///
    /// What does not decode is transparent black, or black where the layout has no alpha, or
    /// gray in a JPEG. How much of a file can be had depends on its format. If nothing can, or
    /// the header is damaged, it stays an error. A whole file takes no longer.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, LoadOptions, encode};
    ///
    /// let device = Device::cpu();
    /// let mut image = Image::new(&device, 64, 64)?;
    /// image.upload(&[1.0; 64 * 64 * 4])?;
    /// let file = encode(&image, Format::Qoi)?;
    /// let cut = &file[..file.len() / 2];
    ///
    /// let options = LoadOptions::new();
    /// assert!(options.open_bytes(&device, cut).is_err());
    /// let decoded = options.allow_truncated(true).open_bytes(&device, cut)?;
    /// assert!(decoded.is_truncated());
    /// assert_eq!(decoded.into_image()?.download()?[..4], [1.0; 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_truncated(mut self, allow: bool) -> Self {
        self.recover = allow;
        self
    }
}
