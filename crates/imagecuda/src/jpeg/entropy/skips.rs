//! Passing over the AC codes of blocks, several of them at a time.

use super::{super::file::Huffman, bits::Bits, table::codes};

/// The number of bits of a look-up.
pub(super) const WINDOW: u32 = 13;

/// For each value of the next bits: how far all codes that they show in full, each with its value, take a
/// decoder.
pub(super) struct Skips(Box<[Entry; 1 << WINDOW]>);

/// In 16 bits: the number of bits (4), the number of coefficients (7), and whether the last code ends the
/// block (1). Zero if the bits show no whole code.
type Entry = u16;

const ENDS: Entry = 1 << 11;

/// A step over some codes.
pub(super) struct Step {
    /// By how many coefficients they advance.
    pub(super) advance: u32,
    /// Whether the last one ends the block.
    pub(super) ends: bool,
}

/// A code with its value: how many bits both have, and by how many coefficients it advances. `None` ends the
/// block.
#[derive(Clone, Copy)]
struct One {
    bits: u32,
    advance: Option<u32>,
}

impl Skips {
    /// The steps for a table that [is sound](Huffman::is_sound).
    pub(super) fn new(huffman: &Huffman) -> Self {
        let mut first: Vec<Option<One>> = vec![None; 1 << WINDOW];
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = WINDOW.checked_sub(length) else {
                continue;
            };
            let size = u32::from(symbol & 15);
            let advance = match symbol {
                0xf0 => Some(16),
                _ if size == 0 => None,
                _ => Some(u32::from(symbol >> 4) + 1),
            };
            let bits = length + size;
            let begin = (code << free) as usize;
            first[begin..begin + (1 << free)]
                .fill((bits <= WINDOW).then_some(One { bits, advance }));
        }
        let all = |window: usize| {
            let (mut bits, mut advance) = (0, 0);
            while let Some(one) = first[window << bits & ((1 << WINDOW) - 1)] {
                if bits + one.bits > WINDOW {
                    break;
                }
                let Some(more) = one.advance else {
                    return ENDS | ((advance << 4) | (bits + one.bits)) as Entry;
                };
                if advance + more > 63 {
                    break;
                }
                (bits, advance) = (bits + one.bits, advance + more);
            }
            (advance << 4 | bits) as Entry
        };
        let mut entries = Box::new([0; 1 << WINDOW]);
        for (window, entry) in entries.iter_mut().enumerate() {
            *entry = all(window);
        }
        Self(entries)
    }

    /// Passes over the next codes, if all of them belong to a block whose next coefficient is `k`. They take at
    /// most [`WINDOW`] bits, and so many must be there.
    #[inline(always)]
    pub(super) fn step(&self, bits: &mut Bits<'_>, k: u32) -> Option<Step> {
        let entry = self.0[bits.peek(WINDOW) as usize % (1 << WINDOW)];
        let (length, advance) = (u32::from(entry & 15), u32::from(entry >> 4 & 127));
        // After the last coefficient there is no code that ends the block: what follows is another's.
        if length == 0 || k + advance > 63 {
            return None;
        }
        bits.skip(length);
        Some(Step {
            advance,
            ends: entry & ENDS != 0,
        })
    }
}
