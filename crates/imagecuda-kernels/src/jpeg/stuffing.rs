//! Unstuffing: entropy-coded data without what a file adds to them. A file has a 0x00 after each
//! 0xff of the data, restart markers, and 0xff bytes that fill up the space before these.

use super::{groups::GROUP_THREADS, scan::Segment};

/// Bytes that one thread unstuffs.
pub const PIECE: usize = 16;

/// Bytes that one thread block unstuffs.
pub const CHUNK: usize = PIECE * GROUP_THREADS as usize;

/// The bytes that one thread unstuffs, and the one before them.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The bytes. Only the first `len` are of the file.
    pub bytes: [u32; PIECE / 4],
    /// The byte before them; 0 if there is none.
    pub before: u8,
    /// Bytes of the file: [`PIECE`], or fewer at its end.
    pub len: u32,
}

impl Piece {
    #[inline(always)]
    fn byte(&self, i: u32) -> u8 {
        // With shifts, as an array that is indexed would not stay in registers.
        let word = match i / 4 {
            0 => self.bytes[0],
            1 => self.bytes[1],
            2 => self.bytes[2],
            _ => self.bytes[3],
        };
        (word >> (i % 4 * 8)) as u8
    }

    /// Calls `keep` with the number of each byte that stands for a byte of the data, and that byte.
    #[inline(always)]
    pub fn each(&self, mut keep: impl FnMut(u32, u8)) {
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

    /// The number of bytes of the data.
    #[inline(always)]
    pub fn kept(&self) -> u32 {
        let mut kept = 0;
        self.each(|_, _| kept += 1);
        kept
    }

    /// Calls `put` with each byte of the data, and its place among the unstuffed data.
    ///
    /// The piece begins at byte `start` of the file's data; `kept` bytes of the data come before
    /// it. A subsequence has `bytes` bytes, and a segment's data begin with its first subsequence.
    #[inline(always)]
    pub fn scatter(
        &self,
        segments: &[Segment],
        start: u32,
        mut kept: u32,
        bytes: u32,
        mut put: impl FnMut(u32, u8),
    ) {
        let at = |number: usize| segments.get(number).copied().unwrap_or_default();
        let mut low = number_of_segment(segments, start);
        let (mut segment, mut next) = (at(low), at(low + 1));
        self.each(|i, byte| {
            // After the last segment comes a default one, which begins at 0.
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

/// The number of the segment that byte `at` of the file's data is in.
#[inline(always)]
fn number_of_segment(segments: &[Segment], at: u32) -> usize {
    let (mut low, mut high) = (0, segments.len());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match segments.get(middle) {
            Some(segment) if segment.file_start <= at => low = middle,
            _ => high = middle,
        }
    }
    low
}

/// The place among the unstuffed data of the first byte that a chunk keeps, if no segment begins within the chunk but
/// at its start: all that it keeps follows there. The arguments are as for [`Piece::scatter`].
#[inline(always)]
pub fn place_of_chunk(segments: &[Segment], chunk: u32, kept: u32, bytes: u32) -> Option<u32> {
    let start = chunk * CHUNK as u32;
    let number = number_of_segment(segments, start);
    let segment = segments.get(number)?;
    let is_whole = segments
        .get(number + 1)
        .is_none_or(|next| next.file_start - start >= CHUNK as u32);
    is_whole.then(|| segment.first_subsequence * bytes + kept.wrapping_sub(segment.kept_before))
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

    #[test]
    fn a_chunk_of_one_segment_stays_together() {
        const CHUNK: u32 = super::CHUNK as u32;
        let starts = [0, CHUNK, 3 * CHUNK - 1, 5 * CHUNK + 1];
        let segments: Vec<Segment> = (0..)
            .zip(starts)
            .map(|(number, file_start)| Segment {
                first_subsequence: 1000 * number,
                end_bit: 0,
                file_start,
                // Two bytes of each marker are not kept.
                kept_before: file_start - 2 * number,
            })
            .collect();
        let piece = Piece {
            bytes: [0x0101_0101; 4],
            before: 0,
            len: PIECE as u32,
        };
        for (chunk, is_whole) in (0..).zip([true, true, false, true, true, false, true]) {
            // The marker is in the chunk before.
            let start = chunk * CHUNK;
            let markers = starts
                .iter()
                .filter(|&&at| at > 0 && at <= start + 1)
                .count();
            let kept = start - 2 * markers as u32;
            let found = place_of_chunk(&segments, chunk, kept, 64);
            assert_eq!(found.is_some(), is_whole, "{chunk}");
            let mut first = None;
            piece.scatter(&segments, start, kept, 64, |at, _| {
                first = first.or(Some(at));
            });
            assert!(found.is_none_or(|found| Some(found) == first), "{chunk}");
        }
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
                // After 0xff only a 0x00 is data.
                let pair = |before: &mut u8, &b: &u8| Some((std::mem::replace(before, b), b));
                for pair in part.iter().scan(0, pair) {
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
                segments.push(Segment {
                    first_subsequence: first,
                    end_bit: 0,
                    file_start: start,
                    kept_before: kept,
                });
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
