//! The types of samples.

use crate::{Error, Result};

/// The type of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) numbers: Numbers,
    /// 1 to 32, or 64. Samples that do not fill bytes are packed from the highest bit down.
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Unsigned,
    Signed,
    Float,
}

impl Kind {
    /// The type of samples with `bits`, for a value of the tag SampleFormat.
    pub(super) fn new(bits: u64, format: u16) -> Result<Self> {
        let numbers = match format {
            // The fourth value means undefined data.
            1 | 4 => Numbers::Unsigned,
            2 => Numbers::Signed,
            3 => Numbers::Float,
            _ => return Err(Error::unsupported("complex samples")),
        };
        let is_known = match numbers {
            Numbers::Float => matches!(bits, 16 | 24 | 32 | 64),
            _ => matches!(bits, 1..=32 | 64),
        };
        let kind = match numbers {
            Numbers::Float => " float",
            _ => "",
        };
        match is_known {
            true => Ok(Self {
                numbers,
                bits: bits as u8,
            }),
            false => Err(Error::unsupported(format!("{bits}-bit{kind} samples"))),
        }
    }

    pub(super) fn unsigned(bits: u8) -> Self {
        let numbers = Numbers::Unsigned;
        Self { numbers, bits }
    }

    pub(super) fn bits(self) -> u64 {
        self.bits.into()
    }

    /// The size of a sample, if it has whole bytes.
    pub(super) fn bytes(self) -> Option<usize> {
        (self.bits.is_multiple_of(8)).then_some(usize::from(self.bits) / 8)
    }

    /// The bits of a sample in this library's layout.
    pub(super) fn bits_out(self) -> u8 {
        match (self.numbers, self.bits) {
            (Numbers::Unsigned, 1..=8) => 8,
            (Numbers::Unsigned, 9..=16) => 16,
            _ => 32,
        }
    }

    /// Whether a JPEG file can have such samples.
    pub(super) fn is_of_jpeg(self) -> bool {
        self.numbers == Numbers::Unsigned && matches!(self.bits, 2..=16)
    }

    /// Packs a row of unsigned samples as this kind stores them.
    pub(super) fn pack(self, samples: &[u16], row: &mut [u8]) {
        match self.bits {
            8 => row
                .iter_mut()
                .zip(samples)
                .for_each(|(to, &v)| *to = v as u8),
            16 => {
                let words = row.as_chunks_mut().0.iter_mut().zip(samples);
                words.for_each(|(to, v)| *to = v.to_ne_bytes());
            }
            bits => {
                let (mut word, mut count) = (0u32, 0);
                let mut to = row.iter_mut();
                for &sample in samples {
                    word = word << bits | u32::from(sample);
                    count += u32::from(bits);
                    while count >= 8 {
                        count -= 8;
                        if let Some(to) = to.next() {
                            *to = (word >> count) as u8;
                        }
                    }
                }
                if let (1.., Some(to)) = (count, to.next()) {
                    *to = (word << (8 - count)) as u8;
                }
            }
        }
    }

    /// Whether the samples already are in one of this library's layouts, in the machine's byte
    /// order.
    pub(super) fn is_plain(self) -> bool {
        u64::from(self.bits_out()) == self.bits()
            && (self.bits < 32 || self.numbers == Numbers::Float)
    }

    /// The largest unsigned sample.
    pub(super) fn top(self) -> f64 {
        (u64::MAX >> (64 - self.bits)) as f64
    }

    /// The bits of sample `index` of a row in the machine's byte order.
    #[inline]
    fn code(self, row: &[u8], index: usize) -> u64 {
        fn at<const N: usize>(row: &[u8], index: usize) -> [u8; N] {
            row.as_chunks().0[index]
        }
        match self.bits {
            8 => row[index].into(),
            16 => u16::from_ne_bytes(at(row, index)).into(),
            24 => {
                let [a, b, c] = at(row, index);
                let four = match cfg!(target_endian = "little") {
                    true => [a, b, c, 0],
                    false => [0, a, b, c],
                };
                u32::from_ne_bytes(four).into()
            }
            32 => u32::from_ne_bytes(at(row, index)).into(),
            64 => u64::from_ne_bytes(at(row, index)),
            bits => {
                let start = index * usize::from(bits);
                // 31 bits may span five bytes.
                let byte = |i| u64::from(row.get(start / 8 + i).copied().unwrap_or(0));
                let bytes = (0..5).fold(0, |all, i| all << 8 | byte(i));
                bytes >> (40 - usize::from(bits) - start % 8) & u64::MAX >> (64 - bits)
            }
        }
    }

