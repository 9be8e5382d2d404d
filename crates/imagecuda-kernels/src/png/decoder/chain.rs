//! The chain of blocks, from the start of the data to their end.

use super::{
    follow,
    work::{NONE, NOWHERE, WorkOf, control, defect, range, section, status},
};
use crate::png::block::{Longs, ThreadBlock, Words};

/// The kernel has one thread block of this many threads.
pub const THREADS: u32 = 1024;
/// Words of shared memory.
pub const SHARED: u32 = 8;
/// The parts of shared memory: what is wrong with the chain, and where the data end.
const WRONG: u32 = 0;
const END: u32 = 1;

/// `png_chain`: finds what follows each range, which ranges form the chain of the data's blocks,
/// and where their output goes. One thread block of [`THREADS`].
#[inline(always)]
pub fn chain<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    if work.status() != status::UNFINISHED {
        return;
    }
    let own = &mut block.own(());
    if block.any(own, |_| work.control.get(control::DECODED) == 0) {
        block.each(own, |thread, _| {
            // The first ranges are the one before the first block, and those of the candidates.
            if thread == 0 {
                let count = work.candidate_count() + 1;
                work.control.set(control::DECODED, count);
                work.control.set(control::RANGES, count);
            }
        });
    }
    let count = work.control.get(control::DECODED);
    let sections = work.control.get(control::SECTIONS).min(work.room.sections);
    add_up(block, work, count, sections);
    follow::follow(block, work, count);
    let ranges = work.control.get(control::RANGES);
    let last = place(block, work, count);
    let shared = block.shared();
    block.each(own, |thread, _| {
        if thread == 0 {
            shared.set(WRONG, 0);
            shared.set(END, 0);
        }
    });
    block.each(own, |thread, _| {
        let mut number = thread;
        while number < count {
            if work.places.get(number) != NOWHERE {
                judge::<B>(work, shared, number, count);
            }
            number += THREADS;
        }
    });
    block.each(own, |thread, _| {
        if thread > 0 {
            return;
        }
        let bytes = work.places.get(last);
        let mut wrong = shared.get(WRONG) | work.control.get(control::PROBLEMS);
        if ranges > work.room.ranges {
            wrong |= status::CROWDED;
        }
        if wrong == 0 {
            let ends = shared.get(END).div_ceil(8) * 8 == work.end;
            if bytes != u64::from(work.picture.filtered_bytes()) || !ends {
                wrong = status::LENGTH;
            }
        }
        // If anything else is wrong, more rounds would not help.
        if wrong != status::UNFINISHED {
            wrong &= !status::UNFINISHED;
        }
        work.control.set(control::STATUS, wrong);
        work.control
            .set(control::DECODED, ranges.min(work.room.ranges));
        work.control.set(control::FIRST_SECTION, sections);
    });
}

/// For every range, adds up the bytes of its sections.
#[inline(always)]
fn add_up<B: ThreadBlock>(block: &B, work: &WorkOf<B>, count: u32, sections: u32) {
    let own = &mut block.own(());
    block.each(own, |thread, _| {
        let mut number = thread;
        while number < count {
            work.set_range(number, range::END_SECTION, NONE);
            work.set_range(number, range::DEFECT, 0);
            number += THREADS;
        }
    });
    // The section's position in its range, if it is decoded.
    let place = |number: u32| {
        let range = match number < sections {
            true => work.section(number, section::RANGE),
            false => 0,
        };
        let at = number.wrapping_sub(work.range(range, range::FIRST_SECTION));
        (range, at, range > 0 && range < count)
    };
    block.each(own, |thread, _| {
        let mut number = thread;
        while number < sections {
            let (range, at, is_decoded) = place(number);
            if is_decoded && work.section(number, section::END) > 0 {
                let word = range * range::WORDS + range::END_SECTION;
                work.ranges.min(word, at);
            }
            number += THREADS;
        }
    });
    let mut bytes = block.own(0u64);
    let (mut first, mut before) = (0, 0);
    while first < sections {
        block.each(&mut bytes, |thread, bytes| {
            let number = first + thread;
            let (range, at, is_decoded) = place(number);
            *bytes = 0;
            if is_decoded && at <= work.range(range, range::END_SECTION) {
                *bytes = work.section(number, section::BYTES).into();
                let entry = work.section(number, section::ENTRY);
                let apart = at > 0 && entry != work.section(number - 1, section::EXIT);
                let bad = work.section(number, section::BAD) != 0;
                let defects = u32::from(apart) * defect::APART + u32::from(bad) * defect::BAD_CODE;
                if defects > 0 {
                    work.ranges
                        .or(range * range::WORDS + range::DEFECT, defects);
                }
            }
        });
        let all = block.scan(
            &mut bytes,
            0,
            |&own| own,
            |a, b| a + b,
            |own, sum| *own = sum,
        );
        block.each(&mut bytes, |thread, sum| {
            if first + thread < sections {
                work.section_sums.set(first + thread, before + *sum);
            }
        });
        before += all;
        first += THREADS;
    }
    block.each(own, |thread, _| {
        let mut number = thread;
        while number < count {
            let mut bytes = 0;
            if number > 0 {
                let first = work.range(number, range::FIRST_SECTION);
                let end_section = work.range(number, range::END_SECTION);
                let last = first
                    + match end_section {
                        NONE => work.range(number, range::SECTIONS) - 1,
                        at => at,
                    };
                bytes = work.section_sums.get(last) - work.section_sums.get(first)
                    + u64::from(work.section(last, section::BYTES));
                let end = match end_section {
                    NONE => 0,
                    _ => work.section(last, section::END),
                };
                work.set_range(number, range::END, end);
            }
            work.lengths.set(number, bytes);
            number += THREADS;
        }
    });
}

