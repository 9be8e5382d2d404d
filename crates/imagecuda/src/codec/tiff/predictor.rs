//! Undoes the byte order of samples, and the predictor.

use crate::{Error, Result};

/// What a file stores instead of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    Nothing,
    /// Differences of neighbouring samples.
    Horizontal,
    /// Differences of neighbouring bytes, in rows that have the highest bytes of all floats first.
    Float,
}

impl Predictor {
    /// The predictor with this number, for samples of `bytes` bytes each. `bytes` is `None` for
    /// samples that do not fill bytes.
    pub(super) fn new(number: u16, bytes: Option<usize>, is_float: bool) -> Result<Self> {
        match (number, bytes) {
            (1, _) => Ok(Self::Nothing),
            (2, Some(1 | 2 | 4 | 8)) => Ok(Self::Horizontal),
            (3, Some(2..)) if is_float => Ok(Self::Float),
            (2 | 3, _) => Err(Error::unsupported(format!(
                "predictor {number} of samples of this kind"
            ))),
            _ => Err(Error::decode(format!("predictor {number}"))),
        }
    }

    /// Makes samples of a row, of `bytes` each, in the machine's byte order. A pixel has `step`
    /// samples.
    pub(super) fn undo(self, row: &mut [u8], bytes: usize, step: usize, is_swapped: bool) {
        if is_swapped && bytes > 1 && self != Self::Float {
            row.chunks_exact_mut(bytes).for_each(<[u8]>::reverse);
        }
        match (self, bytes) {
            (Self::Nothing, _) => {}
            (Self::Horizontal, 1) => add::<1>(row, step, |a, b| [a[0].wrapping_add(b[0])]),
            (Self::Horizontal, 2) => add(row, step, |a, b| {
                let [a, b] = [a, b].map(u16::from_ne_bytes);
                a.wrapping_add(b).to_ne_bytes()
            }),
            (Self::Horizontal, 4) => add(row, step, |a, b| {
                let [a, b] = [a, b].map(u32::from_ne_bytes);
                a.wrapping_add(b).to_ne_bytes()
            }),
            (Self::Horizontal, _) => add(row, step, |a, b| {
                let [a, b] = [a, b].map(u64::from_ne_bytes);
                a.wrapping_add(b).to_ne_bytes()
            }),
            (Self::Float, _) => {
                add::<1>(row, step, |a, b| [a[0].wrapping_add(b[0])]);
                let planes = row.to_vec();
                let count = row.len() / bytes;
                for (i, sample) in row.chunks_exact_mut(bytes).enumerate() {
                    for (byte, out) in sample.iter_mut().enumerate() {
                        *out = planes[byte * count + i];
                    }
                    if cfg!(target_endian = "little") {
                        sample.reverse();
                    }
                }
            }
        }
    }
}

/// Adds to each sample the one `step` before it.
fn add<const N: usize>(row: &mut [u8], step: usize, sum: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let samples = row.as_chunks_mut::<N>().0;
    for i in step..samples.len() {
        samples[i] = sum(samples[i], samples[i - step]);
    }
}
