//! `Compression::Fast` with the bodies of the kernels, so the bytes equal those of a GPU.
//!
//! Blocks of Deflate follow each other without gaps between their bits. All cores make blocks, each
//! from bit 0 on. They are shifted to their places when they are written.
//!
//! The work on rows and blocks is compiled a second time, for processors with AVX2.

use super::{Rows, Sum, chunk, deflate, filter, zlib};
use crate::{Result, codec::par_ordered::in_order, parallel, sink::Sink};
use imagecuda_kernels::png::encode::{
    filter::SPARSE,
    matches::{Looks, Match},
    scanlines::{BLOCK, CHUNK, IDAT},
};
use std::ops::Range;

/// The number of filtered bytes of every block but the last.
const BLOCK_BYTES: usize = (BLOCK * CHUNK) as usize;

/// The size in bytes of the rows whose filters one task chooses.
const CHOSEN: usize = 256 * 1024;

/// The size of the header in front of a block's bytes, which holds the block's number of bits.
const HEAD: usize = 8;

/// Memory that a thread reuses for each block.
#[derive(Default)]
struct Scratch {
    filtered: Vec<u8>,
    looks: Box<Looks>,
    matches: Vec<Match>,
}

pub(super) fn write(rows: &Rows<'_>, out: &mut dyn Sink) -> Result<()> {
    let filters = choose(rows);
    let bytes = filters.len() * (rows.stride + 1);
    let make = |scratch: &mut Scratch, block, out: &mut Vec<u8>| -> Sum {
        let start = block * BLOCK_BYTES;
        let range = start..bytes.min(start + BLOCK_BYTES);
        let task = Block {
            rows,
            filters: &filters,
            is_last: range.end == bytes,
            range,
        };
        task.run(scratch, out);
        let data = &scratch.filtered;
        (simd_adler32::adler32(&&data[..]), data.len())
    };
    let mut stream = Stream::new(out);
    let blocks = bytes.div_ceil(BLOCK_BYTES);
    let sums = in_order(blocks, make, |_, block| {
        let (bits, block) = block.split_first_chunk().expect("as `compress` writes it");
        stream.append(block, u64::from_le_bytes(*bits))
    })?;
    // The Adler-32 of no bytes.
    let sum = sums.into_iter().fold(1, |all, (adler32, len)| {
        zlib::adler32_of_both(all, adler32, len)
    });
    stream.finish(sum)
}

/// Chooses the filter of each row.
fn choose(rows: &Rows<'_>) -> Vec<u8> {
    let (stride, height) = (rows.stride, rows.height());
    let zeros = vec![0; stride];
    let count = (CHOSEN / stride).max(1);
    let chosen = parallel::map((0..height).step_by(count), |first| {
        let lines = first..height.min(first + count);
        Choice {
            rows,
            lines,
            zeros: &zeros,
        }
        .run()
    });
    chosen.concat()
}

/// Whether the processor has the instructions that the functions of this name use.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected;
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Rows whose filters are to be chosen.
struct Choice<'a> {
    rows: &'a Rows<'a>,
    lines: Range<usize>,
    /// A row of zeros.
    zeros: &'a [u8],
}

impl Choice<'_> {
    fn run(self) -> Vec<u8> {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: the function is safe code. Its only condition is that the processor has some
            // features, which was tested above.
            return unsafe { self.choose_by_avx2() };
        }
        self.choose()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn choose_by_avx2(self) -> Vec<u8> {
        self.choose()
    }

    #[inline(always)]
    fn choose(self) -> Vec<u8> {
        let Self { rows, lines, zeros } = self;
        let stride = rows.stride;
        let above = lines.start.saturating_sub(1);
        let data = rows.get(above * stride, lines.end * stride);
        let row = |y: usize| &data[(y - above) * stride..][..stride];
        let mut filters = Vec::with_capacity(lines.len());
        for y in lines {
            let above = if y == 0 { zeros } else { row(y - 1) };
            let filter = filter::choose(row(y), above, rows.bytes_per_pixel, SPARSE as usize);
            filters.push(filter as u8);
        }
        filters
    }
}

/// A block that is to be made.
struct Block<'a> {
    rows: &'a Rows<'a>,
    filters: &'a [u8],
    /// Its filtered bytes.
    range: Range<usize>,
    is_last: bool,
}

impl Block<'_> {
    /// Appends the block.
    fn run(self, scratch: &mut Scratch, out: &mut Vec<u8>) {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
            // SAFETY: as above.
            return unsafe { self.make_by_avx2(scratch, out) };
        }
        self.make(scratch, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn make_by_avx2(self, scratch: &mut Scratch, out: &mut Vec<u8>) {
        self.make(scratch, out);
    }

    #[inline(always)]
    fn make(self, scratch: &mut Scratch, out: &mut Vec<u8>) {
        let Range { start, end } = self.range;
        scratch.filtered.clear();
        filtered(self.rows, self.filters, start, end, &mut scratch.filtered);
        compress(scratch, self.rows.bytes_per_pixel, self.is_last, out);
    }
}

