//! Speculative decoding: finds where the codes of each subsequence start, and how many bytes it
//! makes.

use super::{
    bits::{Reader, Source, Staged, staged_room},
    tables::{TABLE_WORDS, entry, look_up},
    work::{
        NONE, SECTION, SECTION_THREADS, SUBSEQUENCE, WARM_UP, WorkOf, control, range, section,
        status,
    },
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// The result of decoding a subsequence.
#[derive(Clone, Copy, Default)]
struct Decoded {
    /// The position of the first code after it.
    exit: u32,
    bytes: u32,
    /// The position at which the block ends in it, or 0, and the bytes up to there.
    end: u32,
    bytes_to_end: u32,
    /// Whether an invalid code comes before that.
    is_bad: bool,
}

/// A symbol: a literal, a length, the distance that follows it, or the end of a block.
#[derive(Clone, Copy)]
pub(super) struct Symbol {
    /// Its entry in the table.
    pub(super) entry: u32,
    /// The literal, the length, or the distance.
    pub(super) value: u32,
    /// The bits of its code and extra bits.
    pub(super) bits: u32,
    /// Whether it ends a block in a run of fixed blocks, and another one follows.
    pub(super) goes_on: bool,
}

impl Symbol {
    /// The symbol at the start of `bits`.
    #[inline(always)]
    pub(super) fn new(table: impl Words, bits: u32, is_distance: bool, is_run: bool) -> Self {
        let found = look_up(table, bits, is_distance);
        let (length, extra) = (found & 15, found >> 4 & 15);
        let value = (found >> 16) + (bits >> length & ((1 << extra) - 1));
        // The header of a fixed block that is not the last one follows.
        let goes_on = is_run && found & entry::END != 0 && bits >> length & 7 == 2;
        Self {
            entry: found,
            value,
            bits: length + extra + if goes_on { 3 } else { 0 },
            goes_on,
        }
    }
}

/// Decodes from `start` to the first code that starts at `end` or later.
#[inline(always)]
fn decode(data: impl Source, table: impl Words, is_run: bool, start: u32, end: u32) -> Decoded {
    let mut reader = Reader::new(data, start);
    let mut decoded = Decoded::default();
    let mut is_distance = false;
    while is_distance || reader.position < end {
        let symbol = Symbol::new(table, reader.peek(), is_distance, is_run);
        let kind = symbol.entry;
        is_distance = kind & entry::LENGTH != 0;
        decoded.bytes += match is_distance {
            true => symbol.value,
            false => u32::from(kind & entry::LITERAL != 0),
        };
        reader.take(symbol.bits);
        if kind & (entry::END | entry::BAD) != 0 && !symbol.goes_on && decoded.end == 0 {
            if kind & entry::BAD != 0 {
                decoded.is_bad = true;
            } else {
                decoded.end = reader.position;
                decoded.bytes_to_end = decoded.bytes;
            }
        }
    }
    decoded.exit = reader.position;
    decoded
}

/// Words of the data that a thread block decodes.
const DATA_WORDS: u32 = SECTION_THREADS * SUBSEQUENCE / 32 + 8;
/// Parts of shared memory.
const EXITS: u32 = TABLE_WORDS;
const OTHERS: u32 = EXITS + SECTION_THREADS;
const DATA: u32 = OTHERS + 4;
/// Words of shared memory.
pub const SHARED: u32 = DATA + staged_room(DATA_WORDS);
/// Further words: the first thread in whose subsequence the block ends, the bytes of the section,
/// and whether it has an invalid code.
const END_THREAD: u32 = 0;
const BYTES: u32 = 1;
const BAD: u32 = 2;

/// The state of a thread.
#[derive(Clone, Copy, Default)]
struct Own {
    /// The start and the end of its subsequence, and the position of its first code.
    start: u32,
    end: u32,
    entry: u32,
    is_active: bool,
    /// Whether the entry depends on the thread before.
    is_open: bool,
    changed: bool,
    decoded: Decoded,
}

/// `png_synchronize`: decodes sections. The first pass of a round decodes those of new ranges. The
/// second pass decodes those whose entry is not the exit of the section before. Thread blocks of
/// [`SECTION_THREADS`] loop over sections.
#[inline(always)]
pub fn synchronize<B: ThreadBlock>(block: &B, work: &WorkOf<B>, second: bool) {
    if work.status() != status::UNFINISHED {
        return;
    }
    let all = work.control.get(control::SECTIONS).min(work.room.sections);
    let mut number = block.index();
    if !second {
        number += work.control.get(control::FIRST_SECTION);
    }
    while number < all {
        let range = work.section(number, section::RANGE);
        let first = work.range(range, range::FIRST_SECTION);
        // Another thread block may write the exit at this moment, so threads may see different
        // values. Hence the whole block votes.
        // Range 0 has nothing to decode.
        let is_wrong = block.any(&block.own(()), |_| {
            let entry = || work.section(number, section::ENTRY);
            let exit = || work.section(number - 1, section::EXIT);
            range > 0 && (!second || number != first && entry() != exit())
        });
        if is_wrong {
            synchronize_section(block, work, number, second);
        }
        number += block.blocks();
    }
}

/// Copies a table, and the words of the data from the one of bit `from` on, to shared memory.
/// Thread `thread` of [`SECTION_THREADS`] copies its share.
#[inline(always)]
pub(super) fn stage<W: Words, S: Shared>(
    (tables, table_number): (W, u32),
    table: S,
    (data, from, end): (W, u32, u32),
    staged: Staged<S>,
    thread: u32,
) {
    let mut at = thread;
    while at < TABLE_WORDS {
        table.set(at, tables.get(table_number * TABLE_WORDS + at));
        at += SECTION_THREADS;
    }
    let mut at = thread;
    let count = (end.saturating_sub(from) / 32 + 8).min(DATA_WORDS);
    while at < count {
        staged.put(at, data.get(from / 32 + at));
        at += SECTION_THREADS;
    }
}

/// Decodes subsequences until every entry is the exit of the subsequence before.
#[inline(always)]
fn converge<B: ThreadBlock>(
    block: &B,
    own: &mut B::Own<Own>,
    exits: B::Shared,
    (data, table, is_run): (Staged<B::Shared>, B::Shared, bool),
) {
    while block.any(own, |own| own.changed) {
        block.each(own, |thread, own| {
            if own.changed {
                // Two loops, as headers within a run would cost the others too.
                own.decoded = match is_run {
                    true => decode(data, table, true, own.entry, own.end),
                    false => decode(data, table, false, own.entry, own.end),
                };
                exits.set(thread, own.decoded.exit);
            }
        });
        block.each(own, |thread, own| {
            own.changed = false;
            if own.is_open {
                let entry = exits.get(thread - 1);
                own.changed = entry != own.entry;
                own.entry = entry;
            }
        });
    }
}

/// Decodes a section. If its entry is known from the section before, decoding starts there.
/// Otherwise it starts with the warm-up.
#[inline(always)]
fn synchronize_section<B: ThreadBlock>(block: &B, work: &WorkOf<B>, number: u32, is_known: bool) {
    let shared = block.shared();
    let table = shared.part(0, TABLE_WORDS);
    let exits = shared.part(EXITS, SECTION_THREADS);
    let others = shared.part(OTHERS, 4);
    let data = Staged(shared.part(DATA, SHARED - DATA));
    let range = work.section(number, section::RANGE);
    let at = number - work.range(range, range::FIRST_SECTION);
    let (payload, limit) = (
        work.range(range, range::PAYLOAD),
        work.range(range, range::LIMIT),
    );
    let is_run = work.range(range, range::FLAGS) & range::FIXED != 0;
    let warm_up = if at > 0 { WARM_UP * SUBSEQUENCE } else { 0 };
    // Positions in shared memory are relative to this one.
    let from = (payload + at * SECTION * SUBSEQUENCE - warm_up) & !31;
    let mut own = block.own(Own::default());
    block.each(&mut own, |thread, own| {
        let tables = (work.tables, work.range(range, range::TABLE));
        stage(tables, table, (work.data, from, limit), data, thread);
        if thread == 0 {
            others.set(END_THREAD, NONE);
            others.set(BYTES, 0);
            others.set(BAD, 0);
        }
        let before_range = at == 0 && thread < WARM_UP;
        let start = payload + (at * SECTION + thread) * SUBSEQUENCE;
        let start = start.wrapping_sub(WARM_UP * SUBSEQUENCE);
        let is_warm_up = thread < WARM_UP;
        own.is_active = !before_range && start < limit && !(is_warm_up && is_known);
        own.start = start.wrapping_sub(from);
        own.end = (start.wrapping_add(SUBSEQUENCE))
            .min(limit)
            .wrapping_sub(from);
        own.entry = own.start;
        let is_first = thread == WARM_UP && (at == 0 || is_known);
        own.is_open = own.is_active && thread > 0 && !is_first;
        if is_known && thread == WARM_UP {
            let entry = work.section(number - 1, section::EXIT);
            own.entry = entry.wrapping_sub(from).min(own.end.wrapping_add(64));
        }
        own.changed = own.is_active;
    });
    converge(block, &mut own, exits, (data, table, is_run));
    block.each(&mut own, |thread, own| {
        if own.is_active && thread >= WARM_UP && own.decoded.end > 0 {
            others.min(END_THREAD, thread);
        }
    });
    block.each(&mut own, |thread, own| {
        let (end_thread, decoded) = (others.get(END_THREAD), own.decoded);
        if thread < WARM_UP {
            return;
        }
        let counts = own.is_active && thread <= end_thread;
        let mut record = NONE;
        if counts {
            let bytes = match thread == end_thread {
                true => decoded.bytes_to_end,
                false => decoded.bytes,
            };
            others.add(BYTES, bytes);
            if decoded.is_bad {
                others.or(BAD, 1);
            }
            record = bytes << 8 | (own.entry - own.start) & 255;
        }
        let place = number * SECTION + thread - WARM_UP;
        work.subsequences.set(place, record);
        if thread == WARM_UP {
            work.set_section(number, section::ENTRY, own.entry.wrapping_add(from));
        }
        if counts && thread == end_thread {
            work.set_section(number, section::END, decoded.end + from);
        }
        let is_last = thread == SECTION_THREADS - 1 || own.end.wrapping_add(from) >= limit;
        if own.is_active && is_last {
            work.set_section(number, section::EXIT, decoded.exit + from);
        }
    });
    block.each(&mut own, |thread, _| {
        if thread == 0 {
            work.set_section(number, section::BYTES, others.get(BYTES));
            work.set_section(number, section::BAD, others.get(BAD));
            if others.get(END_THREAD) == NONE {
                work.set_section(number, section::END, 0);
            }
        }
    });
}
