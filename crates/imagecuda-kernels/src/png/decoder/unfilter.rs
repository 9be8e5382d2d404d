//! Undoes the filters: turns bytes of rows into bytes of samples, in place.

use super::{
    pack::most_strips,
    work::{WorkOf, control},
};
use crate::png::block::{Longs, Shared, Warp, Words};
use core::hint::select_unpredictable;

/// Threads of a thread block: one for each row of a strip.
pub const THREADS: u32 = 32;
/// Words that a thread processes between loads.
const STEPS: u32 = 4;
/// Words of shared memory.
pub const SHARED: u32 = 1;

/// A thread's row.
#[derive(Clone, Copy, Default)]
struct Row {
    /// Its filter as masks for the byte to the left, the one above, and the one above left.
    left_mask: u32,
    up_mask: u32,
    corner_mask: u32,
    is_average: bool,
    is_active: bool,
    /// The place of its first word.
    place: u32,
    /// The words of the current steps, and of the next ones.
    words: [u32; STEPS as usize],
    next: [u32; STEPS as usize],
    /// The last word that was finished, the word above it, and the one above the next word.
    done: u32,
    up: u32,
    above: u32,
    /// From the strip before: the word for this step, and the one for a later step.
    handed: u32,
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

/// Undoes the filter of four bytes. `before` are the four bytes to the left, `up` the ones above,
/// and `up_before` the ones left of those.
#[inline(always)]
fn four(row: &Row, has_averages: bool, word: u32, [before, up, up_before]: [u32; 3]) -> u32 {
    let corner = (up << 8 | up_before >> 24) & row.corner_mask;
    let up = up & row.up_mask;
    let left_mask = row.left_mask & 255;
    let mut left = (before >> 24 & left_mask) as i32;
    let mut done = 0;
    for i in 0..4 {
        let byte = |word: u32| (word >> (8 * i) & 255) as i32;
        let mut predicted = paeth(left, byte(up), byte(corner));
        if has_averages && row.is_average {
            predicted = (left + byte(up)) >> 1;
        }
        let sum = (byte(word) + predicted) as u32;
        done |= (sum & 255) << (8 * i);
        left = (sum & left_mask) as i32;
    }
    done
}

/// `png_unfilter`: undoes the filters of a strip of one plane. A thread processes a row from left
/// to right, four bytes behind the thread of the row above. The last row is passed to the next
/// strip. The blocks are warps, and each plane has as many as there can be strips.
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
        // Strips are numbered in the order in which their warps start. So a strip waits only for
        // strips that already run.
        if thread == 0 {
            let ticket = work.control.add(control::TICKETS + plane, 1);
            shared.part(0, 1).set(0, ticket);
        }
    });
    let strip = shared.get(0);
    let strips = work.control.get(control::STRIPS);
    if strip >= strips {
        return;
    }
    let first = work.strips.get(strip);
    let rows = work.strips.get(strip + 1) - first;
    let filter_of = |row: u32| work.filters.get(row);
    let words = picture.plane_bytes().div_ceil(4);
    let strip = Strip {
        first,
        rows,
        takes: first > 0 && filter_of(first) >= 2,
        gives: strip + 1 < strips && filter_of(first + rows) >= 2,
        hand_over: (plane * most + strip) * words,
        place: (plane * picture.height + first) * picture.stride(),
    };
    let mut filters = block.own(0);
    block.each(&mut filters, |thread, filter| {
        *filter = filter_of(first + thread.min(rows - 1));
    });
    // Three programs, as each would cost the others too.
    if !block.any(&filters, |&filter| filter >= 2) {
        add_up(block, work, &strip);
    } else if block.any(&filters, |&filter| filter == 3) {
        go(block, work, &strip, true);
    } else {
        go(block, work, &strip, false);
    }
}

/// A strip of a plane.
struct Strip {
    first: u32,
    rows: u32,
    /// Whether the row above its first one is handed over by the strip before, and its last row to the
    /// next one.
    takes: bool,
    gives: bool,
    hand_over: u32,
    /// Its first word.
    place: u32,
}

/// The sums of four bytes each, modulo 256.
#[inline(always)]
fn add_bytes(a: u32, b: u32) -> u32 {
    const LOW: u32 = 0x7f7f_7f7f;
    ((a & LOW) + (b & LOW)) ^ (a ^ b) & !LOW
}

/// Words that a thread adds up at once.
#[derive(Clone, Copy, Default)]
struct Sums {
    words: [u32; 4],
    next: [u32; 4],
    /// The sum of the bytes of the threads before.
    before: u32,
}