/// The range after this one in the chain. `last` stands for the end of the data, and `last` + 1 for
/// no range.
#[inline(always)]
fn next<B: ThreadBlock>(work: &WorkOf<B>, number: u32, count: u32) -> u32 {
    let last = work.room.ranges;
    let longer = work.range(number, range::LONGER);
    let next = match longer {
        NONE => work.range(number, range::NEXT),
        longer => longer,
    };
    match next < count || next == last {
        true => next,
        false => last + 1,
    }
}

/// Finds the ranges that range 0 leads to, and the number of bytes before each. Each step doubles
/// the distance of the known pointers. Returns the place of the data's end.
#[inline(always)]
fn place<B: ThreadBlock>(block: &B, work: &WorkOf<B>, count: u32) -> u32 {
    let last = work.room.ranges;
    let nodes = last + 2;
    let own = &mut block.own(());
    block.each(own, |thread, _| {
        let mut number = thread;
        while number < nodes {
            let place = if number == 0 { 0 } else { NOWHERE };
            work.places.set(number, place);
            // The end of the data and no range lead to themselves, before each step and after it.
            if number >= last {
                work.jumps.set(number, number);
                work.jumps.set(nodes + number, number);
                work.sums.set(number, 0);
                work.sums.set(nodes + number, 0);
            }
            number += THREADS;
        }
        let mut number = thread;
        while number < count {
            let mut bytes = 0;
            if work.range(number, range::LONGER) == NONE {
                let stored = work.range(number, range::STORED_BYTES);
                bytes = work.lengths.get(number) + u64::from(stored);
            }
            work.jumps.set(number, next::<B>(work, number, count));
            work.sums.set(number, bytes);
            number += THREADS;
        }
    });
    let (mut from, mut to) = (0, nodes);
    let mut known = 1;
    while known < count + 2 {
        block.each(own, |thread, _| {
            let mut number = thread;
            while number < count {
                let place = work.places.get(number);
                if place != NOWHERE {
                    let bytes = place + work.sums.get(from + number);
                    work.places.set(work.jumps.get(from + number), bytes);
                }
                number += THREADS;
            }
        });
        block.each(own, |thread, _| {
            let mut number = thread;
            while number < count {
                let middle = work.jumps.get(from + number);
                let bytes = work.sums.get(from + number) + work.sums.get(from + middle);
                work.jumps.set(to + number, work.jumps.get(from + middle));
                work.sums.set(to + number, bytes);
                number += THREADS;
            }
        });
        (from, to) = (to, from);
        known *= 2;
    }
    last
}

/// Reports what is wrong with a range of the chain, if it is the last known one.
#[inline(always)]
fn judge<B: ThreadBlock>(work: &WorkOf<B>, shared: B::Shared, number: u32, count: u32) {
    let last = work.room.ranges;
    let following = next::<B>(work, number, count);
    if following == last {
        shared.max(END, work.range(number, range::STORED_END));
        return;
    }
    if following < last {
        return;
    }
    let defects = work.range(number, range::DEFECT);
    let is_known =
        work.range(number, range::NEXT) != NONE || work.range(number, range::LONGER) != NONE;
    let wrong = if is_known || defects & defect::APART != 0 {
        status::UNFINISHED
    } else if defects & defect::BAD_CODE != 0 {
        status::BAD_CODE
    } else {
        status::BROKEN
    };
    shared.or(WRONG, wrong);
}
