//! Takes the filters back: bytes of rows to bytes of samples, in place.

use super::{
    pack::most_strips,
    work::{WorkOf, control},
};
use crate::png::block::{Longs, Shared, Warp, Words};

/// Threads of a thread block: a row of a strip each.
pub const THREADS: u32 = 32;
/// Steps that a thread takes before it waits for more words. Each is of two words.
const STEPS: u32 = 4;
/// Words of shared memory.
pub const SHARED: u32 = 1;

/// A thread's row.
#[derive(Clone, Copy, Default)]
struct Row {
    /// Its filter, as masks: of the byte to the left, of that above, of that above to the left.
    left_mask: u32,
    up_mask: u32,
    corner_mask: u32,
    is_average: bool,
    is_active: bool,
    /// Its first word.
    place: u32,
    /// The words of these steps, and of the next ones.
    words: [[u32; 2]; STEPS as usize],
    next: [[u32; 2]; STEPS as usize],
    /// The last words that are done, those above the next ones, and the one before these.
    done: [u32; 2],
    up: [u32; 2],
    above: u32,
    /// What the strip before hands over: a word, and one that comes later.
    handed: u32,
    awaited: u64,
}

/// What the rows of a strip need: the most that any of them does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Filters that add what is to the left or above.
    Sums,
    /// Paeth's too.
    Paeth,
    /// All filters.
    Any,
}

/// The predictor of Paeth, with as little as possible to be done once `left` is known.
#[inline(always)]
fn paeth(left: i32, up: i32, corner: i32) -> i32 {
    let threshold = 3 * corner - up - left;
    let (low, high) = (left.min(up), left.max(up));
    let other = if high <= threshold { low } else { corner };
    if threshold <= low { high } else { other }
}

/// Adds four bytes to four others.
#[inline(always)]
fn add_bytes(a: u32, b: u32) -> u32 {
    let low = (a & 0x7f7f_7f7f) + (b & 0x7f7f_7f7f);
    low ^ (a ^ b) & 0x8080_8080
}

/// Four bytes of a row. `before` are the four before them, `up` those above, and `up_before` those
/// above these.
#[inline(always)]
fn four(row: &Row, kind: Kind, word: u32, before: u32, up: u32, up_before: u32) -> u32 {
    let corner = (up << 8 | up_before >> 24) & row.corner_mask;
    let up = up & row.up_mask;
    if kind == Kind::Sums {
        // Each byte with those before it in the word, and then with the one before the word.
        let two = add_bytes(word, word << 8 & row.left_mask);
        let all = add_bytes(two, two << 16 & row.left_mask);
        let known = add_bytes(all, up);
        return add_bytes(known, (before >> 24) * 0x0101_0101 & row.left_mask);
    }
    let left_mask = row.left_mask & 255;
    let mut left = (before >> 24 & left_mask) as i32;
    let mut done = 0;
    for i in 0..4 {
        let byte = |word: u32| (word >> (8 * i) & 255) as i32;
        let mut predicted = paeth(left, byte(up), byte(corner));
        if kind == Kind::Any && row.is_average {
            predicted = (left + byte(up)) >> 1;
        }
        let sum = byte(word) + predicted;
        done |= (sum as u32 & 255) << (8 * i);
        left = sum & left_mask as i32;
    }
    done
}

/// `png_unfilter`: a strip of one plane. Its rows go from left to right, each eight bytes behind the
/// one above. The last row is handed over to the next strip. Warps, as many for each plane as there
/// may be strips.
#[inline(always)]
pub fn unfilter<B: Warp>(block: &B, work: &WorkOf<B>) {
    if work.status() != 0 {
        return;
    }
    let picture = &work.picture;
    let most = most_strips(picture.height);
    let plane = block.index() / most;
    let shared = block.shared();
    block.each(&mut block.own(()), |thread, _| {
        // A strip only waits for strips that have taken a number before it, so they run already.
        if thread == 0 {
            let ticket = work.control.add(control::TICKETS + plane, 1);
            shared.part(0, 1).set(0, ticket);
        }
    });
    let number = shared.get(0);
    let strips = work.control.get(control::STRIPS);
    if number >= strips {
        return;
    }
    let filter_of = |row: u32| work.filters.get(row);
    let first = work.strips.get(number);
    let rows = work.strips.get(number + 1) - first;
    let words = picture.plane_bytes().div_ceil(4).next_multiple_of(2);
    let strip = Strip {
        first,
        rows,
        words,
        takes: first > 0 && filter_of(first) >= 2,
        gives: number + 1 < strips && filter_of(first + rows) >= 2,
        hand_over: (plane * most + number) * words,
        place: (plane * picture.height + first) * picture.stride(),
    };
    let mut filters = block.own(0);
    block.each(&mut filters, |thread, filter| {
        if thread < rows {
            *filter = filter_of(first + thread);
        }
    });
    if block.any(&filters, |&filter| filter == 3) {
        go(block, work, &strip, Kind::Any);
    } else if block.any(&filters, |&filter| filter == 4) {
        go(block, work, &strip, Kind::Paeth);
    } else {
        go(block, work, &strip, Kind::Sums);
    }
}

