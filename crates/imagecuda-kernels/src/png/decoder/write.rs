//! Decodes each subsequence of the chain again, and writes a token for each symbol.

use super::{
    bits::{Reader, Source, Staged, staged_room},
    synchronize::{Symbol, stage},
    tables::{TABLE_WORDS, entry},
    work::{
        NONE, NOWHERE, SECTION, SECTION_THREADS, STORED_WORDS, SUBSEQUENCE, WorkOf, control, range,
        section, status,
    },
};
use crate::png::block::{Longs, Shared, ThreadBlock, Words};
use core::hint::select_unpredictable;

/// A *token* has 16 bits, two in a word: a literal's byte with these bits, or the distance of the match that
/// begins at the place, at most 2^15. A place without a token has a zero. A match ends where the next token
/// is, so its length is not needed.
pub(super) const LITERAL: u32 = 0x8100;

/// Words of the data that a thread block decodes.
const DATA_WORDS: u32 = SECTION * SUBSEQUENCE / 32 + 8;
/// Words of shared memory.
pub const SHARED: u32 = TABLE_WORDS + staged_room(DATA_WORDS);

/// The work of a thread: the position of its first code, the number of bytes that it makes, and
/// their place in the output.
#[derive(Clone, Copy, Default)]
struct Own {
    position: u32,
    bytes: u32,
    place: u32,
}

/// `png_write`: writes the tokens of sections and of stored blocks. Thread blocks of
/// [`SECTION_THREADS`] loop over them.
#[inline(always)]
pub fn write<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    let sections = work.control.get(control::SECTIONS).min(work.room.sections);
    let mut number = block.index();
    while number < sections {
        let range = work.section(number, section::RANGE);
        let at = number - work.range(range, range::FIRST_SECTION);
        let is_of_chain = range > 0
            && range < work.control.get(control::DECODED)
            && work.places.get(range) != NOWHERE
            && work.range(range, range::LONGER) == NONE;
        if is_of_chain && at <= work.range(range, range::END_SECTION) {
            write_section(block, work, number, range, at);
        }
        number += block.blocks();
    }
    let stored = work.control.get(control::STORED).min(work.room.stored);
    let mut number = block.index();
    while number < stored {
        let word = |word| work.stored.get(number * STORED_WORDS + word);
        let (from, bytes, range, before) = (word(0), word(1), word(2), word(3));
        let place = work.places.get(range);
        if place != NOWHERE {
            let place = (place + work.lengths.get(range)) as u32 + before;
            let token = |at: u32| match at.wrapping_sub(place) {
                at if at < bytes => {
                    let from = from + at;
                    LITERAL | work.data.get(from / 4) >> (from % 4 * 8) & 255
                }
                _ => 0,
            };
            block.each(&mut block.own(()), |thread, _| {
                let mut word = place / 2 + thread;
                while 2 * word < place + bytes {
                    let (low, high) = (token(2 * word), token(2 * word + 1));
                    // The other half of the first word and that of the last may be another block's.
                    match low != 0 && high != 0 {
                        true => work.tokens.set(word, low | high << 16),
                        false => work.tokens.or(word, low | high << 16),
                    }
                    word += SECTION_THREADS;
                }
            });
        }
        number += block.blocks();
    }
}

#[inline(always)]
fn write_section<B: ThreadBlock>(block: &B, work: &WorkOf<B>, number: u32, range: u32, at: u32) {
    let shared = block.shared();
    let table = shared.part(0, TABLE_WORDS);
    let data = Staged(shared.part(TABLE_WORDS, SHARED - TABLE_WORDS));
    let start = work.range(range, range::PAYLOAD) + at * SECTION * SUBSEQUENCE;
    let from = start & !31;
    let is_run = work.range(range, range::FLAGS) & range::FIXED != 0;
    let mut own = block.own(Own::default());
    block.each(&mut own, |thread, own| {
        let tables = (work.tables, work.range(range, range::TABLE));
        let end = work
            .range(range, range::LIMIT)
            .min(start + SECTION * SUBSEQUENCE);
        stage(tables, table, (work.data, from, end), data, thread);
        let record = match thread < SECTION {
            true => work.subsequences.get(number * SECTION + thread),
            false => NONE,
        };
        *own = Own::default();
        if record != NONE {
            own.position = start - from + thread * SUBSEQUENCE + (record & 255);
            own.bytes = record >> 8;
        }
    });
    let put = |own: &mut Own, before: u32| own.place = before;
    block.scan(&mut own, 0, |own| own.bytes, |a, b| a + b, put);
    let sums = work.section_sums;
    let first = work.range(range, range::FIRST_SECTION);
    let place = (work.places.get(range) + sums.get(number) - sums.get(first)) as u32;
    block.each(&mut own, |_, own| {
        let place = place + own.place;
        // Two loops, as headers within a run would cost the others too.
        match is_run {
            true => write_tokens::<B>(work, (data, table, true), own, place),
            false => write_tokens::<B>(work, (data, table, false), own, place),
        }
    });
}

