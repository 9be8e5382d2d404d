//! Huffman tables of a file: the standard's, or made for a picture as libjpeg makes them.

use super::super::tables;

/// Codes of 1 to 16 bits, and what they stand for, shortest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) counts: [u8; 16],
    pub(super) symbols: Vec<u8>,
}

/// For luma those of DC and AC, then for chroma.
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

/// The longest code before lengths are limited: of as many symbols as there are it cannot be
/// longer, where all sums fit 32 bits.
const LONGEST: usize = 64;

impl Table {
    /// The shortest codes of at most 16 bits for symbols that are there so often. None is all ones.
    pub(super) fn optimal(counts: &[u32; 256]) -> Self {
        // The symbol behind all takes the code of all ones.
        let mut often: [u64; 257] = [1; 257];
        for (often, &count) in often.iter_mut().zip(counts) {
            *often = count.into();
        }
        let mut lengths = [0usize; 257];
        // Symbols that share a tree: the next one of each.
        let mut next = [None; 257];
        let rarest = |often: &[u64; 257], but: Option<usize>| {
            // Of equals the last one.
            (0..257)
                .filter(|&i| often[i] != 0 && Some(i) != but)
                .min_by_key(|&i| (often[i], 256 - i))
        };
        while let Some(first) = rarest(&often, None)
            && let Some(second) = rarest(&often, Some(first))
        {
            often[first] += often[second];
            often[second] = 0;
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
        // Annex K.2: two codes that are too long become one that is shorter, and a shorter one two.
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
