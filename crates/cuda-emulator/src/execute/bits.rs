//! Fields of bits and bytes.

use super::Engine;
use crate::program::{Instruction, LANES};

/// `bfe.u32`: `count` bits from bit `at` on.
#[inline(always)]
pub(super) fn extract(value: u32, at: u32, count: u32) -> u32 {
    let (at, count) = (at & 0xFF, count & 0xFF);
    let shifted = if at < 32 { value >> (at & 31) } else { 0 };
    shifted
        & if count < 32 {
            (1 << (count & 31)) - 1
        } else {
            u32::MAX
        }
}

/// `bfe.s32`: the same with the sign of the field's last bit that the value has.
#[inline(always)]
pub(super) fn extract_signed(value: u32, at: u32, count: u32) -> u32 {
    let (at, count) = (at & 0xFF, count & 0xFF);
    if count == 0 {
        return 0;
    }
    let last = (at + count - 1).min(31);
    let sign = ((value >> last) & 1).wrapping_neg();
    let mask = if count < 32 {
        (1u32 << (count & 31)) - 1
    } else {
        u32::MAX
    };
    let inside = if at < 32 { u32::MAX >> (at & 31) } else { 0 };
    let shifted = if at < 32 { value >> (at & 31) } else { 0 };
    let mask = mask & inside;
    (shifted & mask) | (sign & !mask)
}

#[inline(always)]
fn extract64(value: u64, at: u32, count: u32) -> u64 {
    let (at, count) = (at & 0xFF, count & 0xFF);
    let shifted = if at < 64 { value >> (at & 63) } else { 0 };
    shifted
        & if count < 64 {
            (1 << (count & 63)) - 1
        } else {
            u64::MAX
        }
}

/// `prmt.b32`: four bytes of the eight in `a` and `b`, or their signs.
#[inline(always)]
pub(super) fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = wide(a, b);
    let mut out = 0;
    for at in 0..4 {
        let choice = selector >> (4 * at);
        let byte = (bytes >> (8 * (choice & 7))) as u32 & 0xFF;
        let sign = (byte >> 7).wrapping_neg() & 0xFF;
        out |= if choice & 8 != 0 { sign } else { byte } << (8 * at);
    }
    out
}

#[inline(always)]
pub(super) fn wide(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// `shf.l.wrap.b32`.
#[inline(always)]
pub(super) fn funnel_left(low: u32, high: u32, n: u32) -> u32 {
    ((wide(low, high) << (n & 31)) >> 32) as u32
}

/// `shf.r.wrap.b32`.
#[inline(always)]
pub(super) fn funnel_right(low: u32, high: u32, n: u32) -> u32 {
    (wide(low, high) >> (n & 31)) as u32
}

impl Engine<'_> {
    pub(super) fn bfe64(&mut self, i: &Instruction) {
        let (a, at, count) = (
            self.get64(i.rows[1]),
            self.get32(i.rows[2]),
            self.get32(i.rows[3]),
        );
        let out = std::array::from_fn(|lane| extract64(a[lane], at[lane], count[lane]));
        self.put64(i.rows[0], &out);
    }

    #[inline(always)]
    pub(super) fn unpack16(&mut self, i: &Instruction) {
        let value = *self.get32(i.rows[2]);
        self.put32(i.rows[0], &value.map(|value| value & 0xFFFF));
        self.put32(i.rows[1], &value.map(|value| value >> 16));
    }

    #[inline(always)]
    pub(super) fn unpack32(&mut self, i: &Instruction) {
        let value = *self.get64(i.rows[2]);
        let mut halves = [[0; LANES]; 2];
        for lane in 0..LANES {
            halves[0][lane] = value[lane] as u32;
            halves[1][lane] = (value[lane] >> 32) as u32;
        }
        self.put32(i.rows[0], &halves[0]);
        self.put32(i.rows[1], &halves[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_as_the_manual_says() {
        assert_eq!(extract(0xABCD_1234, 8, 8), 0x12);
        assert_eq!(extract(0xABCD_1234, 24, 16), 0xAB);
        assert_eq!(extract(0xABCD_1234, 32, 8), 0);
        assert_eq!(extract(0xABCD_1234, 4, 0), 0);
        assert_eq!(extract(0xABCD_1234, 0, 32), 0xABCD_1234);
        assert_eq!(extract_signed(0x0000_0F00, 8, 4), u32::MAX);
        assert_eq!(extract_signed(0x0000_0700, 8, 4), 7);
        assert_eq!(extract_signed(0x8000_0000, 28, 8), 0xFFFF_FFF8);
        assert_eq!(extract_signed(5, 0, 0), 0);
        assert_eq!(extract64(0x0123_4567_89AB_CDEF, 32, 12), 0x567);
    }

    #[test]
    fn bytes_and_signs_are_chosen() {
        assert_eq!(permute(0x3322_1100, 0x7766_5544, 0x0123), 0x0011_2233);
        assert_eq!(permute(0x3322_1100, 0x7766_5544, 0x5410), 0x5544_1100);
        assert_eq!(permute(0x0000_0080, 0, 0x0008), 0x8080_80FF);
    }

    #[test]
    fn funnels_shift_across_words() {
        assert_eq!(funnel_left(0x8000_0001, 0x0000_00FF, 4), 0x0000_0FF8);
        assert_eq!(funnel_left(1, 2, 32), 2);
        assert_eq!(funnel_right(0x8000_0001, 0x0000_00FF, 4), 0xF800_0000);
    }
}