/// Writes a thread's tokens from a place on. The source has the data, the table, and whether it is a
/// run of fixed blocks.
#[inline(always)]
fn write_tokens<B: ThreadBlock>(
    work: &WorkOf<B>,
    (data, table, is_run): (impl Source, impl Words, bool),
    own: &Own,
    mut place: u32,
) {
    let end = place + own.bytes;
    let mut tokens = Tokens::new(work.tokens, place);
    let mut reader = Reader::new(data, own.position);
    let mut length = 0_u32;
    while place < end {
        let is_distance = length > 0;
        let symbol = Symbol::new(table, reader.peek(), is_distance, is_run);
        reader.take(symbol.bits);
        if is_distance && symbol.value > place {
            work.report(status::DISTANCE);
        }
        // One way for literals and matches, as each thread of a warp has another symbol.
        let is_literal = symbol.entry & entry::LITERAL != 0;
        let token = select_unpredictable(is_distance, symbol.value, LITERAL | symbol.value);
        if is_distance | is_literal {
            tokens.put(place, token);
            place += if is_distance { length } else { 1 };
        }
        let is_length = !is_distance && symbol.entry & entry::LENGTH != 0;
        length = if is_length { symbol.value } else { 0 };
    }
    tokens.finish();
}

/// Tokens of a thread, in order, of which eight are written at once: a thread's writes are far from
/// those of the others.
struct Tokens<W> {
    words: W,
    /// The first place that is the thread's.
    start: u32,
    /// The first of the eight that are not written yet, and what is known of them.
    first: u32,
    eight: [u32; 4],
    /// The first eight, of which some are another thread's. They are written at the end, when all threads
    /// of a warp do it.
    before: [u32; 4],
}

impl<W: Words> Tokens<W> {
    #[inline(always)]
    fn new(words: W, start: u32) -> Self {
        Self {
            words,
            start,
            first: start & !7,
            eight: [0; 4],
            before: [0; 4],
        }
    }

    #[inline(always)]
    fn put(&mut self, place: u32, token: u32) {
        if place & !7 != self.first {
            // The eight end before this place, so they are the thread's.
            match self.first < self.start {
                true => self.before = self.eight,
                false => self.words.set_four(self.first / 2, self.eight),
            }
            self.first = place & !7;
            self.eight = [0; 4];
        }
        // No loop and no index: the words would lie in memory. And no branches: each thread of a warp
        // would take another one.
        let token = token << (place % 2 * 16);
        let or = |i: u32, word| word | select_unpredictable(place / 2 % 4 == i, token, 0);
        let [a, b, c, d] = self.eight;
        self.eight = [or(0, a), or(1, b), or(2, c), or(3, d)];
    }

    #[inline(always)]
    fn finish(self) {
        self.write_some(self.start & !7, self.before);
        self.write_some(self.first, self.eight);
    }

    /// Writes the tokens of eight places of which some are another thread's. A place without a token is a
    /// zero already.
    #[inline(always)]
    fn write_some(&self, first: u32, [a, b, c, d]: [u32; 4]) {
        let put = |i: u32, word: u32| {
            if word != 0 {
                self.words.or(first / 2 + i, word);
            }
        };
        put(0, a);
        put(1, b);
        put(2, c);
        put(3, d);
    }
}
