//! A chunk as literals and matches, readable from any byte on, so that many threads can each
//! process a part.

use super::matches::Match;

/// The bytes of a chunk that a thread processes.
pub const SPAN: u32 = 64;

/// A symbol's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A byte as it is.
    Literal(u8),
    /// Bytes that were there before.
    Match(Match),
}

/// A chunk and its matches, in any memory.
pub trait Chunk {
    /// The number of matches.
    fn count(&self) -> u32;

    /// Match `i`.
    fn get(&self, i: u32) -> Match;

    /// A byte.
    fn byte(&self, at: u32) -> u8;
}

/// The index of the first match that starts at `at` or later.
#[inline(always)]
fn first_from(chunk: &impl Chunk, at: u32) -> u32 {
    let (mut low, mut high) = (0, chunk.count());
    while low < high {
        let middle = (low + high) / 2;
        match u32::from(chunk.get(middle).start) < at {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

/// Calls `each` with the tokens that start at byte `start` or later and before `end`, in order.
#[inline(always)]
pub fn span(chunk: &impl Chunk, start: u32, end: u32, mut each: impl FnMut(Token)) {
    if start >= end {
        return;
    }
    let mut next = first_from(chunk, start);
    let mut at = match next {
        0 => start,
        // The match before may extend into the range.
        _ => start.max(chunk.get(next - 1).end()),
    };
    let load = |i: u32| (i < chunk.count()).then(|| chunk.get(i));
    let mut found = load(next);
    while at < end {
        match found {
            Some(this) if u32::from(this.start) == at => {
                each(Token::Match(this));
                at = this.end();
                next += 1;
                found = load(next);
            }
            _ => {
                each(Token::Literal(chunk.byte(at)));
                at += 1;
            }
        }
    }
}

/// A [`Chunk`] of slices.
#[derive(Clone, Copy, Debug)]
pub struct Slices<'a> {
    /// The bytes.
    pub data: &'a [u8],
    /// The matches.
    pub matches: &'a [Match],
}

impl Chunk for Slices<'_> {
    #[inline(always)]
    fn count(&self) -> u32 {
        self.matches.len() as u32
    }

    #[inline(always)]
    fn get(&self, i: u32) -> Match {
        self.matches[i as usize]
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.data[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn of(start: u16, length: u16) -> Match {
        Match {
            start,
            length,
            distance: 1,
            reserved: 0,
        }
    }

    #[test]
    fn spans_of_any_length_have_the_same_tokens() {
        let data: Vec<u8> = (0..200).collect();
        let matches = [of(3, 10), of(13, 3), of(16, 100), of(130, 5), of(190, 10)];
        let chunk = Slices {
            data: &data,
            matches: &matches,
        };
        let mut whole = Vec::new();
        span(&chunk, 0, 200, |token| whole.push(token));
        let covered: u32 = matches.iter().map(|m| u32::from(m.length)).sum();
        assert_eq!(whole.len() as u32, matches.len() as u32 + 200 - covered);
        assert_eq!(
            whole[2..6],
            [
                Token::Literal(2),
                Token::Match(matches[0]),
                Token::Match(matches[1]),
                Token::Match(matches[2]),
            ]
        );
        assert_eq!(whole[6], Token::Literal(116));
        for len in 1..200 {
            let mut parts = Vec::new();
            for start in (0..200).step_by(len) {
                let end = (start + len as u32).min(200);
                span(&chunk, start, end, |token| parts.push(token));
            }
            assert_eq!(parts, whole, "{len}");
        }
    }
}
