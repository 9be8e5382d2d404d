//! Reads headers of dynamic blocks, where their first bits have been found.

use super::{
    bits::Plain,
    header::{Progress, Start, TABLE_WORDS, Verdict, make_table, write_lengths},
    work::{WorkOf, candidate, control, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block. It reads as many headers at a time.
pub const THREADS: u32 = 256;
/// Codes that a thread reads before the headers that are left are divided anew. Half of them turn out
/// to be none within as many.
const CODES: u32 = 32;
/// Words of what is known of a header between two rounds.
const PROGRESS: u32 = 3;
/// The parts of shared memory: tables; what is known of headers; the headers that are left, in two
/// lists that take turns; those that are right; and their numbers.
const KNOWN: u32 = THREADS * TABLE_WORDS;
const LISTS: u32 = KNOWN + THREADS * PROGRESS;
const RIGHT: u32 = LISTS + 2 * THREADS;
const COUNTS: u32 = RIGHT + THREADS;
/// Words of shared memory.
pub const SHARED: u32 = COUNTS + 4;

/// `png_check`: makes candidates of the positions at which there is a header. Thread blocks loop over
/// the positions. Each thread makes the table of a header and reads its first codes. Then rounds
/// read more codes of those headers that may be right, by as few warps as possible.
#[inline(always)]
pub fn check<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let shared = block.shared();
    let list = |round: u32| shared.part(LISTS + round % 2 * THREADS, THREADS);
    let right = shared.part(RIGHT, THREADS);
    // The numbers of headers of the rounds, of which each uses three: the one that it reads, the one
    // that it counts in, and the one that it clears for the next round. The last is of the right ones.
    let counts = shared.part(COUNTS, 4);
    let own = &mut block.own(());
    let found = work.control.get(control::HITS);
    let all = found.min(work.room.hits);
    let mut first = block.index() * THREADS;
    while first < all {
        block.each(own, |thread, _| {
            if thread < 4 {
                counts.set(thread, 0);
            }
        });
        let sort = |header: u32, verdict: Verdict, round: u32| match verdict {
            Verdict::No => {}
            Verdict::Open => list(round).set(counts.add(round % 3, 1), header),
            Verdict::Yes => right.set(counts.add(3, 1), header),
        };
        block.each(own, |thread, _| {
            let position = work.hits.get(first + thread);
            // The method and flags of zlib come first, and at least four lengths follow the counts.
            let is_inside = position >= 16 && position + 17 + 12 <= work.end;
            if first + thread < all && is_inside {
                sort(thread, begin::<B>(work, shared, position, thread), 0);
            }
        });
        let mut round = 0;
        while counts.get(round % 3) > 0 {
            let left = counts.get(round % 3);
            block.each(own, |thread, _| {
                if thread == 0 {
                    counts.set((round + 2) % 3, 0);
                }
                if thread < left {
                    let header = list(round).get(thread);
                    let position = work.hits.get(first + header);
                    sort(
                        header,
                        go_on::<B>(work, shared, position, header),
                        round + 1,
                    );
                }
            });
            round += 1;
        }
        block.each(own, |thread, _| {
            if thread < counts.get(3) {
                let header = right.get(thread);
                let position = work.hits.get(first + header);
                keep::<B>(work, shared, position, header);
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

/// Makes a header's table and reads its first codes.
#[inline(always)]
fn begin<B: ThreadBlock>(
    work: &WorkOf<B>,
    shared: B::Shared,
    position: u32,
    header: u32,
) -> Verdict {
    let data = Plain(work.data);
    let start = Start::new(data, position);
    let table = shared.part(header * TABLE_WORDS, TABLE_WORDS);
    make_table(table, data, position, &start);
    let progress = Progress::new(start.codes(position));
    read::<B>(work, shared, (header, &start), progress)
}

/// Reads more codes of a header.
#[inline(always)]
fn go_on<B: ThreadBlock>(
    work: &WorkOf<B>,
    shared: B::Shared,
    position: u32,
    header: u32,
) -> Verdict {
    let start = Start::new(Plain(work.data), position);
    let known = shared.part(KNOWN + header * PROGRESS, PROGRESS);
    let progress = Progress::of_words([0, 1, 2].map(|word| known.get(word)));
    read::<B>(work, shared, (header, &start), progress)
}

#[inline(always)]
fn read<B: ThreadBlock>(
    work: &WorkOf<B>,
    shared: B::Shared,
    (header, start): (u32, &Start),
    mut progress: Progress,
) -> Verdict {
    let table = shared.part(header * TABLE_WORDS, TABLE_WORDS);
    let verdict = progress.read(Plain(work.data), table, start, (CODES, work.end));
    if verdict == Verdict::Open {
        let known = shared.part(KNOWN + header * PROGRESS, PROGRESS);
        let [position, small, sums] = progress.to_words();
        known.set(0, position);
        known.set(1, small);
        known.set(2, sums);
    }
    verdict
}

/// Makes a candidate of a header, with its code lengths. They are read once more, as nearly all
/// headers turn out to be none and should not keep them.
#[inline(always)]
fn keep<B: ThreadBlock>(work: &WorkOf<B>, shared: B::Shared, position: u32, header: u32) {
    let place = work.control.add(control::CANDIDATES, 1);
    if place >= work.room.candidates {
        return work.report(status::CROWDED);
    }
    work.candidates.set(place, position);
    let record = place * candidate::WORDS;
    let data = Plain(work.data);
    let start = Start::new(data, position);
    let table = shared.part(header * TABLE_WORDS, TABLE_WORDS);
    let put = |word: u32, lengths: u32| work.headers.set(record + word, lengths);
    let payload = write_lengths(data, table, (position, &start), put);
    work.headers.set(record + candidate::PAYLOAD, payload);
    work.headers
        .set(record + candidate::LITERALS, start.literals);
    let distances = start.all - start.literals;
    work.headers.set(record + candidate::DISTANCES, distances);
}
