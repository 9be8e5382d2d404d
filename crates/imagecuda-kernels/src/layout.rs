//! How the pixels of a file lie in memory.

/// The layout of pixels as a file holds them: channels, in order, and their type. Samples are
/// interleaved, rows are packed from top to bottom, 16-bit and float samples are in the
/// machine's byte order.
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
    /// 8-bit cyan, magenta, yellow, black: from no ink to all of it.
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

    /// Samples a pixel: 1 to 4.
    pub const fn channels(self) -> usize {
        match self {
            Self::L8 | Self::L16 | Self::L32F => 1,
            Self::La8 | Self::La16 | Self::La32F => 2,
            Self::Rgb8 | Self::Rgb16 | Self::Rgb32F => 3,
            Self::Rgba8 | Self::Rgba16 | Self::Rgba32F | Self::Cmyk8 | Self::Cmyk16 => 4,
        }
    }

    /// Bits a sample: 8, 16 or 32 (float).
    pub const fn bits(self) -> usize {
        match self {
            Self::L8 | Self::La8 | Self::Rgb8 | Self::Rgba8 | Self::Cmyk8 => 8,
            Self::L16 | Self::La16 | Self::Rgb16 | Self::Rgba16 | Self::Cmyk16 => 16,
            Self::L32F | Self::La32F | Self::Rgb32F | Self::Rgba32F => 32,
        }
    }

    /// Bytes a pixel: 1 to 16.
    pub const fn bytes_per_pixel(self) -> usize {
        self.channels() * self.bits() / 8
    }

    /// Whether pixels carry their own alpha.
    pub const fn has_alpha(self) -> bool {
        matches!(self.channels(), 2 | 4) && !self.is_cmyk()
    }

    /// Whether channels are inks. Without a profile they become the RGB of the paper that they
    /// leave.
    pub const fn is_cmyk(self) -> bool {
        matches!(self, Self::Cmyk8 | Self::Cmyk16)
    }

    /// The bytes that `width` × `height` pixels take, or `None` if that overflows.
    pub fn bytes(self, width: u32, height: u32) -> Option<usize> {
        let pixels = u64::from(width).checked_mul(u64::from(height))?;
        let bytes = pixels.checked_mul(self.bytes_per_pixel() as u64)?;
        usize::try_from(bytes).ok()
    }
}