/// A strip of a plane.
struct Strip {
    first: u32,
    rows: u32,
    /// Words of a row, an even number. The last may be none of the picture's.
    words: u32,
    /// Whether the row above its first is taken from the strip before, and its last one is given to
    /// the next.
    takes: bool,
    gives: bool,
    hand_over: u32,
    /// Its first word.
    place: u32,
}

/// Goes through a strip from left to right.
#[inline(always)]
fn go<B: Warp>(block: &B, work: &WorkOf<B>, strip: &Strip, kind: Kind) {
    let &Strip {
        first,
        rows,
        words,
        takes,
        gives,
        hand_over,
        place,
    } = strip;
    let pairs = words / 2;
    let stride = work.picture.stride();
    let mut own = block.own(Row::default());
    // No loops over these: an array with an index that is not known lies in memory.
    let load = |row: &Row, thread: u32, step: u32| {
        let pair = |i: u32| {
            let at = (step + i).wrapping_sub(thread);
            match row.is_active && at < pairs {
                true => work.planes.get_two(row.place + 2 * at),
                false => [0; 2],
            }
        };
        [pair(0), pair(1), pair(2), pair(3)]
    };
    let step_of = |own: &mut B::Own<Row>, step: u32, i: u32, pair: fn(&Row) -> [u32; 2]| {
        block.shift(own, |row| row.done[0], |row, up| row.up[0] = up);
        block.shift(own, |row| row.done[1], |row, up| row.up[1] = up);
        let first = |row: &mut Row, handed| row.up[0] = if takes { handed } else { 0 };
        block.give_first(own, 2 * i, |row| row.handed, first);
        let second = |row: &mut Row, handed| row.up[1] = if takes { handed } else { 0 };
        block.give_first(own, 2 * i + 1, |row| row.handed, second);
        block.each(own, |thread, row| {
            let at = (step + i).wrapping_sub(thread);
            if row.is_active && at < pairs {
                let ([a, b], [up, next_up]) = (pair(row), row.up);
                let a = four(row, kind, a, row.done[1], up, row.above);
                let b = four(row, kind, b, a, next_up, up);
                row.done = [a, b];
                row.above = next_up;
                work.planes.set_two(row.place + 2 * at, row.done);
                if gives && thread == rows - 1 {
                    for (i, word) in (0..).zip(row.done) {
                        let number = 1 << 32 | u64::from(word);
                        work.hand_over.publish(hand_over + 2 * at + i, number);
                    }
                }
            }
        });
    };
    block.each(&mut own, |thread, row| {
        let filter = work.filters.get(first + thread.min(rows - 1));
        let mask = |has: bool| if has { u32::MAX } else { 0 };
        row.left_mask = mask(matches!(filter, 1 | 3 | 4));
        row.up_mask = mask(filter >= 2);
        row.corner_mask = mask(filter == 4);
        row.is_average = filter == 3;
        row.is_active = thread < rows;
        row.place = place + thread * stride;
        row.next = load(row, thread, 0);
        if takes && thread < 2 * STEPS {
            row.awaited = work.hand_over.peek(hand_over - words + thread);
        }
    });
    let mut step = 0;
    while step < pairs + rows - 1 {
        block.each(&mut own, |thread, row| {
            row.words = row.next;
            row.next = load(row, thread, step + STEPS);
            if takes && thread < 2 * STEPS {
                let at = 2 * step + thread;
                let from = hand_over - words + at;
                if at < words {
                    if row.awaited == 0 {
                        row.awaited = work.hand_over.wait(from);
                    }
                    row.handed = row.awaited as u32;
                }
                if at + 2 * STEPS < words {
                    row.awaited = work.hand_over.peek(from + 2 * STEPS);
                }
            }
        });
        step_of(&mut own, step, 0, |row| row.words[0]);
        step_of(&mut own, step, 1, |row| row.words[1]);
        step_of(&mut own, step, 2, |row| row.words[2]);
        step_of(&mut own, step, 3, |row| row.words[3]);
        step += STEPS;
    }
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
}
