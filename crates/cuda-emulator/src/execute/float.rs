//! Floats, as bits.

use super::Engine;
use crate::program::{Compare32, Instruction};

/// What every operation on floats gives for no number.
const NAN: u32 = 0x7FFF_FFFF;

#[inline(always)]
pub(super) fn canonical(bits: u32) -> u32 {
    if f32::from_bits(bits).is_nan() {
        NAN
    } else {
        bits
    }
}

#[inline(always)]
pub(super) fn apply(a: u32, b: u32, f: impl Fn(f32, f32) -> f32) -> u32 {
    canonical(f(f32::from_bits(a), f32::from_bits(b)).to_bits())
}

/// The order of numbers, with -0 before +0.
#[inline(always)]
fn key(bits: u32) -> i32 {
    (bits ^ (((bits as i32) >> 31) as u32 >> 1)) as i32
}

#[inline(always)]
pub(super) fn min(a: u32, b: u32) -> u32 {
    choose(a, b, key(b) < key(a))
}

#[inline(always)]
pub(super) fn max(a: u32, b: u32) -> u32 {
    choose(a, b, key(b) > key(a))
}

/// The second if `is_second`, unless one is no number.
#[inline(always)]
fn choose(a: u32, b: u32, is_second: bool) -> u32 {
    let (a_nan, b_nan) = (f32::from_bits(a).is_nan(), f32::from_bits(b).is_nan());
    let chosen = if (is_second & !b_nan) | a_nan { b } else { a };
    canonical(chosen)
}

/// `cvt.rn.f16.f32`.
pub(super) fn half(bits: u32) -> u32 {
    let value = f32::from_bits(bits);
    match value.is_nan() {
        true => 0x7FFF,
        false => u32::from(half::f16::from_f32(value).to_bits()),
    }
}

/// `cvt.rzi.u64.f32`.
pub(super) fn to_u64(bits: u32) -> u64 {
    let value = f32::from_bits(bits);
    if value.is_nan() {
        1 << 63
    } else {
        value as u64
    }
}

impl Engine<'_> {
    #[inline(always)]
    pub(super) fn compare32(&mut self, op: Compare32, i: &Instruction) {
        let f = f32::from_bits;
        match op {
            Compare32::Eq => self.test32(i, |a, b| a == b),
            Compare32::Ne => self.test32(i, |a, b| a != b),
            Compare32::LtU => self.test32(i, |a, b| a < b),
            Compare32::LeU => self.test32(i, |a, b| a <= b),
            Compare32::LtS => self.test32(i, |a, b| (a as i32) < b as i32),
            Compare32::LeS => self.test32(i, |a, b| a as i32 <= b as i32),
            Compare32::LtS16 => self.test32(i, |a, b| (a as i16) < b as i16),
            Compare32::EqF => self.test32(i, |a, b| f(a) == f(b)),
            Compare32::NeuF => self.test32(i, |a, b| f(a) != f(b)),
            Compare32::LtF => self.test32(i, |a, b| f(a) < f(b)),
            Compare32::LeF => self.test32(i, |a, b| f(a) <= f(b)),
            // True also if one is no number.
            Compare32::LtuF => self.test32(i, |a, b| (f(a) < f(b)) | f(a).is_nan() | f(b).is_nan()),
            Compare32::LeuF => {
                self.test32(i, |a, b| (f(a) <= f(b)) | f(a).is_nan() | f(b).is_nan())
            }
            Compare32::NanF => self.test32(i, |a, b| f(a).is_nan() | f(b).is_nan()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_is_a_number_if_one_is() {
        let bits = f32::to_bits;
        assert_eq!(min(bits(1.0), bits(2.0)), bits(1.0));
        assert_eq!(max(bits(1.0), bits(-2.0)), bits(1.0));
        assert_eq!(min(bits(0.0), bits(-0.0)), bits(-0.0));
        assert_eq!(max(bits(-0.0), bits(0.0)), bits(0.0));
        assert_eq!(min(0x7FC0_0000, bits(2.0)), bits(2.0));
        assert_eq!(max(bits(-1.0), 0xFFC0_0000), bits(-1.0));
        assert_eq!(min(0x7FC0_0000, 0xFFC0_0000), NAN);
    }

    #[test]
    fn no_number_has_one_form() {
        assert_eq!(apply(0xFFC1_2345, f32::to_bits(1.0), |a, b| a + b), NAN);
        assert_eq!(half(0xFFC0_0000), 0x7FFF);
        assert_eq!(to_u64(0x7FC0_0000), 1 << 63);
        assert_eq!(to_u64(f32::to_bits(-1.0)), 0);
    }
}
