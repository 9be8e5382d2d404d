//! What the samples of a TIFF mean.

use super::luma::YCbCr;
use crate::{Error, Result};

/// The type of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 1 to 7 bits, packed from the high bit down.
    Bits(u8),
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

impl Kind {
    pub(super) fn new(bits: u16, format: u16) -> Result<Self> {
        Ok(match (format, bits) {
            (1 | 4, 1..=7) => Self::Bits(bits as u8),
            (1 | 4, 8) => Self::U8,
            (1 | 4, 16) => Self::U16,
            (1 | 4, 32) => Self::U32,
            (1 | 4, 64) => Self::U64,
            (3, 16) => Self::F16,
            (3, 32) => Self::F32,
            (3, 64) => Self::F64,
            (1 | 4, _) => return Err(Error::unsupported(format!("{bits}-bit samples"))),
            (3, _) => return Err(Error::unsupported(format!("{bits}-bit float samples"))),
            (2, _) => return Err(Error::unsupported("signed samples")),
            _ => return Err(Error::unsupported("complex samples")),
        })
    }

    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Bits(bits) => bits.into(),
            Self::U8 => 8,
            Self::U16 | Self::F16 => 16,
            Self::U32 | Self::F32 => 32,
            Self::U64 | Self::F64 => 64,
        }
    }

    /// The bits of a sample as this crate lays it out.
    pub(super) fn bits_out(self) -> u8 {
        match self {
            Self::Bits(_) | Self::U8 => 8,
            Self::U16 => 16,
            _ => 32,
        }
    }

    /// The sample at `index` of a row in the machine's byte order: integers from 0 to 1,
    /// floats as they are.
    #[inline]
    pub(super) fn sample(self, row: &[u8], index: usize) -> f64 {
        fn at<const N: usize>(row: &[u8], index: usize) -> [u8; N] {
            row.as_chunks().0[index]
        }
        match self {
            Self::Bits(bits) => {
                let bits = usize::from(bits);
                let start = index * bits;
                // Up to 7 bits may lie across two bytes.
                let next = row.get(start / 8 + 1).copied().unwrap_or(0);
                let two = u16::from_be_bytes([row[start / 8], next]);
                let max = (1_u16 << bits) - 1;
                f64::from(two >> (16 - bits - start % 8) & max) / f64::from(max)
            }
            Self::U8 => f64::from(row[index]) / 255.0,
            Self::U16 => f64::from(u16::from_ne_bytes(at(row, index))) / 65535.0,
            Self::U32 => f64::from(u32::from_ne_bytes(at(row, index))) / f64::from(u32::MAX),
            Self::U64 => u64::from_ne_bytes(at(row, index)) as f64 / u64::MAX as f64,
            Self::F16 => f16_to_f64(u16::from_ne_bytes(at(row, index))),
            Self::F32 => f32::from_ne_bytes(at(row, index)).into(),
            Self::F64 => f64::from_ne_bytes(at(row, index)),
        }
    }
}

/// IEEE half precision.
fn f16_to_f64(half: u16) -> f64 {
    let exponent = i32::from(half >> 10 & 31);
    let fraction = f64::from(half & 1023) / 1024.0;
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    };
    if half >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// What the first samples of a pixel say.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    Gray,
    InvertedGray,
    Rgb,
    Palette(Vec<[f64; 3]>),
    Cmyk,
    YCbCr(YCbCr),
}

impl Meaning {
    /// From a colour map: all reds, all greens, all blues.
    pub(super) fn palette(map: Vec<u16>, bits: u16) -> Result<Self> {
        let colors = map.len() / 3;
        if bits > 8 || colors < 1 << bits {
            return Err(Error::decode(
                "the palette has another size than the samples",
            ));
        }
        // Some writers fill the low bytes only.
        let max = if map.iter().all(|&v| v < 256) {
            255.0
        } else {
            65535.0
        };
        let color = |i| [0, 1, 2].map(|channel| f64::from(map[channel * colors + i]) / max);
        Ok(Self::Palette((0..1 << bits).map(color).collect()))
    }

    pub(super) fn samples(&self) -> usize {
        match self {
            Self::Gray | Self::InvertedGray | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr(_) => 3,
            Self::Cmyk => 4,
        }
    }

    pub(super) fn is_gray(&self) -> bool {
        matches!(self, Self::Gray | Self::InvertedGray)
    }

    #[inline]
    pub(super) fn color(&self, pixel: &[f64; 5]) -> [f64; 3] {
        let [a, b, c, k, _] = *pixel;
        match self {
            Self::Gray => [a; 3],
            Self::InvertedGray => [1.0 - a; 3],
            Self::Rgb => [a, b, c],
            Self::Palette(colors) => {
                // A sample's value again. The palette is as long as its bits can say.
                let last = (colors.len() - 1) as f64;
                colors[(a * last + 0.5) as usize]
            }
            Self::Cmyk => [a, b, c].map(|ink| (1.0 - ink) * (1.0 - k)),
            Self::YCbCr(how) => how.color([a, b, c]),
        }
    }
}

/// Colours that were multiplied by their alpha, as they were before.
pub(super) fn unpremultiply(color: [f64; 3], alpha: f64) -> [f64; 3] {
    color.map(|v| if alpha > 0.0 { v / alpha } else { 0.0 })
}

/// Writes a pixel: `out` has as many bytes as its channels of 8, 16 or 32 (float) bits take.
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
