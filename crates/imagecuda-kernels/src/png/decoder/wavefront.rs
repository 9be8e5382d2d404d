//! Undoes the filters of rows that depend on each other.
//!
//! A warp is alone on its scheduler, so what counts is how long a thread takes from a byte to the next
//! one, and how many bytes it is behind the row above: two, as it can get the bytes of the thread before
//! while it computes its own. Memory is read and written four words at a time: each row is a line of
//! memory of its own, so an access of a warp takes as long as 32 of a thread, and the words of other
//! threads wait for it.

use super::{unfilter::Strip, work::WorkOf};
use crate::png::block::{Longs, Warp, Words};
use core::hint::select_unpredictable;

/// Words that a thread processes between loads.
pub(super) const STEPS: u32 = 4;

/// A place that no memory has: a multiple of four.
const NOWHERE: u32 = !3;

/// *Pairs* of bytes that a thread processes between loads. Each thread is one behind the thread before.
const PAIRS: u32 = 2 * STEPS;

/// Four words of a row.
type Quad = [u32; STEPS as usize];

/// A thread's row.
#[derive(Clone, Copy, Default)]
struct Row {
    /// Its filter as masks for the byte to the left, the one above, and the one above left; and whether
    /// it is that of averages.
    left_mask: u32,
    up_mask: u32,
    corner_mask: u32,
    average_mask: u32,
    /// The mask for the words of the thread before, which the first thread has not.
    before_mask: u32,
    /// The place of its first word, and its length in whole fours of words.
    place: u32,
    length: u32,
    /// The four words of memory of which the last are for these steps, the four of which the first
    /// are, and the four after them.
    older: Quad,
    newer: Quad,
    later: Quad,
    /// The words for these steps, those that they made, and those of the steps before.
    words: Quad,
    made: Quad,
    before: Quad,
    /// The last byte that was made, the byte above that, and the bytes of the thread before that are above
    /// the next pair.
    done: u32,
    above: u32,
    up: [u32; 2],
    /// A word from the strip before for the next steps, if it is there.
    awaited: u64,
}

/// The Paeth predictor, arranged so that little work is left once `left` is known.
#[inline(always)]
fn paeth(left: i32, up: i32, corner: i32) -> i32 {
    let threshold = 3 * corner - up - left;
    let (low, high) = (left.min(up), left.max(up));
    let other = if high <= threshold { low } else { corner };
    if threshold <= low { high } else { other }
}

/// All ones if bit `number` of `bits` is set, otherwise zero. Not by a comparison, of which the
/// compiler would make a predicate.
#[inline(always)]
fn mask(bits: u32, number: u32) -> u32 {
    ((bits << (31 - number)) as i32 >> 31) as u32
}

/// Undoes the filter of a byte with a byte above it.
#[inline(always)]
fn undo(row: &Row, has_averages: bool, byte: u32, up: u32) -> u32 {
    let (left, corner) = (row.done & row.left_mask, row.above & row.corner_mask);
    let [left, up, corner] = [left, up & row.up_mask, corner].map(|byte| byte as i32);
    let mut predicted = paeth(left, up, corner);
    if has_averages && row.average_mask != 0 {
        predicted = (left + up) >> 1;
    }
    byte.wrapping_add(predicted as u32) & 255
}

/// Eight of 16 pairs, of which two are in a word: those from place 1 + `skipped` on, with at most seven
/// skipped.
#[inline(always)]
fn shifted([a, b, c, d]: Quad, [e, f, g, h]: Quad, skipped: u32) -> Quad {
    // No index, as the words would lie in memory.
    let four = |near: u32, far: u32| select_unpredictable(skipped & 4 != 0, far, near);
    let (a, b, c) = (four(a, c), four(b, d), four(c, e));
    let (d, e, f) = (four(d, f), four(e, g), four(f, h));
    let two = |near: u32, far: u32| select_unpredictable(skipped & 2 != 0, far, near);
    let (a, b, c, d, e) = (two(a, b), two(b, c), two(c, d), two(d, e), two(e, f));
    let one = |low, high| select_unpredictable(skipped & 1 != 0, high, joined(low, high));
    [one(a, b), one(b, c), one(c, d), one(d, e)]
}

