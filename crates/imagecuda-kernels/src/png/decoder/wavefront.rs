//! Undoes the filters of rows that depend on each other.
//!
//! A warp is alone on its scheduler, so what counts is how long a thread takes from a byte to the next
//! one, and how many bytes it is behind the row above: two, as it can get the byte of the thread before
//! while it computes the one in between. In memory each row begins two bytes later than the row above,
//! modulo 16, so that all threads begin with their next four words at the same time.

use super::{picture::LONGEST_SHIFT, unfilter::Strip, work::WorkOf};
use crate::png::block::{Longs, Warp, Words, are_there};
use core::hint::select_unpredictable;

/// Words that a thread processes at once.
const WORDS: u32 = 4;

/// Rows of which each begins two bytes later in memory than the one before.
const SHIFTED: u32 = LONGEST_SHIFT / 2 + 1;

/// A place that no memory has: a multiple of four.
const NOWHERE: u32 = !3;

/// Four words of a row.
type Quad = [u32; WORDS as usize];

/// How a filter predicts a byte: numbers with which threads of all filters do the same.
///
/// Paeth's predictor needs the *threshold* 3 *corner* − *up* − *left*. It is the higher one of left and up if the threshold
/// is not above the lower one, the lower one if it is not below the higher one, and otherwise the corner. Other
/// filters put numbers in the places of up and of the threshold with which always the same of the three is chosen, and
/// another number in the place of the corner.
#[derive(Clone, Copy, Default)]
struct Filter {
    /// What is taken for the byte above: a mask, and bits that are set.
    up_mask: u32,
    up_bits: u32,
    /// The threshold without the byte to the left: a sum of the corner, the byte above, and a constant.
    threshold: [u32; 3],
    /// The third result: a sum of the corner and the byte above.
    third: [u32; 2],
    /// By how many bits left and up are shifted for their average: 1, or so many that nothing is left.
    average_shift: u32,
}

/// More than any byte, less than any byte, and a threshold far below that.
const HIGH: u32 = 1000;
const LOW: u32 = 1000u32.wrapping_neg();
const LOWEST: u32 = 5000u32.wrapping_neg();

impl Filter {
    #[inline(always)]
    fn new(number: u32) -> Self {
        // The third result, as the byte above seems to be far above the byte to the left, and the threshold is
        // between them.
        let third = Self {
            up_bits: HIGH,
            threshold: [0, 0, HIGH - 400],
            average_shift: 31,
            ..Self::default()
        };
        match number {
            // The byte to the left, as it is the higher one and above the threshold.
            1 => Self {
                up_bits: LOW,
                threshold: [0, 0, LOWEST],
                ..third
            },
            2 => Self {
                third: [0, 1],
                ..third
            },
            3 => Self {
                average_shift: 1,
                ..third
            },
            4 => Self {
                up_mask: !0,
                up_bits: 0,
                threshold: [3, 1u32.wrapping_neg(), 0],
                third: [1, 0],
                average_shift: 31,
            },
            _ => third,
        }
    }
}

/// A thread's row.
#[derive(Clone, Copy, Default)]
struct Row {
    filter: Filter,
    /// Whether it is the last row of the strip before, which is given and not made.
    is_given: bool,
    /// The place of its first word, and its length in words.
    place: u32,
    length: u32,
    /// The place of the next four words in the row. Numbers before the row are above its length.
    at: u32,
    /// The four words to be processed, the four after them and those after these, and what is made.
    words: Quad,
    ahead: [Quad; 2],
    made: Quad,
    /// The last byte that was made.
    left: u32,
    /// What is known of the next byte, and the bytes above that and above the one after it.
    guess: Guess,
    up: [u32; 2],
    /// The next and next but one four words of the strip before, as far as they are there.
    awaited: [[u64; WORDS as usize]; 2],
}

