//! Huffman tables for writing: the standard's, or optimal ones computed as libjpeg does.

use super::super::tables;

/// How many codes have 1 to 16 bits, and the symbols of all codes, shortest code first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) counts: [u8; 16],
    pub(super) symbols: Vec<u8>,
}

/// The standard's tables: DC and AC for luma, then DC and AC for chroma.
pub(super) fn standard() -> [[Table; 2]; 2] {
    let standard = tables::Tables::new();
    [0, 1].map(|number| {
        [&standard.dc[number], &standard.ac[number]].map(|table| {
            let table = table.as_deref().expect("the standard has two of each");
            Table {
                counts: table.counts,
                symbols: table.symbols.clone(),
            }
        })
    })
}

/// The longest possible code before lengths are limited. Counts fit into 32 bits, which bounds the
/// depth of the tree.
const LONGEST: usize = 64;

impl Table {
    /// Makes the best code for symbols that occur `counts` times. No code has more than 16 bits,
    /// and none is all ones.
    pub(super) fn optimal(counts: &[u32; 256]) -> Self {
        // Symbol 256 is added with a count of 1. It gets the code of all ones, and no file uses it.
        let mut often: [u64; 257] = [1; 257];
        for (often, &count) in often.iter_mut().zip(counts) {
            *often = count.into();
        }
        let mut lengths = [0usize; 257];
        // The symbols of a tree are a linked list: each has the next one of its tree.
        let mut next = [None; 257];
        // The symbols that occur, or the first ones of their trees, in order.
        let mut trees: Vec<usize> = (0..257).filter(|&i| often[i] != 0).collect();
        let rarest = |trees: &[usize], often: &[u64; 257], but: Option<usize>| {
            // Of symbols that are equally rare, the last one, as in libjpeg.
            let trees = trees.iter().copied();
            trees
                .filter(|&i| Some(i) != but)
                .min_by_key(|&i| (often[i], 256 - i))
        };
        while let Some(first) = rarest(&trees, &often, None)
            && let Some(second) = rarest(&trees, &often, Some(first))
        {
            often[first] += often[second];
            trees.retain(|&i| i != second);
            let mut at = first;
            lengths[at] += 1;
            while let Some(behind) = next[at] {
                at = behind;
                lengths[at] += 1;
            }
            next[at] = Some(second);
            let mut at = second;
            lengths[at] += 1;
            while let Some(behind) = next[at] {
                at = behind;
                lengths[at] += 1;
            }
        }
        let mut of_length = [0u32; LONGEST + 1];
        for &length in lengths.iter().filter(|&&length| length > 0) {
            of_length[length.min(LONGEST)] += 1;
        }
        // Annex K.2 of the standard, figure K.3: of two codes that are too long, one loses a bit,
        // and the other moves below a shorter code.
        for length in (17..=LONGEST).rev() {
            while of_length[length] > 0 {
                let mut shorter = length - 2;
                while of_length[shorter] == 0 {
                    shorter -= 1;
                }
                of_length[length] -= 2;
                of_length[length - 1] += 1;
                of_length[shorter + 1] += 2;
                of_length[shorter] -= 1;
            }
        }
        let longest = (1..=16).rev().find(|&length| of_length[length] > 0);
        if let Some(longest) = longest {
            of_length[longest] -= 1;
        }
        let mut symbols: Vec<u8> = (0..=255)
            .filter(|&symbol| lengths[usize::from(symbol)] > 0)
            .collect();
        symbols.sort_by_key(|&symbol| lengths[usize::from(symbol)]);
        Self {
            counts: std::array::from_fn(|i| of_length[i + 1] as u8),
            symbols,
        }
    }
}
