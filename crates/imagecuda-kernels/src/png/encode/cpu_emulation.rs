//! The encoding kernels on the CPU: the same bodies, one thread after the other, with the same
//! results.

use super::{
    bits::BitWriter,
    checksum::{PIECE, Sums, crc_entry, crc_followed_by},
    filter::{self, FILTERS},
    header,
    huffman::{self, END, LITERALS, SYMBOLS},
    matches::{Looks, Match},
    scanlines::{BLOCK, CHUNK, IDAT, Scanlines},
    tokens::{self, SPAN, Slices, Token},
};
use alloc::{vec, vec::Vec};

/// How often each symbol occurs.
type Counts = [u32; SYMBOLS];

/// A picture that is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The stream of zlib's format that a file has in its IDAT chunks, [`IDAT`] bytes in each.
    pub stream: Vec<u8>,
    /// For each IDAT chunk the remainder of its data, for [`crc32`](super::checksum::crc32).
    pub remainders: Vec<u32>,
}

/// A chunk's filtered bytes and matches.
struct Chunk {
    data: Vec<u8>,
    matches: Vec<Match>,
    sums: Sums,
}

impl Chunk {
    fn slices(&self) -> Slices<'_> {
        Slices {
            data: &self.data,
            matches: &self.matches,
        }
    }

    /// Calls `each` with the bytes of each thread: the first one's, and the end.
    fn spans(&self, mut each: impl FnMut(u32, u32)) {
        let len = self.data.len() as u32;
        for start in (0..len).step_by(SPAN as usize) {
            each(start, len.min(start + SPAN));
        }
    }
}

/// `png_choose`: the filter of each row.
fn choose(lines: &Scanlines, pixels: &[u8]) -> Vec<u8> {
    let row = |y| {
        let mut sums = [0; FILTERS];
        for at in (0..).map(|i| filter::weighed(i) + lines.bytes_per_pixel) {
            if at >= lines.row {
                break;
            }
            let sizes = filter::sizes(lines.neighbors(y, at, |i| pixels[i]));
            for (sum, size) in sums.iter_mut().zip(sizes) {
                *sum += size;
            }
        }
        filter::best(sums)
    };
    (0..lines.height).map(row).collect()
}

/// `png_match`: the filtered bytes of a chunk, their sums and their matches.
fn find(lines: &Scanlines, pixels: &[u8], filters: &[u8], chunk: u32) -> Chunk {
    let len = lines.chunk_len(chunk);
    let mut data = Vec::with_capacity(len as usize);
    let mut sums = Sums::default();
    for i in 0..len {
        let byte = chunk * CHUNK + i;
        let (y, at) = (byte / (lines.row + 1), byte % (lines.row + 1));
        let filter = filters[y as usize];
        let byte = match at {
            0 => filter,
            _ => filter::difference(filter, lines.neighbors(y, at - 1, |i| pixels[i])),
        };
        data.push(byte);
        sums.plain += u64::from(byte);
        sums.weighted += u64::from(len - i) * u64::from(byte);
    }
    let mut matches = Vec::new();
    Looks::default().find(&data, lines.bytes_per_pixel, |found| matches.push(found));
    Chunk {
        data,
        matches,
        sums,
    }
}

/// `png_count`: how often each symbol occurs.
fn count(chunk: &Chunk, ends_block: bool) -> Counts {
    let mut counts = [0; SYMBOLS];
    chunk.spans(|start, end| {
        tokens::span(&chunk.slices(), start, end, |token| match token {
            Token::Literal(byte) => counts[usize::from(byte)] += 1,
            Token::Match(found) => {
                for (symbol, ..) in huffman::match_symbols(found) {
                    counts[symbol] += 1;
                }
            }
        });
    });
    if ends_block {
        counts[END] += 1;
    }
    counts
}

