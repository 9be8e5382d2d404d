//! Reads headers of dynamic blocks, where their first bits have been found.

use super::{
    bits::Plain,
    header,
    work::{WorkOf, candidate, control, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block.
pub const THREADS: u32 = 128;
/// Lengths after which most positions turn out to be none of a header.
const FEW: u32 = 32;
/// Words of shared memory.
pub const SHARED: u32 = THREADS + 1;

/// `png_check`: makes candidates of the positions at which there is a header. First all threads
/// read a few lengths. Then those that are left are read to the end, by as few warps as possible.
/// Thread blocks loop over the positions.
#[inline(always)]
pub fn check<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let shared = block.shared();
    let (left, count) = (shared.part(0, THREADS), shared.part(THREADS, 1));
    let own = &mut block.own(());
    let found = work.control.get(control::HITS);
    let all = found.min(work.room.hits);
    let mut first = block.index() * THREADS;
    while first < all {
        block.each(own, |thread, _| {
            if thread == 0 {
                count.set(0, 0);
            }
        });
        block.each(own, |thread, _| {
            let at = first + thread;
            if at < all && may_be_one(work, work.hits.get(at)) {
                left.set(count.add(0, 1), work.hits.get(at));
            }
        });
        block.each(own, |thread, _| {
            if thread < count.get(0) {
                read_header::<B>(work, left.get(thread));
            }
        });
        first += block.blocks() * THREADS;
    }
    block.each(own, |thread, _| {
        if thread == 0 && found > work.room.hits {
            work.report(status::CROWDED);
        }
    });
}

/// Whether a few lengths can be those of a header.
#[inline(always)]
fn may_be_one<G: Words, L>(work: &super::work::Work<G, L>, position: u32) -> bool {
    // The method and flags of zlib come first, and at least four lengths follow the counts.
    let is_inside = position >= 16 && position + 17 + 12 <= work.end;
    is_inside && header::read(Plain(work.data), position, work.end, FEW, |_, _| {}).is_some()
}

/// Reads the whole header at a position, if it is one, and makes it a candidate.
#[inline(always)]
fn read_header<B: ThreadBlock>(work: &WorkOf<B>, position: u32) {
    let data = Plain(work.data);
    if header::read(data, position, work.end, u32::MAX, |_, _| {}).is_none() {
        return;
    }
    let place = work.control.add(control::CANDIDATES, 1);
    if place >= work.room.candidates {
        return work.report(status::CROWDED);
    }
    work.candidates.set(place, position);
    let record = place * candidate::WORDS;
    // Once more, as nearly all hits are none, and should not keep the lengths. The lengths of eight
    // symbols are a word.
    let mut word = 0;
    let put = |symbol: u32, length: u32| {
        word = word >> 4 | length << 28;
        if symbol % 8 == 7 {
            work.headers.set(record + symbol / 8, word);
        }
    };
    let payload = header::read(data, position, work.end, u32::MAX, put);
    let (literals, distances) = header::counts(data, position);
    let all = literals + distances;
    if !all.is_multiple_of(8) {
        let rest = word >> (4 * (8 - all % 8));
        work.headers.set(record + all / 8, rest);
    }
    let payload = payload.unwrap_or(position);
    work.headers.set(record + candidate::PAYLOAD, payload);
    work.headers.set(record + candidate::LITERALS, literals);
    work.headers.set(record + candidate::DISTANCES, distances);
}
