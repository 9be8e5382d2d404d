//! A coder of Deflate (RFC 1951) for filtered rows: quick, and one block for a band.
//!
//! Every result ends at a whole byte, so that those of several bands are one stream when they are
//! joined.

mod bits;
mod huffman;
mod matches;

pub(super) use matches::{Finder, Sequence};

use bits::Writer;
use huffman::{Code, Header};

/// Bytes that a block of data as they are has at most.
const STORED: usize = 65_535;

/// Symbols of literals and lengths, and that of the block's end.
const LITERALS: usize = 286;
const END: usize = 256;
const DISTANCES: usize = 30;

/// The longest codes of both: four of literals fit a word of the writer.
const LIMIT: usize = 12;

/// Appends `data`, which are these `sequences`, compressed to `out`; after the `last` there is no
/// more.
pub(super) fn compress(data: &[u8], sequences: &[Sequence], last: bool, out: &mut Vec<u8>) {
    let Counts {
        literals,
        distances,
        extra,
    } = count(data, sequences);
    let literals = Code::new(&literals, LIMIT);
    let distances = Code::new(&distances, LIMIT);
    let header = Header::new(&literals, &distances);
    let bits = header.bits() + literals.bits() + distances.bits() + extra;
    // What is behind it to come to a whole byte takes five bytes at most.
    let bytes = bits.div_ceil(8) + 5;
    if bytes >= stored_size(data.len()) {
        return store(data, last, out);
    }
    let mut writer = Writer::new(out, bytes);
    header.write(last, &mut writer);
    write(data, sequences, &literals, &distances, &mut writer);
    match last {
        true => writer.finish(),
        false => writer.flush(),
    }
}

/// What [`store`] makes of `len` bytes.
fn stored_size(len: usize) -> usize {
    len + 5 * len.div_ceil(STORED)
}

/// Appends `data` as they are to `out`.
pub(super) fn store(data: &[u8], last: bool, out: &mut Vec<u8>) {
    out.reserve(stored_size(data.len()));
    let mut blocks = data.chunks(STORED).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        out.push(u8::from(last && blocks.peek().is_none()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// How often each symbol occurs.
struct Counts {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
    /// Bits beside the symbols: those of lengths and distances.
    extra: usize,
}

fn count(data: &[u8], sequences: &[Sequence]) -> Counts {
    // Equal bytes follow each other, and one counter would wait for itself.
    let mut bytes = [[0u32; 256]; 4];
    let mut literals = [0; LITERALS];
    let mut distances = [0; DISTANCES];
    let mut extra = 0;
    let mut rest = data;
    for sequence in sequences {
        let (run, behind) = rest.split_at(sequence.literals as usize);
        let (fours, tail) = run.as_chunks::<4>();
        for four in fours {
            for (counts, &byte) in bytes.iter_mut().zip(four) {
                counts[usize::from(byte)] += 1;
            }
        }
        for &byte in tail {
            bytes[0][usize::from(byte)] += 1;
        }
        if sequence.length > 0 {
            let symbol = usize::from(LENGTHS[usize::from(sequence.length)]);
            literals[symbol] += 1;
            extra += usize::from(LENGTH_BASES[symbol - END - 1].1);
            let symbol = distance_symbol(sequence.distance);
            distances[symbol] += 1;
            extra += distance_extra(symbol) as usize;
        }
        rest = &behind[usize::from(sequence.length)..];
    }
    for counts in &bytes {
        for (sum, count) in literals.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    literals[END] = 1;
    Counts {
        literals,
        distances,
        extra,
    }
}

fn write(
    data: &[u8],
    sequences: &[Sequence],
    literals: &Code<LITERALS>,
    distances: &Code<DISTANCES>,
    writer: &mut Writer<'_>,
) {
    let mut codes = [(0, 0); 256];
    for (i, code) in codes.iter_mut().enumerate() {
        *code = literals.code(i);
    }
    let mut rest = data;
    for sequence in sequences {
        let (run, behind) = rest.split_at(sequence.literals as usize);
        let (fours, tail) = run.as_chunks::<4>();
        for four in fours {
            let [(a, a_len), (b, b_len), (c, c_len), (d, d_len)] =
                four.map(|byte| codes[usize::from(byte)]);
            let (ab, ab_len) = (u64::from(a) | (u64::from(b) << a_len), a_len + b_len);
            let (cd, cd_len) = (u64::from(c) | (u64::from(d) << c_len), c_len + d_len);
            writer.push(ab | (cd << ab_len), ab_len + cd_len);
        }
        for &byte in tail {
            let (code, len) = codes[usize::from(byte)];
            writer.push(u64::from(code), len);
        }
        if sequence.length > 0 {
            let symbol = usize::from(LENGTHS[usize::from(sequence.length)]);
            let (code, len) = literals.code(symbol);
            let (base, extra) = LENGTH_BASES[symbol - END - 1];
            let (mut word, mut bits) = (u64::from(code), len);
            word |= u64::from(sequence.length - base) << bits;
            bits += u32::from(extra);
            let symbol = distance_symbol(sequence.distance);
            let (code, len) = distances.code(symbol);
            word |= u64::from(code) << bits;
            bits += len;
            let extra = distance_extra(symbol);
            let within = (sequence.distance - 1) & ((1 << extra) - 1);
            writer.push(word | (u64::from(within) << bits), bits + extra);
        }
        rest = &behind[usize::from(sequence.length)..];
    }
    let (code, len) = literals.code(END);
    writer.push(u64::from(code), len);
}

/// The first length of each symbol from 257, and the count of bits that say which it is.
const LENGTH_BASES: [(u16, u8); 29] = {
    let mut bases = [(0, 0); 29];
    let (mut base, mut i) = (3, 0);
    while i < 28 {
        // Four symbols have each count of bits, but 0 has eight.
        let extra = if i < 8 { 0 } else { i / 4 - 1 };
        bases[i] = (base, extra as u8);
        base += 1 << extra;
        i += 1;
    }
    bases[28] = (258, 0);
    bases
};

/// The symbol of each length.
const LENGTHS: [u16; 259] = {
    let mut symbols = [0; 259];
    let (mut length, mut symbol) = (3, 0);
    while length < 259 {
        while symbol < 28 && LENGTH_BASES[symbol + 1].0 as usize <= length {
            symbol += 1;
        }
        symbols[length] = (END + 1 + symbol) as u16;
        length += 1;
    }
    symbols
};

/// The symbol of a distance: two for each count of bits.
#[inline(always)]
fn distance_symbol(distance: u16) -> usize {
    let from_zero = u32::from(distance) - 1;
    if from_zero < 2 {
        return from_zero as usize;
    }
    let top = from_zero.ilog2();
    (2 * top + ((from_zero >> (top - 1)) & 1)) as usize
}

/// The bits that say which of a symbol's distances it is.
#[inline(always)]
fn distance_extra(symbol: usize) -> u32 {
    (symbol as u32 / 2).saturating_sub(1)
}

#[cfg(test)]
mod tests;
