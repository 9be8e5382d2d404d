//! Finds the positions at which the first bits can be those of the header of a dynamic block.

use super::{
    bits::funnel,
    work::{WorkOf, control},
};
use crate::png::block::{Shared, ThreadBlock, Words};

/// Threads of a thread block.
pub const THREADS: u32 = 256;
/// Words whose bits a thread tests.
const TRIED: u32 = 4;
/// Words that a thread block tests.
pub const BLOCK_WORDS: u32 = THREADS * TRIED;
/// Positions that a thread block can keep. On average there are about 40.
const HITS: u32 = 1024;
/// Words of shared memory.
pub const SHARED: u32 = HITS + 2;

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

/// The rounds of a thread block with more positions than there is room for. Each has one position
/// of each word.
const ROUNDS: u32 = 32;
const _: () = assert!(BLOCK_WORDS <= HITS);

/// `png_find`: finds the positions at which a header can start. Nearly always there is room for
/// all positions of a thread block at once.
#[inline(always)]
pub fn find<B: ThreadBlock>(block: &B, work: &WorkOf<B>) {
    let shared = block.shared();
    let (hits, count) = (shared.part(0, HITS), shared.part(HITS, 1));
    let place = shared.part(HITS + 1, 1);
    let own = &mut block.own(());
    let (mut round, mut rounds) = (0, 1);
    while round < rounds {
        let mask = if rounds == 1 { u32::MAX } else { 1 << round };
        block.each(own, |thread, _| {
            if thread == 0 {
                count.set(0, 0);
            }
        });
        block.each(own, |thread, _| {
            for part in 0..TRIED {
                let number = (block.index() * TRIED + part) * THREADS + thread;
                let mut left = headers_in(work, number) & mask;
                while left != 0 {
                    let place = count.add(0, 1);
                    if place < HITS {
                        hits.set(place, 32 * number + left.trailing_zeros());
                    }
                    left &= left - 1;
                }
            }
        });
        let found = count.get(0);
        if found > HITS {
            rounds = ROUNDS;
        } else {
            // One place for all, as all thread blocks ask for places.
            block.each(own, |thread, _| {
                if thread == 0 {
                    place.set(0, work.control.add(control::HITS, found));
                }
            });
            block.each(own, |thread, _| {
                let mut at = thread;
                while at < found {
                    work.hits.set(place.get(0) + at, hits.get(at));
                    at += THREADS;
                }
            });
            round += 1;
        }
        // No thread may go on before all have read the count.
        block.each(own, |_, _| {});
    }
}

/// The positions in a word at which the first bits can be those of a header.
#[inline(always)]
fn headers_in<G: Words, L>(work: &super::work::Work<G, L>, number: u32) -> u32 {
    match number < work.end.div_ceil(32) {
        true => headers([0, 1, 2, 3].map(|ahead| work.data.get(number + ahead))),
        false => 0,
    }
}

/// The positions in the first of four words at which the first bits can be those of a header: the
/// type of the block is 2, there are at most 286 codes for literals and lengths and at most 30 for
/// distances, and the code for code lengths is complete.
///
/// All 32 positions are tested at once. A *plane* has a bit for each of them: all first bits of the
/// headers, say. So each operation counts 32 numbers, a binary digit at a time.
#[inline(always)]
fn headers(words: [u32; 4]) -> u32 {
    macro_rules! plane {
        ($at:expr) => {{
            const AT: usize = $at;
            match AT % 32 {
                0 => words[AT / 32],
                skipped => words[AT / 32] >> skipped | words[AT / 32 + 1] << (32 - skipped),
            }
        }};
    }
    let is_dynamic = !plane!(1) & plane!(2);
    let too_many_literals = plane!(4) & plane!(5) & plane!(6) & plane!(7);
    let too_many_distances = plane!(9) & plane!(10) & plane!(11) & plane!(12);
    // How many lengths there are beyond four: the digits, and whether either half is 1, 2, 3 or
    // more.
    let (low, high) = ([plane!(13), plane!(14)], [plane!(15), plane!(16)]);
    let at_least = |[a, b]: [u32; 2]| [u32::MAX, a | b, b, a & b, 0];
    let (low, high) = (at_least(low), at_least(high));
    // The digits of the Kraft sum, the lowest first. A code of length n adds 128 >> n, and 128 is
    // a complete code. Separate variables, as an array would lie in memory.
    let (mut d0, mut d1, mut d2, mut d3, mut d4, mut d5, mut d6) = (0, 0, 0, 0, 0, 0, 0);
    let (mut d7, mut overflow) = (0, 0);
    let add = |digit: &mut u32, part: u32, carry: u32| {
        let more = *digit & part | *digit & carry | part & carry;
        *digit ^= part ^ carry;
        more
    };
    macro_rules! add_lengths {
        ($($i:literal)*) => {$({
            const FIRST: usize = 17 + 3 * $i;
            // Whether there are more than $i lengths.
            let is_given = match $i {
                0..4 => u32::MAX,
                i => high[(i - 3) / 4 + 1] | high[(i - 3) / 4] & low[(i - 3) % 4],
            };
            let (a, b) = (plane!(FIRST) & is_given, plane!(FIRST + 1) & is_given);
            let c = plane!(FIRST + 2) & is_given;
            let carry = add(&mut d0, a & b & c, 0);
            let carry = add(&mut d1, !a & b & c, carry);
            let carry = add(&mut d2, a & !b & c, carry);
            let carry = add(&mut d3, !a & !b & c, carry);
            let carry = add(&mut d4, a & b & !c, carry);
            let carry = add(&mut d5, !a & b & !c, carry);
            let carry = add(&mut d6, a & !b & !c, carry);
            overflow |= add(&mut d7, carry, 0);
        })*};
    }
    add_lengths!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18);
    let others = d0 | d1 | d2 | d3 | d4 | d5 | d6 | overflow;
    is_dynamic & !too_many_literals & !too_many_distances & d7 & !others
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a header can start at a bit of four words, one number after the other.
    fn is_header(bits: u128) -> bool {
        let number = |at: u32, count: u32| (bits >> at) as u32 & ((1 << count) - 1);
        let sum: u32 = (0..number(13, 4) + 4)
            .map(|i| match number(17 + 3 * i, 3) {
                0 => 0,
                length => 128 >> length,
            })
            .sum();
        number(1, 2) == 2 && number(3, 5) < 30 && number(8, 5) < 30 && sum == 128
    }

    #[test]
    fn all_positions_of_a_word_are_tested_as_one_by_one() {
        let mut state = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128;
        let mut found = 0;
        for number in 0..200_000u32 {
            state ^= state << 59;
            state ^= state >> 31;
            state ^= state << 83;
            // Each second one has a header, and lengths of which many are complete.
            let mut bits = state;
            if number % 2 == 0 {
                let at = number / 2 % 32;
                bits = bits & !(u128::MAX << 1 << (at + 16)) | 4 << at | bits & 0x1_e000 << at;
                for i in 0..state.count_ones() % 20 {
                    let length = [0, 2, 3, 4, 4, 5, 5, 7][(state >> (3 * i)) as usize % 8];
                    bits |= length << (at + 17 + 3 * i);
                }
            }
            let words = [0, 32, 64, 96].map(|at| (bits >> at) as u32);
            let expected = (0..32).filter(|&at| is_header(bits >> at));
            let expected = expected.fold(0, |all, at| all | 1 << at);
            assert_eq!(headers(words), expected, "{bits:032x}");
            found += expected.count_ones();
        }
        assert!(found > 1000, "{found}");
    }
}