/// The second pair of a word and the first one of the next.
#[inline(always)]
fn joined(low: u32, high: u32) -> u32 {
    low >> 16 | high << 16
}

/// Goes through a strip from left to right. Each thread is a pair of bytes behind the one before it. A
/// thread takes part before its row begins and after its end, as branches cost more. Before, all its
/// pairs are zeros, and so are those that it makes. What it makes after the end nobody uses.
#[inline(always)]
pub(super) fn go<B: Warp>(block: &B, work: &WorkOf<B>, strip: &Strip, has_averages: bool) {
    let &Strip { takes, gives, .. } = strip;
    let words = strip.words;
    // The place of the word from the strip before for each fourth thread.
    let from = strip.taken;
    let at = |step: u32, thread: u32| from + (step + thread % STEPS).min(words - 1);
    let mut own = block.own(Row::default());
    block.each(&mut own, |thread, row| {
        *row = begin::<B>(work, strip, thread);
        if takes {
            row.awaited = work.hand_over.peek(at(0, thread));
        }
    });
    let mut step = 0;
    while step < strip.stride + strip.rows / 2 {
        block.apart(&mut own, |thread, row| {
            row.words = shifted(row.older, row.newer, PAIRS - 1 - thread % PAIRS);
            (row.older, row.newer) = (row.newer, row.later);
            row.later = load::<B>(work, row, thread, step + 2 * STEPS);
            if takes && (row.awaited >> 32) == 0 {
                row.awaited = work.hand_over.wait(at(step, thread));
            }
        });
        let mut handed = [0; STEPS as usize];
        if takes {
            let number = |row: &Row| row.awaited as u32;
            handed = [0, 1, 2, 3].map(|from| block.broadcast(&own, from, number));
        }
        take_step(block, &mut own, has_averages, handed[0], 0);
        take_step(block, &mut own, has_averages, handed[1], 1);
        take_step(block, &mut own, has_averages, handed[2], 2);
        if takes {
            // As late as it comes in time, as the strip before is only that much ahead then.
            block.apart(&mut own, |thread, row| {
                row.awaited = work.hand_over.peek(at(step + STEPS, thread));
            });
        }
        take_step(block, &mut own, has_averages, handed[3], 3);
        block.apart(&mut own, |thread, row| {
            store::<B>(work, row, thread, step);
            if gives {
                give::<B>(work, strip, step, row);
            }
            row.before = row.made;
        });
        step += STEPS;
    }
}

/// What a thread knows before the first step.
#[inline(always)]
fn begin<B: Warp>(work: &WorkOf<B>, strip: &Strip, thread: u32) -> Row {
    // All filters that exist.
    let filter = work.filters.get(strip.first + thread.min(strip.rows - 1)) & 7;
    let mut row = Row {
        left_mask: mask(0b11010, filter) & 255,
        up_mask: mask(0b11100, filter),
        corner_mask: mask(0b10000, filter),
        average_mask: mask(0b01000, filter),
        before_mask: mask(!1, thread),
        length: if thread < strip.rows { strip.stride } else { 0 },
        place: strip.place + thread * strip.stride,
        ..Row::default()
    };
    row.newer = load::<B>(work, &row, thread, 0);
    row.later = load::<B>(work, &row, thread, STEPS);
    row
}

/// The four words of memory of which the thread needs the first ones at `step`, a multiple of four.
/// Zeros before its row and after it.
#[inline(always)]
fn load<B: Warp>(work: &WorkOf<B>, row: &Row, thread: u32, step: u32) -> Quad {
    let at = step.wrapping_sub(thread / PAIRS * STEPS);
    let place = select_unpredictable(at < row.length, row.place.wrapping_add(at), NOWHERE);
    work.planes.get_four(place)
}

