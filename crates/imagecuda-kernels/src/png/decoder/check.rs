//! Reads headers of dynamic blocks, where their first bits have been found.

use super::{
    bits::Plain,
    header::{Progress, Start, TABLE_WORDS, Verdict, make_table, write_lengths},
    work::{WorkOf, candidate, control, status},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block. It reads as many headers at a time.
pub const THREADS: u32 = 128;
/// Codes that a thread reads in a round. Half of the headers turn out to be none within the first one.
const CODES: u32 = 32;
/// The most rounds. A code stands for a length at least, and a header has 286 and 30 at most.
const ROUNDS: u32 = (286 + 30_u32).div_ceil(CODES);
/// The parts of shared memory: tables; where each round begins to read each header, and its sums; the headers
/// that are left, in two lists that take turns; those that are right with their numbers of rounds, and their
/// candidates; and the numbers of headers in the lists.
const BEGINNINGS: u32 = THREADS * TABLE_WORDS;
const SUMS: u32 = BEGINNINGS + 2 * (ROUNDS + 1) * THREADS;
const LISTS: u32 = SUMS + THREADS;
const RIGHT: u32 = LISTS + 2 * THREADS;
const CANDIDATES: u32 = RIGHT + THREADS;
const COUNTS: u32 = CANDIDATES + THREADS;
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
    let candidates = shared.part(CANDIDATES, THREADS);
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
        // Puts a header into a list after this number of rounds.
        let sort = |header: u32, verdict: Verdict, rounds: u32| match verdict {
            Verdict::No => {}
            Verdict::Open => list(rounds).set(counts.add(rounds % 3, 1), header),
            Verdict::Yes => right.set(counts.add(3, 1), header | rounds << 16),
        };
        block.each(own, |thread, _| {
            if first + thread >= all {
                return;
            }
            let position = work.hits.get(first + thread);
            // The method and flags of zlib come first, and at least four lengths follow the counts.
            if position >= 16 && position + 17 + 12 <= work.end {
                sort(thread, begin::<B>(work, shared, position, thread), 1);
            }
        });
        let mut round = 1;
        while counts.get(round % 3) > 0 {
            let left = counts.get(round % 3);
            block.each(own, |thread, _| {
                if thread == 0 {
                    counts.set((round + 2) % 3, 0);
                }
                if thread < left {
                    let header = list(round).get(thread);
                    let start = Start::new(Plain(work.data), work.hits.get(first + header));
                    let verdict = read::<B>(work, shared, (header, &start), round);
                    sort(header, verdict, round + 1);
                }
            });
            round += 1;
        }
        block.each(own, |thread, _| {
            if thread < counts.get(3) {
                let position = work.hits.get(first + (right.get(thread) & 0xffff));
                candidates.set(thread, begin_candidate::<B>(work, position));
            }
        });
        block.each(own, |thread, _| {
            let mut part = thread;
            while part < counts.get(3) * ROUNDS {
                let (number, round) = (part / ROUNDS, part % ROUNDS);
                let (header, rounds) = (right.get(number) & 0xffff, right.get(number) >> 16);
                if round < rounds {
                    let (candidate, is_last) = (candidates.get(number), round + 1 == rounds);
                    write_part::<B>(work, shared, (header, candidate), (round, is_last));
                }
                part += THREADS;
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
    let [first, second] = beginning::<B>(shared, header, 0);
    let [position, small, sums] = Progress::new(start.codes(position)).to_words();
    first.set(0, position);
    second.set(0, small);
    shared.set(SUMS + header, sums);
    read::<B>(work, shared, (header, &start), 0)
}

/// The two words of where a round begins to read a header.
#[inline(always)]
fn beginning<B: ThreadBlock>(shared: B::Shared, header: u32, round: u32) -> [B::Shared; 2] {
    let at = BEGINNINGS + 2 * round * THREADS + header;
    [shared.part(at, 1), shared.part(at + THREADS, 1)]
}

/// Reads the codes of a round.
#[inline(always)]
fn read<B: ThreadBlock>(
    work: &WorkOf<B>,
    shared: B::Shared,
    (header, start): (u32, &Start),
    round: u32,
) -> Verdict {
    let table = shared.part(header * TABLE_WORDS, TABLE_WORDS);
    let [first, second] = beginning::<B>(shared, header, round);
    let words = [first.get(0), second.get(0), shared.get(SUMS + header)];
    let mut progress = Progress::of_words(words);
    let verdict = progress.read(Plain(work.data), table, start, (CODES, work.end));
    // Where nothing is left, the next round begins at the end.
    let [position, small, sums] = progress.to_words();
    let [first, second] = beginning::<B>(shared, header, round + 1);
    first.set(0, position);
    second.set(0, small);
    shared.set(SUMS + header, sums);
    verdict
}

/// Makes a candidate of a position, with code lengths that are zeros. Returns its number, for which there may
/// be no room.
#[inline(always)]
fn begin_candidate<B: ThreadBlock>(work: &WorkOf<B>, position: u32) -> u32 {
    let number = work.control.add(control::CANDIDATES, 1);
    if number >= work.room.candidates {
        work.report(status::CROWDED);
        return number;
    }
    let start = Start::new(Plain(work.data), position);
    let record = number * candidate::WORDS;
    for word in 0..candidate::PAYLOAD {
        work.headers.set(record + word, 0);
    }
    work.candidates.set(number, position);
    work.headers
        .set(record + candidate::LITERALS, start.literals);
    let distances = start.all - start.literals;
    work.headers.set(record + candidate::DISTANCES, distances);
    number
}

/// Writes the code lengths that a round has read. They are read once more, as nearly all headers turn out to
/// be none and should not keep them, but all rounds at once.
#[inline(always)]
fn write_part<B: ThreadBlock>(
    work: &WorkOf<B>,
    shared: B::Shared,
    (header, candidate): (u32, u32),
    (round, is_last): (u32, bool),
) {
    if candidate >= work.room.candidates {
        return;
    }
    let table = shared.part(header * TABLE_WORDS, TABLE_WORDS);
    let state = |round: u32| {
        let [first, second] = beginning::<B>(shared, header, round);
        Progress::of_words([first.get(0), second.get(0), 0])
    };
    let (begin, end) = (state(round), state(round + 1));
    let record = candidate * candidate::WORDS;
    // Two rounds may have parts of the same word.
    let put = |word: u32, lengths: u32| work.headers.or(record + word, lengths);
    write_lengths(Plain(work.data), table, (begin, &end), put);
    if is_last {
        work.headers.set(record + candidate::PAYLOAD, end.position);
    }
}