/// `png_codes`: the lengths of the codes of a block.
fn lengths(counts: &[Counts]) -> [u8; SYMBOLS] {
    let mut all = [0; SYMBOLS];
    for counts in counts {
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let mut lengths = [0; SYMBOLS];
    for range in [0..LITERALS, LITERALS..SYMBOLS] {
        let counts = &all[range.clone()];
        let used = counts.iter().filter(|&&count| count > 0).count() as u32;
        let key = |(symbol, &count)| huffman::key(symbol, count, used, counts[0] > 0);
        let keys: Vec<u32> = (0..).zip(counts).map(key).collect();
        let mut sorted = vec![0; keys.iter().filter(|&&key| key != huffman::UNUSED).count()];
        for &key in keys.iter().filter(|&&key| key != huffman::UNUSED) {
            sorted[huffman::rank(key, &keys)] = key;
        }
        let mut weights = vec![0; sorted.len()];
        huffman::lengths(&sorted, &mut weights, huffman::LIMIT, &mut lengths[range]);
    }
    lengths
}

/// The codes of a block, from their lengths.
fn codes(lengths: &[u8; SYMBOLS]) -> [u32; SYMBOLS] {
    let mut codes = [0; SYMBOLS];
    huffman::codes(&lengths[..LITERALS], &mut codes[..LITERALS]);
    huffman::codes(&lengths[LITERALS..], &mut codes[LITERALS..]);
    codes
}

/// The bits of all that was counted.
fn bits(counts: &Counts, lengths: &[u8; SYMBOLS]) -> u64 {
    let bits = |(symbol, (&count, &length)): (u32, (&u32, &u8))| {
        u64::from(count) * u64::from(u32::from(length) + huffman::extra_bits(symbol))
    };
    (0..).zip(counts.iter().zip(lengths)).map(bits).sum()
}

/// All kernels: encodes the rows of `pixels`.
pub fn encode(lines: &Scanlines, pixels: &[u8]) -> Encoded {
    let filters = choose(lines, pixels);
    let chunks = (0..lines.chunks()).map(|chunk| find(lines, pixels, &filters, chunk));
    let chunks: Vec<Chunk> = chunks.collect();
    let ends_block = |chunk: u32| (chunk + 1).is_multiple_of(BLOCK) || chunk + 1 == lines.chunks();
    let counts = (0..)
        .zip(&chunks)
        .map(|(i, chunk)| count(chunk, ends_block(i)));
    let counts: Vec<Counts> = counts.collect();
    let lengths: Vec<_> = counts.chunks(BLOCK as usize).map(lengths).collect();

    // `png_place`: where each chunk begins, behind the two bytes of zlib's header, and the checksum.
    let mut positions = Vec::new();
    let mut at = 16;
    let mut sums = Sums::default();
    for (i, chunk) in (0..).zip(&chunks) {
        let lengths = &lengths[(i / BLOCK) as usize];
        positions.push(at);
        if i % BLOCK == 0 {
            let is_last = i / BLOCK + 1 == lines.blocks();
            header::write(is_last, lengths, |_, count| at += u64::from(count));
        }
        at += bits(&counts[i as usize], lengths);
        let after = lines.bytes() - i * CHUNK - lines.chunk_len(i);
        let joined = chunk.sums.followed_by(after.into());
        sums.plain += joined.plain;
        sums.weighted += joined.weighted;
    }
    let len = at.div_ceil(8) + 4;
    let mut words = vec![0u32; len.div_ceil(4) as usize];
    let mut ends = BitWriter::new(&mut words[..], 0);
    ends.put(0x0178, 16);
    ends.finish();
    let mut ends = BitWriter::new(&mut words[..], at.next_multiple_of(8));
    ends.put(sums.adler32(lines.bytes().into()).swap_bytes(), 32);
    ends.finish();
    for (i, chunk) in (0..).zip(&chunks) {
        let lengths = &lengths[(i / BLOCK) as usize];
        write(lines, i, chunk, lengths, positions[i as usize], &mut words);
    }
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let stream: Vec<u8> = bytes.take(len as usize).collect();
    let remainders = stream.chunks(IDAT as usize).map(remainder).collect();
    Encoded { stream, remainders }
}

/// `png_code`: the codes of a chunk, and before them the header of the block that it begins.
fn write(
    lines: &Scanlines,
    number: u32,
    chunk: &Chunk,
    lengths: &[u8; SYMBOLS],
    mut at: u64,
    words: &mut [u32],
) {
    if number.is_multiple_of(BLOCK) {
        let mut writer = BitWriter::new(&mut *words, at);
        let is_last = number / BLOCK + 1 == lines.blocks();
        header::write(is_last, lengths, |bits, count| writer.put(bits, count));
        at = writer.position();
        writer.finish();
    }
    let codes = codes(lengths);
    chunk.spans(|start, end| {
        let mut writer = BitWriter::new(&mut *words, at);
        tokens::span(&chunk.slices(), start, end, |token| match token {
            Token::Literal(byte) => {
                let code = codes[usize::from(byte)];
                writer.put(code & 0xffff, code >> 16);
            }
            Token::Match(found) => {
                for symbol in huffman::match_symbols(found) {
                    let (bits, count) = huffman::coded(codes[symbol.0], symbol);
                    writer.put(bits, count);
                }
            }
        });
        at = writer.position();
        writer.finish();
    });
    if (number + 1).is_multiple_of(BLOCK) || number + 1 == lines.chunks() {
        let mut writer = BitWriter::new(words, at);
        writer.put(codes[END] & 0xffff, codes[END] >> 16);
        writer.finish();
    }
}

/// `png_crc`: the remainder of the data of an IDAT chunk.
fn remainder(data: &[u8]) -> u32 {
    let mut after = data.len() as u32;
    let mut all = 0;
    for piece in data.chunks(PIECE as usize) {
        after -= piece.len() as u32;
        let add = |crc: u32, &byte: &u8| crc >> 8 ^ crc_entry(crc as u8 ^ byte);
        all ^= crc_followed_by(piece.iter().fold(0, add), after);
    }
    all
}