/// Goes through a strip from left to right. Each thread is two bytes behind the one before it. The first has the row
/// above the strip. A thread takes part before its row begins and after its end, as branches cost more.
/// Before, all its bytes are zeros, and so are those that it makes. What it makes after the end nobody uses.
#[inline(always)]
pub(super) fn go<B: Warp>(block: &B, work: &WorkOf<B>, strip: &Strip) {
    let mut own = block.own(Row::default());
    // How far the first thread's row is behind one that begins at a multiple of 16 bytes.
    let first = (strip.first + SHIFTED - 1) % SHIFTED;
    block.apart(&mut own, |thread, row| {
        *row = begin::<B>(work, strip, thread, first);
    });
    let end = strip.stride + (first + strip.rows) / SHIFTED * WORDS;
    let mut at = 0;
    while at < end {
        take_four::<B, 0>(block, work, strip, &mut own, at);
        take_four::<B, 1>(block, work, strip, &mut own, at + WORDS);
        at += 2 * WORDS;
    }
}

/// What a thread knows before the first byte.
#[inline(always)]
fn begin<B: Warp>(work: &WorkOf<B>, strip: &Strip, thread: u32, first: u32) -> Row {
    let is_row = thread > 0 && thread <= strip.rows;
    let number = (strip.first + thread).wrapping_sub(1);
    let mut row = Row {
        filter: Filter::new(if is_row { work.filters.get(number) } else { 0 }),
        is_given: thread == 0 && strip.takes,
        length: if is_row { strip.stride } else { 0 },
        place: (strip.place + thread * strip.stride).wrapping_sub(strip.stride),
        at: ((first + thread) / SHIFTED * WORDS).wrapping_neg(),
        ..Row::default()
    };
    let next = row.at.wrapping_add(WORDS);
    row.ahead = [load::<B>(work, &row, row.at), load::<B>(work, &row, next)];
    if strip.takes {
        row.awaited = [peek::<B>(work, strip, 0), peek::<B>(work, strip, WORDS)];
    }
    row
}

/// The four words from a place in the row on: zeros before it and after it.
#[inline(always)]
fn load<B: Warp>(work: &WorkOf<B>, row: &Row, at: u32) -> Quad {
    let place = row.place.wrapping_add(at);
    (work.planes).get_four(select_unpredictable(at < row.length, place, NOWHERE))
}

/// Four words of the strip before, as far as they are there.
#[inline(always)]
fn peek<B: Warp>(work: &WorkOf<B>, strip: &Strip, at: u32) -> [u64; 4] {
    let at = at.min(strip.stride - WORDS);
    work.hand_over.peek_four(strip.taken + at)
}

/// All threads process four words each, of which `SET` of those ahead is the next. They are `at` for a row that begins
/// with the first thread's.
#[inline(always)]
fn take_four<B: Warp, const SET: usize>(
    block: &B,
    work: &WorkOf<B>,
    strip: &Strip,
    own: &mut B::Own<Row>,
    at: u32,
) {
    block.apart(own, |_, row| {
        row.words = row.ahead[SET];
        row.ahead[SET] = load::<B>(work, row, row.at.wrapping_add(2 * WORDS));
        if strip.takes {
            if at < strip.stride && !are_there(row.awaited[SET]) {
                row.awaited[SET] = work.hand_over.wait_four(strip.taken + at);
            }
            let ([a, b, c, d], [e, f, g, h]) = (row.awaited[SET], row.words);
            let chosen = |given, own| select_unpredictable(row.is_given, given as u32, own);
            row.words = [chosen(a, e), chosen(b, f), chosen(c, g), chosen(d, h)];
            row.awaited[SET] = peek::<B>(work, strip, at + 2 * WORDS);
        }
    });
    take_word::<B, 0>(block, own);
    take_word::<B, 1>(block, own);
    take_word::<B, 2>(block, own);
    take_word::<B, 3>(block, own);
    block.apart(own, |thread, row| {
        let is_there = row.at < row.length;
        let place = row.place.wrapping_add(row.at);
        (work.planes).set_four(select_unpredictable(is_there, place, NOWHERE), row.made);
        if strip.gives {
            let is_last = is_there && thread == strip.rows;
            let to = strip.given.wrapping_add(row.at);
            (work.hand_over).publish(select_unpredictable(is_last, to, NOWHERE), row.made);
        }
        row.at = row.at.wrapping_add(WORDS);
    });
}

