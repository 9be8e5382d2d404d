//! Entropy-coded data without what a file adds: a zero behind each 0xff of them, restart markers,
//! and 0xff as filling before those.

use super::{groups::GROUP_THREADS, scan::Segment};

/// Bytes that a thread looks at.
pub const PIECE: usize = 16;

/// Bytes that the threads of a group look at.
pub const CHUNK: usize = PIECE * GROUP_THREADS as usize;

/// Some bytes of a file's data, and the one before them (0 for the first).
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The bytes, of which the first `len` are there.
    pub bytes: [u32; PIECE / 4],
    /// The byte before.
    pub before: u8,
    /// How many there are.
    pub len: u32,
}

impl Piece {
    #[inline(always)]
    fn byte(&self, i: u32) -> u8 {
        // By a shift: what is indexed would be in memory.
        let word = match i / 4 {
            0 => self.bytes[0],
            1 => self.bytes[1],
            2 => self.bytes[2],
            _ => self.bytes[3],
        };
        (word >> (i % 4 * 8)) as u8
    }

    /// Calls `keep` with the number of each byte that stands for one of the data, and that one.
    #[inline(always)]
    fn each(&self, mut keep: impl FnMut(u32, u8)) {
        let mut before = self.before;
        for i in 0..PIECE as u32 {
            let byte = self.byte(i);
            if i < self.len {
                if before == 0xff && byte == 0 {
                    keep(i, 0xff);
                } else if before != 0xff && byte != 0xff {
                    keep(i, byte);
                }
            }
            before = byte;
        }
    }

    /// How many bytes of the data there are in it.
    #[inline(always)]
    pub fn kept(&self) -> u32 {
        let mut kept = 0;
        self.each(|_, _| kept += 1);
        kept
    }

    /// Calls `put` with the place of each byte in memory, and the byte. The piece begins `start`
    /// bytes behind the start of the data in the file, of which `kept` were kept. A segment begins
    /// where its first subsequence does, each of which has so many `bytes`.
    #[inline(always)]
    pub fn scatter(
        &self,
        segments: &[Segment],
        start: u32,
        mut kept: u32,
        bytes: u32,
        mut put: impl FnMut(u32, u8),
    ) {
        let (mut low, mut high) = (0, segments.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match segments.get(middle) {
                Some(segment) if segment.file_start <= start => low = middle,
                _ => high = middle,
            }
        }
        let at = |number: usize| segments.get(number).copied().unwrap_or_default();
        let (mut segment, mut next) = (at(low), at(low + 1));
        self.each(|i, byte| {
            // None is behind the last one; each has data.
            while next.file_start > segment.file_start && next.file_start <= start + i {
                low += 1;
                (segment, next) = (next, at(low + 1));
            }
            put(
                segment.first_subsequence * bytes + kept.wrapping_sub(segment.kept_before),
                byte,
            );
            kept += 1;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// What `bytes` stand for, by the rule of the standard.
    fn plain(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut bytes = bytes.iter().peekable();
        while let Some(&byte) = bytes.next() {
            if byte != 0xff {
                plain.push(byte);
                continue;
            }
            while bytes.next_if_eq(&&0xff).is_some() {}
            if bytes.next() == Some(&0) {
                plain.push(0xff);
            }
        }
        plain
    }

    proptest! {
        #[test]
        fn is_what_the_standard_says(
            parts in prop::collection::vec(
                prop::collection::vec(prop_oneof![Just(0xffu8), Just(0), any::<u8>()], 1..60),
                1..6,
            ),
        ) {
            const SUBSEQUENCE: u32 = 64;
            let (mut file, mut segments, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            let (mut kept, mut first) = (0, 0);
            for (number, part) in parts.iter().enumerate() {
                let start = file.len() as u32;
                // Behind 0xff only a 0 is data.
                for pair in part.iter().scan(0, |before, &b| Some((std::mem::replace(before, b), b))) {
                    match pair {
                        (0xff, 0xff) => {}
                        (0xff, _) => file.push(0),
                        _ => {}
                    }
                    file.push(pair.1);
                }
                if part.last() == Some(&0xff) {
                    file.push(0);
                }
                let data = plain(&file[start as usize..]);
                if data.is_empty() {
                    file.truncate(start as usize);
                    continue;
                }
                segments.push(Segment { first_subsequence: first, end_bit: 0, file_start: start, kept_before: kept });
                let mut padded = data.clone();
                padded.resize(data.len().next_multiple_of(SUBSEQUENCE as usize), 0);
                first += padded.len() as u32 / SUBSEQUENCE;
                kept += data.len() as u32;
                expected.extend(padded);
                file.extend([0xff, 0xff, 0xd0 + number as u8]);
            }
            let mut found = std::vec![0; expected.len()];
            let mut kept = 0;
            for (number, bytes) in file.chunks(PIECE).enumerate() {
                let start = number * PIECE;
                let mut all = [0u8; PIECE];
                all[..bytes.len()].copy_from_slice(bytes);
                let piece = Piece {
                    bytes: bytemuck::cast(all),
                    before: start.checked_sub(1).map_or(0, |before| file[before]),
                    len: bytes.len() as u32,
                };
                let mut count = 0;
                piece.scatter(&segments, start as u32, kept, SUBSEQUENCE, |at, byte| {
                    found[at as usize] = byte;
                    count += 1;
                });
                prop_assert_eq!(piece.kept(), count);
                kept += count;
            }
            prop_assert_eq!(found, expected);
        }
    }
}
