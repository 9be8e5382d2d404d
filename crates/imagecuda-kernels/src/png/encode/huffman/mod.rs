//! Makes Huffman codes: frequent symbols get short codes.

mod symbols;

pub use self::symbols::{
    DISTANCES, END, LITERALS, SYMBOLS, coded, distance_symbol, extra_bits, length_symbol,
    match_symbols,
};

/// The longest codes. Hardly any would be longer, and four codes of literals then fit into 64 bits.
pub const LIMIT: u32 = 12;

/// The bits of a key that hold its symbol.
const SYMBOL_BITS: u32 = 9;

/// The key of a symbol that does not occur.
pub const UNUSED: u32 = u32::MAX;

/// The sort key of a symbol: how often it occurs, then its number. `used` is how many symbols of
/// the code occur, and `uses_first` whether the first one does.
#[inline(always)]
pub fn key(symbol: u32, count: u32, used: u32, uses_first: bool) -> u32 {
    let fills_up = match symbol {
        0 => used < 2,
        1 => used == 0 || used == 1 && uses_first,
        _ => false,
    };
    match count > 0 || fills_up {
        true => count << SYMBOL_BITS | symbol,
        false => UNUSED,
    }
}

/// The index of `key` among `keys` after sorting. No two used keys are equal.
#[inline(always)]
pub fn rank(key: u32, keys: &[u32]) -> usize {
    keys.iter().map(|&other| usize::from(other < key)).sum()
}

/// Computes the code lengths for the symbols of `keys`, which are sorted and all used; there are at
/// least two. Other symbols' `lengths` are zeros and stay so. `weights` is memory for as many
/// numbers.
///
/// The code is optimal, unless codes would be longer than `limit`: then others become longer, so
/// that the code stays complete.
pub fn lengths(keys: &[u32], weights: &mut [u32], limit: u32, lengths: &mut [u8]) {
    let n = keys.len().min(weights.len());
    for (weight, &key) in weights.iter_mut().zip(keys) {
        *weight = weight_of(key);
    }
    let counts = length_counts(&mut weights[..n], limit);
    for (i, &key) in (0..).zip(&keys[..n]) {
        lengths[symbol_of(key)] = length_at(&counts, i, limit) as u8;
    }
}

/// How often the symbol of a key occurs.
#[inline(always)]
pub fn weight_of(key: u32) -> u32 {
    key >> SYMBOL_BITS
}

/// The symbol of a key.
#[inline(always)]
pub fn symbol_of(key: u32) -> usize {
    (key & ((1 << SYMBOL_BITS) - 1)) as usize
}

/// How many codes of each length there are of symbols with these weights, which are sorted: two or
/// more. The weights become other numbers.
#[inline(always)]
pub fn length_counts(weights: &mut [u32], limit: u32) -> [u32; 16] {
    merge(weights);
    let mut counts = depths(weights, limit);
    // What the codes take of all that there are of the longest length.
    let mut taken = 0;
    for (length, count) in (0..).zip(counts).take(limit as usize + 1) {
        taken += count << (limit - length);
    }
    while taken > 1 << limit {
        // A code of the longest length becomes the sibling of a shorter code, which gets one bit
        // longer.
        counts[limit as usize] -= 1;
        let mut length = limit as usize - 1;
        while length > 1 && counts[length] == 0 {
            length -= 1;
        }
        counts[length] -= 1;
        counts[length + 1] += 2;
        taken -= 1;
    }
    counts
}

/// The length of the code of sorted symbol `i`: the rarest have the longest.
#[inline(always)]
pub fn length_at(counts: &[u32; 16], i: u32, limit: u32) -> u32 {
    let mut length = limit;
    let mut end = counts[limit as usize & 15];
    while length > 1 && i >= end {
        length -= 1;
        end += counts[length as usize & 15];
    }
    length
}

/// The code of a symbol of this length, of which `before` symbols have the same length and lower
/// numbers: its first bit the lowest in the lower 16 bits, its length above; 0 for none.
#[inline(always)]
pub fn code_at(counts: &[u32; 16], length: u32, before: u32) -> u32 {
    if length == 0 {
        return 0;
    }
    let mut first = 0;
    for shorter in 1..length {
        first = (first + counts[shorter as usize & 15]) << 1;
    }
    let code = (first + before) as u16;
    u32::from(code.reverse_bits() >> (16 - length)) | length << 16
}

/// Replaces sorted weights by the tree of Huffman's method: afterwards number `i` below `n - 1` is
/// the parent of inner node `i`. (This is the in-place method of Moffat and Katajainen.)
#[inline(always)]
fn merge(weights: &mut [u32]) {
    let n = weights.len();
    let (mut root, mut leaf) = (0, 0);
    for next in 0..n - 1 {
        // The lighter of the first leaf and the first node, twice. All four that it can be are read at
        // once, as a thread of a GPU waits for each read.
        let weight = |at: usize, end: usize| match at < end {
            true => weights[at],
            false => u32::MAX,
        };
        let leaves = [weight(leaf, n), weight(leaf + 1, n)];
        let nodes = [weight(root, next), weight(root + 1, next)];
        let first_is_node = nodes[0] < leaves[0];
        let (node, other) = match first_is_node {
            true => (nodes[1], leaves[0]),
            false => (nodes[0], leaves[1]),
        };
        let second_is_node = node < other;
        let first = nodes[0].min(leaves[0]);
        let second = node.min(other);
        for is_node in [first_is_node, second_is_node] {
            if is_node {
                weights[root] = next as u32;
                root += 1;
            } else {
                leaf += 1;
            }
        }
        weights[next] = first + second;
    }
}

