use super::*;
use crate::png::{cpu_emulation::Cells, decoder::bits::Plain};
use alloc::{vec, vec::Vec};
use core::cell::Cell;

/// Bits, lowest first.
struct Bits {
    words: [Cell<u32>; 160],
    len: u32,
}

impl Bits {
    fn new() -> Self {
        Self {
            words: [const { Cell::new(0) }; 160],
            len: 0,
        }
    }

    fn push(&mut self, number: u32, count: u32) {
        for i in 0..count {
            let word = &self.words[self.len as usize / 32];
            word.set(word.get() | (number >> i & 1) << (self.len % 32));
            self.len += 1;
        }
    }

    fn get(&self, at: u32, count: u32) -> u32 {
        (0..count).fold(0, |number, i| {
            let word = self.words[(at + i) as usize / 32].get();
            number | (word >> ((at + i) % 32) & 1) << i
        })
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1);
        ((self.0 >> 33) % u64::from(end)) as u32
    }
}

/// The lengths of a header and the position after it, one bit after the other, as RFC 1951 says.
fn plain(bits: &Bits) -> Option<(Vec<u32>, u32)> {
    let literals = bits.get(3, 5) as usize + 257;
    let all = literals + bits.get(8, 5) as usize + 1;
    let mut of_codes = [0; 19];
    let mut at = 17;
    for symbol in ORDER.into_iter().take(bits.get(13, 4) as usize + 4) {
        of_codes[symbol as usize] = bits.get(at, 3);
        at += 3;
    }
    let mut lengths = Vec::new();
    while lengths.len() < all {
        let (mut code, mut first, mut length) = (0, 0, 0);
        let symbol = loop {
            length += 1;
            code = code << 1 | bits.get(at, 1);
            at += 1;
            let mut symbols = (0..19).filter(|&symbol| of_codes[symbol] == length);
            let count = symbols.clone().count() as u32;
            if let Some(symbol) = symbols.nth((code - first) as usize) {
                break symbol;
            }
            first = (first + count) << 1;
        };
        let mut number = |count: u32| {
            at += count;
            bits.get(at - count, count) as usize
        };
        let (value, repeats) = match symbol {
            16 => (*lengths.last()?, 3 + number(2)),
            17 => (0, 3 + number(3)),
            18 => (0, 11 + number(7)),
            _ => (symbol as u32, 1),
        };
        lengths.resize(lengths.len() + repeats, value);
    }
    let sum = |lengths: &[u32]| -> u32 {
        let used = lengths.iter().filter(|&&length| length > 0);
        used.map(|&length| 1 << 15 >> length).sum()
    };
    let is_right = lengths.len() == all && lengths[256] > 0;
    let (of_literals, of_distances) = lengths.split_at(literals);
    let few = of_distances.iter().all(|&length| length <= 1) && sum(of_distances) <= 1 << 14;
    let are_complete = sum(of_literals) == 1 << 15 && (sum(of_distances) == 1 << 15 || few);
    (is_right && are_complete).then_some((lengths, at))
}

/// The lengths of a complete code of `used` of `all` symbols, at least two.
fn complete(random: &mut Random, all: usize, used: usize, most: u32) -> Vec<u32> {
    let mut lengths = vec![1, 1];
    while lengths.len() < used {
        let at = random.below(lengths.len() as u32) as usize;
        if lengths[at] < most {
            lengths[at] += 1;
            lengths.push(lengths[at]);
        }
    }
    lengths.resize(all, 0);
    for i in (1..all).rev() {
        lengths.swap(i, random.below(i as u32 + 1) as usize);
    }
    lengths
}

/// A header of random codes, or of one that is damaged.
fn header(random: &mut Random) -> Bits {
    let (literals, distances) = (257 + random.below(30), 1 + random.below(30));
    let of_codes = complete(random, 19, 19, 7);
    let used = 2 + random.below(literals - 1) as usize;
    let mut lengths = complete(random, literals as usize, used, 15);
    let used = random.below(distances) as usize + 1;
    let distances = match used {
        1 => [&[random.below(2)][..], &vec![0; distances as usize - 1]].concat(),
        _ => complete(random, distances as usize, used, 15),
    };
    let mut bits = Bits::new();
    bits.push(
        4 | (literals - 257) << 3 | (distances.len() as u32 - 1) << 8,
        13,
    );
    bits.push(15, 4);
    for symbol in ORDER {
        bits.push(of_codes[symbol as usize], 3);
    }
    lengths.extend(distances);
    let mut push = |symbol: usize, extra: u32, count: u32| {
        let length = of_codes[symbol];
        let is_before = |other: &usize| {
            of_codes[*other] < length || of_codes[*other] == length && *other < symbol
        };
        let before = (0..19).filter(is_before);
        let code: u32 = before.map(|other| 128 >> of_codes[other]).sum();
        let code = (code >> (7 - length)).reverse_bits() >> (32 - length);
        bits.push(code, length);
        bits.push(extra, count);
    };
    let mut at = 0_usize;
    while at < lengths.len() {
        let value = lengths[at];
        let run = lengths[at..]
            .iter()
            .take_while(|&&length| length == value)
            .count();
        let before = at.checked_sub(1).map(|at| lengths[at]);
        match value {
            0 if run >= 11 => {
                push(18, run.min(138) as u32 - 11, 7);
                at += run.min(138);
            }
            0 if run >= 3 => {
                push(17, run as u32 - 3, 3);
                at += run;
            }
            _ if run >= 3 && before == Some(value) => {
                push(16, run.min(6) as u32 - 3, 2);
                at += run.min(6);
            }
            _ => {
                push(value as usize, 0, 0);
                at += 1;
            }
        }
    }
    bits
}

#[test]
fn headers_are_read_as_one_bit_after_the_other() {
    let mut random = Random(1);
    let (mut right, mut wrong) = (0, 0);
    for number in 0..4000 {
        let bits = header(&mut random);
        if number % 2 == 1 {
            // Behind the code-length code, which stays complete.
            let at = 17 + 57 + random.below(bits.len - 17 - 57);
            let word = &bits.words[at as usize / 32];
            word.set(word.get() ^ 1 << (at % 32));
        }
        let expected = plain(&bits);
        let source = Plain(Cells(&bits.words[..]));
        let memory = [const { Cell::new(u32::MAX) }; TABLE_WORDS as usize];
        let table = Cells(&memory[..]);
        let start = Start::new(source, 0);
        make_table(table, source, 0, &start);
        let mut progress = Progress::new(start.codes(0));
        let mut rounds = vec![progress];
        let codes = 1 + random.below(40);
        let verdict = loop {
            let verdict = progress.read(source, table, &start, (codes, bits.len));
            progress = Progress::of_words(progress.to_words());
            rounds.push(progress);
            if verdict != Verdict::Open {
                break verdict;
            }
        };
        // A damaged one may go on behind the end.
        let expected = expected.filter(|&(_, end)| end <= bits.len);
        assert_eq!(verdict == Verdict::Yes, expected.is_some(), "{number}");
        let Some((lengths, end)) = expected else {
            wrong += 1;
            continue;
        };
        right += 1;
        assert_eq!(progress.position, end);
        let mut packed = [0; 40];
        for two in rounds.windows(2) {
            let put = |at: u32, word: u32| packed[at as usize] |= word;
            write_lengths(source, table, (two[0], &two[1]), put);
        }
        for (at, length) in lengths.into_iter().enumerate() {
            assert_eq!(
                packed[at / 8] >> (at % 8 * 4) & 15,
                length,
                "{number}: {at}"
            );
        }
    }
    assert!(right > 500 && wrong > 500, "{right} {wrong}");
}
