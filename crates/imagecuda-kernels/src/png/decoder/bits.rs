//! Reads Deflate's bits, lowest first, from any position of the data.

use crate::png::block::Words;

/// The memory from which a reader takes words.
pub(super) trait Source: Copy {
    /// The word of a number.
    fn word(self, number: u32) -> u32;
}

/// Words in their normal order.
#[derive(Clone, Copy)]
pub(super) struct Plain<W>(pub(super) W);

impl<W: Words> Source for Plain<W> {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        self.0.get(number)
    }
}

/// Words in shared memory with one unused word after each 16. So threads whose positions are 16
/// words apart use different banks.
#[derive(Clone, Copy)]
pub(super) struct Staged<W>(pub(super) W);

/// The words of memory for this number of staged words.
pub(super) const fn staged_room(words: u32) -> u32 {
    words + words / 16 + 1
}

impl<W: Words> Staged<W> {
    /// Puts a word there.
    #[inline(always)]
    pub(super) fn put(self, number: u32, word: u32) {
        self.0.set(number + (number >> 4), word);
    }
}

impl<W: Words> Source for Staged<W> {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        self.0.get(number + (number >> 4))
    }
}

/// The 32 bits of two words that follow the first `skipped` (modulo 32) bits.
#[inline(always)]
pub(super) fn funnel(low: u32, high: u32, skipped: u32) -> u32 {
    low >> (skipped & 31) | high << 1 << (!skipped & 31)
}

/// 32 bits or fewer that start at a position.
#[inline(always)]
pub(super) fn bits(source: impl Source, position: u32, count: u32) -> u32 {
    let number = position >> 5;
    let all = funnel(source.word(number), source.word(number + 1), position);
    all & (u64::MAX >> (64 - count)) as u32
}

/// Reads bits in order.
#[derive(Clone, Copy)]
pub(super) struct Reader<S> {
    source: S,
    /// The position of the next bit.
    pub(super) position: u32,
    first: u32,
    second: u32,
    third: u32,
}

impl<S: Source> Reader<S> {
    /// A reader that starts at a position.
    #[inline(always)]
    pub(super) fn new(source: S, position: u32) -> Self {
        let word = |ahead| source.word((position >> 5) + ahead);
        Self {
            source,
            position,
            first: word(0),
            second: word(1),
            third: word(2),
        }
    }

    /// Returns the next 32 bits, and does not consume them.
    #[inline(always)]
    pub(super) fn peek(&self) -> u32 {
        funnel(self.first, self.second, self.position)
    }

    /// Consumes up to 31 bits.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) {
        let position = self.position + count;
        if (position ^ self.position) >> 5 != 0 {
            self.first = self.second;
            self.second = self.third;
            self.third = self.source.word((position >> 5) + 2);
        }
        self.position = position;
    }
}
