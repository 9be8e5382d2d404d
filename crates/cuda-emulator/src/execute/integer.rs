//! Whole numbers.

use super::{Engine, bits, float};
use crate::program::{
    Binary32, Binary64, Compare64, Instruction, LANES, Narrow, Ternary32, Unary32, Unary64, Widen,
};

/// The quotient, and what a GPU gives for a division by zero.
fn quotient(a: u32, b: u32) -> u32 {
    a.checked_div(b).unwrap_or(u32::MAX)
}

fn remainder(a: u32, b: u32) -> u32 {
    a.checked_rem(b).unwrap_or(a)
}

impl Engine<'_> {
    #[inline(always)]
    pub(super) fn unary32(&mut self, op: Unary32, i: &Instruction) {
        match op {
            Unary32::Mov => self.map1(i, |a| a),
            Unary32::Not => self.map1(i, |a| !a),
            Unary32::Not16 => self.map1(i, |a| !a & 0xFFFF),
            Unary32::Neg => self.map1(i, u32::wrapping_neg),
            Unary32::Neg16 => self.map1(i, |a| a.wrapping_neg() & 0xFFFF),
            Unary32::Abs => self.map1(i, |a| (a as i32).wrapping_abs() as u32),
            Unary32::Abs16 => self.map1(i, |a| u32::from((a as i16).wrapping_abs() as u16)),
            Unary32::Brev => self.map1(i, u32::reverse_bits),
            Unary32::Clz => self.map1(i, u32::leading_zeros),
            Unary32::Popc => self.map1(i, u32::count_ones),
            Unary32::Sext8To16 => self.map1(i, |a| u32::from(i16::from(a as i8) as u16)),
            Unary32::Sext16 => self.map1(i, |a| i32::from(a as i16) as u32),
            Unary32::Low16 => self.map1(i, |a| a & 0xFFFF),
            Unary32::AbsF => self.map1(i, |a| float::canonical(a & 0x7FFF_FFFF)),
            Unary32::NegF => self.map1(i, |a| float::canonical(a ^ 0x8000_0000)),
            Unary32::RcpF => self.map1(i, |a| float::apply(a, a, |a, _| 1.0 / a)),
            Unary32::FloatOfS32 => self.map1(i, |a| (a as i32 as f32).to_bits()),
            Unary32::FloatOfU32 => self.map1(i, |a| (a as f32).to_bits()),
            Unary32::S32OfFloat => self.map1(i, |a| f32::from_bits(a) as i32 as u32),
            Unary32::HalfOfFloat => self.map1(i, float::half),
        }
    }

    #[inline(always)]
    pub(super) fn binary32(&mut self, op: Binary32, i: &Instruction) {
        match op {
            Binary32::Add => self.map2(i, u32::wrapping_add),
            Binary32::Sub => self.map2(i, u32::wrapping_sub),
            Binary32::Mul => self.map2(i, u32::wrapping_mul),
            Binary32::MulHi => self.map2(i, |a, b| ((u64::from(a) * u64::from(b)) >> 32) as u32),
            Binary32::Add16 => self.map2(i, |a, b| a.wrapping_add(b) & 0xFFFF),
            Binary32::Sub16 => self.map2(i, |a, b| a.wrapping_sub(b) & 0xFFFF),
            Binary32::Mul16 => self.map2(i, |a, b| a.wrapping_mul(b) & 0xFFFF),
            Binary32::And => self.map2(i, |a, b| a & b),
            Binary32::Or => self.map2(i, |a, b| a | b),
            Binary32::Xor => self.map2(i, |a, b| a ^ b),
            Binary32::MinU => self.map2(i, u32::min),
            Binary32::MinS => self.map2(i, |a, b| (a as i32).min(b as i32) as u32),
            Binary32::MaxU => self.map2(i, u32::max),
            Binary32::MaxS => self.map2(i, |a, b| (a as i32).max(b as i32) as u32),
            Binary32::Shl => self.map2(i, |a, n| if n < 32 { a << (n & 31) } else { 0 }),
            Binary32::Shl16 => self.map2(i, |a, n| if n < 16 { (a << n) & 0xFFFF } else { 0 }),
            Binary32::ShrU => self.map2(i, |a, n| if n < 32 { a >> (n & 31) } else { 0 }),
            Binary32::ShrS => self.map2(i, |a, n| ((a as i32) >> n.min(31)) as u32),
            Binary32::DivU => self.map2(i, quotient),
            Binary32::RemU => self.map2(i, remainder),
            Binary32::Pack16 => self.map2(i, |low, high| (low & 0xFFFF) | (high << 16)),
            Binary32::AddF => self.map2(i, |a, b| float::apply(a, b, |a, b| a + b)),
            Binary32::SubF => self.map2(i, |a, b| float::apply(a, b, |a, b| a - b)),
            Binary32::MulF => self.map2(i, |a, b| float::apply(a, b, |a, b| a * b)),
            Binary32::DivF => self.map2(i, |a, b| float::apply(a, b, |a, b| a / b)),
            Binary32::MinF => self.map2(i, float::min),
            Binary32::MaxF => self.map2(i, float::max),
            Binary32::CopySignF => {
                self.map2(i, |sign, value| {
                    (value & 0x7FFF_FFFF) | (sign & 0x8000_0000)
                });
            }
        }
    }

    #[inline(always)]
    pub(super) fn ternary32(&mut self, op: Ternary32, i: &Instruction) {
        match op {
            Ternary32::Mad => self.map3(i, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
            Ternary32::Mad16 => self.map3(i, |a, b, c| a.wrapping_mul(b).wrapping_add(c) & 0xFFFF),
            Ternary32::BfeU => self.map3(i, bits::extract),
            Ternary32::BfeS => self.map3(i, bits::extract_signed),
            Ternary32::Prmt => self.map3(i, bits::permute),
            Ternary32::ShfL => self.map3(i, bits::funnel_left),
            Ternary32::ShfR => self.map3(i, bits::funnel_right),
        }
    }

    #[inline(always)]
    pub(super) fn unary64(&mut self, op: Unary64, i: &Instruction) {
        match op {
            Unary64::Mov => self.map64_1(i, |a| a),
            Unary64::Not => self.map64_1(i, |a| !a),
            Unary64::SextLow => self.map64_1(i, |a| i64::from(a as i32) as u64),
        }
    }

    #[inline(always)]
    fn map64_1(&mut self, i: &Instruction, f: impl Fn(u64) -> u64) {
        let a = self.get64(i.rows[1]);
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = f(a[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn binary64(&mut self, op: Binary64, i: &Instruction) {
        match op {
            Binary64::Add => self.map64(i, u64::wrapping_add),
            Binary64::Sub => self.map64(i, u64::wrapping_sub),
            Binary64::Mul => self.map64(i, u64::wrapping_mul),
            Binary64::MulHi => self.map64(i, |a, b| ((u128::from(a) * u128::from(b)) >> 64) as u64),
            Binary64::And => self.map64(i, |a, b| a & b),
            Binary64::Or => self.map64(i, |a, b| a | b),
            Binary64::Xor => self.map64(i, |a, b| a ^ b),
            Binary64::MinU => self.map64(i, u64::min),
            Binary64::MaxU => self.map64(i, u64::max),
            Binary64::DivU => self.map64(i, |a, b| a.checked_div(b).unwrap_or(u64::MAX)),
            Binary64::RemU => self.map64(i, |a, b| a.checked_rem(b).unwrap_or(a)),
        }
    }

    #[inline(always)]
    pub(super) fn mad64(&mut self, i: &Instruction) {
        let (a, b, c) = (
            self.get64(i.rows[1]),
            self.get64(i.rows[2]),
            self.get64(i.rows[3]),
        );
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = a[lane].wrapping_mul(b[lane]).wrapping_add(c[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn mul_wide(&mut self, i: &Instruction) {
        let (a, b) = (self.get32(i.rows[1]), self.get32(i.rows[2]));
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = u64::from(a[lane]) * u64::from(b[lane]);
        }
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn narrow(&mut self, op: Narrow, i: &Instruction) {
        match op {
            Narrow::Low32 => self.map_narrow(i, |a| a as u32),
            Narrow::Low16 => self.map_narrow(i, |a| a as u32 & 0xFFFF),
            Narrow::Popc => self.map_narrow(i, u64::count_ones),
            Narrow::FloatOfU64 => self.map_narrow(i, |a| (a as f32).to_bits()),
        }
    }

    #[inline(always)]
    pub(super) fn widen(&mut self, op: Widen, i: &Instruction) {
        match op {
            Widen::Zext => self.map_wide(i, u64::from),
            Widen::U64OfFloat => self.map_wide(i, float::to_u64),
        }
    }

    #[inline(always)]
    pub(super) fn compare64(&mut self, op: Compare64, i: &Instruction) {
        match op {
            Compare64::Eq => self.test64(i, |a, b| a == b),
            Compare64::Ne => self.test64(i, |a, b| a != b),
            Compare64::LtU => self.test64(i, |a, b| a < b),
            Compare64::LeU => self.test64(i, |a, b| a <= b),
            Compare64::LtS => self.test64(i, |a, b| (a as i64) < b as i64),
            Compare64::LeS => self.test64(i, |a, b| a as i64 <= b as i64),
        }
    }
}
