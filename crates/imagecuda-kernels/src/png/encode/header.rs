//! The header of a block, which describes its codes.

use super::huffman::{self, LITERALS, SYMBOLS};

/// Symbols of the code-length code.
const PRECODE: usize = 19;

/// The longest codes of the code-length code.
const LIMIT: u32 = 7;

/// Words that hold any header: every length with its code and extra bits.
pub const WORDS: usize = 144;

const _: () = assert!(WORDS * 32 >= 3 + 14 + 3 * PRECODE + SYMBOLS * 14);

/// The order in which a block stores the lengths of the code-length code.
const ORDER: [u8; PRECODE] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Encodes lengths as symbols: the length itself; 16 for 3 to 6 repetitions of the last one; 17 for
/// 3 to 10 zeros; 18 for 11 to 138 zeros. Calls `each` with a symbol, its extra bits, and their
/// number.
#[inline(always)]
fn runs(count: usize, length: impl Fn(usize) -> u8, mut each: impl FnMut(usize, u32, u32)) {
    let mut at = 0;
    while at < count {
        let this = length(at);
        let mut end = at + 1;
        while end < count && length(end) == this {
            end += 1;
        }
        if this > 0 {
            each(this.into(), 0, 0);
            at += 1;
        }
        while at < end {
            let left = (end - at) as u32;
            let taken = match (this, left) {
                (_, ..3) => {
                    each(this.into(), 0, 0);
                    1
                }
                (0, 3..11) => {
                    each(17, left - 3, 3);
                    left
                }
                (0, _) => {
                    each(18, left.min(138) - 11, 7);
                    left.min(138)
                }
                _ => {
                    each(16, left.min(6) - 3, 2);
                    left.min(6)
                }
            };
            at += taken as usize;
        }
    }
}

/// Writes the header of a block whose codes have these `lengths`: [`SYMBOLS`] of them. `put` gets
/// bits and their number. `is_last` marks the last block.
pub fn write(is_last: bool, lengths: &[u8], mut put: impl FnMut(u32, u32)) {
    let lengths = &lengths[..SYMBOLS];
    let mut literals = LITERALS;
    while literals > 257 && lengths[literals - 1] == 0 {
        literals -= 1;
    }
    let mut distances = SYMBOLS - LITERALS;
    while distances > 1 && lengths[LITERALS + distances - 1] == 0 {
        distances -= 1;
    }
    let count = literals + distances;
    let length = |at: usize| match at < literals {
        true => lengths[at],
        false => lengths[LITERALS + at - literals],
    };
    let mut counts = [0u32; PRECODE];
    runs(count, length, |symbol, _, _| counts[symbol] += 1);
    let (precode, known) = precode(&counts);

    put(u32::from(is_last) | 2 << 1, 3);
    put(literals as u32 - 257, 5);
    put(distances as u32 - 1, 5);
    put(known as u32 - 4, 4);
    for &symbol in &ORDER[..known] {
        put(precode[usize::from(symbol)] >> 16, 3);
    }
    runs(count, length, |symbol, extra, bits| {
        let (bits, count) = huffman::coded(precode[symbol], (symbol, extra, bits));
        put(bits, count);
    });
}

/// The code-length code, and how many of its own lengths the header stores.
fn precode(counts: &[u32; PRECODE]) -> ([u32; PRECODE], usize) {
    let used = counts.iter().filter(|&&count| count > 0).count() as u32;
    let mut keys = [huffman::UNUSED; PRECODE];
    let mut len = 0;
    for (symbol, &count) in (0..).zip(counts) {
        let key = huffman::key(symbol, count, used, counts[0] > 0);
        if key == huffman::UNUSED {
            continue;
        }
        let mut at = len;
        while at > 0 && keys[at - 1] > key {
            keys[at] = keys[at - 1];
            at -= 1;
        }
        keys[at] = key;
        len += 1;
    }
    let (mut weights, mut lengths, mut codes) = ([0; PRECODE], [0; PRECODE], [0; PRECODE]);
    huffman::lengths(&keys[..len], &mut weights, LIMIT, &mut lengths);
    huffman::codes(&lengths, &mut codes);
    let mut known = PRECODE;
    while known > 4 && lengths[usize::from(ORDER[known - 1])] == 0 {
        known -= 1;
    }
    (codes, known)
}
