//! Deflated data made for tests, by flate2 and by hand.

use flate2::{Compress, Compression, FlushCompress};
use std::{collections::HashMap, iter};

/// zlib data of a level.
pub(super) fn zlib(level: u32, bytes: &[u8]) -> Vec<u8> {
    with_flushes(level, bytes, bytes.len().max(1), FlushCompress::None)
}

/// zlib data with a flush after each so many bytes.
pub(super) fn with_flushes(
    level: u32,
    bytes: &[u8],
    distance: usize,
    flush: FlushCompress,
) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(level), true);
    let room = bytes.len() + bytes.len() / 4 + bytes.len() / distance * 16 + 1024;
    let mut out = Vec::with_capacity(room);
    for part in bytes.chunks(distance) {
        compress.compress_vec(part, &mut out, flush).unwrap();
    }
    let finish = FlushCompress::Finish;
    compress.compress_vec(&[], &mut out, finish).unwrap();
    out
}

/// Adler-32, by its definition.
pub(super) fn adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

/// A symbol of a block.
#[derive(Clone, Copy)]
pub(super) enum Symbol {
    Literal(u8),
    /// A length and a distance.
    Match(u32, u32),
}

/// Deflated data that are written block by block.
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0x78, 0x9c],
            bits: 0,
            count: 0,
        }
    }

    /// Writes bits, the lowest one first.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    pub(super) fn align(&mut self) {
        self.put(0, (8 - self.count) % 8);
    }

    pub(super) fn stored(&mut self, bytes: &[u8], is_last: bool) {
        self.put(is_last.into(), 3);
        self.align();
        let len = bytes.len() as u32;
        self.put(len, 16);
        self.put(!len & 0xffff, 16);
        self.bytes.extend(bytes);
    }

    pub(super) fn fixed(&mut self, symbols: &[Symbol], is_last: bool) {
        self.put(2 | u32::from(is_last), 3);
        let length = |symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        };
        let literals: Vec<u32> = (0..288).map(length).collect();
        self.symbols(symbols, &literals, &[5; 30]);
    }

    /// A block with codes of these lengths, which are written one by one.
    pub(super) fn dynamic(
        &mut self,
        symbols: &[Symbol],
        literals: &[u32],
        distances: &[u32],
        is_last: bool,
    ) {
        self.put(4 | u32::from(is_last), 3);
        self.put(literals.len() as u32 - 257, 5);
        self.put(distances.len() as u32 - 1, 5);
        self.put(19 - 4, 4);
        // 13 codes of 4 bits and 6 of 5 are complete.
        let lengths = [[4; 13].as_slice(), &[5; 6]].concat();
        for symbol in [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ] {
            self.put(lengths[symbol], 3);
        }
        let own = codes(&lengths);
        for &length in literals.iter().chain(distances) {
            self.put(own[length as usize], lengths[length as usize]);
        }
        self.symbols(symbols, literals, distances);
    }

    fn symbols(&mut self, symbols: &[Symbol], literals: &[u32], distances: &[u32]) {
        let (literal_codes, distance_codes) = (codes(literals), codes(distances));
        for &symbol in symbols {
            match symbol {
                Symbol::Literal(byte) => {
                    let symbol = usize::from(byte);
                    self.put(literal_codes[symbol], literals[symbol]);
                }
                Symbol::Match(length, distance) => {
                    let (symbol, extra, bits) = length_symbol(length);
                    self.put(literal_codes[symbol], literals[symbol]);
                    self.put(extra, bits);
                    let (symbol, extra, bits) = distance_symbol(distance);
                    self.put(distance_codes[symbol], distances[symbol]);
                    self.put(extra, bits);
                }
            }
        }
        self.put(literal_codes[256], literals[256]);
    }

    /// All data, with the checksum of `bytes`.
    pub(super) fn finish(mut self, bytes: &[u8]) -> Vec<u8> {
        self.align();
        self.bytes.extend(adler(bytes).to_be_bytes());
        self.bytes
    }
}

/// The codes of lengths, the first bit lowest.
fn codes(lengths: &[u32]) -> Vec<u32> {
    let mut codes = vec![0; lengths.len()];
    let mut code = 0u32;
    for length in 1..16 {
        code <<= 1;
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
            codes[symbol] = code.reverse_bits() >> (32 - length);
            code += 1;
        }
    }
    codes
}

/// The symbol of a length, its extra bits, and how many there are.
fn length_symbol(length: u32) -> (usize, u32, u32) {
    match length {
        258 => (285, 0, 0),
        _ => pick(
            (0..28).map(|i: u32| (i / 4).saturating_sub(1)),
            257,
            3,
            length,
        ),
    }
}

fn distance_symbol(distance: u32) -> (usize, u32, u32) {
    pick(
        (0..30).map(|i: u32| (i / 2).saturating_sub(1)),
        0,
        1,
        distance,
    )
}

/// The symbol of a value, where each one stands for as many as its extra bits can tell apart.
fn pick(
    extra: impl Iterator<Item = u32>,
    first: usize,
    mut base: u32,
    value: u32,
) -> (usize, u32, u32) {
    for (symbol, bits) in (first..).zip(extra) {
        if value < base + (1 << bits) {
            return (symbol, value - base, bits);
        }
        base += 1 << bits;
    }
    panic!("no symbol of {value}");
}

/// Lengths of a complete code of so many symbols.
pub(super) fn flat_code(symbols: usize) -> Vec<u32> {
    let bits = symbols.next_power_of_two().trailing_zeros();
    let short = (1 << bits) - symbols;
    let long = iter::repeat_n(bits, symbols - short);
    long.chain(iter::repeat_n(bits - 1, short)).collect()
}

/// Bytes as literals and as matches, found greedily at the last place of three bytes.
pub(super) fn symbols(bytes: &[u8], window: usize) -> Vec<Symbol> {
    let mut last = HashMap::new();
    let mut symbols = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let mut length = 0;
        let key = bytes.get(at..at + 3);
        if let Some(&before) = key.and_then(|key| last.get(key))
            && at - before <= window
        {
            let same = bytes[before..].iter().zip(&bytes[at..]);
            length = same.take(258).take_while(|(a, b)| a == b).count();
            symbols.push(Symbol::Match(length as u32, (at - before) as u32));
        }
        if length == 0 {
            symbols.push(Symbol::Literal(bytes[at]));
            length = 1;
        }
        for at in at..at + length {
            if let Some(key) = bytes.get(at..at + 3) {
                last.insert(key, at);
            }
        }
        at += length;
    }
    symbols
}
