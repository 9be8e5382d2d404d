//! Finds what follows a range: stored blocks, and the next range.

use super::{
    bits::{Plain, bits},
    chain::THREADS,
    work::{NONE, STORED_WORDS, WorkOf, control, defect, range, section},
};
use crate::png::block::{ThreadBlock, Words};

/// The most stored blocks after one range.
const MOST_STORED: u32 = 8192;

/// For each range whose successor is unknown, finds it.
#[inline(always)]
pub(super) fn follow<B: ThreadBlock>(block: &B, work: &WorkOf<B>, count: u32) {
    block.each(&mut block.own(()), |thread, _| {
        let mut number = thread;
        while number < count {
            let is_known = work.range(number, range::NEXT) != NONE
                || work.range(number, range::LONGER) != NONE;
            // The end of a range that is not decoded correctly yet may change.
            if !is_known && work.range(number, range::DEFECT) == 0 {
                follow_range::<B>(work, number);
            }
            number += THREADS;
        }
    });
}

/// Adds a range, which the next round decodes.
#[inline(always)]
fn add_range<B: ThreadBlock>(work: &WorkOf<B>, words: [u32; 6], step: u32) -> u32 {
    let number = work.control.add(control::RANGES, 1);
    if number < work.room.ranges {
        let (first, count) = work.begin_range(number, words, step);
        let end = (first + count).min(work.room.sections);
        for at in first..end {
            work.set_section(at, section::RANGE, number);
        }
        if first + count > work.room.sections {
            work.report(super::work::status::CROWDED);
        }
    }
    number
}

/// The head of candidate number `candidate`. After the last one, the end of the data.
#[inline(always)]
fn candidate_head<B: ThreadBlock>(work: &WorkOf<B>, candidate: u32) -> u32 {
    match candidate < work.candidate_count() {
        true => work.range(candidate + 1, range::HEAD),
        false => work.end,
    }
}

/// The number of the first candidate whose head is at or after a position.
#[inline(always)]
fn candidate_at<B: ThreadBlock>(work: &WorkOf<B>, position: u32) -> u32 {
    let (mut low, mut high) = (0, work.candidate_count());
    while low < high {
        let middle = low + (high - low) / 2;
        if work.range(middle + 1, range::HEAD) < position {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[inline(always)]
fn follow_range<B: ThreadBlock>(work: &WorkOf<B>, number: u32) {
    let mut end = work.range(number, range::END);
    let flags = work.range(number, range::FLAGS);
    if number == 0 {
        end = work.range(0, range::HEAD);
    } else if end == 0 {
        // The block does not end before the range's limit, so the candidate there was no header.
        let limit = work.range(number, range::LIMIT_CANDIDATE);
        if limit >= work.candidate_count() {
            work.set_range(number, range::DEFECT, defect::NO_BLOCK);
            return;
        }
        let step = work.range(number, range::STEP);
        let mut words = [0, 1, 2, 3, 4, 5].map(|word| work.range(number, word));
        words[3] = limit.saturating_add(step);
        words[2] = candidate_head::<B>(work, words[3]);
        let longer = add_range::<B>(work, words, 2 * step.min(1 << 16));
        work.set_range(number, range::LONGER, longer);
        return;
    } else if flags & range::FINAL != 0 {
        work.set_range(number, range::STORED_END, end);
        work.set_range(number, range::NEXT, work.room.ranges);
        return;
    }
    let found = match follow_stored::<B>(work, number, end) {
        Some(Behind::End(end)) => {
            work.set_range(number, range::STORED_END, end);
            work.room.ranges
        }
        Some(Behind::Block(position)) => match block_at::<B>(work, position) {
            Some(next) => next,
            None => return work.set_range(number, range::DEFECT, defect::NO_BLOCK),
        },
        None => return work.set_range(number, range::DEFECT, defect::NO_BLOCK),
    };
    work.set_range(number, range::NEXT, found);
}

/// What follows stored blocks: a block of another kind, or the end of the data.
enum Behind {
    Block(u32),
    End(u32),
}

/// Records the stored blocks after a range. `None` if they are damaged or too many.
#[inline(always)]
fn follow_stored<B: ThreadBlock>(work: &WorkOf<B>, number: u32, from: u32) -> Option<Behind> {
    let data = Plain(work.data);
    let mut position = from;
    let mut all = 0;
    let mut found = None;
    for _ in 0..MOST_STORED {
        if position + 3 > work.end {
            break;
        }
        let header = bits(data, position, 3);
        if header >> 1 != 0 {
            found = Some(Behind::Block(position));
            break;
        }
        let start = (position + 3).next_multiple_of(8);
        if start + 32 > work.end {
            break;
        }
        let lengths = bits(data, start, 32);
        let len = lengths & 0xffff;
        if len != !lengths >> 16 || len * 8 > work.end - start - 32 {
            break;
        }
        if len > 0 {
            let place = work.control.add(control::STORED, 1);
            if place < work.room.stored {
                let words = [start / 8 + 4, len, number, all];
                for (word, value) in (0..).zip(words) {
                    work.stored.set(place * STORED_WORDS + word, value);
                }
            } else {
                work.report(super::work::status::CROWDED);
            }
        }
        all += len;
        position = start + 32 + 8 * len;
        if header & 1 != 0 {
            found = Some(Behind::End(position));
            break;
        }
    }
    work.set_range(number, range::STORED_BYTES, all);
    found
}

/// The range of a block with fixed or dynamic codes at a position. `None` if there is no block.
#[inline(always)]
fn block_at<B: ThreadBlock>(work: &WorkOf<B>, position: u32) -> Option<u32> {
    let candidate = candidate_at::<B>(work, position);
    let head = candidate_head::<B>(work, candidate);
    match bits(Plain(work.data), position, 3) {
        0b100 | 0b101 => {
            let is_one = candidate < work.candidate_count() && head == position;
            is_one.then_some(candidate + 1)
        }
        0b010 | 0b011 => {
            let is_final = bits(Plain(work.data), position, 1) != 0;
            let flags = match is_final {
                true => range::FINAL,
                false => range::FIXED,
            };
            let fixed = work.room.candidates;
            let payload = position + 3;
            let words = [
                position,
                payload,
                head.max(payload),
                candidate,
                fixed,
                flags,
            ];
            Some(add_range::<B>(work, words, 1))
        }
        _ => None,
    }
}
