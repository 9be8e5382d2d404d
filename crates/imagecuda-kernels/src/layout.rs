//! The layouts of pixels in files.

/// The layout of a file's pixels in memory: the channels, in order, and the type of their samples.
/// Samples are interleaved, and rows follow each other from top to bottom. 16-bit and float samples
/// are in the machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// 8-bit gray.
    L8,
    /// 8-bit gray and alpha.
    La8,
    /// 8-bit red, green, blue.
    Rgb8,
    /// 8-bit red, green, blue, alpha.
    Rgba8,
    /// 8-bit cyan, magenta, yellow, black. 0 is no ink, 255 is full ink.
    Cmyk8,
    /// 16-bit gray.
    L16,
    /// 16-bit gray and alpha.
    La16,
    /// 16-bit red, green, blue.
    Rgb16,
    /// 16-bit red, green, blue, alpha.
    Rgba16,
    /// 16-bit cyan, magenta, yellow, black.
    Cmyk16,
    /// 32-bit float gray.
    L32F,
    /// 32-bit float gray and alpha.
    La32F,
    /// 32-bit float red, green, blue.
    Rgb32F,
    /// 32-bit float red, green, blue, alpha.
    Rgba32F,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 14] = [
        Self::L8,
        Self::La8,
        Self::Rgb8,
        Self::Rgba8,
        Self::Cmyk8,
        Self::L16,
        Self::La16,
        Self::Rgb16,
        Self::Rgba16,
        Self::Cmyk16,
        Self::L32F,
        Self::La32F,
        Self::Rgb32F,
        Self::Rgba32F,
    ];

    /// Samples of a pixel: 1 to 4.
    pub const fn channels(self) -> usize {
        match self {
            Self::L8 | Self::L16 | Self::L32F => 1,
            Self::La8 | Self::La16 | Self::La32F => 2,
            Self::Rgb8 | Self::Rgb16 | Self::Rgb32F => 3,
            Self::Rgba8 | Self::Rgba16 | Self::Rgba32F | Self::Cmyk8 | Self::Cmyk16 => 4,
        }
    }

    /// Bits of a sample: 8, 16 or 32 (float).
    pub const fn bits(self) -> usize {
        match self {
            Self::L8 | Self::La8 | Self::Rgb8 | Self::Rgba8 | Self::Cmyk8 => 8,
            Self::L16 | Self::La16 | Self::Rgb16 | Self::Rgba16 | Self::Cmyk16 => 16,
            Self::L32F | Self::La32F | Self::Rgb32F | Self::Rgba32F => 32,
        }
    }

    /// Bytes of a pixel: 1 to 16.
    pub const fn bytes_per_pixel(self) -> usize {
        self.channels() * self.bits() / 8
    }

    /// Whether there is an alpha channel.
    pub const fn has_alpha(self) -> bool {
        matches!(self.channels(), 2 | 4) && !self.is_cmyk()
    }

    /// Whether the channels are cyan, magenta, yellow and black. Without a profile they become RGB
    /// as if each ink absorbed its own colour and nothing else.
    pub const fn is_cmyk(self) -> bool {
        matches!(self, Self::Cmyk8 | Self::Cmyk16)
    }

    /// The bytes of `width` × `height` pixels, or `None` if that overflows.
    pub fn bytes(self, width: u32, height: u32) -> Option<usize> {
        let pixels = u64::from(width).checked_mul(u64::from(height))?;
        let bytes = pixels.checked_mul(self.bytes_per_pixel() as u64)?;
        usize::try_from(bytes).ok()
    }
}
