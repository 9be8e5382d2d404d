//! The data of the options for loading.

use crate::{ColorPolicy, Format, Limits};

/// Options for loading.
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
    pub(crate) video_decoder: VideoDecoder,
    /// Whether damaged files are loaded as far as they decode.
    pub(crate) recover: bool,
    pub(crate) layer: Option<String>,
}

/// Which processor decodes the entropy-coded data of JPEG files. The pixels are the same for all
/// choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JpegDecoder {
    /// The kernels on a GPU, for files that they support and where they are faster. Otherwise the
    /// host.
    #[default]
    Auto,
    /// The host. On a GPU, kernels still make the pixels of the decoded coefficients, if samples
    /// have 8 bits.
    Host,
    /// The kernels. On the CPU device they run too, but slowly. The host still decodes files that
    /// the kernels do not support: progressive, arithmetic-coded, 12-bit and lossless files, damaged
    /// data, data without the expected restart markers, and data in which parallel decoders do not
    /// synchronise.
    Kernels,
}

/// Which processor decodes the compressed data of PNG files. The pixels are the same for all choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PngDecoder {
    /// The kernels on a GPU, for files that they support and that have at least 256 KB of rows, if
    /// the GPU has the memory. Otherwise the host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels. On the CPU device they run too, but slowly. The host still decodes files that
    /// the kernels do not support: interlaced files, damaged data, and data in which they cannot
    /// prove where each block begins.
    Kernels,
}

/// Which processor decodes pictures that are frames of a video codec: HEIC, AVIF and lossy WebP. The
/// pixels are the same for all choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VideoDecoder {
    /// The video engines of a GPU for HEIC and AVIF, where they are faster. The first decoder of an
    /// engine takes up to 83 ms to make, so a lone small picture goes to the host. The host also
    /// decodes WebP, and what the engines refuse: see [`Engine`](Self::Engine).
    #[default]
    Auto,
    /// The host.
    Host,
    /// The video engines of a GPU, for lossy WebP too, however long it takes to make a decoder. The host still decodes
    /// what the engines do not support or find damaged: pictures with alpha, gray ones, 4:2:2, small
    /// ones (HEVC: 144 pixels a side), and codecs that the GPU lacks.
    Engine,
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
            video_decoder: VideoDecoder::default(),
            recover: false,
            layer: None,
        }
    }
}

impl LoadOptions {
    /// Creates the default options: at most 268,435,456 pixels (2^28), at most 2 GiB for the file and
    /// for its pixels in their own layout, the format that the content shows, the orientation that
    /// the file states, and colours converted to sRGB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses pictures of more than `pixels` pixels (width times height), with
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded). The header is checked before
    /// memory is allocated for the pixels. The default is 2^28.
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.limits.pixels = pixels;
        self
    }

    /// Refuses files of more than `bytes` bytes, and pictures that take more in their own layout,
    /// with [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded). The default is 2^31.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Decodes the content as `format`. Without this option the content decides the format. TGA has
    /// no magic bytes, so the extension decides; bytes without a name need this option.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Whether to apply the orientation that the file states: in EXIF, in the TIFF tag, or in
    /// HEIF's own properties. All eight orientations are supported. The default is `true`. With
    /// `false` the pixels stay as they are stored, except that a HEIF is still cropped if it says
    /// so.
    pub fn apply_orientation(mut self, apply: bool) -> Self {
        self.apply_orientation = apply;
        self
    }

    /// Sets what happens to colours that are not sRGB. By default they are converted to sRGB, by
    /// the file's ICC profile or code points. [`ColorPolicy::Keep`] keeps a wide gamut when you
    /// copy files.
    pub fn color_policy(mut self, policy: ColorPolicy) -> Self {
        self.color_policy = policy;
        self
    }

    /// Chooses what to load from an OpenEXR file by its name: a layer, a part, or a channel, which is
    /// shown as gray. For example, `ViewLayer.DiffCol` is the layer of the channels
    /// `ViewLayer.DiffCol.R` and so on, and `ViewLayer.Depth.Z` and `Z` are channels. If the file
    /// does not have the name, loading fails, and the error lists the names. It also fails for a
    /// file of another format.
    ///
    /// The default is the layer without a name. If there is none, it is the layer whose name ends in
    /// `Combined`, as Blender names it; otherwise the first layer whose channels are a picture.
    pub fn layer(mut self, name: impl Into<String>) -> Self {
        self.layer = Some(name.into());
        self
    }

    /// Sets which processor decodes the entropy-coded data of JPEG files.
    pub fn jpeg_decoder(mut self, decoder: JpegDecoder) -> Self {
        self.jpeg_decoder = decoder;
        self
    }

    /// Sets which processor decodes the data of PNG files.
    pub fn png_decoder(mut self, decoder: PngDecoder) -> Self {
        self.png_decoder = decoder;
        self
    }

    /// Which processor decodes pictures that are frames of a video codec.
    pub fn video_decoder(mut self, decoder: VideoDecoder) -> Self {
        self.video_decoder = decoder;
        self
    }

    /// Whether files that are damaged or cut short give what decodes of them, and
    /// [`Decoded::is_truncated`](crate::Decoded::is_truncated) tells. By default they are errors.
    ///
    /// Missing pixels are transparent black, or black if the layout has no alpha, or gray in a JPEG.
    /// How much decodes depends on the format. If nothing does, or the header is damaged, it is
    /// still an error. An intact file takes no longer, and gives the same pixels.
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
