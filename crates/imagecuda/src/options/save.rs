//! The data of the options for saving. `codec::capabilities` says which format honours which
//! option.

use crate::{Format, Metadata};

/// Options for saving.
///
/// Each format honours the options that apply to it, and refuses the others with
/// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption). All formats take
/// [`background`](Self::background) and [`format`](Self::format).
///
/// | | depths, the default first | alpha | options |
/// |---|---|---|---|
/// | JPEG | 8-bit | | `channels`, `quality`, `subsampling`, `progressive`, `optimize_huffman`, `restart_interval`, `jpeg_encoder`, `metadata` |
/// | PNG | 8-bit, 16-bit | yes | `channels`, `compression`, `png_encoder`, `metadata` |
/// | WebP | 8-bit | yes | `quality` or `lossless`, `effort`, `metadata` |
/// | HEIF, AVIF | 8-bit | yes | `quality`, `subsampling`, `effort`, `metadata` |
/// | TIFF | 8-bit, 16-bit, float | yes | `channels`, `compression`, `metadata` |
/// | PNM | 8-bit, 16-bit | `.pam` | |
/// | OpenEXR | float | yes | |
/// | Radiance HDR | float | | |
/// | GIF | 8-bit, palette | on or off | |
/// | BMP, ICO, QOI, TGA | 8-bit | yes | |
///
/// ```
/// # fn main() -> imagecuda::Result<()> {
/// use imagecuda::{Device, Format, Image, SaveOptions};
///
/// let image = Image::new(&Device::cpu(), 64, 64)?;
/// let web = SaveOptions::new().quality(85).background([255, 255, 255]);
/// let jpeg = web.encode(&image, Format::Jpeg)?;
///
/// // What a format cannot honour is an error, never ignored.
/// assert!(web.encode(&image, Format::Png).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveOptions {
    pub(crate) quality: Option<u8>,
    pub(crate) background: Option<[u8; 3]>,
    pub(crate) depth: Option<Depth>,
    pub(crate) channels: Option<Channels>,
    pub(crate) subsampling: Option<Subsampling>,
    pub(crate) progressive: bool,
    pub(crate) compression: Option<Compression>,
    pub(crate) lossless: Option<bool>,
    pub(crate) effort: Option<u8>,
    pub(crate) optimize_huffman: bool,
    pub(crate) restart_interval: u16,
    pub(crate) jpeg_encoder: JpegEncoder,
    pub(crate) png_encoder: PngEncoder,
    pub(crate) metadata: Metadata,
    pub(crate) format: Option<Format>,
}

impl SaveOptions {
    /// Creates the default options: the format's best quality (JPEG 100 at 4:4:4, HEIF and AVIF
    /// 100, WebP lossless), in the format that the file's extension names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the quality of a lossy format, 1 to 100. JPEG, HEIF and AVIF keep all chroma samples
    /// (4:4:4) from 90 on, and a quarter of them (4:2:0) below. HEIF and AVIF at 100 code luma,
    /// chroma and alpha without loss; only the rounding to luma and chroma loses something. A WebP
    /// becomes lossy.
    ///
    /// AVIF, HEIF, JPEG and WebP only.
    pub fn quality(mut self, quality: u8) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Flattens alpha onto this sRGB colour. The file then has no alpha, in any format. Without
    /// this option, formats without alpha flatten onto black.
    pub fn background(mut self, rgb: [u8; 3]) -> Self {
        self.background = Some(rgb);
        self
    }

    /// Saves in `format`, whatever the file's extension. Without this option, the extension names
    /// the format, and an extension that contradicts the format of an
    /// [`AnimationEncoder`](crate::AnimationEncoder) or a [`PackedImage`](crate::PackedImage) is an
    /// error. Functions that take a format, such as [`encode`](Self::encode), use that one.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }
}

/// The type of the samples of a saved file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Depth {
    /// 8-bit integers.
    U8,
    /// 16-bit integers.
    U16,
    /// 32-bit floats.
    F32,
}

/// How many chroma samples a JPEG, HEIF or AVIF keeps. Luma is always kept for every pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subsampling {
    /// 4:4:4: every chroma sample.
    Yuv444,
    /// 4:2:2: one for two pixels of a row.
    Yuv422,
    /// 4:2:0: one for a square of four pixels.
    Yuv420,
}

/// Which processor encodes JPEG files. The bytes are the same for all choices. Of progressive files the
/// kernels make the coefficients, and the host codes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JpegEncoder {
    /// The kernels on a GPU, where they are faster. Otherwise the host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels. On the CPU device they run too, but slowly.
    Kernels,
}

/// Which processor encodes PNG files with [`Compression::Fast`]. The bytes are the same for all
/// choices. The host always encodes the other levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PngEncoder {
    /// The kernels on a GPU, for pictures of at least 2^14 pixels. Otherwise the host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels. On the CPU device they run too, but slowly. The host still encodes pictures
    /// of 2 GB and more.
    Kernels,
}

/// How strongly a lossless format compresses. The pixels are the same for all choices.
///
/// PNG and TIFF have the first four, which trade time for size. TIFF uses Deflate for them, which
/// most readers support. The others are older methods of TIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// No compression. The default of TIFF.
    Uncompressed,
    /// The fastest compression. The default of PNG.
    Fast,
    /// The balance of size and time that most programs have as their default.
    Balanced,
    /// The smallest file. Takes much longer for a few percent.
    Small,
    /// LZW, which every TIFF reader supports. TIFF only.
    Lzw,
    /// PackBits, a run-length coding for drawings and masks. TIFF only.
    PackBits,
}

