//! Deflate's symbols: literals, lengths and distances, and their extra bits.

use crate::png::encode::matches::Match;

/// Symbols of literals and lengths, and that of a block's end.
pub const LITERALS: usize = 286;

/// The symbol of a block's end.
pub const END: usize = 256;

/// Symbols of distances.
pub const DISTANCES: usize = 30;

/// Symbols of both codes: those of distances after those of literals and lengths.
pub const SYMBOLS: usize = LITERALS + DISTANCES;

/// The symbol of a length from 3 to 258, its extra bits, and their number.
#[inline(always)]
pub fn length_symbol(length: u32) -> (usize, u32, u32) {
    let over = length - 3;
    match over {
        ..8 => (257 + over as usize, 0, 0),
        255 => (285, 0, 0),
        _ => {
            // Four symbols share each number of extra bits.
            let bits = over.ilog2() - 2;
            let symbol = 261 + 4 * bits + (over >> bits & 3);
            (symbol as usize, over & ((1 << bits) - 1), bits)
        }
    }
}

/// The symbol of a distance, numbered among those of both codes, its extra bits, and their number.
#[inline(always)]
pub fn distance_symbol(distance: u32) -> (usize, u32, u32) {
    let over = distance - 1;
    if over < 2 {
        return (LITERALS + over as usize, 0, 0);
    }
    // Two symbols share each number of extra bits.
    let bits = over.ilog2() - 1;
    let symbol = LITERALS as u32 + 2 * bits + (over >> bits);
    (symbol as usize, over & ((1 << bits) - 1), bits)
}

/// The number of extra bits of a symbol.
#[inline(always)]
pub fn extra_bits(symbol: u32) -> u32 {
    match symbol {
        ..265 | 285 => 0,
        265..285 => (symbol - 261) / 4,
        _ => ((symbol - LITERALS as u32) / 2).saturating_sub(1),
    }
}

/// The two symbols of a match: of its length and of its distance.
#[inline(always)]
pub fn match_symbols(found: Match) -> [(usize, u32, u32); 2] {
    [
        length_symbol(found.length.into()),
        distance_symbol(found.distance.into()),
    ]
}

/// A symbol's code with its extra bits, and their number: at most 25.
#[inline(always)]
pub fn coded(code: u32, (_, extra, bits): (usize, u32, u32)) -> (u32, u32) {
    let length = code >> 16;
    (code & 0xffff | extra << length, length + bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_distances_are_those_of_the_table() {
        // RFC 1951, 3.2.5: the first length of some symbols, and the count of bits.
        for (symbol, first, bits) in [
            (257, 3, 0),
            (264, 10, 0),
            (265, 11, 1),
            (268, 17, 1),
            (269, 19, 2),
            (273, 35, 3),
            (277, 67, 4),
            (281, 131, 5),
            (284, 227, 5),
            (285, 258, 0),
        ] {
            assert_eq!(length_symbol(first), (symbol, 0, bits));
            assert_eq!(extra_bits(symbol as u32), bits);
        }
        assert_eq!(length_symbol(257), (284, 30, 5));
        for (symbol, first, bits) in [
            (0, 1, 0),
            (3, 4, 0),
            (4, 5, 1),
            (5, 7, 1),
            (9, 25, 3),
            (15, 193, 6),
            (29, 24_577, 13),
        ] {
            assert_eq!(distance_symbol(first), (LITERALS + symbol, 0, bits));
            assert_eq!(extra_bits((LITERALS + symbol) as u32), bits);
        }
        assert_eq!(distance_symbol(32_768), (LITERALS + 29, 8191, 13));
    }
}
