//! Finds the end of entropy-coded data, and the restart markers in them.

use crate::{Result, memory, parallel};
use imagecuda_kernels::jpeg::stuffing::CHUNK;

/// A scan's entropy-coded data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EntropySegment {
    /// The offset of the marker that ends the data, or the end of the file.
    pub(super) end: usize,
    /// The offsets of the first restart markers.
    pub(super) restarts: Vec<usize>,
    /// The number of 0xff bytes in each chunk.
    pub(super) marks: Vec<u32>,
}

/// What is known of the chunks of the data that begin at `start`: whether one may have markers, and its
/// number of 0xff bytes.
#[derive(Debug)]
pub(crate) struct LookedAt {
    pub(crate) start: usize,
    pub(crate) chunks: Vec<(bool, u32)>,
}

impl EntropySegment {
    /// Finds the end of the data that start at `at`, some of which may have been looked at. Of the
    /// restart markers the first `most` are kept.
    pub(super) fn find(
        bytes: &[u8],
        mut at: usize,
        most: usize,
        known: Option<&LookedAt>,
    ) -> Result<Self> {
        let mut restarts = Vec::new();
        let mut marks = Vec::new();
        let start = at;
        let known = known.filter(|known| known.start == at);
        let mut looked = known
            .map_or_else(Vec::new, |known| known.chunks.clone())
            .into_iter();
        // The offset after the last marker.
        let mut behind = at;
        loop {
            // A file may have many scans, so none makes threads look much further than it reaches.
            let ahead = AHEAD * (at - start);
            if looked.len() == 0 && ahead >= MANY && parallel::has_idle_cores() {
                looked = look_at_many(&bytes[at..], ahead).into_iter();
            }
            let end = bytes.len().min(at + CHUNK);
            let look_here = || look(&bytes[at..end], bytes.get(end).copied());
            let (has_markers, count) = looked.next().unwrap_or_else(look_here);
            behind = behind.max(at);
            // A marker's second byte may be the first byte of the next chunk.
            let here = &bytes[..bytes.len().min(end + 1)];
            let next = |behind| has_markers.then(|| next_marker(here, behind)).flatten();
            while let Some(found) = next(behind) {
                behind = found + 1;
                if let 0xd0..=0xd7 = bytes[found] {
                    if restarts.len() < most {
                        memory::push(&mut restarts, found - 1)?;
                    }
                    continue;
                }
                let end = found - 1;
                if end > at {
                    memory::push(&mut marks, look(&bytes[at..end], None).1)?;
                }
                return Ok(Self {
                    end,
                    restarts,
                    marks,
                });
            }
            if end > at {
                memory::push(&mut marks, count)?;
            }
            if end == bytes.len() {
                return Ok(Self {
                    end,
                    restarts,
                    marks,
                });
            }
            at = end;
        }
    }
}

/// Bytes from which on several threads look at chunks, and bytes for each of them at a time.
const MANY: usize = 384 << 10;
const PART: usize = 32 * CHUNK;

/// Several threads look this many times as far ahead as data without an end have been found.
const AHEAD: usize = 8;

/// What [`look`] says of each chunk of the first `len` bytes, a multiple of a chunk, by several threads.
fn look_at_many(bytes: &[u8], len: usize) -> Vec<(bool, u32)> {
    let parts = bytes[..bytes.len().min(len)].chunks(PART).enumerate();
    let looked = parallel::map_on(parallel::FEW, parts, |(number, part)| {
        let chunks = part.chunks(CHUNK).enumerate();
        let behind = |at: usize| bytes.get(number * PART + (at + 1) * CHUNK).copied();
        chunks
            .map(|(at, chunk)| look(chunk, behind(at)))
            .collect::<Vec<_>>()
    });
    looked.concat()
}

/// What [`look`] says of each chunk, of bytes after which others come that are not known yet.
#[cfg(any(unix, all(test, feature = "jpeg")))]
pub(crate) fn look_at_part(part: &[u8]) -> Vec<(bool, u32)> {
    let chunks = part.chunks(CHUNK).enumerate();
    // A marker may begin with the last byte.
    let behind = |at: usize| Some(part.get((at + 1) * CHUNK).copied().unwrap_or(1));
    chunks.map(|(at, chunk)| look(chunk, behind(at))).collect()
}

