//! Blocks of Deflate (RFC 1951): stored blocks, and blocks of the literals and matches that the
//! bodies of the kernels find.

mod bits;

use bits::Writer;
use imagecuda_kernels::png::encode::{
    header,
    huffman::{self, END, LITERALS, SYMBOLS},
    matches::Match,
};
use std::slice;

/// The most bytes of a stored block.
const STORED: usize = 65_535;

/// The bytes of a chunk, and the matches in them.
pub(super) type Chunk<'a> = (&'a [u8], &'a [Match]);

/// Appends a block of these chunks to `out`, and zero bits up to a whole byte. Returns the number
/// of bits of the block. If it is the `last` block, the stream ends with it.
#[inline(always)]
pub(super) fn compress(chunks: &[Chunk<'_>], last: bool, out: &mut Vec<u8>) -> u64 {
    let counts = count(chunks);
    let mut lengths = [0; SYMBOLS];
    for range in [0..LITERALS, LITERALS..SYMBOLS] {
        code_lengths(&counts[range.clone()], &mut lengths[range]);
    }
    let mut codes = [0; SYMBOLS];
    huffman::codes(&lengths[..LITERALS], &mut codes[..LITERALS]);
    huffman::codes(&lengths[LITERALS..], &mut codes[LITERALS..]);
    let mut bits = 0u64;
    header::write(last, &lengths, |_, count| bits += u64::from(count));
    for (symbol, (&count, &length)) in (0..).zip(counts.iter().zip(&lengths)) {
        bits += u64::from(count) * u64::from(u32::from(length) + huffman::extra_bits(symbol));
    }
    let mut writer = Writer::new(out, bits.div_ceil(8) as usize);
    header::write(last, &lengths, |bits, count| {
        writer.push(bits.into(), count)
    });
    write(chunks, &codes, &mut writer);
    writer.finish();
    bits
}

/// The code lengths for symbols that occur `counts` times.
fn code_lengths(counts: &[u32], lengths: &mut [u8]) {
    let used = counts.iter().filter(|&&count| count > 0).count() as u32;
    let mut keys = [0; LITERALS];
    let mut len = 0;
    for (symbol, &count) in (0..).zip(counts) {
        let key = huffman::key(symbol, count, used, counts[0] > 0);
        if key != huffman::UNUSED {
            keys[len] = key;
            len += 1;
        }
    }
    keys[..len].sort_unstable();
    let mut weights = [0; LITERALS];
    huffman::lengths(&keys[..len], &mut weights, huffman::LIMIT, lengths);
}

/// Appends `data` as stored blocks to `out`.
pub(super) fn store(data: &[u8], last: bool, out: &mut Vec<u8>) {
    out.reserve(data.len() + 5 * data.len().div_ceil(STORED));
    let mut blocks = data.chunks(STORED).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        out.push(u8::from(last && blocks.peek().is_none()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// The literals before each match, with the match. The last ones are before none.
///
/// It is an iterator, as loops use the instructions that the function around them may use: the
/// closures that a function is called with do not.
struct Sequences<'a> {
    data: &'a [u8],
    matches: slice::Iter<'a, Match>,
    done: usize,
    is_last: bool,
}

impl<'a> Iterator for Sequences<'a> {
    type Item = (&'a [u8], Option<Match>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_last {
            return None;
        }
        let found = self.matches.next().copied();
        let start = found.map_or(self.data.len(), |found| found.start.into());
        let literals = &self.data[self.done..start];
        match found {
            Some(found) => self.done = found.end() as usize,
            None => self.is_last = true,
        }
        Some((literals, found))
    }
}

#[inline(always)]
fn sequences((data, matches): Chunk<'_>) -> Sequences<'_> {
    Sequences {
        data,
        matches: matches.iter(),
        done: 0,
        is_last: false,
    }
}

/// Counts how often each symbol occurs.
#[inline(always)]
fn count(chunks: &[Chunk<'_>]) -> [u32; SYMBOLS] {
    // Several counters, as equal bytes often follow each other and would wait for one counter.
    let mut bytes = [[0u32; 256]; 4];
    let mut counts = [0; SYMBOLS];
    for &chunk in chunks {
        for (literals, found) in sequences(chunk) {
            let (fours, tail) = literals.as_chunks::<4>();
            for four in fours {
                for (counts, &byte) in bytes.iter_mut().zip(four) {
                    counts[usize::from(byte)] += 1;
                }
            }
            for &byte in tail {
                bytes[0][usize::from(byte)] += 1;
            }
            if let Some(found) = found {
                for (symbol, ..) in huffman::match_symbols(found) {
                    counts[symbol] += 1;
                }
            }
        }
    }
    for bytes in &bytes {
        for (sum, count) in counts.iter_mut().zip(bytes) {
            *sum += count;
        }
    }
    counts[END] = 1;
    counts
}

#[inline(always)]
fn write(chunks: &[Chunk<'_>], codes: &[u32; SYMBOLS], writer: &mut Writer<'_>) {
    let parts = |code: u32| (u64::from(code & 0xffff), code >> 16);
    let mut literals_codes = [(0, 0); 256];
    for (literal, &code) in literals_codes.iter_mut().zip(codes) {
        *literal = parts(code);
    }
    for &chunk in chunks {
        for (literals, found) in sequences(chunk) {
            let (fours, tail) = literals.as_chunks::<4>();
            for four in fours {
                let [(a, a_len), (b, b_len), (c, c_len), (d, d_len)] =
                    four.map(|byte| literals_codes[usize::from(byte)]);
                let (ab, ab_len) = (a | b << a_len, a_len + b_len);
                let (cd, cd_len) = (c | d << c_len, c_len + d_len);
                writer.push(ab | cd << ab_len, ab_len + cd_len);
            }
            for &byte in tail {
                let (code, len) = literals_codes[usize::from(byte)];
                writer.push(code, len);
            }
            if let Some(found) = found {
                let [length, distance] = huffman::match_symbols(found);
                let (a, a_len) = huffman::coded(codes[length.0], length);
                let (b, b_len) = huffman::coded(codes[distance.0], distance);
                writer.push(u64::from(a) | u64::from(b) << a_len, a_len + b_len);
            }
        }
    }
    let (code, len) = parts(codes[END]);
    writer.push(code, len);
}

#[cfg(test)]
mod tests;