/// Writes the four words of memory of which these steps or the ones before made the last.
#[inline(always)]
fn store<B: Warp>(work: &WorkOf<B>, row: &Row, thread: u32, step: u32) {
    let quad = shifted(row.before, row.made, (thread + PAIRS - 1) % PAIRS);
    let at = step.wrapping_sub(thread.div_ceil(PAIRS) * STEPS);
    let place = select_unpredictable(at < row.length, row.place.wrapping_add(at), NOWHERE);
    work.planes.set_four(place, quad);
}

/// Hands the words that the last thread made by now to the next strip, of which there are four more at
/// each call. There is room for some that are none of the row.
#[inline(always)]
fn give<B: Warp>(work: &WorkOf<B>, strip: &Strip, step: u32, row: &Row) {
    let last = strip.rows - 1;
    let ([_, _, _, z], [a, b, c, d]) = (row.before, row.made);
    // The thread is an odd number of pairs behind, or an even one.
    let words = match last % 2 {
        1 => [joined(z, a), joined(a, b), joined(b, c), joined(c, d)],
        _ => row.made,
    };
    let at = (step + STEPS).wrapping_sub(last.div_ceil(2));
    let is_last = row.place == strip.place + last * strip.stride;
    let end = if is_last { strip.words + STEPS } else { 0 };
    let place = select_unpredictable(at < end, strip.given.wrapping_add(at), u32::MAX);
    let numbers = words.map(|word| 1 << 32 | u64::from(word));
    work.hand_over.publish(place, numbers);
}

/// Each thread makes the four bytes of its word number `i` of these steps. `handed` is the word above that
/// of the first thread.
#[inline(always)]
fn take_step<B: Warp>(block: &B, own: &mut B::Own<Row>, has_averages: bool, handed: u32, i: usize) {
    // No loop: the compiler would keep its numbers in memory.
    take_byte::<B, 0>(block, own, has_averages, handed, i);
    take_byte::<B, 1>(block, own, has_averages, handed, i);
    take_byte::<B, 2>(block, own, has_averages, handed, i);
    take_byte::<B, 3>(block, own, has_averages, handed, i);
}

/// Each thread makes byte `BYTE` of the word, and passes it to the thread after it. That one needs it for its
/// next pair, so it arrives while the other byte of the pair is made.
#[inline(always)]
fn take_byte<B: Warp, const BYTE: usize>(
    block: &B,
    own: &mut B::Own<Row>,
    has_averages: bool,
    handed: u32,
    i: usize,
) {
    let handed = handed >> (8 * BYTE) & 255;
    block.apart(own, |_, row| {
        let up = row.up[BYTE % 2] & row.before_mask | handed & !row.before_mask;
        row.done = undo(row, has_averages, row.words[i] >> (8 * BYTE) & 255, up);
        row.above = up;
        let before = if BYTE == 0 { 0 } else { row.made[i] };
        row.made[i] = before | row.done << (8 * BYTE);
    });
    block.shift(own, |row| row.done, |row, up| row.up[BYTE % 2] = up);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predictor_of_every_three_bytes_is_that_of_the_standard() {
        for left in 0..256 {
            for up in 0..256 {
                for corner in 0..256 {
                    let estimate: i32 = left + up - corner;
                    let distance = |byte: i32| (estimate - byte).abs();
                    let (a, b, c) = (distance(left), distance(up), distance(corner));
                    let expected = if a <= b && a <= c {
                        left
                    } else if b <= c {
                        up
                    } else {
                        corner
                    };
                    assert_eq!(paeth(left, up, corner), expected, "{left} {up} {corner}");
                }
            }
        }
    }

    #[test]
    fn pairs_are_shifted_by_one_to_eight() {
        let word = |pair: u32| pair | (pair + 1) << 16;
        for skipped in 0..8 {
            let words = shifted([0, 2, 4, 6].map(word), [8, 10, 12, 14].map(word), skipped);
            let expected = [1, 3, 5, 7].map(|pair| word(pair + skipped));
            assert_eq!(words, expected, "{skipped}");
        }
    }
}