/// Each thread makes the four bytes of a word.
#[inline(always)]
fn take_word<B: Warp, const WORD: usize>(block: &B, own: &mut B::Own<Row>) {
    // No loop: the compiler would keep its numbers in memory.
    take_byte::<B, WORD, 0>(block, own);
    take_byte::<B, WORD, 1>(block, own);
    take_byte::<B, WORD, 2>(block, own);
    take_byte::<B, WORD, 3>(block, own);
}

/// Each thread makes a byte of a word, and passes it to the thread after it. That one needs it for its next byte but
/// one, so it arrives while the byte in between is made.
#[inline(always)]
fn take_byte<B: Warp, const WORD: usize, const BYTE: usize>(block: &B, own: &mut B::Own<Row>) {
    block.apart(own, |_, row| {
        // Higher bits do no harm.
        let byte = row.words[WORD] >> (8 * BYTE);
        row.left = row.guess.undo(&row.filter, byte, row.left) & 255;
        row.guess = Guess::new::<B>(&row.filter, row.up[(BYTE + 1) % 2], row.guess.up);
        let before = if BYTE == 0 { 0 } else { row.made[WORD] };
        row.made[WORD] = before | row.left << (8 * BYTE);
    });
    block.shift(own, |row| row.left, |row, up| row.up[BYTE % 2] = up);
}

/// What is known of a byte before the one to its left is.
#[derive(Clone, Copy, Default)]
struct Guess {
    up: u32,
    /// What is taken for the byte above.
    above: u32,
    /// The threshold without the byte to the left.
    threshold: u32,
    /// The third result.
    third: u32,
}

impl Guess {
    #[inline(always)]
    fn new<B: Warp>(filter: &Filter, up: u32, corner: u32) -> Self {
        let times = u32::wrapping_mul;
        let [of_corner, of_up, constant] = filter.threshold;
        let threshold = times(up, of_up).wrapping_add(constant);
        let threshold = times(corner, of_corner).wrapping_add(threshold);
        let [of_corner, of_up] = filter.third;
        let third = times(corner, of_corner).wrapping_add(times(up, of_up));
        Self {
            up,
            above: up & filter.up_mask | filter.up_bits,
            // The compiler would begin these sums with what is known last.
            threshold: B::opaque(threshold),
            third: B::opaque(third),
        }
    }

    /// The byte without its filter, in the lowest eight bits.
    #[inline(always)]
    fn undo(&self, filter: &Filter, byte: u32, left: u32) -> u32 {
        let average = (left + self.up) >> filter.average_shift;
        let (above, beside) = (self.above as i32, left as i32);
        let (low, high) = (above.min(beside), above.max(beside));
        let threshold = self.threshold.wrapping_sub(left) as i32;
        let sum = |result: i32| byte.wrapping_add(result as u32);
        let third = byte.wrapping_add(self.third).wrapping_add(average);
        let made = select_unpredictable(high <= threshold, sum(low), third);
        select_unpredictable(threshold <= low, sum(high), made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::cpu_emulation::Block;

    #[test]
    fn every_filter_of_every_three_bytes_is_that_of_the_standard() {
        for (left, up, corner) in (0..1 << 24).map(|all| (all & 255, all >> 8 & 255, all >> 16)) {
            let estimate = (left + up) as i32 - corner as i32;
            let distance = |byte: u32| (estimate - byte as i32).abs();
            let (a, b, c) = (distance(left), distance(up), distance(corner));
            let paeth = if a <= b && a <= c {
                left
            } else if b <= c {
                up
            } else {
                corner
            };
            let expected = [0, left, up, (left + up) / 2, paeth];
            for (number, expected) in (0..).zip(expected) {
                let filter = Filter::new(number);
                let byte = 0x1234_5607;
                let guess = Guess::new::<Block<'_>>(&filter, up, corner);
                let made = guess.undo(&filter, byte, left) & 255;
                assert_eq!(made, (expected + 7) & 255, "{number}: {left} {up} {corner}");
            }
        }
    }
}