/// Adds up the rows of a strip, of which none depends on another: a byte of such a row is the sum of
/// all bytes up to it, if it depends on the one to its left, or is there already. The warp goes
/// through one row after the other.
#[inline(always)]
fn add_up<B: Warp>(block: &B, work: &WorkOf<B>, strip: &Strip) {
    const EVERY_BYTE: u32 = 0x0101_0101;
    const WIDTH: u32 = 4 * THREADS;
    let words = work.picture.plane_bytes().div_ceil(4);
    let stride = work.picture.stride();
    let parts = words.div_ceil(WIDTH);
    let load = |thread: u32, number: u32| {
        let at = number % parts * WIDTH + 4 * thread;
        match number < parts * strip.rows && at < words {
            true => (work.planes).get_four(strip.place + number / parts * stride + at),
            false => [0; 4],
        }
    };
    let mut own = block.own(Sums::default());
    block.each(&mut own, |thread, sums| sums.next = load(thread, 0));
    let mut before = 0;
    for number in 0..parts * strip.rows {
        let (row, at) = (number / parts, number % parts * WIDTH);
        if at == 0 {
            before = 0;
        }
        let is_sum = work.filters.get(strip.first + row) == 1;
        block.each(&mut own, |thread, sums| {
            sums.words = sums.next;
            sums.next = load(thread, number + 1);
            if is_sum {
                let sum = |word: u32, before: u32| {
                    let two = add_bytes(word, word << 8);
                    add_bytes(add_bytes(two, two << 16), (before >> 24) * EVERY_BYTE)
                };
                let [a, b, c, d] = sums.words;
                let a = sum(a, 0);
                let b = sum(b, a);
                let c = sum(c, b);
                sums.words = [a, b, c, sum(d, c)];
            }
        });
        if is_sum {
            let last = |sums: &Sums| sums.words[3] >> 24;
            let put = |sums: &mut Sums, before| sums.before = before;
            let all = block.scan(&mut own, 0, last, |a, b| (a + b) & 255, put);
            let of_parts = before;
            block.each(&mut own, |_, sums| {
                let before = ((of_parts + sums.before) & 255) * EVERY_BYTE;
                sums.words = sums.words.map(|word| add_bytes(word, before));
            });
            before = (before + all) & 255;
        }
        block.each(&mut own, |thread, sums| {
            let at = at + 4 * thread;
            if at >= words {
                return;
            }
            if is_sum {
                let place = strip.place + row * stride + at;
                work.planes.set_four(place, sums.words);
            }
            if strip.gives && row + 1 == strip.rows {
                for (at, word) in (at..words).zip(sums.words) {
                    let number = 1 << 32 | u64::from(word);
                    work.hand_over.publish(strip.hand_over + at, number);
                }
            }
        });
    }
}

/// Goes through a strip from left to right.
#[inline(always)]
fn go<B: Warp>(block: &B, work: &WorkOf<B>, strip: &Strip, has_averages: bool) {
    let &Strip {
        first,
        rows,
        takes,
        gives,
        hand_over,
        place,
    } = strip;
    let words = work.picture.plane_bytes().div_ceil(4);
    let stride = work.picture.stride();
    let mut own = block.own(Row::default());
    // No loops over these, as an array with a variable index would lie in memory. No memory has the
    // last place.
    let load = |row: &Row, thread: u32, step: u32| {
        let word = |i: u32| {
            let at = (step + i).wrapping_sub(thread);
            let is_here = row.is_active && at < words;
            (work.planes).get_or(
                select_unpredictable(is_here, row.place.wrapping_add(at), u32::MAX),
                0,
            )
        };
        [word(0), word(1), word(2), word(3)]
    };
    // A thread takes part before its row begins and after its end, as branches cost more. Nothing
    // is above a row that has not begun, so all its words are zeros.
    let step_of = |own: &mut B::Own<Row>, step: u32, i: u32, word: fn(&Row) -> u32| {
        block.shift(own, |row| row.done, |row, up| row.up = up);
        let first_up = |row: &mut Row, handed| row.up = if takes { handed } else { 0 };
        block.give_first(own, i, |row| row.handed, first_up);
        block.apart(own, |thread, row| {
            let at = (step + i).wrapping_sub(thread);
            let is_here = row.is_active && at < words;
            row.up = select_unpredictable(is_here, row.up, 0);
            let done = four(row, has_averages, word(row), [row.done, row.up, row.above]);
            row.done = done;
            row.above = row.up;
            // No branches: no memory has the last place.
            let place = select_unpredictable(is_here, row.place.wrapping_add(at), u32::MAX);
            work.planes.set(place, done);
            let is_given = gives && thread == rows - 1 && is_here;
            let place = select_unpredictable(is_given, hand_over.wrapping_add(at), u32::MAX);
            work.hand_over.publish(place, 1 << 32 | u64::from(done));
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
        if takes && thread < STEPS {
            row.awaited = work.hand_over.peek(hand_over - words + thread);
        }
    });
    let mut step = 0;
    while step < words + rows - 1 {
        block.apart(&mut own, |thread, row| {
            row.words = row.next;
            row.next = load(row, thread, step + STEPS);
            if takes && thread < STEPS {
                let at = hand_over - words + step + thread;
                if step + thread < words {
                    if row.awaited == 0 {
                        row.awaited = work.hand_over.wait(at);
                    }
                    row.handed = row.awaited as u32;
                }
                if step + thread + STEPS < words {
                    row.awaited = work.hand_over.peek(at + STEPS);
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