/// Appends the filtered bytes from `start` to `end`.
#[inline(always)]
fn filtered(rows: &Rows<'_>, filters: &[u8], start: usize, end: usize, out: &mut Vec<u8>) {
    let line = rows.stride + 1;
    let lines = start / line..end.div_ceil(line);
    for (y, &filter) in lines.clone().zip(&filters[lines]) {
        // The part of this row that is in the range. The row's first byte is its filter.
        let from = start.saturating_sub(y * line);
        let to = (end - y * line).min(line);
        if from == 0 {
            out.push(filter);
        }
        let (from, to) = (from.saturating_sub(1), to - 1);
        let first = from.saturating_sub(rows.bytes_per_pixel);
        let of = |y: usize| rows.get(y * rows.stride + first, y * rows.stride + to);
        let above = match y {
            0 => vec![0; to - first].into(),
            _ => of(y - 1),
        };
        let at = out.len();
        out.resize(at + to - from, 0);
        let filter = filter::ALL[usize::from(filter)];
        let part = (&of(y)[..], &above[..]);
        filter::apply(filter, part, rows.bytes_per_pixel, from, &mut out[at..]);
    }
}

/// Appends a block of the filtered bytes, after its number of bits.
#[inline(always)]
fn compress(scratch: &mut Scratch, bytes_per_pixel: usize, last: bool, out: &mut Vec<u8>) {
    let Scratch {
        filtered,
        looks,
        matches,
    } = scratch;
    matches.clear();
    let mut ends = [0; BLOCK as usize];
    for (data, end) in filtered.chunks(CHUNK as usize).zip(&mut ends) {
        looks.find(data, bytes_per_pixel as u32, |found| matches.push(found));
        *end = matches.len();
    }
    let mut done = 0;
    let chunks = filtered
        .chunks(CHUNK as usize)
        .zip(ends)
        .map(|(data, end)| {
            let matches = &matches[done..end];
            done = end;
            (data, matches)
        });
    let chunks: Vec<deflate::Chunk<'_>> = chunks.collect();
    let at = out.len();
    out.extend([0; HEAD]);
    let bits = deflate::compress(&chunks, last, out);
    out[at..at + HEAD].copy_from_slice(&bits.to_le_bytes());
}

/// A zlib stream, written in IDAT chunks.
struct Stream<'a> {
    out: &'a mut dyn Sink,
    /// The chunk that is being filled.
    bytes: Vec<u8>,
    /// How many bits of its last byte are used; 0 means all.
    bits: u32,
}

impl<'a> Stream<'a> {
    fn new(out: &'a mut dyn Sink) -> Self {
        let mut bytes = Vec::new();
        chunk::begin(&mut bytes, *b"IDAT");
        bytes.extend(zlib::HEADER);
        Self {
            out,
            bytes,
            bits: 0,
        }
    }

    /// Appends the first `count` bits of `block`. Its other bits must be zeros.
    fn append(&mut self, block: &[u8], count: u64) -> Result<()> {
        if self.bits == 0 {
            self.bytes.extend_from_slice(block);
        } else {
            let shift = self.bits;
            let mut carry = u64::from(self.bytes.pop().unwrap_or_default());
            let (words, rest) = block.as_chunks::<8>();
            for &word in words {
                let word = u64::from_le_bytes(word);
                let shifted = word << shift | carry;
                self.bytes.extend(shifted.to_le_bytes());
                carry = word >> (64 - shift);
            }
            for &byte in rest {
                carry |= u64::from(byte) << shift;
                self.bytes.push(carry as u8);
                carry >>= 8;
            }
            // The remaining bits are zeros, which need no byte.
            if u64::from(shift) + count > 8 * block.len() as u64 {
                self.bytes.push(carry as u8);
            }
        }
        self.bits = ((u64::from(self.bits) + count) % 8) as u32;
        self.write_whole()
    }

    /// Writes the chunks that are full. The last byte stays, as more bits may be added to it.
    fn write_whole(&mut self) -> Result<()> {
        let full = chunk::HEAD + IDAT as usize;
        while self.bytes.len() > full {
            let rest = self.bytes.split_off(full);
            self.write_chunk()?;
            self.bytes.extend(rest);
        }
        Ok(())
    }

    fn write_chunk(&mut self) -> Result<()> {
        chunk::end(&mut self.bytes);
        self.out.write_all(&self.bytes)?;
        chunk::begin(&mut self.bytes, *b"IDAT");
        Ok(())
    }

    /// Appends Adler-32, and writes the last chunk.
    fn finish(mut self, adler32: u32) -> Result<()> {
        self.bytes.extend(adler32.to_be_bytes());
        self.write_whole()?;
        self.write_chunk()
    }
}
