//! Conversion of a TIFF's luma and chroma, whose coefficients are in the file.

use super::{ifd::Directory, kind::Kind, tag};

/// Converts luma and chroma, from 0 to 1, to red, green and blue.
#[derive(Debug, PartialEq)]
pub(super) struct YCbCr {
    /// The weights of red, green and blue in luma.
    shares: [f64; 3],
    /// The sample values of black and white; for chroma, those of no colour and of the most colour.
    range: [[f64; 2]; 3],
    /// The colour difference that the most chroma stands for.
    chroma: f64,
}

impl YCbCr {
    pub(super) fn new(directory: &Directory<'_>, kind: Kind) -> Self {
        let top = kind.top();
        let middle = 2_f64.powi(kind.bits() as i32 - 1);
        let mut shares = [0.299, 0.587, 0.114];
        let mut range = [[0.0, top], [middle, top], [middle, top]];
        if let Some(found) = directory.fractions(tag::YCBCR_COEFFICIENTS)
            && is_made_of(found)
        {
            shares = found;
        }
        if let Some(found) = directory.fractions::<6>(tag::REFERENCE_BLACK_WHITE)
            && let [y, cb, cr] = *found.as_chunks::<2>().0
            && [y, cb, cr]
                .iter()
                .all(|[black, white]| (white - black).abs() >= 1.0)
        {
            range = [y, cb, cr];
        }
        Self {
            shares,
            range: range.map(|pair| pair.map(|sample| sample / top)),
            chroma: (middle - 1.0) / top,
        }
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

/// Whether the weights are possible. Zeros and impossible values are ignored.
fn is_made_of(shares: [f64; 3]) -> bool {
    shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares[1] > 0.0
}