    /// The value of sample `index` of a row in the machine's byte order. The largest integer is 1;
    /// the smallest signed one is a little below -1. Floats stay as they are.
    #[inline]
    pub(super) fn sample(self, row: &[u8], index: usize) -> f64 {
        let code = self.code(row, index);
        match (self.numbers, self.bits) {
            (Numbers::Unsigned, 8) => code as f64 / 255.0,
            (Numbers::Unsigned, 16) => code as f64 / 65535.0,
            (Numbers::Unsigned, _) => code as f64 / self.top(),
            // A signed sample of one bit has only the sign.
            (Numbers::Signed, 1) => -(code as f64),
            (Numbers::Signed, bits) => {
                let unused = 64 - bits;
                let number = (code << unused) as i64 >> unused;
                number as f64 / (i64::MAX >> unused) as f64
            }
            (Numbers::Float, 16) => float(code, 5, 10),
            (Numbers::Float, 24) => float(code, 7, 16),
            (Numbers::Float, 32) => f32::from_bits(code as u32).into(),
            (Numbers::Float, _) => f64::from_bits(code),
        }
    }

    /// Samples of `value` in the machine's byte order, as many as fill whole bytes. Empty if
    /// samples of this kind cannot have the value.
    pub(super) fn samples_of(self, value: f64) -> Vec<u8> {
        let bits = self.bits;
        let (least, most) = match self.numbers {
            Numbers::Unsigned => (0.0, self.top()),
            _ => (
                -(2_f64.powi(i32::from(bits) - 1)),
                2_f64.powi(i32::from(bits) - 1) - 1.0,
            ),
        };
        let code = match (self.numbers, bits) {
            (Numbers::Float, 32) => u64::from((value as f32).to_bits()),
            (Numbers::Float, 64) => value.to_bits(),
            // No writer uses these as the value of missing data.
            (Numbers::Float, _) => return Vec::new(),
            _ if value.fract() != 0.0 || !(least..=most).contains(&value) => return Vec::new(),
            (Numbers::Unsigned, _) => value as u64,
            (Numbers::Signed, _) => value as i64 as u64 & u64::MAX >> (64 - bits),
        };
        let Some(bytes) = self.bytes() else {
            let mut eight = vec![0; bits.into()];
            for bit in 0..8 * usize::from(bits) {
                let set = code >> (usize::from(bits) - 1 - bit % usize::from(bits)) & 1;
                eight[bit / 8] |= (set as u8) << (7 - bit % 8);
            }
            return eight;
        };
        match cfg!(target_endian = "little") {
            true => code.to_le_bytes()[..bytes].to_vec(),
            false => code.to_be_bytes()[8 - bytes..].to_vec(),
        }
    }
}

/// Decodes a float with a sign and these numbers of exponent and fraction bits, by IEEE 754's
/// rules.
fn float(code: u64, exponent_bits: u32, fraction_bits: u32) -> f64 {
    let top = (1 << exponent_bits) - 1;
    let exponent = (code >> fraction_bits) as i32 & top;
    let fraction = (code & ((1 << fraction_bits) - 1)) as f64 / 2_f64.powi(fraction_bits as i32);
    let bias = top / 2;
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(1 - bias),
        _ if exponent == top && fraction == 0.0 => f64::INFINITY,
        _ if exponent == top => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - bias),
    };
    match code >> (exponent_bits + fraction_bits) {
        0 => magnitude,
        _ => -magnitude,
    }
}