/// Whether any 0xff is followed by a byte other than 0, and the number of 0xff bytes. `behind` is
/// the byte after `bytes`.
fn look(bytes: &[u8], behind: Option<u8>) -> (bool, u32) {
    // Sums of bytes that cannot overflow, in a form that compilers vectorise.
    const STEPS: usize = 128;
    const LANES: usize = 32;
    let Some((&last, before)) = bytes.split_last() else {
        return (false, 0);
    };
    let (mut any, mut count) = (false, 0);
    let mut at = 0;
    while let Some(part) = bytes.get(at..)
        && part.len() > LANES
    {
        let steps = ((part.len() - 1) / LANES).min(STEPS);
        let (mut marked, mut marks) = ([0u8; LANES], [0u8; LANES]);
        for step in 0..steps {
            let (these, next) = (&part[step * LANES..], &part[step * LANES + 1..]);
            let (Some(these), Some(next)) = (these.first_chunk::<LANES>(), next.first_chunk())
            else {
                break;
            };
            let next: &[u8; LANES] = next;
            for lane in 0..LANES {
                let is_mark = u8::from(these[lane] == 0xff);
                marked[lane] |= is_mark & u8::from(next[lane] != 0);
                marks[lane] += is_mark;
            }
        }
        any |= marked != [0; LANES];
        count += marks.iter().map(|&n| u32::from(n)).sum::<u32>();
        at += steps * LANES;
    }
    for (i, &byte) in before.iter().enumerate().skip(at) {
        any |= byte == 0xff && bytes[i + 1] != 0;
        count += u32::from(byte == 0xff);
    }
    any |= last == 0xff && behind.is_some_and(|next| next != 0);
    (any, count + u32::from(last == 0xff))
}

/// The offset of the next marker's second byte. Skips entropy-coded data, in which a 0 follows each
/// 0xff, and fill bytes.
pub(super) fn next_marker(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)? + 1;
        match bytes.get(at)? {
            0 | 0xff => {}
            _ => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As [`EntropySegment::find`], byte after byte.
    fn slow(bytes: &[u8], from: usize) -> EntropySegment {
        let (mut restarts, mut end) = (Vec::new(), bytes.len());
        let mut at = from;
        while at + 1 < bytes.len() {
            match (bytes[at], bytes[at + 1]) {
                (0xff, 0xd0..=0xd7) => {
                    restarts.push(at);
                    at += 1;
                }
                (0xff, 0 | 0xff) | (..0xff, _) => {}
                _ => {
                    end = at;
                    break;
                }
            }
            at += 1;
        }
        let count = |chunk: &[u8]| chunk.iter().filter(|&&byte| byte == 0xff).count() as u32;
        EntropySegment {
            end,
            restarts,
            marks: bytes[from..end].chunks(CHUNK).map(count).collect(),
        }
    }

    proptest! {
        #[test]
        fn is_what_is_seen_byte_after_byte(
            seed in any::<u32>(),
            len in prop_oneof![0usize..100, CHUNK - 40..CHUNK + 40, 0..4 * CHUNK],
            often in 1u32..200,
            ends in any::<bool>(),
            most in prop_oneof![Just(usize::MAX), 0_usize..40],
        ) {
            let mut state = seed | 1;
            let mut bytes: Vec<u8> = vec![1, 2, 3];
            while bytes.len() < len + 3 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                match state % often {
                    0 if state & 512 != 0 && ends => bytes.extend([0xff, 0xd9]),
                    0 => bytes.extend([0xff, 0xd0 + (state >> 10 & 7) as u8]),
                    1 => bytes.extend([0xff, 0]),
                    2 => bytes.push(0xff),
                    _ => bytes.push((state >> 10) as u8),
                }
            }
            let mut expected = slow(&bytes, 3);
            expected.restarts.truncate(most);
            prop_assert_eq!(EntropySegment::find(&bytes, 3, most, None).unwrap(), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn several_threads_see_the_same(
            len in MANY..MANY + 3 * PART,
            marks in prop::collection::vec((any::<prop::sample::Index>(), any::<[bool; 2]>()), 0..200),
            end in any::<Option<prop::sample::Index>>(),
        ) {
            let mut bytes = vec![1; len + 5];
            // Some on the bounds between chunks.
            for (place, [is_on_bound, is_marker]) in marks {
                let at = match is_on_bound {
                    true => (place.index(len / CHUNK) + 1) * CHUNK + 4,
                    false => 5 + place.index(len - 1),
                };
                bytes[at - 1] = 0xff;
                bytes[at] = if is_marker { 0xd3 } else { 0 };
            }
            if let Some(end) = end {
                let at = 6 + end.index(len - 1);
                (bytes[at - 1], bytes[at]) = (0xff, 0xd9);
            }
            let data = &bytes[5..];
            let chunks = data.chunks(CHUNK).enumerate();
            let one_thread: Vec<_> = chunks
                .map(|(number, chunk)| look(chunk, data.get((number + 1) * CHUNK).copied()))
                .collect();
            prop_assert_eq!(parallel::in_pool(3, || look_at_many(data, data.len())), one_thread);
            let found = EntropySegment::find(&bytes, 5, usize::MAX, None).unwrap();
            prop_assert_eq!(found, slow(&bytes, 5));
        }
    }
}
