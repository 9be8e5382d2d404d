//! The data of the options for loading.

use crate::{ColorPolicy, Format, Limits, picture::Area};

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
    /// It may be empty until it is checked.
    pub(crate) region: Option<Area>,
    pub(crate) reduction: Option<Reduction>,
}

/// How a picture becomes smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Scale(Scale),
    /// The size that the picture must not exceed.
    Fit(u32, u32),
}

/// A part of the size of a picture: see [`LoadOptions::scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scale {
    /// Half the width and half the height.
    Half,
    /// A quarter of both.
    Quarter,
    /// An eighth of both.
    Eighth,
}

impl Scale {
    /// What the sides are divided by: 2, 4 or 8.
    pub fn divisor(self) -> u32 {
        match self {
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }
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
    /// the kernels do not support: arithmetic-coded, 12-bit and lossless files, damaged
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
    /// alpha, and what the engines do not support or find damaged: gray pictures, 4:2:2, small ones
    /// (HEVC: 144 pixels a side), and codecs that the GPU lacks.
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
            region: None,
            reduction: None,
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

    /// Loads only the rectangle of `width` × `height` pixels whose top left pixel is at column `x` and
    /// row `y` of the picture as viewed: after the orientation, if that is applied. The pixels equal
    /// those of the whole picture. Of an animation or a document it is the rectangle of each frame or
    /// page.
    ///
    /// Some formats decode less than the whole file then: see
    /// [docs/formats.md](https://docs.rs/crate/imagecuda/latest/source/docs/formats.md). The limits
    /// count what is decoded. Damage in parts that are not decoded is no error.
    ///
    /// A region that is empty, or not all within the picture, is
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) when a picture is loaded.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, Layout, LoadOptions, encode};
    ///
    /// let device = Device::cpu();
    /// let gray: Vec<u8> = (0..12).collect();
    /// let file = encode(&Image::from_pixels(&device, 4, 3, Layout::L8, &gray)?, Format::Png)?;
    ///
    /// let part = LoadOptions::new().region(1, 2, 3, 1).decode_u8(&device, &file)?;
    /// assert_eq!((part.width(), part.height()), (3, 1));
    /// assert_eq!(part.download()?, [9, 9, 9, 255, 10, 10, 10, 255, 11, 11, 11, 255]);
    ///
    /// let error = LoadOptions::new().region(2, 2, 3, 1).decode(&device, &file).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "PNG: region: 3x1 at (2, 2) is out of the bounds of a picture of 4x3"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn region(mut self, x: u32, y: u32, width: u32, height: u32) -> Self {
        self.region = Some(Area {
            x,
            y,
            width,
            height,
        });
        self
    }

    /// Loads the picture at a half, a quarter or an eighth of its width and height, each rounded up.
    /// It replaces [`fit`](Self::fit).
    ///
    /// An 8-bit JPEG is decoded at that size, at a part of the cost: by inverse DCTs to fewer samples, with
    /// the pixels that libjpeg-turbo makes (`djpeg -scale 1/2`). The host does that, for every device.
    /// Files of other formats are decoded as they are, and each pixel is the mean of a square of 2, 4
    /// or 8 pixels on a side, as [`Filter::Box`](crate::Filter::Box) weighs them, which the device
    /// computes. Squares are counted from the first pixel that the file stores.
    ///
    /// With a [`region`](Self::region), whose numbers are those of the picture at its full size, the
    /// result has the pixels of the smaller picture that the region touches. (Means may differ in the
    /// last bit from those of the whole picture, as their sums are added in another order.)
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, LoadOptions, Scale, encode};
    ///
    /// let device = Device::cpu();
    /// let file = encode(&Image::new(&device, 641, 480)?, Format::Jpeg)?;
    /// let image = LoadOptions::new().scale(Scale::Quarter).decode(&device, &file)?;
    /// assert_eq!((image.width(), image.height()), (161, 120));
    /// # Ok(())
    /// # }
    /// ```
    pub fn scale(mut self, scale: Scale) -> Self {
        self.reduction = Some(Reduction::Scale(scale));
        self
    }

    /// Loads the picture in the largest size of its ratio that is not wider than `width` and not higher
    /// than `height`. It is never enlarged. With a [`region`](Self::region), the region is made to fit.
    /// It replaces [`scale`](Self::scale).
    ///
    /// A JPEG is decoded at the smallest [`scale`](Self::scale) that is not smaller than the result.
    /// Then [`Filter::Lanczos3`](crate::Filter::Lanczos3) makes the result, on the device.
    ///
    /// If `width` or `height` is zero, loading fails with
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption).
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Format, Image, LoadOptions, encode};
    ///
    /// let device = Device::cpu();
    /// let file = encode(&Image::new(&device, 640, 480)?, Format::Jpeg)?;
    /// let image = LoadOptions::new().fit(128, 128).decode(&device, &file)?;
    /// assert_eq!((image.width(), image.height()), (128, 96));
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit(mut self, width: u32, height: u32) -> Self {
        self.reduction = Some(Reduction::Fit(width, height));
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

    /// Sets which processor decodes pictures that are frames of a video codec.
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
