//! Reads the header of a block with dynamic codes.

use super::bits::{Reader, Source, bits};

/// The order in which a header stores the lengths of the code-length code.
const ORDER: u128 = {
    let order = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15u128,
    ];
    let (mut packed, mut i) = (0, 0);
    while i < 19 {
        packed |= order[i] << (5 * i);
        i += 1;
    }
    packed
};

/// One bit in the byte of each length.
const LOW_BYTES: u64 = 0x01_0101_0101_0101;
const HIGH_BITS: u64 = 0x80_8080_8080_8080;

/// The code for code lengths, of up to 7 bits. It is kept in registers instead of a table.
struct LengthCode {
    /// For each length, in byte length - 1: the first 7-bit number that starts with a code longer
    /// than that.
    limits: u64,
    /// For each length, the number of shorter codes.
    shorter: u64,
    /// The symbols in the order of their codes, five bits each.
    symbols: [u64; 2],
}

impl LengthCode {
    /// A complete code from its lengths, of three bits each, in the order of symbols.
    #[inline(always)]
    fn new(lengths: u64) -> Self {
        let length = |symbol: u32| (lengths >> (3 * symbol)) as u32 & 7;
        // Byte i is the number of codes of length i.
        let mut counts = 0u64;
        for symbol in 0..19 {
            counts += 1u64 << (8 * length(symbol));
        }
        let (mut limits, mut shorter) = (0u64, 0u64);
        let (mut limit, mut before) = (0u64, 0u64);
        for length in 1..8 {
            let count = counts >> (8 * length) & 255;
            limit += count << (7 - length);
            shorter |= before << (8 * (length - 1));
            before += count;
            limits |= (limit & 255) << (8 * (length - 1));
        }
        let mut next = shorter;
        let mut symbols = [0u64; 2];
        for symbol in 0..19 {
            let length = length(symbol);
            if length > 0 {
                let place = 8 * (length - 1);
                let index = (next >> place) as u32 & 255;
                next += 1u64 << place;
                if index < 12 {
                    symbols[0] |= u64::from(symbol) << (5 * index);
                } else {
                    symbols[1] |= u64::from(symbol) << ((5 * (index - 12)) & 63);
                }
            }
        }
        Self {
            limits,
            shorter,
            symbols,
        }
    }

    /// The symbol of the code that the bits start with, and the code's length.
    #[inline(always)]
    fn symbol(&self, bits: u32) -> (u32, u32) {
        let code = bits.reverse_bits() >> 25;
        // The highest bit of each byte tells whether the code is longer than that length.
        let longer = (u64::from(code | 128) * LOW_BYTES - self.limits) & HIGH_BITS;
        let place = 8 * longer.count_ones();
        let length = longer.count_ones() + 1;
        let first = (self.limits << 8 >> place) as u32 & 255;
        let shorter = (self.shorter >> place) as u32 & 255;
        let index = shorter + ((code - first) >> (7 - length.min(7)));
        let symbol = match index < 12 {
            true => self.symbols[0] >> (5 * index),
            false => self.symbols[1] >> ((5 * (index - 12)) & 63),
        };
        (symbol as u32 & 31, length)
    }
}

/// How many code lengths for literals and lengths, and how many for distances, a header at this
/// position has.
#[inline(always)]
pub(super) fn counts(source: impl Source, position: u32) -> (u32, u32) {
    let header = bits(source, position, 17);
    ((header >> 3 & 31) + 257, (header >> 8 & 31) + 1)
}

/// Reads a header whose code-length code is known to be complete. Calls `put` with each symbol and
/// its code length, first for literals and lengths, then for distances. Returns the position after
/// it. `None` if it is no header, because a code is not complete. A distance code may also be a
/// single code of one bit, or empty. Gives up after `most` lengths if nothing is wrong until then, and
/// returns the position there.
#[inline(always)]
pub(super) fn read(
    source: impl Source,
    position: u32,
    end: u32,
    most: u32,
    mut put: impl FnMut(u32, u32),
) -> Option<u32> {
    let header = bits(source, position, 17);
    let (literals, distances) = counts(source, position);
    let given = (header >> 13 & 15) + 4;
    let start = position + 17;
    let packed = u64::from(bits(source, start, 30)) | u64::from(bits(source, start + 30, 27)) << 30;
    let mut lengths = 0u64;
    for i in 0..19 {
        if i < given {
            let symbol = (ORDER >> (5 * i)) as u32 & 31;
            lengths |= (packed >> (3 * i) & 7) << (3 * symbol);
        }
    }
    let code = LengthCode::new(lengths);
    let mut reader = Reader::new(source, start + 3 * given);
    let all = literals + distances;
    let (mut at, mut last) = (0, 0);
    // Kraft sums; 2^15 is a complete code.
    let (mut literal_sum, mut distance_sum, mut distance_most) = (0, 0, 0);
    let mut has_end = false;
    while at < all {
        if at >= most {
            return Some(reader.position);
        }
        let bits = reader.peek();
        let (symbol, length) = code.symbol(bits);
        let rest = bits >> length;
        let (extra, repeats, value) = match symbol {
            16 => (2, 3 + (rest & 3), last),
            17 => (3, 3 + (rest & 7), 0),
            18 => (7, 11 + (rest & 127), 0),
            _ => (0, 1, symbol),
        };
        if symbol == 16 && at == 0 {
            return None;
        }
        reader.take(length + extra);
        let after = at + repeats;
        if after > all {
            return None;
        }
        last = value;
        if value > 0 {
            let part = 1 << 15 >> value;
            let of_literals = after.min(literals).saturating_sub(at);
            let of_distances = repeats - of_literals;
            literal_sum += part * of_literals;
            distance_sum += part * of_distances;
            if of_distances > 0 && value > distance_most {
                distance_most = value;
            }
            has_end |= at <= 256 && after > 256;
            if literal_sum > 1 << 15 || distance_sum > 1 << 15 {
                return None;
            }
        }
        for i in at..after {
            put(i, value);
        }
        at = after;
    }
    let distances_right = distance_sum == 1 << 15 || distance_most <= 1 && distance_sum <= 1 << 14;
    let right = has_end && literal_sum == 1 << 15 && distances_right;
    (right && reader.position <= end).then_some(reader.position)
}
