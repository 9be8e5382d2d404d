//! What was there before: one look for each place, and fewer where nothing is found.

/// The shortest that is taken: shorter ones cost more than the bytes themselves, filtered as they
/// are.
const SHORTEST: usize = 8;
const LONGEST: usize = 258;
/// How far back one may be.
const WINDOW: usize = 32 * 1024;

/// Literals are few where there are so many times as many bytes of matches.
const FEW: usize = 16;

const HASH_BITS: u32 = 13;
/// After so many looks in vain (a power of two), one place more is passed at each.
const PATIENCE: u32 = 4;

/// Bytes as they are, then a match.
#[derive(Clone, Copy, Debug)]
pub(in crate::codec::png::encode) struct Sequence {
    pub(super) literals: u32,
    /// 3 to 258; 0 at the end, where none follows.
    pub(super) length: u16,
    /// 1 to 32768.
    pub(super) distance: u16,
}

impl Sequence {
    /// Whether nearly all are matches, as in drawings.
    pub(in crate::codec::png::encode) fn are_matches(sequences: &[Self]) -> bool {
        let lengths = sequences.iter().map(|s| usize::from(s.length));
        let literals = sequences.iter().map(|s| s.literals as usize);
        literals.sum::<usize>() < lengths.sum::<usize>() / FEW
    }
}

/// Finds matches; its memory is used again.
#[derive(Debug, Default)]
pub(in crate::codec::png::encode) struct Finder {
    /// The last place with each hash, from 1; 0 is none.
    places: Vec<u32>,
    sequences: Vec<Sequence>,
}

impl Finder {
    /// All of `data`, of less than 4 GB, as literals and matches.
    pub(in crate::codec::png::encode) fn find(&mut self, data: &[u8]) -> &[Sequence] {
        self.places.clear();
        self.places.resize(1 << HASH_BITS, 0);
        self.sequences.clear();
        // The end of the last match, and where to look.
        let (mut done, mut at) = (0, 0);
        let mut misses = 0;
        while let Some(word) = word(data, at) {
            let place = &mut self.places[hash(word)];
            let before = std::mem::replace(place, at as u32 + 1) as usize;
            if before > 0 && at - (before - 1) <= WINDOW {
                let before = before - 1;
                let length = common(data, before, at);
                if length >= SHORTEST {
                    let back = data[done..at].iter().rev().zip(data[..before].iter().rev());
                    let back = back.take_while(|(a, b)| a == b).count();
                    self.push(at - back - done, length + back, at - before);
                    at += length;
                    done = at;
                    misses = 0;
                    continue;
                }
            }
            at += 1 + (misses >> PATIENCE);
            misses += 1;
        }
        self.sequences.push(Sequence {
            literals: (data.len() - done) as u32,
            length: 0,
            distance: 0,
        });
        &self.sequences
    }

    fn push(&mut self, mut literals: usize, mut length: usize, distance: usize) {
        while length > 0 {
            // What is left is no shorter than a match may be.
            let part = match length {
                ..=LONGEST => length,
                _ => LONGEST.min(length - 3),
            };
            self.sequences.push(Sequence {
                literals: literals as u32,
                length: part as u16,
                distance: distance as u16,
            });
            (literals, length) = (0, length - part);
        }
    }
}

#[inline(always)]
fn word(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*data.get(at..at + 8)?.first_chunk()?))
}

/// Of the first [`SHORTEST`] bytes.
#[inline(always)]
fn hash(word: u64) -> usize {
    let bytes = word << (64 - 8 * SHORTEST);
    (bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH_BITS)) as usize
}

/// Bytes from `at` that are as those from `before`.
#[inline(always)]
fn common(data: &[u8], before: usize, at: usize) -> usize {
    let mut length = 0;
    while let (Some(a), Some(b)) = (word(data, before + length), word(data, at + length)) {
        if a != b {
            return length + ((a ^ b).trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = data[before + length..].iter().zip(&data[at + length..]);
    length + rest.take_while(|(a, b)| a == b).count()
}
