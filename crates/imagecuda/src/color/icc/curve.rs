//! Tone curves of ICC profiles, evaluated in double precision.

use super::{s15_fixed16, u16_at, u32_at};

/// Sampled numbers from 0.0 to 1.0 in a profile, of 8 or 16 bits each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::color) struct Samples<'a> {
    bytes: &'a [u8],
    is_wide: bool,
}

impl<'a> Samples<'a> {
    /// Reads `count` numbers at offset `at` of a tag. `None` if the tag is too short.
    pub(super) fn new(tag: &'a [u8], at: usize, count: usize, is_wide: bool) -> Option<Self> {
        let len = count.checked_mul(if is_wide { 2 } else { 1 })?;
        let bytes = tag.get(at..at.checked_add(len)?)?;
        Some(Self { bytes, is_wide })
    }

    pub(super) fn size(self) -> usize {
        self.bytes.len()
    }

    fn len(self) -> usize {
        self.bytes.len() >> u32::from(self.is_wide)
    }

    pub(super) fn at(self, i: usize) -> f64 {
        if self.is_wide {
            f64::from(u16::from_be_bytes([
                self.bytes[2 * i],
                self.bytes[2 * i + 1],
            ])) / 65535.0
        } else {
            f64::from(self.bytes[i]) / 255.0
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::color) enum Curve<'a> {
    Identity,
    /// One of the five functions of `parametricCurveType`, and its parameters g, a, b, c, d, e and
    /// f.
    Parametric(u16, [f64; 7]),
    /// Two samples or more, with linear interpolation between them.
    Sampled(Samples<'a>),
}

impl<'a> Curve<'a> {
    /// Reads the curve at offset `at`, and returns its size in bytes. `None` if it is damaged.
    pub(super) fn new(tag: &'a [u8], at: usize) -> Option<(Self, usize)> {
        // The signature that programs of Monaco wrote for `curv`.
        const MONACO: &[u8] = b"\x94\x78\xee\x00";
        match tag.get(at..at.checked_add(4)?)? {
            b"curv" | MONACO => Self::curv(tag, at),
            b"para" => Self::para(tag, at),
            _ => None,
        }
    }

    fn curv(tag: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let count = u32_at(tag, at + 8)? as usize;
        let curve = match count {
            0 => Self::Identity,
            1 => Self::power(f64::from(u16_at(tag, at + 12)?) / 256.0),
            _ => Self::Sampled(Samples::new(tag, at + 12, count, true)?),
        };
        Some((curve, 12 + 2 * count))
    }

    fn para(tag: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let kind = u16_at(tag, at + 8)?;
        let count = *[1, 3, 4, 5, 7].get(usize::from(kind))?;
        let mut numbers = [0.0; 7];
        for (i, number) in numbers.iter_mut().enumerate().take(count) {
            *number = s15_fixed16(tag, at + 12 + 4 * i)?;
        }
        // Functions 1 and 2 begin at -b/a.
        if matches!(kind, 1 | 2) && numbers[1] == 0.0 {
            return None;
        }
        Some((Self::Parametric(kind, numbers), 12 + 4 * count))
    }

    pub(super) fn power(gamma: f64) -> Self {
        Self::Parametric(0, [gamma, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    }

    /// A sampled curve clamps to 0.0 to 1.0. A formula also holds outside.
    pub(in crate::color) fn eval(&self, x: f64) -> f64 {
        match *self {
            Self::Identity => x,
            Self::Parametric(kind, numbers) => parametric(kind, numbers, x),
            Self::Sampled(samples) => {
                let last = samples.len() - 1;
                let x = x.clamp(0.0, 1.0) * last as f64;
                let i = (x as usize).min(last - 1);
                let (low, high) = (samples.at(i), samples.at(i + 1));
                low + (high - low) * (x - i as f64)
            }
        }
    }
}

fn parametric(kind: u16, [g, a, b, c, d, e, f]: [f64; 7], x: f64) -> f64 {
    // The base of a power is never negative.
    let power = |base: f64| base.max(0.0).powf(g);
    match kind {
        // A straight line continues below 0.0.
        0 if g == 1.0 => x,
        0 => power(x),
        1 if x >= -b / a => power(a * x + b),
        1 => 0.0,
        2 if x >= -b / a => power(a * x + b) + c,
        2 => c,
        3 if x >= d => power(a * x + b),
        3 => c * x,
        _ if x >= d => power(a * x + b) + e,
        _ => c * x + f,
    }
}
