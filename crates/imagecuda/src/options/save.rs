//! What a caller may choose about a saved file. `codec::capabilities` says which format honours what.

use crate::{Format, Metadata};

/// How to save.
///
/// Each format honours the options that it has a meaning for, and refuses the others with
/// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption). All formats take [`background`](Self::background) and
/// [`format`](Self::format).
///
/// | | depths, the default first | alpha | options |
/// |---|---|---|---|
/// | JPEG | 8-bit | | `channels`, `quality`, `subsampling`, `progressive`, `optimize_huffman`, `restart_interval`, `jpeg_encoder`, `metadata` |
/// | PNG | 8-bit, 16-bit | yes | `channels`, `compression`, `png_encoder`, `metadata` |
/// | WebP | 8-bit | yes | `quality` or `lossless`, `effort`, `metadata` |
/// | HEIF, AVIF | 8-bit | yes | `quality`, `subsampling`, `metadata` |
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
    /// The defaults: the format's best quality (JPEG 100 at 4:4:4, HEIF and AVIF 100, WebP
    /// lossless), and the format that the file's name shows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The quality of a lossy format, 1 to 100. JPEG, HEIF and AVIF keep all chroma samples
    /// (4:4:4) from 90, and a quarter of them (4:2:0) below. HEIF and AVIF at 100 code luma,
    /// chroma and alpha without loss, so that only the rounding of luma and chroma is lost.
    /// WebP becomes lossy.
    ///
    /// For AVIF, HEIF, JPEG and WebP alone.
    pub fn quality(mut self, quality: u8) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Flattens alpha onto this sRGB colour, for any format; the file then has no alpha.
    /// Without it, a format that has no alpha flattens onto black.
    pub fn background(mut self, rgb: [u8; 3]) -> Self {
        self.background = Some(rgb);
        self
    }

    /// Saves in `format`, whatever the file is called. Without it, the name says the format; one that
    /// says another than an [`AnimationEncoder`](crate::AnimationEncoder) or a
    /// [`PackedImage`](crate::PackedImage) has is an error. Functions that take a format, as
    /// [`encode`](Self::encode) does, use that.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }
}

/// The samples of a saved file.
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

/// How many colour samples a JPEG, HEIF or AVIF keeps. Brightness is always kept for every pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subsampling {
    /// 4:4:4, all of them.
    Yuv444,
    /// 4:2:2, one for two pixels of a row.
    Yuv422,
    /// 4:2:0, one for a square of four pixels.
    Yuv420,
}

/// What encodes JPEG files. The bytes are the same whatever does, but for progressive files, which
/// are always the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JpegEncoder {
    /// The kernels on a GPU, where they are faster; else the host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels, on the CPU device as well, where they are slow.
    Kernels,
}

/// What encodes PNG files with [`Compression::Fast`]. The bytes are the same whatever does. The other
/// levels are always the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PngEncoder {
    /// The kernels on a GPU, where they are faster; else the host.
    #[default]
    Auto,
    /// The host.
    Host,
    /// The kernels, on the CPU device as well, where they are slow. The host still encodes pictures
    /// of 2 GB and more.
    Kernels,
}

/// How hard a lossless format compresses. The pixels are the same with all of them.
///
/// The first four are a scale that PNG and TIFF both have (TIFF as Deflate, which most readers
/// know); the others are older methods of TIFF alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: the default of TIFF.
    Uncompressed,
    /// With little time: the default of PNG.
    Fast,
    /// With some time, as most programs do by default.
    Balanced,
    /// With much time, for the last percent.
    Small,
    /// TIFF's LZW, which every reader knows.
    Lzw,
    /// TIFF's PackBits: runs of equal bytes, for drawings and masks.
    PackBits,
}

