//! Luma and chroma of a TIFF, which says itself what they are made of.

use super::{Kind, Reader, error};
use crate::Result;
use tiff::{
    decoder::ifd::Value,
    tags::{CompressionMethod, Tag},
};

const COEFFICIENTS: Tag = Tag::Unknown(529);
const REFERENCE_BLACK_WHITE: Tag = Tag::Unknown(532);

/// How luma and chroma, from 0 to 1, become red, green and blue.
#[derive(Debug, PartialEq)]
pub(super) struct YCbCr {
    /// The shares of red, green and blue in luma.
    shares: [f64; 3],
    /// The samples that are black and white, or no colour and the most of it.
    range: [[f64; 2]; 3],
    /// What the most of a colour difference stands for.
    chroma: f64,
}

impl YCbCr {
    pub(super) fn new(decoder: &mut Reader<'_>, kind: Kind) -> Result<Self> {
        let top = 2_f64.powi(kind.bits() as i32) - 1.0;
        let middle = 2_f64.powi(kind.bits() as i32 - 1);
        let mut shares = [0.299, 0.587, 0.114];
        let mut range = [[0.0, top], [middle, top], [middle, top]];
        // JPEG has rules of its own, and libjpeg knows no others.
        if !is_jpeg(decoder)? {
            if let Some(found) = numbers(decoder, COEFFICIENTS)?
                && let Some(&found) = found.first_chunk()
                && is_made_of(found)
            {
                shares = found;
            }
            if let Some(found) = numbers(decoder, REFERENCE_BLACK_WHITE)?
                && let Some(found) = found.first_chunk::<6>()
                && let [y, cb, cr] = *found.as_chunks::<2>().0
                && [y, cb, cr]
                    .iter()
                    .all(|[black, white]| (white - black).abs() >= 1.0)
            {
                range = [y, cb, cr];
            }
        }
        Ok(Self {
            shares,
            range: range.map(|pair| pair.map(|sample| sample / top)),
            chroma: (middle - 1.0) / top,
        })
    }

    #[inline]
    pub(super) fn color(&self, samples: [f64; 3]) -> [f64; 3] {
        let [y, cb, cr] = [0, 1, 2].map(|i| {
            let [black, white] = self.range[i];
            (samples[i] - black) / (white - black)
        });
        let [red, green, blue] = self.shares;
        let r = y + (2.0 - 2.0 * red) * cr * self.chroma;
        let b = y + (2.0 - 2.0 * blue) * cb * self.chroma;
        [r, (y - red * r - blue * b) / green, b]
    }
}

/// Whether strips and tiles are JPEG.
pub(super) fn is_jpeg(decoder: &mut Reader<'_>) -> Result<bool> {
    let compression = super::tag(decoder, Tag::Compression)?;
    let compression = compression.map(CompressionMethod::from_u16_exhaustive);
    Ok(compression == Some(CompressionMethod::ModernJPEG))
}

/// Whether the shares can be those of a luma; zeros and nonsense say nothing.
fn is_made_of(shares: [f64; 3]) -> bool {
    shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares[1] > 0.0
}

/// The numbers of a tag, whatever type they have.
fn numbers(decoder: &mut Reader<'_>, tag: Tag) -> Result<Option<Vec<f64>>> {
    let number = |value: &Value| match *value {
        Value::Rational(n, d) => f64::from(n) / f64::from(d),
        Value::SRational(n, d) => f64::from(n) / f64::from(d),
        Value::Short(n) => n.into(),
        Value::Unsigned(n) => n.into(),
        Value::Float(n) => n.into(),
        Value::Double(n) => n,
        _ => f64::NAN,
    };
    let value = decoder.find_tag(tag).map_err(error)?;
    Ok(value.map(|value| match value {
        Value::List(values) => values.iter().map(number).collect(),
        one => vec![number(&one)],
    }))
}
