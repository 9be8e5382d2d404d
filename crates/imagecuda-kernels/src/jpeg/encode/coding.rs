//! Coefficients to Huffman codes.

use super::{
    bits::{BitWriter, WordSink},
    frame::Frame,
};
use bytemuck::{Pod, Zeroable};

/// The symbol that ends a block: EOB.
const EOB: u8 = 0x00;

/// The symbol of 16 zeros: ZRL.
const ZRL: u8 = 0xf0;

/// The code of each symbol: the code itself in the upper 16 bits, its length in the lower ones. 0
/// for a symbol without a code.
pub type Codes = [u32; 256];

/// The codes of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Tables {
    /// For the first coefficient.
    pub dc: Codes,
    /// For the others.
    pub ac: Codes,
}

/// The codes of a table with `counts` codes of 1 to 16 bits, which stand for `symbols`, shortest
/// first.
pub fn codes(counts: &[u8; 16], symbols: &[u8]) -> Codes {
    let mut codes = [0; 256];
    let mut symbols = symbols.iter();
    let mut code = 0u32;
    for (length, &count) in (1u32..).zip(counts) {
        for &symbol in symbols.by_ref().take(count.into()) {
            codes[usize::from(symbol)] = code << 16 | length;
            code += 1;
        }
        code <<= 1;
    }
    codes
}

/// The number of bits of a number's magnitude: the standard's category SSSS.
#[inline(always)]
pub fn size(v: i32) -> u32 {
    32 - v.unsigned_abs().leading_zeros()
}

/// The bits of a number that follow its symbol. It has `size` of them.
#[inline(always)]
pub fn extra(v: i32, size: u32) -> u32 {
    // For a negative number those of the number below it.
    (v - i32::from(v < 0)) as u32 & ((1 << size) - 1)
}

/// Calls `each` with the symbols of a block, in order: whether the symbol is of the DC table, the
/// symbol, the bits that follow it, and how many these are. `difference` is the DC difference.
/// `mask` has a bit for each `coefficient` that is not zero, in zigzag order.
#[inline(always)]
pub fn symbols(
    difference: i32,
    mask: u64,
    coefficient: impl Fn(u32) -> i32,
    mut each: impl FnMut(bool, u8, u32, u32),
) {
    let bits = size(difference);
    each(true, bits as u8, extra(difference, bits), bits);
    let mut mask = mask & !1;
    let mut next = 1;
    while mask != 0 {
        let index = mask.trailing_zeros();
        mask &= mask - 1;
        let mut zeros = index - next;
        while zeros > 15 {
            each(false, ZRL, 0, 0);
            zeros -= 16;
        }
        let v = coefficient(index);
        let bits = size(v);
        each(false, (zeros << 4 | bits) as u8, extra(v, bits), bits);
        next = index + 1;
    }
    if next < 64 {
        each(false, EOB, 0, 0);
    }
}

impl Tables {
    /// A symbol's code together with the `size` bits that follow it, and how many bits both have:
    /// at most 26.
    #[inline(always)]
    pub fn bits(&self, is_dc: bool, symbol: u8, extra: u32, size: u32) -> (u32, u32) {
        let code = if is_dc { &self.dc } else { &self.ac }[usize::from(symbol)];
        ((code >> 16) << size | extra, (code & 31) + size)
    }
}

/// The coefficients of data units, in whatever memory.
pub trait Units: Copy {
    /// A coefficient of a data unit, in zigzag order.
    fn coefficient(self, unit: u32, index: u32) -> i32;

    /// A mask of those that are not zero.
    fn mask(self, unit: u32) -> u64;
}

/// Calls `each` with the symbols of a data unit, as [`symbols`] does.
#[inline(always)]
pub fn unit(frame: &Frame, units: impl Units, unit: u32, each: impl FnMut(bool, u8, u32, u32)) {
    let before = match frame.dc_predecessor(unit) {
        Some(before) => units.coefficient(before, 0),
        None => 0,
    };
    let difference = units.coefficient(unit, 0) - before;
    let coefficient = |index| units.coefficient(unit, index);
    symbols(difference, units.mask(unit), coefficient, each);
}

/// The number of bits of a data unit.
#[inline(always)]
pub fn length(frame: &Frame, units: impl Units, number: u32, tables: &Tables) -> u32 {
    let mut length = 0;
    unit(frame, units, number, |is_dc, symbol, extra, size| {
        length += tables.bits(is_dc, symbol, extra, size).1;
    });
    length
}

/// The number of bits of a group whose data units have `bits`. With restart markers, a group is
/// padded to whole bytes, and a marker follows each but the last.
#[inline(always)]
pub fn group_bits(frame: &Frame, group: u32, bits: u32) -> u32 {
    match frame.restart_interval {
        0 => bits,
        _ if group + 1 == frame.groups() => bits.next_multiple_of(8),
        _ => bits.next_multiple_of(8) + 16,
    }
}

/// Writes the codes of a data unit from bit `at` on, and after the last unit of a group what ends
/// the group. Returns the first byte of the restart marker, if it wrote one.
#[inline(always)]
pub fn write<W: WordSink>(
    frame: &Frame,
    units: impl Units,
    number: u32,
    tables: &Tables,
    words: W,
    at: u64,
) -> Option<u64> {
    let mut writer = BitWriter::new(words, at);
    unit(frame, units, number, |is_dc, symbol, extra, size| {
        let (bits, count) = tables.bits(is_dc, symbol, extra, size);
        writer.put(bits, count);
    });
    let is_last = number + 1 == frame.units();
    let ends = is_last || frame.restart_interval != 0 && (number + 1).is_multiple_of(frame.group());
    let mut marker = None;
    if ends {
        let place = writer.align();
        if !is_last {
            marker = Some(place);
            let restart = 0xffd0 | ((number / frame.group()) % 8);
            writer.put(restart, 16);
        }
    }
    writer.finish();
    marker
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn of(coefficients: &[i32; 64]) -> Vec<(bool, u8, u32, u32)> {
        let mask = (0..64).fold(0, |mask, i| mask | u64::from(coefficients[i] != 0) << i);
        let mut all = Vec::new();
        symbols(
            coefficients[0],
            mask,
            |i| coefficients[i as usize],
            |a, b, c, d| {
                all.push((a, b, c, d));
            },
        );
        all
    }

    #[test]
    fn blocks_are_the_symbols_of_the_standard() {
        let mut block = [0; 64];
        assert_eq!(of(&block), [(true, 0, 0, 0), (false, 0, 0, 0)]);
        (block[0], block[1], block[3], block[37]) = (-5, 1, -1, 1023);
        assert_eq!(
            of(&block),
            [
                (true, 3, 2, 3),
                (false, 0x01, 1, 1),
                (false, 0x11, 0, 1),
                (false, 0xf0, 0, 0),
                (false, 0xf0, 0, 0),
                (false, 0x1a, 1023, 10),
                (false, 0, 0, 0),
            ]
        );
        block[63] = -2;
        assert_eq!(of(&block)[6..], [(false, 0xf0, 0, 0), (false, 0x92, 1, 2)]);
    }

    #[test]
    fn codes_count_up() {
        let mut counts = [0; 16];
        (counts[1], counts[2], counts[15]) = (2, 1, 1);
        let codes = codes(&counts, &[7, 3, 9, 0]);
        assert_eq!(
            [7, 3, 9, 0, 1].map(|i: usize| codes[i]),
            [2, 1 << 16 | 2, 4 << 16 | 3, (5 << 13) << 16 | 16, 0]
        );
    }
}