/// Counts the leaves at each depth of a tree made by [`merge`]. Leaves deeper than `limit` count as
/// being at that depth.
#[inline(always)]
fn depths(parents: &[u32], limit: u32) -> [u32; 16] {
    let mut counts = [0; 16];
    let n = parents.len();
    // Goes through the inner nodes from the root on, and keeps the depth of each for the nodes
    // below. Nodes of one depth are adjacent, so it is enough to know where each depth ends.
    let (mut places, mut depth) = (1u32, 0u32);
    let mut node = n as i32 - 2;
    // The lowest node of the depth above. Nodes whose parent is there have this depth.
    let mut above = n as i32 - 1;
    let mut left = n as u32;
    while left > 0 {
        let first = node;
        while node >= 0
            && (depth == 0 && node == first || depth > 0 && parents[node as usize] as i32 >= above)
        {
            node -= 1;
        }
        let inner = (first - node) as u32;
        let leaves = places - inner;
        counts[depth.min(limit) as usize] += leaves;
        left -= leaves;
        places = 2 * inner;
        above = node + 1;
        depth += 1;
    }
    counts
}

/// The codes for these lengths. The lower 16 bits are the code, its first bit lowest, and the upper
/// ones its length. A symbol without a code has 0.
pub fn codes(lengths: &[u8], codes: &mut [u32]) {
    let mut counts = [0u16; 16];
    for &length in lengths {
        counts[usize::from(length & 15)] += 1;
    }
    counts[0] = 0;
    let mut next = [0u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + counts[length - 1]) << 1;
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        *code = 0;
        if length > 0 {
            let next = &mut next[usize::from(length & 15)];
            *code = u32::from(next.reverse_bits() >> (16 - length)) | u32::from(length) << 16;
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    fn code_of(counts: &[u32], limit: u32) -> Vec<u8> {
        let used = counts.iter().filter(|&&count| count > 0).count() as u32;
        let keys = (0..)
            .zip(counts)
            .map(|(symbol, &count)| key(symbol, count, used, counts[0] > 0));
        let mut keys: Vec<u32> = keys.collect();
        let ranks: Vec<usize> = keys.iter().map(|&key| rank(key, &keys)).collect();
        let unsorted = keys.clone();
        keys.sort_unstable();
        for (key, rank) in unsorted.into_iter().zip(ranks) {
            assert!(key == UNUSED || keys[rank] == key);
        }
        keys.retain(|&key| key != UNUSED);
        let mut made = vec![0; counts.len()];
        lengths(&keys, &mut vec![0; keys.len()], limit, &mut made);
        made
    }

    /// The bits of the best code without a limit: the sum of the weights of Huffman's nodes.
    fn fewest(counts: &[u32]) -> u64 {
        let mut all: Vec<u64> = counts
            .iter()
            .filter(|&&c| c > 0)
            .map(|&c| c.into())
            .collect();
        let mut bits = 0;
        while all.len() > 1 {
            all.sort_unstable_by(|a, b| b.cmp(a));
            let both = all.pop().unwrap() + all.pop().unwrap();
            bits += both;
            all.push(both);
        }
        bits
    }

    fn kraft(lengths: &[u8]) -> u32 {
        let used = lengths.iter().filter(|&&length| length > 0);
        used.map(|&length| 1 << (15 - length)).sum()
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_the_shortest(
            counts in prop::collection::vec(
                prop_oneof![Just(0u32), 1u32..20, (0u32..17).prop_map(|k| 1 << k)],
                2..290,
            ),
        ) {
            for limit in [9, 12, 15] {
                let made = code_of(&counts, limit);
                prop_assert_eq!(kraft(&made), 1 << 15);
                prop_assert!(made.iter().all(|&length| u32::from(length) <= limit));
                let used = counts.iter().filter(|&&count| count > 0).count();
                prop_assert!(made.iter().zip(&counts).all(|(&l, &c)| c == 0 || l > 0));
                prop_assert_eq!(made.iter().filter(|&&l| l > 0).count(), used.max(2));
                let bits: u64 = made.iter().zip(&counts).map(|(&l, &c)| u64::from(l) * u64::from(c)).sum();
                if limit == 15 && used > 1 && made.iter().all(|&l| l < 15) {
                    prop_assert_eq!(bits, fewest(&counts));
                }
            }
        }
    }

    #[test]
    fn codes_that_would_be_long_are_limited() {
        let mut counts = vec![1, 1];
        while counts.len() < 25 {
            counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
        }
        for limit in [7, 12, 15] {
            let made = code_of(&counts, limit);
            assert_eq!(kraft(&made), 1 << 15);
            assert_eq!(made.iter().max(), Some(&(limit as u8)));
        }
        // A code has two symbols.
        assert_eq!(code_of(&[0, 0, 0], 7), [1, 1, 0]);
        assert_eq!(code_of(&[3, 0, 0], 7), [1, 1, 0]);
        assert_eq!(code_of(&[0, 0, 9], 7), [1, 0, 1]);
    }

    #[test]
    fn codes_are_deflates() {
        // The example of RFC 1951, 3.2.2.
        let mut made = [0; 8];
        codes(&[3, 3, 3, 3, 3, 2, 4, 4], &mut made);
        let expected = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
        for (code, expected) in made.into_iter().zip(expected) {
            let bits: Vec<u8> = (0..code >> 16)
                .map(|i| b'0' + (code >> i & 1) as u8)
                .collect();
            assert_eq!(bits, expected.as_bytes());
        }
    }
}