/// The channels of a saved file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channels {
    /// The fewest that lose nothing of what the file can hold: no alpha where all of it is opaque,
    /// gray where red, green and blue are the same everywhere, both once they are quantised.
    Auto,
    /// Brightness alone.
    Gray,
    /// Brightness and alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl SaveOptions {
    /// The depth of the file's samples, straight from the float pixels.
    ///
    /// | | 8-bit | 16-bit | float |
    /// |---|---|---|---|
    /// | PNG, PNM | default | yes | |
    /// | TIFF | default | yes | yes |
    /// | OpenEXR, Radiance HDR | | | always |
    /// | others | always | | |
    ///
    /// 16 bits are `clamp(v, 0, 1) * 65535 + 0.5`, truncated, with NaN as 0. A float TIFF holds
    /// the values as the image has them: sRGB-encoded, those below 0.0 and past 1.0 included,
    /// so that loading it gives the same bits. OpenEXR and Radiance HDR hold linear light.
    ///
    /// Any other combination is [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption),
    /// as for every option of a format that does not have it.
    pub fn depth(mut self, depth: Depth) -> Self {
        self.depth = Some(depth);
        self
    }

    /// The channels of a PNG (all of [`Channels`]), a JPEG (gray or RGB, or the fewer) or a TIFF
    /// of 8 or 16 bits (all but gray with alpha; a float TIFF has RGB or RGBA). Without it RGBA,
    /// or RGB for a format that has no alpha and with a background.
    ///
    /// Without alpha, pixels are flattened onto the [`background`](Self::background), or black.
    /// Brightness is libjpeg's, `(19595 R + 38470 G + 7471 B + 32768) >> 16` of the quantised
    /// samples, so a gray is itself. [`Channels::Auto`] looks at the pixels on their device first,
    /// for which saving waits.
    ///
    /// Alpha with a background is [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption),
    /// and so is gray with an ICC profile, which is for RGB; with one, `Auto` keeps colours.
    pub fn channels(mut self, channels: Channels) -> Self {
        self.channels = Some(channels);
        self
    }

    /// How many colour samples the file keeps, whatever its quality. Without it all (4:4:4) from
    /// quality 90, and a quarter (4:2:0) below. For AVIF, HEIF and JPEG alone.
    pub fn subsampling(mut self, subsampling: Subsampling) -> Self {
        self.subsampling = Some(subsampling);
        self
    }

    /// Makes a progressive JPEG, which shows coarsely before it is all there and is usually a
    /// little smaller, but takes longer to encode and decode. For JPEG alone; `false` is the
    /// default, which any format takes.
    pub fn progressive(mut self, progressive: bool) -> Self {
        self.progressive = progressive;
        self
    }

    /// Makes a JPEG's Huffman tables for the picture, so that the file is a few percent smaller,
    /// and takes longer to encode. Progressive files always have such. For JPEG alone; `false` is
    /// the default, which any format takes.
    pub fn optimize_huffman(mut self, optimize: bool) -> Self {
        self.optimize_huffman = optimize;
        self
    }

    /// What encodes JPEG files. The bytes are the same whatever does.
    pub fn jpeg_encoder(mut self, encoder: JpegEncoder) -> Self {
        self.jpeg_encoder = encoder;
        self
    }

    /// What encodes PNG files with [`Compression::Fast`]. The bytes are the same whatever does.
    pub fn png_encoder(mut self, encoder: PngEncoder) -> Self {
        self.png_encoder = encoder;
        self
    }

    /// How many MCUs (blocks of 8x8 to 16x16 pixels, by the subsampling) are between a JPEG's
    /// restart markers, from which a decoder can go on where data are damaged, or start in
    /// parallel. 0, the default, for none. For JPEG alone.
    pub fn restart_interval(mut self, mcus: u16) -> Self {
        self.restart_interval = mcus;
        self
    }

    /// How a PNG ([`Uncompressed`](Compression::Uncompressed) to
    /// [`Small`](Compression::Small), by default [`Fast`](Compression::Fast)) or a TIFF (all, by
    /// default [`Uncompressed`](Compression::Uncompressed)) is compressed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Whether a WebP keeps every bit. Without it that is so unless a quality is set; `true`
    /// with a quality is an error, and `false` without one is lossy at quality 100. For WebP
    /// alone.
    pub fn lossless(mut self, lossless: bool) -> Self {
        self.lossless = Some(lossless);
        self
    }

    /// The time that a WebP's encoder takes to make the file smaller: 0 (fastest) to 6. By
    /// default 0 for a lossless file and 4 for a lossy one. For WebP alone.
    pub fn effort(mut self, effort: u8) -> Self {
        self.effort = Some(effort);
        self
    }

    /// The ICC profile and the EXIF that the file has, for AVIF, HEIF, JPEG, PNG, TIFF and WebP
    /// (animations too). By default none.
    ///
    /// TIFF has the tags of EXIF among its own: those that describe the picture, its camera and
    /// its place are written, makers' notes as they are. HEIF and AVIF have an orientation of
    /// their own, which becomes that of the EXIF.
    ///
    /// What is no ICC profile for RGB or no EXIF, or is larger than the format can hold (in a
    /// JPEG 65,527 bytes of EXIF), is
    /// [`ErrorKind::InvalidOption`](crate::ErrorKind::InvalidOption).
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}
