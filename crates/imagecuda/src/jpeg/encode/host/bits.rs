//! Bits in order, and the zeros that a file has after each 0xff.

use super::rows::CodedUnit;
use imagecuda_kernels::jpeg::encode::coding::{self, Tables};

/// Bits in order: whole words of eight bytes, and up to 63 bits more.
#[derive(Debug)]
pub(super) struct Bits {
    /// The words, and room for more.
    bytes: Vec<u8>,
    /// How many of the bytes are of words.
    filled: usize,
    /// The last bits, lowest the last. The bits above them mean nothing.
    rest: u64,
    /// How many more bits `rest` has room for: 1 to 64.
    free: u32,
}

/// More bytes than the codes of a data unit have: 64 of at most 26 bits.
const ROOM: usize = 256;

impl Default for Bits {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            filled: 0,
            rest: 0,
            free: 64,
        }
    }
}

impl Bits {
    /// The whole words.
    fn words(&self) -> &[[u8; 8]] {
        self.bytes[..self.filled].as_chunks().0
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let len = (self.bytes.len() * 2).max(16 * ROOM);
        self.bytes.resize(len, 0);
    }

    /// The codes of a data unit, whose first coefficient is `difference` more than the one before.
    #[inline(always)]
    pub(super) fn code(&mut self, difference: i32, unit: &CodedUnit, tables: &Tables) {
        if self.bytes.len() - self.filled < ROOM {
            self.grow();
        }
        let out = &mut self.bytes[self.filled..][..ROOM];
        // In variables of their own, which stay in registers.
        let (mut rest, mut free, mut at) = (self.rest, self.free, 0);
        let CodedUnit(coefficients, mask) = unit;
        let coefficient = |index: u32| i32::from(coefficients[index as usize % 64]);
        coding::symbols(
            difference,
            *mask,
            coefficient,
            |is_dc, symbol, extra, size| {
                let (bits, count) = tables.bits(is_dc, symbol, extra, size);
                if let Some(word) = put(bits.into(), count, &mut rest, &mut free) {
                    out[at..at + 8].copy_from_slice(&word.to_be_bytes());
                    at += 8;
                }
            },
        );
        (self.rest, self.free) = (rest, free);
        self.filled += at;
    }

    /// The bytes; the last one is filled with ones, and a zero is after each 0xff.
    pub(super) fn stuffed(&self, file: &mut Vec<u8>) {
        join([self], file);
    }
}

/// Adds the lowest `count` of `bits`, up to 63, to the last ones; the others are zeros. Returns the word
/// that is full then.
#[inline(always)]
pub(in super::super) fn put(bits: u64, count: u32, rest: &mut u64, free: &mut u32) -> Option<u64> {
    if count < *free {
        *rest = *rest << count | bits;
        *free -= count;
        return None;
    }
    let over = count - *free;
    // In two shifts, as one by 64 would shift by 0.
    let word = *rest << (*free - 1) << 1 | bits >> over;
    *rest = bits;
    *free = 64 - over;
    Some(word)
}

/// Adds the bits of `parts`, one after another, to `file`. Fills the last byte with ones, and stuffs a
/// zero in after each 0xff.
pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a Bits>, file: &mut Vec<u8>) {
    let (mut rest, mut count) = (0u64, 0);
    for part in parts {
        file.reserve(part.filled + part.filled / 64 + 16);
        for &word in part.words() {
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

/// Adds eight bytes, and a zero after each 0xff.
#[inline(always)]
pub(in super::super) fn stuff(word: u64, file: &mut Vec<u8>) {
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
