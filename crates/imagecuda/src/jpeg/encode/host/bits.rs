//! Bits in order, and the zeros that a file has behind each 0xff.

use super::rows::CodedUnit;
use imagecuda_kernels::jpeg::encode::coding::{self, Tables};

/// Bits in order: whole words of eight bytes, and up to 63 bits more.
pub(in super::super) struct Bits {
    bytes: Vec<u8>,
    /// The last ones, lowest the last. The bits above them mean nothing.
    rest: u64,
    /// How many more `rest` has room for: 1 to 64.
    free: u32,
}

impl Default for Bits {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            rest: 0,
            free: 64,
        }
    }
}

impl Bits {
    /// The codes of a data unit, whose first coefficient is `difference` more than the one before.
    #[inline(always)]
    pub(super) fn code(&mut self, difference: i32, unit: &CodedUnit, tables: &Tables) {
        let CodedUnit(coefficients, mask) = unit;
        let coefficient = |index: u32| i32::from(coefficients[index as usize % 64]);
        coding::symbols(
            difference,
            *mask,
            coefficient,
            |is_dc, symbol, extra, size| {
                let (bits, count) = tables.bits(is_dc, symbol, extra, size);
                self.put(bits, count);
            },
        );
    }

    /// Adds the lowest `count` of `bits`, up to 32; the others are zeros.
    #[inline(always)]
    pub(in super::super) fn put(&mut self, bits: u32, count: u32) {
        self.put_word(bits.into(), count);
    }

    /// Adds the lowest `count` of `bits`, up to 63; the others are zeros.
    #[inline(always)]
    fn put_word(&mut self, bits: u64, count: u32) {
        if count < self.free {
            self.rest = self.rest << count | bits;
            self.free -= count;
            return;
        }
        let over = count - self.free;
        // In two shifts, as one by 64 would shift by 0.
        let word = self.rest << (self.free - 1) << 1 | bits >> over;
        self.bytes.extend_from_slice(&word.to_be_bytes());
        self.rest = bits;
        self.free = 64 - over;
    }

    /// The bytes; the last one is filled with ones, and a zero is behind each 0xff.
    pub(in super::super) fn stuffed(&self, file: &mut Vec<u8>) {
        join([self], file);
    }
}

/// Adds the bits of `parts`, one after another, to `file`. Fills the last byte with ones, and stuffs a
/// zero in behind each 0xff.
pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a Bits>, file: &mut Vec<u8>) {
    let (mut rest, mut count) = (0u64, 0);
    for part in parts {
        file.reserve(part.bytes.len() + part.bytes.len() / 64 + 16);
        for &word in part.bytes.as_chunks::<8>().0 {
            let word = u64::from_be_bytes(word);
            stuff(rest | word >> count, file);
            // In two shifts, as one by 64 would shift by 0.
            rest = word << 1 << (63 - count);
        }
        let more = 64 - part.free;
        if more > 0 {
            // The first bits highest.
            let word = part.rest << part.free;
            if count + more >= 64 {
                stuff(rest | word >> count, file);
                rest = word << 1 << (63 - count);
                count = count + more - 64;
            } else {
                rest |= word >> count;
                count += more;
            }
        }
    }
    let filled = rest | u64::MAX >> 1 >> (count.max(1) - 1);
    for byte in &filled.to_be_bytes()[..count.div_ceil(8) as usize] {
        file.push(*byte);
        if *byte == 0xff {
            file.push(0);
        }
    }
}

/// Adds eight bytes, and a zero behind each 0xff.
#[inline(always)]
fn stuff(word: u64, file: &mut Vec<u8>) {
    const ONES: u64 = u64::MAX / 255;
    // The highest bit of a byte that is set, and not after 1 was added.
    if word & !word.wrapping_add(ONES) & (ONES << 7) == 0 {
        return file.extend_from_slice(&word.to_be_bytes());
    }
    for byte in word.to_be_bytes() {
        file.push(byte);
        if byte == 0xff {
            file.push(0);
        }
    }
}
