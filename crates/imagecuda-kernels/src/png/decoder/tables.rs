//! Makes the look-up tables of codes, and the ranges of blocks with dynamic codes.

use super::{
    bits::{Plain, bits},
    lengths::{count_equal, fixed_length, length_of},
    work::{LENGTH_WORDS, NONE, WorkOf, candidate, range, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block.
pub const THREADS: u32 = 128;

/// The number of bits of the first look-up, for literals and lengths, and for distances.
const LITERAL_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 8;
/// The words of each table including subtables. These are the maxima that zlib's program `enough`
/// computes for 288 and 32 codes of up to 15 bits.
const LITERAL_WORDS: u32 = 2342;
const DISTANCE_WORDS: u32 = 402;
/// Words of a table.
pub const TABLE_WORDS: u32 = 2752;
const _: () = assert!(LITERAL_WORDS + DISTANCE_WORDS <= TABLE_WORDS);

/// The kinds of entries. The lowest four bits of an entry are the length of its code, and the next
/// four the number of extra bits. The upper half is the literal, or the base to which the extra
/// bits are added.
pub mod entry {
    pub const LITERAL: u32 = 1 << 8;
    pub const LENGTH: u32 = 1 << 9;
    pub const DISTANCE: u32 = 1 << 10;
    /// The end of a block.
    pub const END: u32 = 1 << 11;
    /// A link to a subtable: the upper half is its place, and the lowest four bits the number of
    /// bits of its look-up.
    pub const SUBTABLE: u32 = 1 << 12;
    /// No code.
    pub const BAD: u32 = 1 << 13;
}

/// The entry of the code at the start of `bits`.
#[inline(always)]
pub fn look_up(table: impl Words, bits: u32, is_distance: bool) -> u32 {
    let at = match is_distance {
        true => LITERAL_WORDS + (bits & ((1 << DISTANCE_BITS) - 1)),
        false => bits & ((1 << LITERAL_BITS) - 1),
    };
    let found = table.get(at);
    if found & entry::SUBTABLE == 0 {
        return found;
    }
    let rest = bits
        >> if is_distance {
            DISTANCE_BITS
        } else {
            LITERAL_BITS
        };
    table.get((found >> 16) + (rest & ((1 << (found & 15)) - 1)))
}

/// The entry of a symbol, without the length of its code.
#[inline(always)]
fn entry_of(symbol: u32, is_distance: bool) -> u32 {
    if is_distance {
        let extra = (symbol >> 1).saturating_sub(1);
        let base = match symbol {
            0..=3 => symbol + 1,
            _ => ((2 + (symbol & 1)) << extra) + 1,
        };
        return match symbol {
            0..=29 => base << 16 | entry::DISTANCE | extra << 4,
            _ => entry::BAD,
        };
    }
    let code = symbol.saturating_sub(257);
    match symbol {
        0..=255 => symbol << 16 | entry::LITERAL,
        256 => entry::END,
        257..=264 => (code + 3) << 16 | entry::LENGTH,
        285 => 258 << 16 | entry::LENGTH,
        265..=284 => {
            let extra = (code >> 2) - 1;
            let base = ((4 + (code & 3)) << extra) + 3;
            base << 16 | entry::LENGTH | extra << 4
        }
        _ => entry::BAD,
    }
}

/// The most symbols of both codes.
const SYMBOLS: u32 = 320;
const _: () = assert!(LENGTH_WORDS * 8 == SYMBOLS);
/// Parts of shared memory: the lengths, packed as in a candidate; the codes; for each length of
/// each code, the number of its codes and the first of them; and the tables.
const CODES: u32 = LENGTH_WORDS;
const COUNTS: u32 = CODES + SYMBOLS;
const FIRST_CODES: u32 = COUNTS + 32;
const TABLE: u32 = FIRST_CODES + 32;
const OTHERS: u32 = TABLE + TABLE_WORDS;
/// Words of shared memory.
pub const SHARED: u32 = OTHERS + 8;
/// Further words: how many candidates are before this one; the next candidate; the free words of
/// both tables; and the range's first section and number of sections.
const BEFORE: u32 = 0;
const NEXT: u32 = 1;
const FREE: u32 = 2;
const FIRST_SECTION: u32 = 4;
const SECTIONS: u32 = 5;

/// `png_tables`: sorts the candidates, makes a table and a range for each, and makes the table of
/// fixed codes. Thread blocks loop over the tables.
#[inline(always)]
pub fn tables<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let count = work.candidate_count();
    let mut number = block.index();
    while number <= count {
        table(block, work, number, count);
        number += block.blocks();
    }
}

/// Makes a table and its range. The last table is that of fixed codes.
#[inline(always)]
fn table<B: ThreadBlock>(block: &B, work: &WorkOf<B>, number: u32, count: u32) {
    let shared = block.shared();
    let lengths = shared.part(0, LENGTH_WORDS);
    let others = shared.part(OTHERS, 8);
    let table = shared.part(TABLE, TABLE_WORDS);
    let is_fixed = number == count;
    let head = match is_fixed {
        true => 0,
        false => work.candidates.get(number),
    };
    let record = |word| work.headers.get(number * candidate::WORDS + word);
    let (literals, distances) = match is_fixed {
        true => (288, 32),
        false => (record(candidate::LITERALS), record(candidate::DISTANCES)),
    };
    let own = &mut block.own(());
    block.each(own, |thread, _| {
        fill(table, thread, TABLE_WORDS, 0);
        fill(shared.part(COUNTS, 32), thread, 32, 0);
        if thread == 0 {
            others.set(BEFORE, 0);
            others.set(NEXT, NONE);
            others.set(FREE, 1 << LITERAL_BITS);
            others.set(FREE + 1, LITERAL_WORDS + (1 << DISTANCE_BITS));
        }
    });
    block.each(own, |thread, _| {
        if thread < LENGTH_WORDS {
            let fixed = |i| fixed_length(8 * thread + i) << (4 * i);
            let word = match is_fixed {
                true => (0..8).fold(0, |word, i| word | fixed(i)),
                // Nobody wrote the rest.
                false if 8 * thread < literals + distances => record(thread),
                false => 0,
            };
            lengths.set(thread, word);
        }
        if is_fixed {
            return;
        }
        let (mut before, mut next) = (0, NONE);
        let mut other = thread;
        while other < count {
            let position = work.candidates.get(other);
            if position < head {
                before += 1;
            } else if position > head && position < next {
                next = position;
            }
            other += THREADS;
        }
        others.add(BEFORE, before);
        others.min(NEXT, next);
    });
    fill_table(block, (literals, distances), own);
    let slot = match is_fixed {
        true => work.room.candidates,
        false => others.get(BEFORE),
    };
    block.each(own, |thread, _| {
        let mut at = thread;
        while at < TABLE_WORDS {
            work.tables.set(slot * TABLE_WORDS + at, table.get(at));
            at += THREADS;
        }
        if thread == 0 {
            let (number, words) = match is_fixed {
                // The range before the first block.
                true => (0, [16, 16, 16, 0, 0, 0]),
                false => {
                    let limit = others.get(NEXT).min(work.end);
                    let flags = bits(Plain(work.data), head, 1) * range::FINAL;
                    let payload = record(candidate::PAYLOAD);
                    let words = [head, payload, limit, slot + 1, slot, flags];
                    (slot + 1, words)
                }
            };
            let (first, sections) = work.begin_range(number, words, 1);
            others.set(FIRST_SECTION, first);
            others.set(SECTIONS, sections);
            if first + sections > work.room.sections {
                work.report(status::CROWDED);
            }
        }
    });
    block.each(own, |thread, _| {
        let number = if is_fixed { 0 } else { slot + 1 };
        let mut section = thread;
        while section < others.get(SECTIONS) {
            let at = others.get(FIRST_SECTION) + section;
            work.set_section(at, super::work::section::RANGE, number);
            section += THREADS;
        }
    });
}

#[inline(always)]
fn fill(words: impl Words, thread: u32, len: u32, value: u32) {
    let mut at = thread;
    while at < len {
        words.set(at, value);
        at += THREADS;
    }
}

/// Makes the table of the code lengths in shared memory.
#[inline(always)]
fn fill_table<B: ThreadBlock>(block: &B, (literals, distances): (u32, u32), own: &mut B::Own<()>) {
    let shared = block.shared();
    let (lengths, codes) = (shared.part(0, LENGTH_WORDS), shared.part(CODES, SYMBOLS));
    let (counts, table) = (shared.part(COUNTS, 32), shared.part(TABLE, TABLE_WORDS));
    let first_codes = shared.part(FIRST_CODES, 32);
    let others = shared.part(OTHERS, 8);
    let all = literals + distances;
    // Lengths of literals and of distances have places of their own.
    let place = |symbol: u32, length: u32| length + if symbol < literals { 0 } else { 16 };
    block.each(own, |thread, _| {
        let mut symbol = thread;
        while symbol < all {
            counts.add(place(symbol, length_of(lengths, symbol)), 1);
            symbol += THREADS;
        }
    });
    block.each(own, |thread, _| {
        if thread < 32 {
            let mut code = 0;
            for shorter in thread / 16 * 16 + 1..thread {
                code = (code + counts.get(shorter)) << 1;
            }
            first_codes.set(thread, code);
        }
    });
    block.each(own, |thread, _| {
        let mut symbol = thread;
        while symbol < all {
            let length = length_of(lengths, symbol);
            if length > 0 {
                let first = if symbol < literals { 0 } else { literals };
                let before = count_equal(lengths, first..symbol, length);
                let code = first_codes.get(place(symbol, length)) + before;
                codes.set(symbol, code.reverse_bits() >> (32 - length));
            }
            symbol += THREADS;
        }
    });
    // Short codes are written. For long codes, the longest length with the same first bits is
    // found.
    block.each(own, |thread, _| {
        for_each_code(thread, shared, (literals, distances), |code| {
            if code.length <= code.root_bits {
                code.fill(table, code.first, code.root_bits, code.code, code.length);
            } else {
                table.max(code.root(), code.length);
            }
        });
    });
    // Allocates the subtables.
    block.each(own, |thread, _| {
        let mut at = thread;
        while at < (1 << LITERAL_BITS) + (1 << DISTANCE_BITS) {
            let is_distance = at >= 1 << LITERAL_BITS;
            let (place, root_bits, free, end) = match is_distance {
                false => (at, LITERAL_BITS, FREE, LITERAL_WORDS),
                true => {
                    let place = at - (1 << LITERAL_BITS) + LITERAL_WORDS;
                    (
                        place,
                        DISTANCE_BITS,
                        FREE + 1,
                        LITERAL_WORDS + DISTANCE_WORDS,
                    )
                }
            };
            let found = table.get(place);
            if found == 0 {
                table.set(place, entry::BAD | 1);
            } else if found < 16 {
                let bits = found - root_bits;
                let subtable = others.add(free, 1 << bits);
                table.set(
                    place,
                    match subtable + (1 << bits) <= end {
                        true => entry::SUBTABLE | subtable << 16 | bits,
                        false => entry::BAD | 1,
                    },
                );
            }
            at += THREADS;
        }
    });
    block.each(own, |thread, _| {
        for_each_code(thread, shared, (literals, distances), |code| {
            let found = table.get(code.root());
            if code.length > code.root_bits && found & entry::SUBTABLE != 0 {
                let (bits, length) = (found & 15, code.length - code.root_bits);
                code.fill(
                    table,
                    found >> 16,
                    bits,
                    code.code >> code.root_bits,
                    length,
                );
            }
        });
    });
}

/// A code to be written, and the table for it.
#[derive(Clone, Copy)]
struct Code {
    /// The bits of the code, the first one lowest.
    code: u32,
    length: u32,
    entry: u32,
    first: u32,
    root_bits: u32,
}

impl Code {
    /// The code's entry in the table of first bits.
    #[inline(always)]
    fn root(self) -> u32 {
        self.first + (self.code & ((1 << self.root_bits) - 1))
    }

    /// Writes the entry for all bits that start with this code.
    #[inline(always)]
    fn fill(self, table: impl Words, first: u32, table_bits: u32, code: u32, length: u32) {
        let mut at = code;
        while at < 1 << table_bits {
            table.set(first + at, self.entry);
            at += 1 << length;
        }
    }
}

/// Calls `visit` with each code of a thread.
#[inline(always)]
fn for_each_code(
    thread: u32,
    shared: impl Shared,
    (literals, distances): (u32, u32),
    visit: impl Fn(Code),
) {
    let (lengths, codes) = (shared.part(0, LENGTH_WORDS), shared.part(CODES, SYMBOLS));
    let mut at = thread;
    while at < literals + distances {
        let (is_distance, length) = (at >= literals, length_of(lengths, at));
        let (first, root_bits, symbol) = match is_distance {
            true => (LITERAL_WORDS, DISTANCE_BITS, at - literals),
            false => (0, LITERAL_BITS, at),
        };
        if length > 0 {
            visit(Code {
                code: codes.get(at),
                length,
                entry: entry_of(symbol, is_distance) | length,
                first,
                root_bits,
            });
        }
        at += THREADS;
    }
}
