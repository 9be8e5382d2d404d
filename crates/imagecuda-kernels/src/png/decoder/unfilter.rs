//! Undoes the filters: turns bytes of rows into bytes of samples, in place.

use super::{
    pack::most_strips,
    wavefront::go,
    work::{WorkOf, control},
};
use crate::png::block::{Longs, Shared, Warp, Words};

/// Threads of a thread block: one for each row of a strip, and one for the row above it.
pub const THREADS: u32 = 32;
/// Words of shared memory.
pub const SHARED: u32 = 1;

/// `png_unfilter`: undoes the filters of a strip of one plane. A thread processes a row from left
/// to right, two bytes behind the thread of the row above. The last row is passed to the next
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
    let stride = picture.stride();
    let given = (plane * most + strip) * stride;
    let strip = Strip {
        first,
        rows,
        takes: first > 0 && filter_of(first) >= 2,
        gives: strip + 1 < strips && filter_of(first + rows) >= 2,
        taken: given.wrapping_sub(stride),
        given,
        place: (plane * picture.height + first) * stride,
        stride,
    };
    let mut filters = block.own(0);
    block.each(&mut filters, |thread, filter| {
        *filter = filter_of(first + thread.min(rows - 1));
    });
    match block.any(&filters, |&filter| filter >= 2) {
        true => go(block, work, &strip),
        false => add_up(block, work, &strip),
    }
}

/// A strip of a plane.
pub(super) struct Strip {
    pub(super) first: u32,
    pub(super) rows: u32,
    /// Whether the row above its first one is handed over by the strip before, and its last row to the
    /// next one.
    pub(super) takes: bool,
    pub(super) gives: bool,
    /// The places of the first word that the strip before hands over, and of the first one that this strip
    /// hands over.
    pub(super) taken: u32,
    pub(super) given: u32,
    /// Its first word.
    pub(super) place: u32,
    /// Words of a row.
    pub(super) stride: u32,
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
    let stride = strip.stride;
    let parts = stride.div_ceil(WIDTH);
    let load = |thread: u32, number: u32| {
        let at = number % parts * WIDTH + 4 * thread;
        match number < parts * strip.rows && at < stride {
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
            if at >= stride {
                return;
            }
            if is_sum {
                let place = strip.place + row * stride + at;
                work.planes.set_four(place, sums.words);
            }
            if strip.gives && row + 1 == strip.rows {
                work.hand_over.publish(strip.given + at, sums.words);
            }
        });
    }
}
