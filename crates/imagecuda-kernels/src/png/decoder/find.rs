//! Finds the positions at which the header of a dynamic block may start.

use super::{
    bits::{Plain, funnel},
    header,
    work::{WorkOf, control, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block.
pub const THREADS: u32 = 256;
/// Words whose bits a thread tests.
const TRIED: u32 = 8;
/// Words that a thread block tests.
pub const BLOCK_WORDS: u32 = THREADS * TRIED;
/// Positions that a thread block can examine further. On average there are about 80.
const HITS: u32 = 1024;
/// Words of shared memory.
pub const SHARED: u32 = 1024 + HITS + 1;

/// The Kraft sum of four lengths of three bits each; 128 is a complete code. The result is limited
/// to 255, which is invalid too.
#[inline(always)]
fn kraft_sum(lengths: u32) -> u32 {
    let part = |place: u32| match lengths >> place & 7 {
        0 => 0,
        length => 128 >> length,
    };
    (part(0) + part(3) + part(6) + part(9)).min(255)
}

/// `png_gather`: joins the pieces of the data. One thread for each word.
#[inline(always)]
pub fn gather<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let bytes = work.pieces.get(2 * work.piece_count + 1);
    let start = |piece: u32| work.pieces.get(2 * piece + 1);
    let first = block.index() * block.threads();
    block.each(&mut block.own(()), |thread, _| {
        let at = 4 * (first + thread);
        let (mut low, mut high) = (0, work.piece_count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if start(middle) <= at {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut piece = low;
        let offset = |piece: u32| work.pieces.get(2 * piece).wrapping_sub(start(piece));
        let mut word = 0;
        if at + 4 <= start(piece + 1) {
            let from = at.wrapping_add(offset(piece));
            let [low, high] = [0, 1].map(|ahead| work.file.get(from / 4 + ahead));
            word = funnel(low, high, from % 4 * 8);
        } else {
            for i in 0..4 {
                let at = at + i;
                if at < bytes {
                    while at >= start(piece + 1) {
                        piece += 1;
                    }
                    let from = at.wrapping_add(offset(piece));
                    let byte = work.file.get(from / 4) >> (from % 4 * 8) & 255;
                    word |= byte << (8 * i);
                }
            }
        }
        work.data.set(first + thread, word);
    });
}

/// `png_find`: finds the positions at which a header can start.
#[inline(always)]
pub fn find<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let shared = block.shared();
    let (sums, hits) = (shared.part(0, 1024), shared.part(1024, HITS));
    let count = shared.part(1024 + HITS, 1);
    let own = &mut block.own(());
    block.each(own, |thread, _| {
        let mut at = thread;
        while at < 1024 {
            let sum = |i| kraft_sum(4 * at + i) << (8 * i);
            sums.set(at, sum(0) | sum(1) | sum(2) | sum(3));
            at += THREADS;
        }
        if thread == 0 {
            count.set(0, 0);
        }
    });
    block.each(own, |thread, _| {
        for part in 0..TRIED {
            let number = (block.index() * TRIED + part) * THREADS + thread;
            if number < work.end.div_ceil(32) {
                try_word(work, number, sums, |position| {
                    let place = count.add(0, 1);
                    if place < HITS {
                        hits.set(place, position);
                    }
                });
            }
        }
    });
    block.each(own, |thread, _| {
        let mut at = thread;
        while at < count.get(0).min(HITS) {
            let position = hits.get(at);
            let data = Plain(work.data);
            if header::read(data, position, work.end, |_, _| {}).is_some() {
                let place = work.control.add(control::CANDIDATES, 1);
                if place < work.room.candidates {
                    work.candidates.set(place, position);
                } else {
                    work.report(status::CROWDED);
                }
            }
            at += THREADS;
        }
    });
}

/// Calls `hit` with the positions in a word at which the first bits can be those of a header.
#[inline(always)]
fn try_word<G: Words, L>(
    work: &super::work::Work<G, L>,
    number: u32,
    sums: impl Words,
    mut hit: impl FnMut(u32),
) {
    let [a, b, c, d] = [0, 1, 2, 3].map(|ahead| u64::from(work.data.get(number + ahead)));
    let (low, high) = (a | b << 32, c | d << 32);
    // Tests all positions of a word at once: the block's type is 2, and there are at most 286 codes
    // for literals and lengths and at most 30 for distances.
    let is_dynamic = !(low >> 1) & low >> 2;
    let too_many = |at: u32| low >> at & low >> (at + 1) & low >> (at + 2) & low >> (at + 3);
    let mut left = (is_dynamic & !too_many(4) & !too_many(9)) as u32;
    while left != 0 {
        let bit = left.trailing_zeros();
        left &= left - 1;
        // The code lengths start 13 bits after the position.
        let rest = low >> (bit + 13) | high << 1 << (63 - (bit + 13));
        let given = (rest & 15) as u32 + 4;
        let lengths = rest >> 4 & ((1u64 << (3 * given)) - 1);
        let sum = |place: u32| {
            let four = (lengths >> place) as u32 & 4095;
            sums.get(four / 4) >> (four % 4 * 8) & 255
        };
        if sum(0) + sum(12) + sum(24) + sum(36) + sum(48) == 128 {
            let position = 32 * number + bit;
            if position >= 16 && position + 17 + 3 * given <= work.end {
                hit(position);
            }
        }
    }
}
