//! The meaning of a TIFF's samples.

use super::{kind::Kind, lab::Lab, log, luma::YCbCr};
use crate::{Error, Result};

/// The meaning of a pixel's first samples.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    Gray,
    InvertedGray,
    Rgb,
    Palette(Palette),
    Cmyk,
    YCbCr(YCbCr),
    Lab(Lab),
    /// The logarithm of luminance.
    LogL,
    /// Luminance and colour in one code of 32 bits.
    LogLuv,
}

#[derive(Debug, PartialEq)]
pub(super) struct Palette {
    colors: Vec<[f64; 3]>,
    /// The largest sample.
    top: f64,
}

impl Palette {
    /// Reads a colour map: all reds, all greens, all blues. If it has fewer colours than samples
    /// can name, the others are black.
    pub(super) fn new(map: &[u64], kind: Kind) -> Result<Self> {
        let count = map.len() / 3;
        if count == 0 {
            return Err(Error::decode("the palette has no colours"));
        }
        // Some writers fill only the low bytes, and some only the high bytes: in Pillow's files white is 0xff00.
        let max = match map {
            _ if map.iter().all(|&v| v < 256) => 255.0,
            _ if map.iter().all(|&v| v & 0xff == 0) => 65280.0,
            _ => 65535.0,
        };
        let color = |i| [0, 1, 2].map(|channel| map[channel * count + i] as f64 / max);
        Ok(Self {
            colors: (0..count).map(color).collect(),
            top: kind.top(),
        })
    }

    fn color(&self, sample: f64) -> [f64; 3] {
        // Back to the integer of the sample.
        let index = (sample * self.top + 0.5) as usize;
        self.colors.get(index).copied().unwrap_or_default()
    }
}

impl Meaning {
    pub(super) fn samples(&self) -> usize {
        match self {
            Self::Gray | Self::InvertedGray | Self::Palette(_) | Self::LogL | Self::LogLuv => 1,
            Self::Rgb | Self::YCbCr(_) | Self::Lab(_) => 3,
            Self::Cmyk => 4,
        }
    }

    pub(super) fn is_gray(&self) -> bool {
        matches!(self, Self::Gray | Self::InvertedGray | Self::LogL)
    }

    /// Whether colours are linear light, possibly above 1.0.
    pub(super) fn is_linear(&self) -> bool {
        matches!(self, Self::LogL | Self::LogLuv)
    }

    #[inline]
    pub(super) fn color(&self, pixel: &[f64; 5]) -> [f64; 3] {
        let [a, b, c, k, _] = *pixel;
        match self {
            Self::Gray => [a; 3],
            Self::InvertedGray => [1.0 - a; 3],
            Self::Rgb => [a, b, c],
            Self::Palette(palette) => palette.color(a),
            Self::Cmyk => [a, b, c].map(|ink| (1.0 - ink) * (1.0 - k)),
            Self::YCbCr(how) => how.color([a, b, c]),
            Self::Lab(how) => how.color([a, b, c]),
            Self::LogL => [log::luminance((a * 65535.0 + 0.5) as u16); 3],
            Self::LogLuv => log::color((a * f64::from(u32::MAX) + 0.5) as u32),
        }
    }

    /// The colour of samples that were multiplied by `alpha`. Inks and L*a*b* are divided as they are
    /// stored, since no ink is 0; other samples become a colour first, as in libtiff and libvips.
    pub(super) fn color_of_premultiplied(&self, mut pixel: [f64; 5], alpha: f64) -> [f64; 3] {
        match self {
            _ if alpha <= 0.0 || alpha.is_nan() => [0.0; 3],
            Self::Cmyk => {
                // No pixel has more than all of an ink.
                let inks = &mut pixel[..4];
                inks.iter_mut()
                    .for_each(|ink| *ink = (*ink / alpha).min(1.0));
                self.color(&pixel)
            }
            Self::Lab(how) => {
                let [l, a, b, ..] = pixel;
                how.color_of_premultiplied([l, a, b], alpha)
            }
            _ => self.color(&pixel).map(|sample| sample / alpha),
        }
    }
}

/// Writes a pixel. The length of `out` decides whether channels have 8, 16 or 32 (float) bits.
#[inline]
pub(super) fn put(out: &mut [u8], channels: impl Iterator<Item = f64> + Clone) {
    match out.len() / channels.clone().count() {
        1 => out.iter_mut().zip(channels).for_each(|(out, v)| {
            *out = (v * 255.0 + 0.5) as u8; // saturates
        }),
        2 => out
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(channels)
            .for_each(|(out, v)| {
                *out = ((v * 65535.0 + 0.5) as u16).to_ne_bytes();
            }),
        _ => out
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(channels)
            .for_each(|(out, v)| {
                *out = (v as f32).to_ne_bytes();
            }),
    }
}