/// The channels of a saved file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channels {
    /// The fewest channels that lose nothing. Alpha is left out if all pixels are opaque, and
    /// colour if red, green and blue are equal in all pixels, both after quantisation.
    Auto,
    /// Gray only.
    Gray,
    /// Gray and alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl SaveOptions {
    /// Sets the depth of the file's samples, which are made directly from the float pixels.
    ///
    /// | | 8-bit | 16-bit | float |
    /// |---|---|---|---|
    /// | PNG, PNM | default | yes | |
    /// | TIFF | default | yes | yes |
    /// | OpenEXR, Radiance HDR | | | always |
    /// | others | always | | |
    ///
    /// A 16-bit sample is `clamp(v, 0, 1) * 65535 + 0.5`, truncated, with NaN as 0. A float TIFF
    /// holds the image's own values: sRGB-encoded, including those below 0.0 and above 1.0, so
    /// loading it gives the same bits. OpenEXR and Radiance HDR hold linear light.
    ///
    /// Any other combination is [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption), like
    /// every option that a format does not have.
    pub fn depth(mut self, depth: Depth) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Sets the channels of a PNG, JPEG or TIFF. A PNG can have all of [`Channels`]. A JPEG can be
    /// gray or RGB, or `Auto`. A TIFF of 8 or 16 bits can have all but gray with alpha; a float
    /// TIFF has RGB or RGBA. The default is RGBA, or RGB if the format has no alpha or there is a
    /// background.
    ///
    /// A file without alpha is flattened onto the [`background`](Self::background), or black. Gray
    /// is computed as in libjpeg: `(19595 R + 38470 G + 7471 B + 32768) >> 16` of the quantised
    /// samples, so gray pixels do not change. With [`Channels::Auto`], the device first examines
    /// the pixels, and saving waits for the result.
    ///
    /// Alpha with a background is [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption). So
    /// is gray with an ICC profile, because the profile is for RGB. With a profile, `Auto` never
    /// makes a gray file.
    pub fn channels(mut self, channels: Channels) -> Self {
        self.channels = Some(channels);
        self
    }

    /// Sets how many chroma samples the file keeps, for any quality. The default is all (4:4:4)
    /// from quality 90 on, and a quarter (4:2:0) below. AVIF, HEIF and JPEG only.
    pub fn subsampling(mut self, subsampling: Subsampling) -> Self {
        self.subsampling = Some(subsampling);
        self
    }

    /// Makes a progressive JPEG. Viewers can show it coarsely before all data have arrived, and it
    /// is usually slightly smaller, but it takes longer to encode and decode. JPEG only. The
    /// default is `false`, which every format accepts.
    pub fn progressive(mut self, progressive: bool) -> Self {
        self.progressive = progressive;
        self
    }

    /// Computes a JPEG's Huffman tables for the picture. The file becomes a few percent smaller,
    /// and takes longer to encode. Progressive files always have such tables. JPEG only. The
    /// default is `false`, which every format accepts.
    pub fn optimize_huffman(mut self, optimize: bool) -> Self {
        self.optimize_huffman = optimize;
        self
    }

    /// Sets which processor encodes JPEG files. The bytes are the same for all choices.
    pub fn jpeg_encoder(mut self, encoder: JpegEncoder) -> Self {
        self.jpeg_encoder = encoder;
        self
    }

    /// Sets which processor encodes PNG files with [`Compression::Fast`]. The bytes are the same for
    /// all choices.
    pub fn png_encoder(mut self, encoder: PngEncoder) -> Self {
        self.png_encoder = encoder;
        self
    }

    /// Sets the number of MCUs (blocks of 8x8 to 16x16 pixels, depending on the subsampling)
    /// between two restart markers of a JPEG. A decoder can continue at such a marker after damage,
    /// or start there in parallel. The default, 0, writes no restart markers. JPEG only.
    pub fn restart_interval(mut self, mcus: u16) -> Self {
        self.restart_interval = mcus;
        self
    }

    /// Sets the compression of a PNG ([`Uncompressed`](Compression::Uncompressed) to
    /// [`Small`](Compression::Small), by default [`Fast`](Compression::Fast)) or a TIFF (all
    /// choices, by default [`Uncompressed`](Compression::Uncompressed)).
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Sets whether a WebP is lossless. By default it is, unless a quality is set. `true` with a
    /// quality is an error. `false` without a quality means lossy at quality 100. WebP only.
    pub fn lossless(mut self, lossless: bool) -> Self {
        self.lossless = Some(lossless);
        self
    }

    /// Sets how much time an encoder spends to make the file smaller, from 0 (fastest) to 6. The
    /// default is 0 for a lossless WebP and 4 for a lossy one, 5 for HEIF and 3 for AVIF. WebP, HEIF
    /// and AVIF only.
    pub fn effort(mut self, effort: u8) -> Self {
        self.effort = Some(effort);
        self
    }

    /// Sets the ICC profile and the EXIF of the file. AVIF, HEIF, JPEG, PNG, TIFF and WebP have
    /// them, also animations. By default there are none.
    ///
    /// A TIFF stores EXIF among its own tags. The tags that describe the picture, the camera and
    /// the location are written, and maker notes are copied unchanged. HEIF and AVIF have their own
    /// orientation, which is set to that of the EXIF.
    ///
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption) if the profile is not an ICC
    /// profile for RGB, the EXIF is invalid, or either is larger than the format can hold (in a
    /// JPEG 65,527 bytes of EXIF).
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}
